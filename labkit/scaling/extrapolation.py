"""What a law says about an x that was not run, and how far other seeds would have moved that.

The band is about the mean curve: where the mean loss over all seeds would lie if the law is true. A single new run
scatters around it, and how wrong the law is outside the points is in no band.

Letters: S seeds, n points, m places to predict at; x and y as in labkit.scaling.laws.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from labkit.scaling.draws import redrawn
from labkit.scaling.fits import kept_coordinates
from labkit.scaling.laws import Law, law_of
from labkit.scaling.points import Numbers, Points, above_zero, points, table


class Band(NamedTuple):
    """Predictions of the mean loss at `at` (m,): the median over the draws and where `confidence` of them lie."""

    at: Float[np.ndarray, " m"]
    median: Float[np.ndarray, " m"]
    low: Float[np.ndarray, " m"]
    high: Float[np.ndarray, " m"]
    seeds: int
    confidence: float
    method: str


def band(
    law: str,
    x: Numbers,
    y: Numbers,
    at: Numbers,
    *,
    errors: Numbers | None = None,
    paired: bool = False,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Band:
    """Predictions at `at` (m,) from losses y (S, n) of S seeds at each of n x, by drawing seeds with replacement.

    The law is fitted to the means of each draw, weighted by errors as in `fit`, the same for all draws. Runs at
    different x have nothing in common but the number that their generator was started with, so each x is drawn by
    itself; `paired` draws whole rows, for losses of one model read off at several x, or of runs on data drawn by seed.
    Widened for few seeds (labkit.scaling.draws); from one seed the band is unbounded. Compare predictions with a run
    that was left out, because the band does not know whether the law holds there.

    ValueError as `fit`, and for y that is no table of seeds, places that are not above 0, or seeds too far apart.
    Used in lesson 07.
    """
    rule, y = law_of(law), table("y", y, ("seeds", "x"))
    curve = points(x, y.mean(axis=0), errors=errors)
    kept_coordinates(rule, curve, None)
    at = np.atleast_1d(above_zero("at", at))
    found = redrawn(
        y,
        lambda rows: rule.heights(solved(rule, curve, rows), np.log(at)),
        paired=paired,
        draws=draws,
        seed=seed,
        confidence=confidence,
    )
    method = found.unbounded or f"bootstrap of {'whole seeds' if paired else 'the seeds at each x'}, {draws} draws"
    return Band(at, found.median, found.low, found.high, len(y), confidence, method)


def solved(law: Law, curve: Points, rows: np.ndarray) -> Mapping[str, np.ndarray]:
    """Coordinates (D,) of the law for rows of losses (D, n) that share the x and weights of a curve."""
    return law.solve(curve.log_x, rows, curve.weights, {}).values
