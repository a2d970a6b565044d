"""Means, spreads and intervals over seeds, and whether one recipe is *shown* to be better than another.

A run with one seed is one draw. What several seeds say about the recipe is an interval: Student's t for one recipe,
the paired t for two recipes that share their seeds, Welch's t (unequal variances) for two that do not, Wilson's score
for a share of counted successes. Letters: n values (one per seed), a and b two recipes; a difference is always b - a.

Where nothing bounds the mean, the interval is (-inf, inf) and `method` says why: one value has no spread, and values
that are all the same are copies of one run (a seed that was not used, a cached result), so they count as one value.
Two recipes are compared at fixed n and once: looking again after each new seed finds differences that are not there.
"""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

Count = int | float | np.number  # any number is taken, and one that is not whole is refused with a reason
Verdict = Literal["yes", "no", "not shown"]
ROUNDING = 4 * float(np.finfo(np.float64).eps)  # a spread this small beside its values is left by rounding alone


class Interval(NamedTuple):
    """A mean and the interval around it, in the unit of the values; `n` counts the values, or pairs, behind it."""

    mean: float
    low: float
    high: float
    n: int
    confidence: float
    method: str


def mean(values: ArrayLike) -> float:
    """The arithmetic mean of (n,) values, in their unit; ValueError when there is none or one is not finite.

    Used in lesson 05.
    """
    return float(np.mean(_finite(values)))


def spread(values: ArrayLike) -> float:
    """Sample standard deviation of (n,) values over seeds, in their unit.

    Divides by n - 1, because the mean is estimated from the same values. Exactly 0 when the values differ by no more
    than rounding. ValueError with fewer than two values, or when one is not finite.
    """
    values = _finite(values)
    if len(values) < 2:
        raise ValueError("1 value: a spread needs 2 or more, one seed says nothing about how far the others lie")
    return _spread(values, scale=float(np.max(np.abs(values))))


def interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Where the mean over all seeds lies, from (n,) values: Student's t with n - 1 degrees of freedom.

    In the unit of the values. Unbounded for one value and for values without any spread (see the module's words).
    ValueError when there is no value, one is not finite, or confidence is outside (0, 1).
    Source: Student, "The probable error of a mean", Biometrika 6 (1908).

    Used in lesson 05.
    """
    values = _finite(values)
    return _student(values, float(np.max(np.abs(values))), confidence, "Student t")


def paired(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Interval of the mean of b - a over matched seeds: a[i] and b[i], both (n,), ran with the same seed.

    Takes out what a seed does to both, so it is the narrower one when seeds matter; n counts pairs. Unbounded for one
    pair, and when every pair differs by the same amount. ValueError as `interval`, and when the lengths differ.
    """
    a, b = _finite(a, "a"), _finite(b, "b")
    if len(a) != len(b):
        raise ValueError(
            f"{len(a)} values in a and {len(b)} in b: pairs need one value of each per seed, "
            "otherwise values of different seeds would be subtracted"
        )
    return _student(b - a, float(np.max(np.abs([a, b]))), confidence, "paired t")


def difference(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Interval of mean(b) - mean(a) for (n_a,) and (n_b,) independent values: Welch's t, unequal variances.

    In the unit of the values; n = n_a + n_b. Unbounded when either side has one value or no spread.
    ValueError as `interval`. Source: Welch, "The generalization of 'Student's' problem when several different
    population variances are involved", Biometrika 34 (1947).

    Used in lesson 05.
    """
    a, b = _finite(a, "a"), _finite(b, "b")
    middle, n = float(np.mean(b) - np.mean(a)), len(a) + len(b)
    if min(len(a), len(b)) < 2:
        return _unbounded(middle, n, confidence, "one value on a side: no spread")
    scale = float(max(np.max(np.abs(a)), np.max(np.abs(b))))
    error_a, error_b = (_spread(side, scale) / math.sqrt(len(side)) for side in (a, b))
    error = math.hypot(error_a, error_b)
    if 0 in (error_a, error_b):
        return _unbounded(middle, n, confidence, "no spread on a side: copies count as one value")
    share_a, share_b = (error_a / error) ** 2, (error_b / error) ** 2  # shares cannot underflow together
    freedom = 1 / (share_a**2 / (len(a) - 1) + share_b**2 / (len(b) - 1))
    reach = _quantile(confidence, freedom) * error
    return Interval(middle, middle - reach, middle + reach, n, confidence, "Welch t")


def better(
    a: ArrayLike,
    b: ArrayLike,
    *,
    lower_is_better: bool = True,
    paired: bool = False,
    confidence: float = 0.95,
) -> Verdict:
    """Is a shown to be better than b? "yes" or "no" only when the whole interval of b - a lies on one side of zero.

    Losses are better when lower, accuracies when higher. "no" means that b is shown to be better; everything else,
    one seed or copies of one run included, is "not shown", which is not the same as "equal". With equal recipes
    a verdict is still given in at most 1 - confidence of all comparisons. ValueError as `paired` and `difference`.

    Used in lesson 05.
    """
    found = (_paired if paired else difference)(a, b, confidence=confidence)
    low, high = (found.low, found.high) if lower_is_better else (-found.high, -found.low)
    return "yes" if low > 0 else "no" if high < 0 else "not shown"


def block_interval(values: ArrayLike, *, confidence: float = 0.95, draws: int = 10_000, seed: int = 0) -> Interval:
    """Interval of the mean of (n,) values, one a block (a photograph, say), by drawing whole blocks with replacement.

    What was measured within one block hangs together: counting its images one by one would promise too much. It says
    how the mean would move with other blocks of the same kind, not with other seeds. Percentiles of `draws` means;
    with few blocks it is somewhat too narrow. ValueError as `interval`. Source: Efron, "Bootstrap methods", Annals of
    Statistics 7 (1979).

    Used in lesson 05.
    """
    values = _finite(values)
    _quantile(confidence, math.inf)
    if len(values) < 2:
        return _unbounded(float(values[0]), 1, confidence, "one block: no spread")
    picks = np.random.default_rng(seed).integers(len(values), size=(draws, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(np.mean(values)), float(low), float(high), len(values), confidence, "block bootstrap")


def binomial_interval(successes: Count, n: Count, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share: `successes` among n independent trials, such as test images.

    Never leaves [0, 1] and does not shrink to a point at 0 or n successes. It is about the test images drawn, not
    about seeds. ValueError unless both are whole numbers with n >= 1 and 0 <= successes <= n.
    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not (float(successes).is_integer() and float(n).is_integer() and 0 <= successes <= n and n >= 1):
        raise ValueError(
            f"{successes} successes of {n}: both are counts, from 0 to n and n at least 1; "
            "anything else (an accuracy, say) has no binomial interval"
        )
    share, z = successes / n, _quantile(confidence, math.inf)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    low, high = max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach))
    return Interval(share, low, high, int(n), confidence, "Wilson score")


def exponent(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """k of y = c x^k, from (n,) positive pairs: least squares on logarithmic axes, Student's t with n - 2 degrees of
    freedom around it.

    The interval says how far the points lie from one straight line, by scatter or because they bend. Unbounded for two
    points, which always lie on one. ValueError as `interval`, and for values that are not above 0, for fewer than two
    points, or points that all have one x.

    Used in lesson 03.
    """
    x, y = _finite(x, "x"), _finite(y, "y")
    if len(x) != len(y) or len(np.unique(x)) < 2 or min(x.min(), y.min()) <= 0:
        raise ValueError(
            f"{len(x)} values of x and {len(y)} of y: an exponent takes pairs of positive numbers with two or more "
            "different x, or there is no slope"
        )
    u, v = np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()
    slope, n = float(u @ v / (u @ u)), len(x)
    if n < 3:
        return _unbounded(slope, n, confidence, "two points: no scatter")
    scatter = float(np.sum((v - slope * u) ** 2))
    reach = _quantile(confidence, float(n - 2)) * math.sqrt(scatter / (n - 2) / float(u @ u))
    return Interval(slope, slope - reach, slope + reach, n, confidence, "least squares, Student t")


def crossing(x: ArrayLike, a: ArrayLike, b: ArrayLike) -> float | None:
    """The first x at which curve a (n,) rises above curve b (n,), both measured at the growing x (n,): straight lines
    between the points on logarithmic axes. None if a never does, or is above from the start.

    ValueError for values that are not above 0 or of other lengths. Used in lesson 03.
    """
    x, a, b = _finite(x, "x"), _finite(a, "a"), _finite(b, "b")
    if not len(x) == len(a) == len(b) or min(x.min(), a.min(), b.min()) <= 0 or np.any(np.diff(x) <= 0):
        raise ValueError("x, a and b must be as many positive numbers each, x growing: else there is no crossing")
    above, at = np.log(a / b), np.log(x)
    for k in range(len(x) - 1):
        if above[k] <= 0 < above[k + 1]:
            return float(np.exp(at[k] - above[k] * (at[k + 1] - at[k]) / (above[k + 1] - above[k])))
    return None


def _finite(values: ArrayLike, name: str = "values") -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} of shape {array.shape}: one row of values, one per seed, is needed to average over")
    if len(array) == 0:
        raise ValueError(f"{name} holds 0 values: at least one is needed, there is nothing to average")
    for index in np.flatnonzero(~np.isfinite(array)):
        raise ValueError(
            f"{name}[{index}] is {array[index]}: every value must be finite, a diverged run cannot be averaged; "
            "report it beside the mean of the others"
        )
    return array


def _spread(values: np.ndarray, scale: float) -> float:
    """Sample standard deviation, 0 where it is rounding of numbers as large as `scale`."""
    found = float(np.std(values, ddof=1))
    return found if found > ROUNDING * scale else 0.0


def _quantile(confidence: float, freedom: float) -> float:
    """How many standard errors a two-sided interval reaches to each side; the normal's for infinite freedom."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: write 0.95 for 95 %, no interval has it")
    return float(student.ppf((1 + confidence) / 2, freedom))


def _unbounded(middle: float, n: int, confidence: float, why: str) -> Interval:
    _quantile(confidence, math.inf)  # a wrong confidence is refused here too
    return Interval(middle, -math.inf, math.inf, n, confidence, why)


def _student(values: np.ndarray, scale: float, confidence: float, method: str) -> Interval:
    middle, n = float(np.mean(values)), len(values)
    if n < 2:
        return _unbounded(middle, n, confidence, "one value: no spread")
    error = _spread(values, scale) / math.sqrt(n)
    if error == 0:
        return _unbounded(middle, n, confidence, "no spread: copies count as one value")
    reach = _quantile(confidence, float(n - 1)) * error
    return Interval(middle, middle - reach, middle + reach, n, confidence, method)


_paired = paired  # `better` has an argument of that name
