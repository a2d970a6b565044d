"""An exercise's inputs a little different, for a second look: a mere table of the right values fails there."""

import random
from typing import Any

import numpy as np
import torch

from labkit.lesson.exercises import Exercise
from labkit.lesson.exercises.check import same


def varied(exercise: Exercise, chance: random.Random) -> list[tuple[Any, ...]]:
    """Inputs of the same kind: whole numbers doubled where there are only such, else what is not whole shifted by up to
    a tenth. Those that the reference refuses, or that vary nothing, are left out."""
    found = []
    for arguments in exercise.inputs:
        new = _doubled(arguments) if _whole(arguments) else tuple(_shifted(one, chance) for one in arguments)
        try:
            usual, wanted = exercise.reference(*arguments), exercise.reference(*new)
        except Exception:  # the reference says in many ways that it was not made for these
            continue
        if _finite(wanted) and not same(usual, wanted, exercise.tolerance):
            found.append(new)
    return found


def _whole(value: Any) -> bool:
    """Whether it is whole numbers throughout."""
    return all(map(_whole, value)) if isinstance(value, tuple) else type(value) is int


def _doubled(value: Any) -> Any:
    return tuple(map(_doubled, value)) if isinstance(value, tuple) else 2 * value


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
