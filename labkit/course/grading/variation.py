"""An exercise's inputs a little different, for a second look: a mere table of the right values fails there."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from labkit.lesson.exercises import Exercise
from labkit.lesson.exercises.check import same


def varied(exercise: Exercise, chance: random.Random) -> list[tuple[Any, ...]]:
    """Inputs of the same kind: whole numbers doubled where there are only such, else what is not whole shifted by up to
    a tenth; where that varies nothing, one argument at a time, doubled or turned round. Those that the reference
    refuses are left out."""
    together = [
        (usual, _doubled(usual) if _whole(usual) else tuple(_shifted(one, chance) for one in usual))
        for usual in exercise.inputs
    ]
    alone = [
        (usual, (*usual[:k], change(one), *usual[k + 1 :]))
        for usual in exercise.inputs
        for k, one in enumerate(usual)
        for change in (_doubled, _turned)
    ]
    return _telling(exercise, together) or _telling(exercise, alone)


def _telling(exercise: Exercise, pairs: Sequence[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """Of usual inputs and new ones, the new ones for which the right answer is another."""
    found = []
    for usual, new in pairs:
        try:
            before, wanted = exercise.reference(*usual), exercise.reference(*new)
        except Exception:  # the reference says in many ways that it was not made for these
            continue
        if _finite(wanted) and not same(before, wanted, exercise.tolerance):
            found.append(new)
    return found


def _whole(value: Any) -> bool:
    """Whether it is whole numbers throughout."""
    return all(map(_whole, value)) if isinstance(value, tuple) else type(value) is int


def _doubled(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_doubled, value))
    return 2 * value if type(value) is int else value


def _turned(value: Any) -> Any:
    """The last first; of a dict, the values."""
    if isinstance(value, dict):
        return dict(zip(value, reversed(value.values()), strict=True))
    if isinstance(value, torch.Tensor) and value.ndim:
        return value.flip(0)
    return value[::-1] if isinstance(value, list) else value


def _shifted(value: Any, chance: random.Random) -> Any:
    if isinstance(value, float):
        return value * (0.9 + 0.2 * chance.random())
    if isinstance(value, list | tuple):
        return type(value)(_shifted(one, chance) for one in value)
    if isinstance(value, dict):
        return {key: _shifted(one, chance) for key, one in value.items()}
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        factors = torch.rand(value.shape, generator=torch.Generator().manual_seed(chance.getrandbits(40)))
        return value * (0.9 + 0.2 * factors).to(value.dtype)
    return value


def _finite(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return bool(np.isfinite(np.asarray(value, dtype=np.float64)).all())
