"""Points that a law can be fitted to, checked: x and losses y of one curve, and how far each loss may be off.

Letters: n points; x is a patch size, a number of tokens or of FLOPs; y the loss, and errors its standard deviations, in
one unit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

Number = int | float | np.number
Numbers = ArrayLike | int | float  # an array, a list, or one number (which beartype does not take for ArrayLike)


class Points(NamedTuple):
    """ln x, the losses and their errors, each (n,); errors are None where nobody knows them but they are alike."""

    log_x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    errors: Float[np.ndarray, " n"] | None

    @property
    def weights(self) -> np.ndarray:
        """What each squared residual counts (n,): 1 / errors^2, or 1."""
        return np.ones_like(self.y) if self.errors is None else self.errors**-2.0


def points(x: Numbers, y: Numbers, *, errors: Numbers | None = None) -> Points:
    """The points x, y (n,), with errors (n,), one number for all of them, or None.

    ValueError when shapes differ, a number is not finite and above 0, or all points have one x.
    """
    x, y = above_zero("x", x), above_zero("y", y)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"x of shape {x.shape} and y of {y.shape}: one loss for each x, in a row, makes a curve")
    if len(np.unique(x)) < 2:
        raise ValueError(f"{len(x)} points with one x: two different ones are needed, no law can be told from one")
    if errors is None:
        return Points(np.log(x), y, None)
    errors = above_zero("errors", errors, why="a loss without any error would outweigh all others")
    if errors.shape not in ((), x.shape):
        raise ValueError(f"errors of shape {errors.shape} for {len(x)} points: one number, or one for each point")
    return Points(np.log(x), y, np.broadcast_to(errors, x.shape).copy())


def above_zero(name: str, values: Numbers, *, why: str = "there is no logarithm of it") -> np.ndarray:
    """`values` in their shape as float64. ValueError, with the place, when one is not finite or not above 0."""
    array = np.asarray(values, dtype=np.float64)
    for place in np.argwhere(~(np.isfinite(array) & (array > 0))):
        where = f"{name}[{', '.join(map(str, place))}]" if len(place) else name
        raise ValueError(f"{where} is {array[tuple(place)]}: it must be finite and above 0, {why}")
    return array


def table(name: str, values: Numbers, axes: Sequence[str]) -> np.ndarray:
    """Losses with one axis for each word in `axes`. ValueError for another shape, no entry, or a loss not above 0."""
    array = above_zero(name, values, why="a run that diverged has no loss to average")
    if array.ndim != len(axes) or 0 in array.shape:
        raise ValueError(
            f"{name} of shape {array.shape}: a table ({', '.join(axes)}) with one entry or more each way is needed, "
            "otherwise seeds would be taken for points"
        )
    return array


def share_of_one(confidence: float) -> float:
    """`confidence` itself. ValueError unless it is between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: write 0.95 for 95 %, no interval has it")
    return confidence
