"""What the points leave open about one parameter: its profile, and the interval where the profile is low.

Parameters of one law make up for each other: with a larger c a steeper power fits nearly as well. The profile of a
parameter is the misfit that remains when it is held at a value and all others are fitted again. Its interval holds the
values where the misfit rises above its minimum by no more than a quantile: of chi-square with 1 degree of freedom
where errors are known, of F with 1 and n - k where they are estimated from the scatter. For a law linear in its
parameters this is the normal's and Student's interval; for the others it is lopsided, as it should be, and may reach
a bound. Source: Venzon and Moolgavkar, "A method for computing profile-likelihood-based confidence intervals", Journal
of the Royal Statistical Society C 37 (1988).

Letters: n points, k fitted parameters, m values of the profile.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2, f

from labkit.scaling.fits import best, exact, kept_coordinates
from labkit.scaling.laws import Law, law_of
from labkit.scaling.points import Number, Numbers, Points, points, share_of_one
from labkit.scaling.projection import FINE
from labkit.stats import Interval

HALVINGS = 60  # from a bound towards the best value, to see where the misfit is still too large
NARROWER = 10  # so often the bracket of an end is cut into FINE - 1: to 10^-12 of its width
CURVE = 201  # values of a profile, half of them within the interval
OPEN = {  # what is said of an end that is a bound: by parameter and side
    ("c", "low"): "0 is not excluded",
    ("c", "high"): "c up to the smallest loss is not excluded",
}


class Profile(NamedTuple):
    """The interval of a parameter, and its profile as a curve.

    `rise` (m,) says how far the misfit lies above its minimum when the parameter is held at `values` (m,): in
    chi-square, or in units of the estimated variance. The interval is where it is at most `threshold`.
    """

    interval: Interval
    values: Float[np.ndarray, " m"]
    rise: Float[np.ndarray, " m"]
    threshold: float


def profile(
    law: str,
    x: Numbers,
    y: Numbers,
    *,
    parameter: str,
    errors: Numbers | None = None,
    fixed: Mapping[str, Number] | None = None,
    confidence: float = 0.95,
) -> Profile:
    """The profile of one parameter of a law fitted to losses y (n,) at x (n,); errors and fixed as in `fit`.

    The interval's mean is the fitted value. An end that is open says so in `method`: a c that reaches 0 ends there
    ("0 is not excluded": a power law without c does as well), an exponent whose profile never rises enough is
    unbounded. Without errors, points that leave no degree of freedom or no scatter bound nothing. Where chi-square
    rejects the law, an interval from known errors is narrow and about a law that is wrong. Near a bound it does not
    hold the truth as often as it says (labkit.scaling.coverage).

    ValueError as `fit`, for a parameter that the law lacks or that is fixed, and a confidence outside (0, 1).
    Used in lesson 07.
    """
    rule, at = law_of(law), points(x, y, errors=errors)
    kept = kept_coordinates(rule, at, fixed)
    if parameter not in rule.parameters or parameter in kept:
        free = ", ".join(name for name in rule.parameters if name not in kept)
        raise ValueError(f"parameter {parameter!r} is not one of {free}: only what is fitted has a profile")
    found = best(rule, at, kept)
    freedom = len(at.y) - (len(rule.parameters) - len(kept))
    unit = 1.0 if at.errors is not None else float(found.cost[0]) / max(1, freedom)
    if at.errors is None and (freedom == 0 or exact(at, float(found.cost[0]))):
        return _nothing(rule, parameter, found.values[parameter], len(at.y), share_of_one(confidence), freedom)
    rise = partial(_rise, rule, at, kept, parameter, float(found.cost[0]), unit)
    limit = threshold(confidence, None if at.errors is not None else freedom)
    return _profile(rule, at, parameter, float(found.values[parameter][0]), rise, limit, confidence)


def threshold(confidence: float, freedom: int | None) -> float:
    """How far the misfit may rise within an interval: chi-square's quantile for known errors (freedom None), or F's,
    in units of the variance that is estimated with so many degrees of freedom."""
    share_of_one(confidence)
    return float(chi2.ppf(confidence, 1) if freedom is None else f.ppf(confidence, 1, freedom))


def _rise(
    law: Law,
    at: Points,
    kept: Mapping[str, np.ndarray],
    parameter: str,
    least: float,
    unit: float,
    held: np.ndarray,
) -> np.ndarray:
    """How far the misfit rises (m,) with the parameter's coordinate held at values (m,) and the others fitted."""
    fixed = {name: np.broadcast_to(value, held.shape) for name, value in kept.items()} | {parameter: held}
    return (law.solve(at.log_x, np.tile(at.y, (len(held), 1)), at.weights, fixed).cost - least) / unit


def _profile(
    law: Law, at: Points, parameter: str, middle: float, rise: Callable, limit: float, confidence: float
) -> Profile:
    bounds = law.limits(parameter, at.log_x, at.y)
    ends = [_end(rise, middle, bound, limit) for bound in bounds]
    low, high = (end for end, _ in ends)
    around = (high - low) / 2 or abs(middle) or 1.0
    held = np.linspace(max(bounds[0], low - around), min(bounds[1], high + around), CURVE)
    shown = [_shown(law, parameter, side, *end) for side, end in zip(("low", "high"), ends, strict=True)]
    method = ["profile likelihood" + ("" if at.errors is not None else ", scatter estimated")]
    method += [words for _, words in shown if words]
    mean = float(law.value(parameter, middle))
    interval = Interval(mean, shown[0][0], shown[1][0], len(at.y), confidence, "; ".join(method))
    return Profile(interval, law.value(parameter, held), rise(held), limit)


def _shown(law: Law, parameter: str, side: str, end: float, is_open: bool) -> tuple[float, str]:
    """An end as the interval shows it, and what is said of it if it is open."""
    if is_open and (parameter, side) not in OPEN:
        return float(law.value(parameter, -math.inf if side == "low" else math.inf)), f"no {side} end"
    return float(law.value(parameter, end)), OPEN[parameter, side] if is_open else ""


def _end(rise: Callable, middle: float, bound: float, limit: float) -> tuple[float, bool]:
    """Where the misfit crosses the limit between the best value and a bound, the outermost place; and whether it is
    the bound itself because it never does."""
    outward = middle + (bound - middle) * 2.0 ** -np.arange(HALVINGS)
    inside = np.flatnonzero(rise(outward) <= limit)
    if middle == bound or (len(inside) and inside[0] == 0):
        return bound, True
    first = inside[0] if len(inside) else HALVINGS
    outer, inner = outward[first - 1], outward[first] if len(inside) else middle
    for _ in range(NARROWER):
        tried = np.linspace(inner, outer, FINE)
        low_enough = np.flatnonzero(rise(tried[:-1]) <= limit)
        last = low_enough[-1] if len(low_enough) else 0
        inner, outer = tried[last], tried[last + 1]
    return float(inner), False


def _nothing(law: Law, parameter: str, middle: np.ndarray, n: int, confidence: float, freedom: int) -> Profile:
    """Nothing bounds the parameter, and no profile can be drawn."""
    why = "as many points as parameters: no scatter" if freedom == 0 else "no scatter around the law"
    interval = Interval(float(law.value(parameter, middle)[0]), -math.inf, math.inf, n, confidence, why)
    return Profile(interval, np.empty(0), np.empty(0), math.nan)
