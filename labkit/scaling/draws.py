"""How far something computed from means would move with other seeds, or other blocks: the bootstrap for few of them.

Whole seeds (or blocks) are drawn with replacement and everything that follows is computed again. With as few as three
that alone is too narrow, twice. The mean of S drawn values varies by (S - 1) / S of what the mean of S seeds varies,
so that the drawn means are moved away from their centre by the square root of S / (S - 1). And the spread of three
values is itself uncertain, so that the reach to each side is multiplied by Student's quantile over the normal's. Its
degrees of freedom are those of the sum of the columns' shares in the variance (Satterthwaite, "An approximate
distribution of estimates of variance components", Biometrics Bulletin 2, 1946): S - 1 if one column decides, up to
n (S - 1) if all weigh alike. Source of the bootstrap: Efron, Annals of Statistics 7 (1979).

Letters: S seeds (or blocks), n columns (one for each x), m numbers that are computed from the n means.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from labkit import stats
from labkit.scaling.points import share_of_one

Computed = Callable[[np.ndarray], np.ndarray]  # rows of means (D, n) to (D, m)


class Spread(NamedTuple):
    """Middle and ends (m,) over the draws, and why there are none where there are none."""

    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    unbounded: str


def redrawn(
    values: np.ndarray, computed: Computed, *, paired: bool, draws: int, seed: int, confidence: float
) -> Spread:
    """Median and ends of `computed` over draws from values (S, n).

    With `paired` a whole row is drawn: its entries belong together, as those of one test block at each x. Otherwise
    each column is drawn by itself. One seed, and a column whose seeds are all the same, which are copies of one run,
    bound nothing. ValueError for less than one draw, a confidence outside (0, 1), seeds so far apart that a drawn mean
    is not above 0, and results beyond all numbers.
    """
    if draws < 1:
        raise ValueError(f"{draws} draws: one or more are needed, without them there is no spread")
    share_of_one(confidence)
    middle, count = values.mean(axis=0), len(values)
    if count < 2 or min(stats.spread(column) for column in values.T) == 0:
        why = "one seed or block: no spread" if count < 2 else "no spread: copies count as one value"
        found = computed(middle[None])[0]
        return Spread(found, np.full_like(found, -math.inf), np.full_like(found, math.inf), why)
    shape = (draws, count, 1 if paired else values.shape[1])
    picks = np.random.default_rng(seed).integers(count, size=shape)
    means = values[picks, np.arange(values.shape[1])].mean(axis=1)
    found = _results(computed, middle + math.sqrt(count / (count - 1)) * (means - middle))
    median, low, high = np.quantile(found, [0.5, (1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    freedom = np.full(len(median), count - 1.0) if paired else _freedom(values, computed)
    wider = student.ppf((1 + confidence) / 2, freedom) / norm.ppf((1 + confidence) / 2)
    return Spread(median, median - wider * (median - low), median + wider * (high - median), "")


def _freedom(values: np.ndarray, computed: Computed) -> np.ndarray:
    """Degrees of freedom (m,) of a spread to which each column contributes by itself."""
    middle, count = values.mean(axis=0), len(values)
    steps = np.diag(values.std(axis=0, ddof=1)) / math.sqrt(count)
    moved = _results(computed, middle + steps) - _results(computed, middle - steps)
    shares = moved**2 / np.maximum(np.sum(moved**2, axis=0), np.finfo(np.float64).tiny)
    return (count - 1) / np.maximum(np.sum(shares**2, axis=0), 1 / len(middle))


def _results(computed: Computed, rows: np.ndarray) -> np.ndarray:
    if rows.min() <= 0:
        raise ValueError(
            f"the seeds lie so far apart that drawn means fall to {rows.min():.3g}: a loss is above 0, too few seeds "
            "or a run that diverged stand in the table"
        )
    found = computed(rows)
    if not np.isfinite(found).all():
        raise ValueError("some draws lead beyond the largest number: what is asked for lies too far from the points")
    return found
