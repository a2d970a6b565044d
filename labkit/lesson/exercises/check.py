"""How an answer is checked: run it, compare it with the reference, recognise typical mistakes."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

LONGEST = 200  # characters of a value quoted in a message


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, as code, and what its maker should read."""

    answer: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """`reach` says how far it lies from the worked example before it: "near" asks for the same idea once more, "far"
    for the idea where it was not shown. `hints` are two or three sentences from a nudge, which holds no code, to nearly
    the answer. `reference` is the library's function (or one built from it); `inputs` are argument tuples to try, few
    and small; `solved` is what a right answer is told. Every call gets its own copy of the inputs. ValueError for
    hints that are too few or too many, or a nudge with code in it."""

    name: str
    reach: Literal["near", "far"]
    hints: Sequence[str]
    reference: Callable[..., Any]
    inputs: Sequence[tuple[Any, ...]]
    mistakes: Sequence[Mistake]
    solved: str
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        if isinstance(self.hints, str) or len(self.hints) not in (2, 3):
            raise ValueError(f"exercise {self.name!r} must have two or three hints: one is no step, more are a text")
        if "`" in self.hints[0]:
            raise ValueError(f"the first hint of {self.name!r} holds code: who needs a nudge would be told the answer")

    def check(self, yours: Any) -> tuple[str, str]:
        """("solved" | "not solved" | "wrong", message)."""
        if not callable(yours):
            return "wrong", f"The answer should be a function, but it is {type(yours).__name__}."
        outcomes = []
        for arguments in self.inputs:
            try:
                outcomes.append(yours(*copy.deepcopy(arguments)))
            except (Exception, SystemExit) as error:  # whatever a student's code raises is the answer to report
                return "wrong", f"Called with {_words(arguments)} it raised {type(error).__name__}: {error}"[:1000]
        if all(outcome is None or outcome is Ellipsis for outcome in outcomes):
            return "not solved", (
                "The function returns nothing yet (if you have written it, a `return` is missing). The lesson goes on "
                "with the library's own answer; come back when you like."
            )
        wanted = self._all(self.reference)
        if self._equal(outcomes, wanted):
            return "solved", self.solved
        for mistake in self.mistakes:
            if self._equal(outcomes, self._all(mistake.answer)):
                return "wrong", mistake.message
        return "wrong", self._first_difference(outcomes, wanted)

    def _all(self, function: Callable[..., Any]) -> list[Any]:
        return [function(*copy.deepcopy(arguments)) for arguments in self.inputs]

    def _equal(self, some: Sequence[Any], others: Sequence[Any]) -> bool:
        return all(same(a, b, self.tolerance) for a, b in zip(some, others, strict=True))

    def _first_difference(self, outcomes: Sequence[Any], wanted: Sequence[Any]) -> str:
        for arguments, got, right in zip(self.inputs, outcomes, wanted, strict=True):
            if not same(got, right, self.tolerance):
                hint = (
                    " Counts are whole numbers: divide with `//`."
                    if type(got) is float and isinstance(right, int) and got == right
                    else ""
                )
                called = f"Called with {_words(arguments)} it gives {_words([got])}"
                return f"{called}; it should give {_words([right])}.{hint}"
        raise AssertionError("no difference between unequal answers")


def same(a: Any, b: Any, tolerance: float) -> bool:
    """Whether answer `a` agrees with `b`: whole numbers exactly, as whole numbers; others within a tolerance relative
    to the largest, tensors also in shape, tuples one by one; text never."""
    if isinstance(b, tuple):
        return isinstance(a, tuple | list) and len(a) == len(b) and all(map(same, a, b, [tolerance] * len(b)))
    if isinstance(b, int) or isinstance(a, str | bytes | bool):
        return isinstance(a, int | np.integer) and not isinstance(a, bool) and a == b
    try:
        a, b = (np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, dtype=np.float64) for x in (a, b))
    except (TypeError, ValueError, OverflowError):
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max(initial=0))


def _words(values: Sequence[Any]) -> str:
    """Values in words: large tensors by their shape, long ones cut short."""
    return ", ".join(map(_word, values))


def _word(value: Any) -> str:
    if isinstance(value, torch.Tensor) and value.numel() > 8:
        return f"a tensor of shape {tuple(value.shape)}"
    try:
        text = repr(value.tolist() if isinstance(value, torch.Tensor) else value)
    except Exception as error:  # a student's class may fail to describe itself
        text = f"{type(value).__name__} (its repr raised {type(error).__name__})"
    return f"`{text if len(text) <= LONGEST else text[:LONGEST] + ' ...'}`"
