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
DEEPEST = 10


@dataclass(frozen=True)
class Other:
    """Something that an answer gave and that no exercise asks for: it has no form outside, only its description."""

    kind: str
    described: str

    def __repr__(self) -> str:
        return self.described


def decoded(coded: Any, deep: int = DEEPEST) -> Any:
    """The value. ValueError for what the sandbox's own program would never have written."""
    if coded is None or isinstance(coded, bool | str):
        return coded
    if not isinstance(coded, dict) or len(coded) != 1 or deep == 0:
        raise ValueError("it is no value")
    ((kind, what),) = coded.items()
    if kind not in READERS:
        raise ValueError(f"{str(kind)[:20]!r} is no kind of value")
    try:
        return READERS[kind](what, deep - 1)
    except (TypeError, OverflowError, AttributeError) as error:
        raise ValueError(f"its {kind} is damaged") from error


def _array(what: Any, deep: int) -> np.ndarray:
    name, shape, content = what
    kind = np.dtype(str(name))
    if kind.kind not in KINDS or kind.fields:
        raise ValueError("its numbers are of no known type")
    if len(shape) > MOST_AXES or not all(isinstance(one, int) and one >= 0 for one in shape):
        raise ValueError("its shape is no shape")
    if math.prod(max(one, 1) for one in shape) > LARGEST:  # an empty array can have a row without end
        raise ValueError("it has more numbers than an answer holds")
    return np.frombuffer(base64.b64decode(content, validate=True), dtype=kind).reshape(shape).copy()


def _pairs(what: Any, deep: int) -> dict[Any, Any]:
    return {decoded(key, deep): decoded(value, deep) for key, value in what}


READERS = {
    "int": lambda what, deep: int(what, 16),
    "float": lambda what, deep: float.fromhex(what),
    "ellipsis": lambda what, deep: ...,
    "list": lambda what, deep: [decoded(one, deep) for one in what],
    "tuple": lambda what, deep: tuple(decoded(one, deep) for one in what),
    "dict": _pairs,
    "array": _array,
    "tensor": lambda what, deep: torch.from_numpy(_array(what, deep)),
    "number": lambda what, deep: _array(what, deep).reshape(())[()],
    "other": lambda what, deep: Other(str(what[0])[:100], str(what[1])[:1000]),
}
