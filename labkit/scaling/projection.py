"""Least squares for many rows of losses at once, with a search over one number only.

For a given exponent the other parameters of a power law enter linearly, so that a formula gives them (variable
projection: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate", SIAM Journal on Numerical Analysis 10, 1973). The exponent is looked for on a grid and on finer
grids around its lowest point: no starting values, no step that can fail, the same result each time. A single fit is a
batch of one row; bootstrap draws, synthetic sets and the points of a profile are the rows of larger ones.

Letters: D rows, n points a row, B exponents tried for each row; u = ln x; w = 1 / errors^2; v = x^b divided by its
largest value in the row, which lies in (0, 1] for each b and so can be computed for FLOPs as well as for patch sizes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

GRID = 161  # exponents on the first grid, two for each factor of e between the smallest and the largest x^b
FINE = 17  # on each finer one, which spans two steps of the one before
ROUNDS = 16  # so often finer: 8^16 is as far as float64 sees
PIECE = 2**18  # numbers worked on at once: a few arrays of this size stay in the cache


class Solution(NamedTuple):
    """The best coordinates of D rows, by parameter, and the weighted sum of squares that they leave."""

    values: dict[str, Float[np.ndarray, " D"]]
    cost: Float[np.ndarray, " D"]


def lowest(height: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(D,) where each row of `height`, (D or 1, B) to (D, B), is lowest between low and high, both (D,) or (1,).

    Several valleys are told apart when they lie more than a step of the first grid from each other.
    """
    first, last = low, high
    for points in (GRID, *[FINE] * ROUNDS):
        tried = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points)
        heights = height(tried)
        best = np.argmin(heights, axis=1)[:, None]
        middle = np.take_along_axis(np.broadcast_to(tried, heights.shape), best, axis=1)[:, 0]
        step = (high - low) / (points - 1)
        low, high = np.maximum(middle - step, first), np.minimum(middle + step, last)
    return middle


def offset_and_scale(
    b: Float[np.ndarray, "_ B"],
    u: Float[np.ndarray, " n"],
    y: Float[np.ndarray, "D n"],
    w: Float[np.ndarray, " n"],
    *,
    most: Float[np.ndarray, " D"],
    log_a: Float[np.ndarray, " D"] | None = None,
    c: Float[np.ndarray, " D"] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best ln a and c of c + a x^b with 0 <= c <= most for each b, and the weighted sum of squares, each (D, B).

    A given log_a or c is kept. With both free the sum of squares is a parabola in c once a follows c, so that its best
    c within bounds is its best c at all, moved to the nearer bound; a is then solved for again. It is above 0 by
    itself, because y - c is.
    """
    powers = b[..., None] * u
    top = powers.max(axis=-1)
    v, y, most = np.exp(powers - top[..., None]), y[:, None, :], most[:, None]
    if log_a is not None:
        scale = np.exp(np.minimum(log_a[:, None] + top, 300.0))  # whose square is still a number
        offset = c[:, None] if c is not None else np.clip((y - scale[..., None] * v) @ w / w.sum(), 0, most)
    else:
        offset = c[:, None] if c is not None else np.clip(_intercept(v, y, w), 0, most)
        scale = ((y - offset[..., None]) * v) @ w / ((v * v) @ w)
    rest = y - offset[..., None] - scale[..., None] * v
    cost = (rest * rest) @ w
    kept = np.log(scale) - top if log_a is None else log_a[:, None]
    return np.broadcast_to(kept, cost.shape), np.broadcast_to(offset, cost.shape), cost


def _intercept(v: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Where the weighted straight line of y over v meets v = 0; the mean of y where all v are alike (b = 0)."""
    middle, share = (y @ w / w.sum()), w / w.sum()
    centre = v @ share
    away = v - centre[..., None]
    spread = (away * away) @ w
    slope = (away * (y - middle[..., None])) @ w / np.where(spread > 0, spread, 1.0)
    return middle - slope * centre


def line(
    u: Float[np.ndarray, " n"],
    y: Float[np.ndarray, "D n"],
    w: Float[np.ndarray, " n"],
    *,
    a: Float[np.ndarray, " D"] | None = None,
    b: Float[np.ndarray, " D"] | None = None,
) -> Solution:
    """The weighted straight line a + b u through each row; a given a or b is kept."""
    centre = u @ w / w.sum() if a is None else 0.0  # around which a and b do not move each other
    level = y @ w / w.sum() if a is None else a
    away, above = u - centre, y - level[:, None]
    if b is None:
        b = (above * away) @ w / ((away * away) @ w)
    rest = above - b[:, None] * away
    return Solution({"a": level - b * centre, "b": b}, (rest * rest) @ w)
