"""How straight a curve looks on logarithmic axes once a constant has been taken off, which says little about a law."""

import numpy as np
from numpy.typing import ArrayLike

from labkit.scaling.points import above_zero


def straightness(x: ArrayLike, y: ArrayLike, *, offset: float = 0.0) -> float:
    """R^2 of the least-squares line through ln(y - offset) over ln x, from (n,) points: 1 is a straight line.

    ValueError when an x is not above 0, or an offset not below the smallest y. Built in lesson 07.
    """
    u, y = np.log(above_zero("x", x)), above_zero("y", y)
    if not offset < y.min():
        raise ValueError(f"offset {offset} is not below the smallest y, {y.min():g}: what is left has no logarithm")
    v = np.log(y - offset)
    return float(np.corrcoef(u, v)[0, 1] ** 2)
