"""labkit.stats against scipy, against simulation, and in the cases where a verdict must not be given."""

import math

import numpy as np
import pytest
from scipy import stats as reference

from labkit import stats

A, B = [2.08, 2.11, 2.02, 2.09], [1.65, 1.71, 1.60, 1.69]
SEEDS = 4_000


def test_mean_and_spread_by_hand():
    assert stats.mean([1, 2, 6]) == 3
    assert stats.spread([1, 2, 6]) == pytest.approx(math.sqrt((4 + 1 + 9) / 2))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_interval_agrees_with_scipy(confidence):
    found = stats.interval(A, confidence=confidence)
    expected = reference.ttest_1samp(A, 0).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert (found.mean, found.n, found.confidence) == (pytest.approx(np.mean(A)), 4, confidence)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_paired_agrees_with_scipy(confidence):
    found = stats.paired(A, B, confidence=confidence)
    expected = reference.ttest_rel(B, A).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.n == 4


@pytest.mark.filterwarnings("ignore:Precision loss")  # scipy's own, for the side without spread
@pytest.mark.parametrize("b", [B, B[:2], [1.0, 3.0, 9.0], [1.6, 1.7, 1.5]])
def test_difference_agrees_with_scipy_for_unequal_variances_and_counts(b):
    found = stats.difference(A, b)
    expected = reference.ttest_ind(b, A, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.n == 4 + len(b)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (1, 1), (3, 7), (940, 1_000)])
def test_binomial_agrees_with_scipy_and_stays_inside(successes, n):
    found = stats.binomial_interval(successes, n)
    expected = reference.binomtest(successes, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.low < found.high


def test_equal_recipes_rarely_get_a_verdict_and_the_interval_covers():
    """n = 3, the usual number of seeds: the paired test errs in 5 %, Welch's in no more, the interval holds 95 %."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, SEEDS, 3))
    welch = [stats.better(x, y) for x, y in zip(a, b, strict=True)]
    pairs = [stats.better(x, y, paired=True) for x, y in zip(a, b, strict=True)]
    covers = [stats.interval(x) for x in a]
    noise = 4 * math.sqrt(0.05 * 0.95 / SEEDS)  # four standard errors of the simulation
    assert 0.025 < np.mean([verdict != "not shown" for verdict in welch]) < 0.05 + noise
    assert np.mean([verdict != "not shown" for verdict in pairs]) == pytest.approx(0.05, abs=noise)
    assert np.mean([verdict == "yes" for verdict in pairs]) == pytest.approx(0.025, abs=noise)
    assert np.mean([found.low < 0 < found.high for found in covers]) == pytest.approx(0.95, abs=noise)


def test_verdicts_and_their_direction():
    assert stats.better(B, A) == "yes"
    assert stats.better(A, B) == "no"
    assert stats.better(A, B, lower_is_better=False) == "yes"
    assert stats.better(B, A, lower_is_better=False) == "no"
    assert stats.difference(A, B).high < 0
    assert stats.paired(A, B).mean == pytest.approx(stats.difference(A, B).mean)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("lower_is_better", [False, True])
def test_swapping_the_arguments_swaps_the_verdict(paired, lower_is_better):
    swapped = {"yes": "no", "no": "yes", "not shown": "not shown"}
    rng, seen = np.random.default_rng(1), set()
    for shift in np.linspace(-6, 6, 60):
        a, b = rng.normal(size=4), rng.normal(size=4) + shift
        options = {"paired": paired, "lower_is_better": lower_is_better}
        seen.add(verdict := stats.better(a, b, **options))
        assert stats.better(b, a, **options) == swapped[verdict]
    assert seen == set(swapped)


@pytest.mark.parametrize("paired", [False, True])
def test_one_seed_shows_nothing(paired):
    assert stats.better([1.0], [1e9], paired=paired) == "not shown"
    assert stats.better([1.0], A) == stats.better(A, [1.0]) == "not shown"
    assert stats.interval([1.0])[:3] == (1.0, -math.inf, math.inf)


@pytest.mark.parametrize("copy", [0.1, 1 / 3, 2.08, 1e-9, 0.0])
@pytest.mark.parametrize("n", [2, 3, 5, 7])
def test_copies_of_one_run_show_nothing(copy, n):
    a, b = [copy] * n, [copy + 0.5] * n
    assert stats.spread(a) == 0
    for paired in (False, True):
        assert stats.better(a, b, paired=paired) == stats.better(b, a, paired=paired) == "not shown"
        assert stats.better(a, a, paired=paired) == "not shown"
    assert stats.interval(a).high == math.inf
    assert "copies" in stats.difference(a, b).method


@pytest.mark.parametrize(("a", "shift"), [([0.1, 0.2, 0.3, 0.7], 0.5), ([0.7, 2.3, 40.1, 1000.1], 1e-3)])
def test_pairs_that_differ_by_a_constant_show_nothing_despite_rounding(a, shift):
    b = [value + shift for value in a]
    assert np.ptp(np.subtract(b, a)) > 0  # rounding leaves a spread that is not one
    assert stats.better(a, b, paired=True) == "not shown"


def test_a_small_but_real_spread_is_not_taken_for_rounding():
    a, b = [1.0, 1.0 + 1e-12, 1.0 + 2e-12], [1.0 + 1e-9, 1.0 + 2e-9, 1.0 + 1.5e-9]
    assert stats.spread(a) == pytest.approx(1e-12, rel=1e-3)
    assert stats.better(a, b) == "yes"


def test_an_outlier_takes_the_verdict_away():
    assert stats.better(B, A) == "yes"
    assert stats.better([*B, 9.0], A) == "not shown"


def test_pairing_sees_what_the_seeds_hide():
    seeds = [0.0, 5.0, -3.0, 8.0]
    a, b = np.add(seeds, [1.0, 1.1, 0.9, 1.0]), np.add(seeds, [2.0, 2.1, 2.0, 1.9])
    assert stats.better(a, b, paired=True) == "yes"
    assert stats.better(a, b) == "not shown"


def test_zero_on_the_edge_of_the_interval_is_not_shown(monkeypatch):
    edge = stats.Interval(1.0, 0.0, 2.0, 6, 0.95, "Welch t")
    monkeypatch.setattr(stats, "difference", lambda a, b, *, confidence: edge)
    assert stats.better(A, B) == stats.better(A, B, lower_is_better=False) == "not shown"


def test_more_confidence_is_wider():
    widths = [np.diff(stats.difference(A, B, confidence=c)[1:3])[0] for c in (0.5, 0.9, 0.95, 0.99)]
    assert widths == sorted(widths)
    assert stats.better(A[:2], B[:2], confidence=0.5) == "no"
    assert stats.better(A[:2], B[:2], confidence=0.999) == "not shown"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_diverged_run_is_refused_by_name_and_index(bad):
    for function in (stats.mean, stats.spread, stats.interval):
        with pytest.raises(ValueError, match=r"values\[1\] is .*diverged run cannot be averaged"):
            function([1.0, bad, 2.0])
    for function in (stats.paired, stats.difference, stats.better):
        with pytest.raises(ValueError, match=r"b\[2\] is .*diverged"):
            function([1.0, 2.0, 3.0], [1.0, 2.0, bad])


@pytest.mark.parametrize("function", [stats.mean, stats.spread, stats.interval])
def test_nothing_and_tables_are_refused(function):
    with pytest.raises(ValueError, match=r"0 values.*nothing to average"):
        function([])
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        function([[1.0, 2.0]])


def test_other_mistakes_are_refused():
    with pytest.raises(ValueError, match="2 or more"):
        stats.spread([1.0])
    for function in (stats.paired, stats.difference, stats.better):
        with pytest.raises(ValueError, match="b holds 0 values"):
            function([1.0], [])
    for options in ({}, {"confidence": 0.9}):
        with pytest.raises(ValueError, match=r"4 values in a and 3 in b.*different seeds"):
            stats.better(A, B[:3], paired=True, **options)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -0.5, math.nan])
def test_a_confidence_outside_0_and_1_is_refused_even_where_it_would_not_matter(confidence):
    for values in (A, [1.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match=r"write 0\.95 for 95 %"):
            stats.interval(values, confidence=confidence)
        with pytest.raises(ValueError, match=r"write 0\.95 for 95 %"):
            stats.better(values, values, confidence=confidence)


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (0, 0), (0.94, 1), (1, 2.5), (math.nan, 3)])
def test_shares_are_not_counts(successes, n):
    with pytest.raises(ValueError, match="both are counts"):
        stats.binomial_interval(successes, n)


def test_copies_on_one_side_give_no_verdict():
    assert stats.difference([1.0, 1.0, 1.0], [2.0, 2.1, 2.2]).low == -math.inf
    assert stats.better([1.0, 1.0, 1.0], [2.0, 2.1, 2.2]) == "not shown"
    assert stats.better([2.0, 2.1, 2.2], [1.0, 1.0, 1.0]) == "not shown"


def test_blocks_are_drawn_whole():
    """Against the normal limit for many blocks, and refusal to promise anything from one."""
    values = np.random.default_rng(1).normal(0.4, 0.2, 400)
    found = stats.block_interval(values)
    error = values.std() / math.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=2e-3
    )
    assert stats.block_interval([0.3]).low == -math.inf
    assert stats.block_interval(values) == found, "the same draws every time"
    assert stats.block_interval(values, confidence=0.5).high < found.high
    with pytest.raises(ValueError, match="holds 0 values"):
        stats.block_interval([])


def test_exponent_agrees_with_scipy():
    x, y = np.array([1.0, 2, 4, 8, 16]), np.array([3.0, 11, 49, 180, 800])
    found = stats.exponent(x, y)
    line = reference.linregress(np.log(x), np.log(y))
    reach = reference.t.ppf(0.975, 3) * line.stderr
    assert (found.mean, found.low, found.high) == pytest.approx((line.slope, line.slope - reach, line.slope + reach))
    assert stats.exponent([2, 3, 7], [5 * n**1.5 for n in (2, 3, 7)]).mean == pytest.approx(1.5)
    assert stats.exponent([1, 2], [1, 4])[:3] == (pytest.approx(2), -math.inf, math.inf)


@pytest.mark.parametrize(("x", "y"), [([1], [1]), ([1, 1], [1, 2]), ([1, 2], [1, 0]), ([-1, 2], [1, 1]), ([1, 2], [1])])
def test_no_exponent_without_a_slope(x, y):
    with pytest.raises(ValueError, match="an exponent takes pairs of positive numbers"):
        stats.exponent(x, y)


def test_the_exponents_interval_covers_the_truth():
    """Points scattered around a known power of their logarithms: nineteen of twenty intervals hold it."""
    draw, x = np.random.default_rng(0), np.array([1, 2, 4, 8, 16, 32])
    hits = 0
    for _ in range(1000):
        found = stats.exponent(x, 3 * x**1.3 * np.exp(draw.normal(0, 0.1, 6)))
        hits += found.low <= 1.3 <= found.high
    assert 930 <= hits <= 970


def test_curves_cross_where_they_meet_on_logarithmic_axes():
    x = np.array([10.0, 100, 1000, 10000])
    assert stats.crossing(x, x**2, 300 * x) == pytest.approx(300)
    assert stats.crossing(x, x, 2 * x) is None
    assert stats.crossing(x, 2 * x, x) is None, "above from the start"
    for wrong in ([1, 1], [2, 1]):
        with pytest.raises(ValueError, match="x growing"):
            stats.crossing(wrong, [1, 2], [2, 1])
