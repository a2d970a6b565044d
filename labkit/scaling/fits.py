"""A law fitted to points: parameters, residuals, and whether the points could come from it.

Least squares in the loss itself, not in its logarithm, because errors are known in the unit of the loss. With errors
that are known, chi-square says whether the law is compatible with the points: among fits of true laws the p-value is
spread evenly between 0 and 1. With errors that are not known, they are estimated from the residuals, so that any law
looks as good as its points allow, and no such test exists.

Letters: n points, k parameters that are fitted, x and y as in labkit.scaling.laws.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2

from labkit.scaling.laws import Law, law_of
from labkit.scaling.points import Number, Numbers, Points, above_zero, points
from labkit.scaling.projection import Solution

EXACT = 1e-12  # residuals this small beside the largest loss are left by rounding alone


@dataclass(frozen=True, eq=False)
class Fit:
    """A law with its best parameters, those that were fixed included, for x itself.

    `residuals` are y minus the curve (n,), `standardised` the same in units of the errors; `chi_square` is the sum of
    their squares, `p_value` the chance of a larger one if the law is true. `scatter` is the standard deviation of the
    points around the curve, in the unit of the loss. `at_bound` says in words which parameters stand at a bound: there
    neither the p-value nor a standard error holds as written. What cannot be known is None: `standardised`,
    `chi_square` and `p_value` without errors, `p_value` and `scatter` without degrees of freedom, `aicc` for the reason
    in `aicc_reason`.
    """

    law: Law
    parameters: Mapping[str, float]
    coordinates: Mapping[str, float]
    residuals: Float[np.ndarray, " n"]
    standardised: Float[np.ndarray, " n"] | None
    chi_square: float | None
    degrees_of_freedom: int
    p_value: float | None
    scatter: float | None
    aicc: float | None
    aicc_reason: str
    n: int
    k: int
    at_bound: str

    def predict(self, x: Numbers) -> np.ndarray:
        """The curve (m,) at x (m,), which need not be among the points. ValueError when an x is not above 0. Used in
        lesson 07."""
        return self.law.heights(self.coordinates, np.log(np.atleast_1d(above_zero("x", x))))


def fit(
    law: str,
    x: Numbers,
    y: Numbers,
    *,
    errors: Numbers | None = None,
    fixed: Mapping[str, Number] | None = None,
) -> Fit:
    """The law, by its name in LAWS, fitted to losses y (n,) at x (n,).

    `errors` are the standard deviations of y, (n,) or one number, in its unit; None means that they are alike and
    unknown. Parameters in `fixed` keep their value and do not count among the k that are fitted: a c that was first
    chosen from the same points is not fixed in this sense, although it makes any bent curve look straight.

    ValueError for an unknown law or parameter, shapes that differ, numbers that are not finite or not above 0, a fixed
    c that is not from 0 to below the smallest loss, and fewer points, or different x, than parameters.
    Used in lesson 07.
    """
    rule, at = law_of(law), points(x, y, errors=errors)
    kept = kept_coordinates(rule, at, fixed)
    return _described(rule, at, best(rule, at, kept), kept)


def kept_coordinates(law: Law, at: Points, fixed: Mapping[str, Number] | None) -> dict[str, np.ndarray]:
    """The fixed parameters as coordinates (1,). ValueError when they or the points left for the others do not do."""
    fixed = fixed or {}
    if unknown := sorted(set(fixed) - set(law.parameters)):
        raise ValueError(f"{', '.join(unknown)} cannot be fixed: {law.name} has {', '.join(law.parameters)} only")
    kept = {name: np.atleast_1d(value) for name, value in law.coordinates(fixed).items()}
    if "c" in kept and not 0 <= kept["c"][0] < at.y.min():
        raise ValueError(
            f"c = {fixed['c']} is not from 0 to below the smallest loss, {at.y.min():g}: otherwise a loss without c "
            "is no power of x"
        )
    k, different = len(law.parameters) - len(kept), len(np.unique(at.log_x))
    if different < k:
        raise ValueError(
            f"{len(at.y)} points with {different} different x for {k} parameters of {law.name}: as many x as "
            "parameters are needed, else many curves fit equally well"
        )
    return kept


def best(law: Law, at: Points, kept: Mapping[str, np.ndarray]) -> Solution:
    """The one row that fits the points best."""
    return law.solve(at.log_x, at.y[None], at.weights, kept)


def exact(at: Points, cost: float) -> bool:
    """Whether the points lie on the curve but for rounding, which leaves no scatter to learn from."""
    return cost <= len(at.y) * float(at.weights.max()) * (EXACT * float(at.y.max())) ** 2


def _described(law: Law, at: Points, found: Solution, kept: Mapping[str, np.ndarray]) -> Fit:
    coordinates = {name: float(value[0]) for name, value in found.values.items()}
    residuals = at.y - law.heights(coordinates, at.log_x)
    n, k = len(at.y), len(law.parameters) - len(kept)
    freedom, known, cost = n - k, at.errors is not None, float(found.cost[0])
    aicc, reason = _aicc(n, k, at, cost)
    standing = law.standing(found, at.log_x, at.y[None])
    return Fit(
        law=law,
        parameters={name: float(law.value(name, value)) for name, value in coordinates.items()},
        coordinates=coordinates,
        residuals=residuals,
        standardised=residuals / at.errors if known else None,
        chi_square=cost if known else None,
        degrees_of_freedom=freedom,
        p_value=float(chi2.sf(cost, freedom)) if known and freedom else None,
        scatter=math.sqrt(float(residuals @ residuals) / freedom) if freedom else None,
        aicc=aicc,
        aicc_reason=reason,
        n=n,
        k=k,
        at_bound="; ".join(words for name, words, true in standing if true[0] and name not in kept),
    )


def _aicc(n: int, k: int, at: Points, cost: float) -> tuple[float | None, str]:
    """Akaike's criterion with its correction for few points, and why there is none.

    To be compared between laws on the same points and errors, smaller is better. Source: Hurvich and Tsai, "Regression
    and time series model selection in small samples", Biometrika 76 (1989).
    """
    estimated = k if at.errors is not None else k + 1  # the unknown error is estimated as well
    left = n - estimated - 1
    if left < 3:
        return None, (
            f"{n} points and {estimated} estimated numbers leave n - k - 1 = {left}: below 3 its correction outweighs "
            "what it corrects, and too few points choose the law"
        )
    if at.errors is None and exact(at, cost):
        return None, "the points lie on the curve but for rounding: their scatter has no logarithm"
    misfit = cost if at.errors is not None else n * math.log(cost / n)
    return misfit + 2 * estimated + 2 * estimated * (estimated + 1) / left, ""
