"""Whether intervals keep what they promise: of many synthetic sets with a known truth, how many intervals hold it?

A profile interval holds the truth if and only if the misfit with the parameter held at its true value lies no further
above the minimum than the threshold, so that two fits of each set decide and no end has to be found. It is exact for
a law that is linear, for the others a limit for small errors, and it is wrong near a bound. If the true c is 0, fits
that would go below stop there, at the truth: the interval of c errs to one side only and holds it too often, while a
and b, which can no longer make up for c, are held a little too seldom where errors are known. If c is so close to the
smallest loss that noise gets below it, the interval of c ends too early and holds it far too seldom.

Letters: n points, D synthetic sets.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from labkit import stats
from labkit.scaling.laws import Law, law_of
from labkit.scaling.points import Number, Numbers, Points, points
from labkit.scaling.profiles import threshold


class Coverage(NamedTuple):
    """The share of sets whose interval holds the truth, with Wilson's interval for so many sets; the share that was
    promised; and the share of sets whose fit stands at a bound."""

    share: stats.Interval
    promised: float
    at_bound: float


def coverage(
    law: str,
    x: Numbers,
    truth: Mapping[str, Number],
    *,
    sigma: Numbers,
    parameter: str,
    sets: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    errors_known: bool = True,
) -> Coverage:
    """How often the profile interval of a parameter holds its true value, over `sets` sets drawn from the law.

    `truth` has each parameter of the law; losses at x (n,) are normal around its curve with standard deviation
    `sigma`, (n,) or one number in the unit of the loss. The fits know sigma, or with `errors_known=False` take the
    errors for equal and estimate them. A true c that is not below the smallest loss of a set counts as missed: no
    interval reaches there.

    ValueError as `fit`, for a truth that is none, no set, no degree of freedom to estimate errors with, and a sigma
    for which losses fall to 0. Used in lesson 07.
    """
    rule = law_of(law)
    curve = rule.curve(x, truth)
    at = points(x, curve, errors=sigma)
    freedom = len(curve) - len(rule.parameters)
    if parameter not in rule.parameters or freedom < (not errors_known) or not 0 <= truth.get("c", 0.0) < curve.min():
        raise ValueError(
            f"{parameter} of {law} with {dict(truth)} and {len(curve)} points: it takes one of its parameters, a true "
            "c from 0, as many points as parameters and one more to estimate errors; else there is no interval"
        )
    y = _drawn(at, sets, seed)
    weights = at.weights if errors_known else np.ones(len(curve))
    held, reached = _held(rule, parameter, truth, at, y)
    free, kept = rule.solve(at.log_x, y, weights, {}), rule.solve(at.log_x, y, weights, {parameter: held})
    unit = 1.0 if errors_known else free.cost / freedom
    holds = reached & (kept.cost - free.cost <= unit * threshold(confidence, None if errors_known else freedom))
    bounds = [rows for _, _, rows in rule.standing(free, at.log_x, y)]
    share = stats.binomial_interval(int(holds.sum()), sets, confidence=0.95)
    return Coverage(share, confidence, float(np.mean(np.any(bounds, axis=0))) if bounds else 0.0)


def _drawn(at: Points, sets: int, seed: int) -> np.ndarray:
    """Synthetic losses (D, n) around the curve at.y."""
    if sets < 1:
        raise ValueError(f"{sets} sets: one or more are needed to count in how many the truth is held")
    y = at.y + at.errors * np.random.default_rng(seed).normal(size=(sets, len(at.y)))
    if y.min() <= 0:
        raise ValueError(f"with this sigma drawn losses fall to {y.min():.3g}: a loss is above 0, no power law fits it")
    return y


def _held(
    law: Law, parameter: str, truth: Mapping[str, Number], at: Points, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The true coordinate (D,), and in which sets (D,) it lies within what the law allows; elsewhere the bound."""
    value = float(law.coordinates({parameter: truth[parameter]})[parameter])
    low, high = np.transpose([law.limits(parameter, at.log_x, row) for row in y])
    return np.clip(value, low, high), (low <= value) & (value <= high)
