"""Scaling laws: recovered without noise, against scipy and brute force, intervals against formulas, refusals."""

import math

import numpy as np
import pytest
from scipy import stats as reference
from scipy.optimize import curve_fit

from labkit.scaling import LAWS, fit, profile

P = np.array([16.0, 8, 4, 2, 1])
TOKENS = (64 / P) ** 2
FLOPS = np.array([1e6, 3e8, 2e10, 5e12, 1e15])
TRUE = {
    ("power", "p"): {"a": 0.8, "b": 0.1},
    ("power", "tokens"): {"a": 1.4, "b": -0.05},
    ("power", "FLOPs"): {"a": 3.0, "b": -0.04},
    ("shifted power", "p"): {"a": 0.02, "b": 0.9, "c": 0.6},
    ("shifted power", "tokens"): {"a": 2.0, "b": -0.4, "c": 0.3},
    ("shifted power", "FLOPs"): {"a": 120.0, "b": -0.3, "c": 0.2},
    ("log-linear", "p"): {"a": 0.7, "b": 0.05},
    ("log-linear", "tokens"): {"a": 1.5, "b": -0.06},
    ("log-linear", "FLOPs"): {"a": 1.2, "b": -0.02},
}
X = {"p": P, "tokens": TOKENS, "FLOPs": FLOPS}
FORMULAS = {
    "power": lambda x, a, b: a * x**b,
    "shifted power": lambda x, a, b, c: c + a * x**b,
    "log-linear": lambda x, a, b: a + b * np.log(x),
}
SIGMA = np.array([0.006, 0.002, 0.001, 0.001, 0.003])


def noisy(law: str, *, over: str = "p", sigma=SIGMA, seed: int = 0) -> np.ndarray:
    """Losses with a known truth."""
    x = X[over]
    return FORMULAS[law](x, **TRUE[law, over]) + sigma * np.random.default_rng(seed).normal(size=len(x))


# ---------------------------------------------------------------- laws and fits


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("law", "over"), TRUE)
def test_a_true_law_is_recovered_over_patch_sizes_tokens_and_flops(law, over, unit):
    y = unit * FORMULAS[law](X[over], **TRUE[law, over])
    found = fit(law, X[over], y, errors=1e-3 * unit)
    scaled = {
        name: value if name == "b" and law != "log-linear" else unit * value for name, value in TRUE[law, over].items()
    }
    assert dict(found.parameters) == pytest.approx(scaled, rel=1e-8)
    assert found.chi_square < 1e-12
    assert found.p_value == pytest.approx(1)
    assert found.at_bound == ""
    assert found.predict(X[over] / 3) == pytest.approx(unit * FORMULAS[law](X[over] / 3, **TRUE[law, over]), rel=1e-8)


@pytest.mark.parametrize("law", FORMULAS)
def test_a_curve_is_its_formula(law):
    truth = TRUE[law, "tokens"]
    assert LAWS[law].curve(TOKENS, truth) == pytest.approx(FORMULAS[law](TOKENS, **truth), rel=1e-14)
    assert LAWS[law].name == law
    assert set(LAWS) == set(FORMULAS)


def test_a_parameter_beyond_all_floats_still_predicts():
    """a of x^-25 at 10^15 is 10^375 times what it does there; the curve does not care, and nothing warns."""
    x = np.array([1.0, 1.2, 1.5, 2.0]) * 1e15
    y = 0.5 + (x / 1e15) ** -25.0
    found = fit("shifted power", x, y)
    assert found.parameters["a"] == math.inf
    assert found.parameters["b"] == pytest.approx(-25, rel=1e-8)
    assert found.predict(x) == pytest.approx(y, rel=1e-9)
    a = profile("shifted power", x, y, errors=0.01, parameter="a").interval
    assert (1e250 < a.low < 1e308, a.high, a.method) == (True, math.inf, "profile likelihood")
    assert found.predict(1.0)[0] == math.inf


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("law", "over"), [case for case in TRUE if case[1] != "FLOPs"])
def test_the_fit_agrees_with_curve_fit(law, over, seed):
    """With errors that differ, so that leaving out the weights is seen."""
    y = noisy(law, over=over, seed=seed)
    truth = list(TRUE[law, over].values())
    most = [np.inf, np.inf, y.min()][: len(truth)]
    least = [-np.inf, -np.inf, 0][: len(truth)]
    options = {"absolute_sigma": True, "method": "trf", "ftol": 1e-14, "xtol": 1e-14, "gtol": 1e-14, "max_nfev": 20_000}
    options |= {"p0": truth, "bounds": (least, most), "x_scale": np.abs(truth)}
    theirs, _ = curve_fit(FORMULAS[law], X[over], y, sigma=SIGMA, **options)
    found = fit(law, X[over], y, errors=SIGMA)
    chi_square = np.sum(((y - FORMULAS[law](X[over], *theirs)) / SIGMA) ** 2)
    assert found.chi_square == pytest.approx(chi_square, rel=1e-6)
    assert list(found.parameters.values()) == pytest.approx(theirs, rel=2e-4)
    assert found.p_value == pytest.approx(reference.chi2.sf(chi_square, len(y) - len(truth)), rel=1e-5)
    assert found.residuals == pytest.approx(y - found.predict(X[over]), abs=1e-12)
    assert np.sum(found.standardised**2) == pytest.approx(found.chi_square)
    assert (found.n, found.k, found.degrees_of_freedom) == (5, len(truth), 5 - len(truth))


def test_brute_force_finds_no_better_one():
    """All b and c of a grid, for 200 curves that are noise alone, of which many have several valleys."""
    rng, u = np.random.default_rng(0), np.log([1, 1.1, 3, 50, 60, 4000, 4100])
    y, weights = rng.uniform(0.2, 1.2, size=(200, 7)), rng.uniform(0.1, 10, size=7) ** 2
    powers = np.exp(np.linspace(-40 / u[-1], 40 / u[-1], 321)[:, None] * u)
    powers /= powers.max(axis=1, keepdims=True)

    def left(offset: np.ndarray) -> np.ndarray:
        """The lowest weighted sum of squares over all b (200,), each with its best a, at one c for each curve."""
        above = y - offset[:, None]
        explained = (above * weights @ powers.T) ** 2 / (powers**2 @ weights)
        return (above**2 @ weights - explained.max(axis=1)) * (1 + 1e-9)

    shifted, pure = (LAWS[law].solve(u, y, weights, {}).cost for law in ("shifted power", "power"))
    assert np.all(pure <= left(np.zeros(200)))
    for share in np.linspace(0, 1 - 1e-9, 60):
        assert np.all(shifted <= left(share * y.min(axis=1)))


@pytest.mark.parametrize("law", FORMULAS)
def test_chi_square_is_distributed_as_chi_square(law):
    """Over 2,000 sets with small errors: what makes the p-value one."""
    x, n = np.tile(P, 2), 10
    y = FORMULAS[law](x, **TRUE[law, "p"]) + 1e-3 * np.random.default_rng(1).normal(size=(2000, n))
    cost = LAWS[law].solve(np.log(x), y, np.full(n, 1e6), {}).cost
    assert reference.kstest(cost, reference.chi2(n - len(TRUE[law, "p"])).cdf).pvalue > 0.01


def test_c_stays_within_its_bounds_and_says_so():
    bent_down = 0.3 + 0.05 * np.sqrt(np.log(P) + 0.1)
    found = fit("shifted power", P, bent_down, errors=0.001)
    assert found.parameters["c"] == 0
    assert found.at_bound == "c is at its lower bound, 0"
    assert found.chi_square == pytest.approx(fit("power", P, bent_down, errors=0.001).chi_square)
    one_out = fit("shifted power", P, [1.0, 0.51, 0.5, 0.505, 0.51], errors=0.001)
    assert 0.5 * (1 - 1e-8) < one_out.parameters["c"] < 0.5
    assert "c is at its upper bound" in one_out.at_bound
    steep = fit("shifted power", P, [1.0, 0.5, 0.5, 0.5, 0.5], errors=0.001)
    assert "b is at the end" in steep.at_bound


@pytest.mark.parametrize(
    ("law", "fixed"),
    [
        ("power", {"b": 0.12}),
        ("power", {"a": 0.79}),
        ("shifted power", {"c": 0.61}),
        ("shifted power", {"b": 1.0}),
        ("shifted power", {"a": 0.021}),
        ("shifted power", {"a": 0.021, "c": 0.59}),
        ("shifted power", {"a": 0.021, "b": 1.0}),
        ("shifted power", {"b": 0.9, "c": 0.6}),
        ("shifted power", {"a": 0.02, "b": 0.9, "c": 0.6}),
        ("log-linear", {"a": 0.71}),
        ("log-linear", {"b": 0.04}),
    ],
)
def test_fixed_parameters_stay_and_the_others_are_fitted_as_scipy_does(law, fixed):
    y, names = noisy(law), [name for name in TRUE[law, "p"] if name not in fixed]
    found = fit(law, P, y, errors=SIGMA, fixed=fixed)
    assert {name: found.parameters[name] for name in fixed} == pytest.approx(fixed, rel=1e-14)
    assert found.k == len(names)
    chi_square = np.sum(((y - FORMULAS[law](P, **found.parameters)) / SIGMA) ** 2)
    if names:

        def held(x, *free):
            return FORMULAS[law](x, **fixed, **dict(zip(names, free, strict=True)))

        theirs, _ = curve_fit(held, P, y, p0=[TRUE[law, "p"][name] for name in names], sigma=SIGMA, absolute_sigma=True)
        assert [found.parameters[name] for name in names] == pytest.approx(theirs, rel=1e-3)
        assert chi_square <= np.sum(((y - held(P, *theirs)) / SIGMA) ** 2) * (1 + 1e-9)
    assert found.chi_square == pytest.approx(chi_square)


def test_units_of_x_change_a_alone():
    y = noisy("shifted power")
    near, far = (fit("shifted power", unit * P, y, errors=SIGMA) for unit in (1, 1e12))
    for name in ("b", "c"):
        assert far.parameters[name] == pytest.approx(near.parameters[name], rel=1e-6)
    assert far.chi_square == pytest.approx(near.chi_square, rel=1e-9)
    assert far.parameters["a"] * 1e12 ** far.parameters["b"] == pytest.approx(near.parameters["a"], rel=1e-5)


def test_without_errors_there_is_no_test():
    y = noisy("power")
    found = fit("power", P, y)
    assert found.chi_square is found.p_value is found.standardised is None
    assert found.scatter == pytest.approx(math.sqrt(np.sum(found.residuals**2) / 3))
    assert dict(found.parameters) == pytest.approx(dict(fit("power", P, y, errors=0.5).parameters), rel=1e-6)


def test_as_many_points_as_parameters_leave_nothing_to_test():
    found = fit("shifted power", [4, 2, 1], [0.9, 0.7, 0.6], errors=0.01)
    assert found.degrees_of_freedom == 0
    assert found.p_value is found.scatter is None
    assert found.predict([4, 2, 1]) == pytest.approx([0.9, 0.7, 0.6])


@pytest.mark.parametrize("law", FORMULAS)
def test_five_points_choose_no_law(law):
    for errors in (None, 0.01):
        found = fit(law, P, noisy(law), errors=errors)
        assert found.aicc is None
        assert "too few points choose the law" in found.aicc_reason


def test_akaikes_criterion_by_hand():
    x = np.array([1, 2, 4, 8, 16, 32, 64.0])
    y = 0.8 * x**0.1 + 0.01 * np.random.default_rng(0).normal(size=7)
    known, unknown = fit("power", x, y, errors=0.01), fit("power", x, y)
    assert known.aicc == pytest.approx(known.chi_square + 4 + 2 * 2 * 3 / (7 - 3))
    assert unknown.aicc == pytest.approx(7 * math.log(np.mean(unknown.residuals**2)) + 6 + 2 * 3 * 4 / (7 - 4))
    assert known.aicc_reason == unknown.aicc_reason == ""
    assert fit("log-linear", x, 1 + 0.1 * np.log(x)).aicc is None, "the logarithm of no scatter"


# ---------------------------------------------------------------- profiles


@pytest.mark.parametrize("confidence", [0.68, 0.95])
@pytest.mark.parametrize("parameter", ["a", "b"])
@pytest.mark.parametrize("known", [True, False])
def test_for_a_straight_line_the_profile_is_the_textbooks_interval(parameter, known, confidence):
    y, u = noisy("log-linear", over="tokens"), np.log(TOKENS)
    sigma = SIGMA if known else np.ones(5)
    design = np.stack([np.ones(5), u], axis=1)
    covariance = np.linalg.inv(design.T @ (design / sigma[:, None] ** 2))
    best = covariance @ design.T @ (y / sigma**2)
    scale = 1.0 if known else np.sum((y - design @ best) ** 2) / 3
    quantile = reference.norm.ppf((1 + confidence) / 2) if known else reference.t.ppf((1 + confidence) / 2, 3)
    k = "ab".index(parameter)
    reach = quantile * math.sqrt(scale * covariance[k, k])
    found = profile(
        "log-linear", TOKENS, y, errors=SIGMA if known else None, parameter=parameter, confidence=confidence
    ).interval
    assert (found.mean, found.low, found.high) == pytest.approx((best[k], best[k] - reach, best[k] + reach), rel=1e-7)
    assert found.n == 5


@pytest.mark.parametrize("parameter", ["a", "b", "c"])
@pytest.mark.parametrize("law", ["power", "shifted power"])
def test_at_the_ends_of_an_interval_chi_square_has_risen_by_its_quantile(law, parameter):
    if parameter not in LAWS[law].parameters:
        return
    y = noisy(law)
    found = profile(law, P, y, errors=SIGMA, parameter=parameter)
    least = fit(law, P, y, errors=SIGMA)
    assert found.interval.mean == pytest.approx(least.parameters[parameter])
    assert found.interval.low < least.parameters[parameter] < found.interval.high
    names = [name for name in TRUE[law, "p"] if name != parameter]
    for end in (found.interval.low, found.interval.high):

        def held(x, *free, end=end):
            return FORMULAS[law](x, **{parameter: end}, **dict(zip(names, free, strict=True)))

        start = [least.parameters[name] for name in names]
        theirs, _ = curve_fit(held, P, y, p0=start, sigma=SIGMA, absolute_sigma=True, maxfev=10_000)
        risen = np.sum(((y - held(P, *theirs)) / SIGMA) ** 2) - least.chi_square
        assert risen == pytest.approx(reference.chi2.ppf(0.95, 1), rel=1e-4)
    assert found.rise.min() == pytest.approx(0, abs=0.01)
    apart = np.abs(found.rise - found.threshold) > 1e-6  # the curve also has the ends themselves
    inside = (found.values > found.interval.low) & (found.values < found.interval.high)
    assert np.array_equal((found.rise < found.threshold)[apart], inside[apart])
    assert np.sum(~apart) == 2


def test_a_power_law_does_not_exclude_c_of_0():
    found = profile("shifted power", P, noisy("power"), errors=SIGMA, parameter="c").interval
    assert found.low == 0
    assert found.method == "profile likelihood; 0 is not excluded"
    bent = profile("shifted power", P, noisy("shifted power"), errors=SIGMA, parameter="c").interval
    assert 0.55 < bent.low < 0.6 < bent.high < 0.62
    assert bent.method == "profile likelihood"


def test_an_exponent_can_be_open():
    """One point that stands out fits any exponent that is steep enough."""
    found = profile("shifted power", P, [1.0, 0.5, 0.5, 0.5, 0.5], errors=0.01, parameter="b").interval
    assert found.high == math.inf
    assert 1 < found.low < 10
    assert "no high end" in found.method


def test_what_has_no_scatter_bounds_nothing():
    y = FORMULAS["power"](P, 0.8, 0.1)
    for points, law, why in ((5, "power", "no scatter around"), (2, "power", "as many points as parameters")):
        found = profile(law, P[:points], y[:points], parameter="b")
        assert found.interval[:3] == (pytest.approx(0.1), -math.inf, math.inf)
        assert why in found.interval.method
    known = profile("power", P[:2], y[:2], errors=0.01, parameter="b").interval
    assert known.high - known.low < 0.2, "known errors bound a line through two points"


def test_a_parameter_that_is_fixed_takes_its_uncertainty_away():
    y = noisy("shifted power")
    free, held = (
        profile("shifted power", P, y, errors=SIGMA, parameter="b", fixed=fixed).interval for fixed in ({}, {"c": 0.6})
    )
    assert held.high - held.low < 0.5 * (free.high - free.low)
    assert held.mean == pytest.approx(fit("shifted power", P, y, errors=SIGMA, fixed={"c": 0.6}).parameters["b"])


# ---------------------------------------------------------------- refusals

GOOD = [0.9, 0.8, 0.7, 0.65, 0.6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cubic", P, GOOD), r"law 'cubic' is not one of power, shifted power, log-linear"),
        (("power", P, [0.9, 0.8, -0.7, 0.65, 0.6]), r"y\[2\] is -0\.7: it must be finite and above 0"),
        (("power", P, [0.9, 0.8, math.nan, 0.65, 0.6]), r"y\[2\] is nan"),
        (("power", [16, 8, 4, 2, 0], GOOD), r"x\[4\] is 0"),
        (("power", [16, 8, 4, 2, math.inf], GOOD), r"x\[4\] is inf"),
        (("power", P, GOOD[:4]), r"x of shape \(5,\) and y of \(4,\)"),
        (("power", [P], [GOOD]), r"x of shape \(1, 5\)"),
        (("power", 2.0, 1.0), r"x of shape \(\)"),
        (("power", [2, 2], [1, 1]), r"2 points with one x"),
        (("shifted power", [4, 2], [1, 0.9]), r"2 points with 2 different x for 3 parameters"),
        (("shifted power", [4, 2, 2, 4], GOOD[:4]), r"4 points with 2 different x for 3 parameters"),
    ],
)
def test_points_that_do_not_do_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(*arguments)
    with pytest.raises(ValueError, match=message):
        profile(*arguments, parameter="b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"errors": [0.1, 0.1]}, r"errors of shape \(2,\) for 5 points"),
        ({"errors": 0.0}, r"errors is 0\.0: .* would outweigh"),
        ({"errors": [0.1, 0.1, 0.1, 0.1, -1]}, r"errors\[4\] is -1"),
        ({"fixed": {"d": 1.0}}, r"d cannot be fixed: shifted power has a, b, c only"),
        ({"fixed": {"c": 0.6}}, r"c = 0\.6 is not from 0 to below the smallest loss, 0\.6"),
        ({"fixed": {"c": -0.1}}, r"c = -0\.1 is not from 0"),
        ({"fixed": {"a": 0}}, r"a is 0.*above 0"),
        ({"fixed": {"b": math.nan}}, r"b is nan.*finite"),
    ],
)
def test_errors_and_fixed_parameters_that_do_not_do_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit("shifted power", P, GOOD, **options)


def test_other_mistakes_are_refused():
    for parameter, fixed in (("c", None), ("b", {"b": 0.1}), ("exponent", None)):
        with pytest.raises(ValueError, match=f"parameter '{parameter}' is not one of a"):
            profile("power", P, GOOD, parameter=parameter, fixed=fixed)
    for errors in (None, 0.1):
        with pytest.raises(ValueError, match=r"write 0\.95 for 95 %"):
            profile("power", P, GOOD, parameter="b", errors=errors, confidence=95.0)
    with pytest.raises(ValueError, match=r"x is -1"):
        fit("power", P, GOOD).predict(-1)
    with pytest.raises(ValueError, match=r"parameters \['a'\]: power has a, b"):
        LAWS["power"].curve(P, {"a": 1.0})
