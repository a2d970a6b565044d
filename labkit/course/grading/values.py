"""Values that come out of the sandbox, made anew from JSON. Nothing in them is run, and their sizes are looked at
before anything is made: whoever wrote them may have meant harm."""

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

KINDS = "biufc"  # of numpy's numbers: bool, int, unsigned, float, complex
MOST_AXES, LARGEST = 16, 20_000_000  # of an array, and its longest possible row of numbers
DEEPEST, MOST = 10, 100_000  # of nested lists, and of values in one answer


@dataclass(frozen=True)
class Other:
    """Something that an answer gave and that no exercise asks for: it has no form outside, only its description."""

    kind: str
    described: str

    def __repr__(self) -> str:
        return self.described


def cleaned(text: Any, most: int = 1000) -> str:
    """A text that can be written as UTF-8: half a character, which no file could hold, is written out."""
    return str(text)[:most].encode(errors="backslashreplace").decode()


def decoded(coded: Any, deep: int = DEEPEST, left: list[int] | None = None) -> Any:
    """The value. ValueError for what the sandbox's own program would never have written, more values than it sends
    included (`left` counts down). A dict has no form: keys that collide would make one without end."""
    left = [MOST] if left is None else left
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"it holds more than {MOST:,} values")
    if coded is None or isinstance(coded, bool):
        return coded
    if isinstance(coded, str):
        return cleaned(coded)
    if not isinstance(coded, dict) or len(coded) != 1 or deep == 0:
        raise ValueError("it is no value")
    ((kind, what),) = coded.items()
    if kind not in READERS:
        raise ValueError(f"{str(kind)[:20]!r} is no kind of value")
    try:
        return READERS[kind](what, deep - 1, left)
    except (TypeError, OverflowError, AttributeError) as error:
        raise ValueError(f"its {kind} is damaged") from error


def _array(what: Any, deep: int, left: list[int]) -> np.ndarray:
    name, shape, content = what
    kind = np.dtype(str(name)[:20])
    if kind.kind not in KINDS or kind.fields:
        raise ValueError("its numbers are of no known type")
    if len(shape) > MOST_AXES or not all(isinstance(one, int) and one >= 0 for one in shape):
        raise ValueError("its shape is no shape")
    if math.prod(max(one, 1) for one in shape) > LARGEST:  # an empty array can have a row without end
        raise ValueError("it has more numbers than an answer holds")
    return np.frombuffer(base64.b64decode(content, validate=True), dtype=kind).reshape(shape).copy()


READERS = {
    "int": lambda what, deep, left: int(what, 16),
    "float": lambda what, deep, left: float.fromhex(what),
    "ellipsis": lambda what, deep, left: ...,
    "list": lambda what, deep, left: [decoded(one, deep, left) for one in what],
    "tuple": lambda what, deep, left: tuple(decoded(one, deep, left) for one in what),
    "array": _array,
    "tensor": lambda what, deep, left: torch.from_numpy(_array(what, deep, left)),
    "number": lambda what, deep, left: _array(what, deep, left).reshape(())[()],
    "other": lambda what, deep, left: Other(cleaned(what[0], 100), cleaned(what[1])),
}
