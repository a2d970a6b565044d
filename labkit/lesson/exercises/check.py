"""How an answer is checked: run it, compare it with the reference, recognise typical mistakes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, as code, and what its maker should read."""

    answer: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """`reference` is the library's function (or one built from it); `inputs` are argument tuples to try, few and small;
    `solved` is what a right answer is told."""

    name: str
    reference: Callable[..., Any]
    inputs: Sequence[tuple[Any, ...]]
    mistakes: Sequence[Mistake]
    solved: str
    tolerance: float = 1e-6

    def check(self, yours: Any) -> tuple[str, str]:
        """("solved" | "not solved" | "wrong", message)."""
        if not callable(yours):
            return "wrong", f"The answer should be a function, but it is {type(yours).__name__}."
        outcomes = []
        for arguments in self.inputs:
            try:
                outcomes.append(yours(*arguments))
            except Exception as error:  # whatever a student's code raises is the answer to report
                return "wrong", f"Called with {_words(arguments)} it raised {type(error).__name__}: {error}"
        if all(outcome is None or outcome is Ellipsis for outcome in outcomes):
            return "not solved", "The lesson goes on with the library's own answer; come back when you like."
        wanted = [self.reference(*arguments) for arguments in self.inputs]
        if self._equal(outcomes, wanted):
            return "solved", self.solved
        for mistake in self.mistakes:
            if self._equal(outcomes, [mistake.answer(*arguments) for arguments in self.inputs]):
                return "wrong", mistake.message
        return "wrong", self._first_difference(outcomes, wanted)

    def _equal(self, some: Sequence[Any], others: Sequence[Any]) -> bool:
        return all(same(a, b, self.tolerance) for a, b in zip(some, others, strict=True))

    def _first_difference(self, outcomes: Sequence[Any], wanted: Sequence[Any]) -> str:
        for arguments, got, right in zip(self.inputs, outcomes, wanted, strict=True):
            if not same(got, right, self.tolerance):
                return f"Called with {_words(arguments)} it gives {_words([got])}; it should give {_words([right])}."
        raise AssertionError("no difference between unequal answers")


def same(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two answers agree: numbers within a relative tolerance, tensors also in shape, tuples one by one."""
    if isinstance(b, tuple):
        return isinstance(a, (tuple, list)) and len(a) == len(b) and all(map(same, a, b, [tolerance] * len(b)))
    try:
        a, b = (np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, dtype=np.float64) for x in (a, b))
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance)


def _words(values: Sequence[Any]) -> str:
    """Values in words: large tensors by their shape."""

    def one(value: Any) -> str:
        if isinstance(value, torch.Tensor) and value.numel() > 8:
            return f"a tensor of shape {tuple(value.shape)}"
        return f"`{value.tolist() if isinstance(value, torch.Tensor) else value!r}`"

    return ", ".join(map(one, values))
