"""Intervals hold the truth as often as they promise; bands from few seeds; seeds and images are kept apart."""

import math
import time

import numpy as np
import pytest

from labkit import stats
from labkit.scaling import LAWS, band, coverage, fit, of_loss, of_parameter, over_images, over_seeds
from labkit.scaling.draws import redrawn

P = np.array([16.0, 8, 4, 2, 1])
TRUTH = {
    "power": {"a": 0.8, "b": 0.1},
    "shifted power": {"a": 0.02, "b": 0.9, "c": 0.7},
    "log-linear": {"a": 0.7, "b": 0.05},
}
CASES = [(law, parameter) for law, truth in TRUTH.items() for parameter in truth]


def seeds(law: str, count: int, *, sigma: float = 0.003, seed: int = 0) -> np.ndarray:
    """Losses (S, n) of runs that share nothing."""
    return LAWS[law].curve(P, TRUTH[law]) + sigma * np.random.default_rng(seed).normal(size=(count, 5))


# ---------------------------------------------------------------- coverage


@pytest.mark.parametrize("errors_known", [True, False])
@pytest.mark.parametrize(("law", "parameter"), CASES)
def test_intervals_hold_the_truth_in_95_of_100_sets(law, parameter, errors_known):
    found = coverage(law, P, TRUTH[law], sigma=0.002, parameter=parameter, errors_known=errors_known)
    assert 0.92 <= found.share.mean <= 0.98
    assert found.share.n == 1000
    assert found.share.low < found.share.mean < found.share.high
    assert found.promised == 0.95


def test_more_confidence_covers_more():
    shares = [
        coverage("power", P, TRUTH["power"], sigma=0.002, parameter="b", confidence=c).share.mean for c in (0.5, 0.8)
    ]
    assert shares == pytest.approx([0.5, 0.8], abs=0.04)


def test_at_the_bound_the_interval_of_c_holds_more_than_it_promises_and_the_others_less():
    """A true c of 0, the known exception: fits that would go below stop at the truth, so half of the misses of c never
    happen; a and b cannot make up for c any more."""
    truth = {"a": 0.8, "b": 0.1, "c": 0.0}
    shares = {}
    for parameter in truth:
        found = coverage("shifted power", P, truth, sigma=0.005, parameter=parameter, sets=4000)
        shares[parameter] = found.share
        assert found.at_bound == pytest.approx(0.5, abs=0.03)
    assert shares["c"].mean == pytest.approx(0.975, abs=0.01)
    assert shares["c"].low > 0.95
    assert shares["a"].high < 0.95
    assert shares["b"].high < 0.95
    assert min(shares["a"].mean, shares["b"].mean) > 0.92


def test_a_c_close_to_the_smallest_loss_is_missed():
    """The other bound: where noise pushes a loss below the true c, no interval reaches it."""
    truth = {"a": 0.002, "b": 1.5, "c": 0.7}
    found = coverage("shifted power", P, truth, sigma=0.004, parameter="c")
    assert found.share.mean < 0.9
    assert found.at_bound > 0.2


def test_a_thousand_sets_take_seconds():
    began = time.process_time()
    coverage("shifted power", P, TRUTH["shifted power"], sigma=0.002, parameter="c")
    band("shifted power", P, seeds("shifted power", 5), [0.5])
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameter": "c"}, r"c of power with"),
        ({"truth": {"a": 0.8}}, r"parameters \['a'\]: power has a, b"),
        ({"law": "shifted power", "truth": {"a": 0.8, "b": 0.1, "c": -0.1}}, "a true c from 0"),
        ({"x": [2, 1], "errors_known": False}, "one more to estimate errors"),
        ({"sets": 0}, "0 sets"),
        ({"sigma": 1.0}, "drawn losses fall to"),
        ({"confidence": 95.0}, r"write 0\.95"),
        ({"sigma": 0.0}, "errors is 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    given = {"law": "power", "x": P, "truth": TRUTH["power"], "sigma": 0.002, "parameter": "b"} | options
    with pytest.raises(ValueError, match=message):
        coverage(given.pop("law"), given.pop("x"), given.pop("truth"), **given)


# ---------------------------------------------------------------- bands


@pytest.mark.parametrize("count", [3, 5])
def test_bands_of_few_seeds_hold_the_true_curve(count):
    """Also where the seeds at one x decide most, at p = 1/2 beyond the points. A plain bootstrap holds too little."""
    at, sets = np.array([4.0, 0.5]), 300
    truth = LAWS["log-linear"].curve(at, TRUTH["log-linear"])
    rng, held, plain = np.random.default_rng(3), np.zeros(2), np.zeros(2)
    for k in range(sets):
        y = seeds("log-linear", count, seed=1000 + k)
        found = band("log-linear", P, y, at, draws=400, seed=k)
        held += (found.low <= truth) & (truth <= found.high)
        means = y[rng.integers(count, size=(400, count, 5)), np.arange(5)].mean(axis=1)
        slope, level = np.polyfit(np.log(P), means.T, 1)
        low, high = np.quantile(level[:, None] + slope[:, None] * np.log(at), [0.025, 0.975], axis=0)
        plain += (low <= truth) & (truth <= high)
    assert np.all((held / sets > 0.92) & (held / sets < 0.985))
    assert np.all(plain < held)
    if count == 3:
        assert np.all(plain / sets < 0.9)


@pytest.mark.parametrize("paired", [True, False])
def test_of_the_mean_at_one_x_it_is_students_interval(paired):
    """On average over 20 tables of five seeds: both corrections together, neither too much nor too little."""
    ratios = []
    for k in range(20):
        y = seeds("power", 5, seed=k)
        found = redrawn(y, lambda rows: rows[:, 3:4], paired=paired, draws=1000, seed=k, confidence=0.95)
        ratios.append((found.high[0] - found.low[0]) / width(stats.interval(y[:, 3])))
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_a_band_is_around_the_fit_and_the_same_each_time():
    y = seeds("shifted power", 5)
    found = band("shifted power", P, y, [16, 1, 0.5], draws=500)
    best = fit("shifted power", P, y.mean(axis=0)).predict([16, 1, 0.5])
    assert np.all((found.low < best) & (best < found.high))
    assert found.median == pytest.approx(best, abs=0.002)
    again = band("shifted power", P, y, [16, 1, 0.5], draws=500)
    assert np.array_equal(found.low, again.low)
    assert not np.array_equal(found.low, band("shifted power", P, y, [16, 1, 0.5], draws=500, seed=1).low)
    wider = band("shifted power", P, y, [16, 1, 0.5], draws=500, confidence=0.99)
    assert np.all((wider.low < found.low) & (wider.high > found.high))
    assert (found.seeds, found.confidence) == (5, 0.95)


def test_pairs_matter_where_seeds_share_something():
    """Seeds that lift the whole curve: drawn whole they leave the slope alone, drawn apart they do not."""
    lifted = LAWS["log-linear"].curve(P, TRUTH["log-linear"]) + np.array([-0.02, -0.01, 0.0, 0.01, 0.02])[:, None]
    together, apart = (band("log-linear", P, lifted, [16, 1], paired=paired) for paired in (True, False))
    width = together.high - together.low
    assert width[0] == pytest.approx(width[1], rel=1e-9)
    assert together.method == "bootstrap of whole seeds, 1000 draws"
    assert apart.method == "bootstrap of the seeds at each x, 1000 draws"
    assert not np.allclose(apart.high - apart.low, width, rtol=0.05)


def test_one_seed_or_copies_of_one_bound_nothing():
    for count, why in ((1, "one seed"), (3, "copies count as one")):
        found = band("power", P, np.tile(seeds("power", 1), (count, 1)), [0.5])
        assert (found.low[0], found.high[0]) == (-math.inf, math.inf)
        assert why in found.method
        assert np.isfinite(found.median[0])


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (seeds("power", 3)[0], {}, r"y of shape \(5,\): a table \(seeds, x\)"),
        (seeds("power", 3)[:, :4], {}, r"x of shape \(5,\) and y of \(4,\)"),
        (np.where(np.arange(15).reshape(3, 5) == 7, math.nan, 0.5), {}, r"y\[1, 2\] is nan"),
        (seeds("power", 3), {"at": [0.0]}, r"at\[0\] is 0"),
        (seeds("power", 3), {"draws": 0}, "0 draws"),
        (seeds("power", 3), {"confidence": 1.0}, r"write 0\.95"),
        (np.array([[0.01] * 5, [1.0] * 5, [0.011] * 5, [0.9] * 5]) * P, {}, "seeds lie so far apart"),
    ],
)
def test_bands_that_cannot_be_are_refused(y, options, message):
    given = {"at": [0.5]} | options
    with pytest.raises(ValueError, match=message):
        band("power", P, y, given.pop("at"), **given)


# ---------------------------------------------------------------- two uncertainties


def tables(*, of_seed: float, of_block: float, count: int = 5, blocks: int = 15) -> np.ndarray:
    """Losses (n, S, K): a curve, what each run adds, what each block adds at all x, and a little of its own."""
    rng = np.random.default_rng(5)
    curve = LAWS["log-linear"].curve(P, TRUTH["log-linear"])[:, None, None]
    own = 1e-4 * rng.normal(size=(5, count, blocks))
    return curve + of_seed * rng.normal(size=(5, count, 1)) + of_block * rng.normal(size=blocks) + own


def width(interval: stats.Interval) -> float:
    return interval.high - interval.low


def test_each_interval_is_the_one_of_stats():
    losses = tables(of_seed=0.01, of_block=0.1)[0]
    found = of_loss(losses)
    assert found.over_seeds == over_seeds(losses) == stats.interval(losses.mean(axis=1))
    assert found.over_images == over_images(losses)
    blocks = losses.mean(axis=0)
    reach = 2 * stats.interval(blocks).high - 2 * blocks.mean()
    assert width(found.over_images) == pytest.approx(reach, rel=0.1), "fifteen blocks alike: about Student's interval"
    assert width(found.over_images) > width(stats.block_interval(blocks))
    assert found.over_seeds.mean == pytest.approx(found.over_images.mean)
    assert (found.over_seeds.n, found.over_images.n) == (5, 15)


def test_photographs_do_not_move_the_one_and_seeds_not_the_other():
    calm = of_loss(tables(of_seed=0.01, of_block=0.02)[0])
    blocks = of_loss(tables(of_seed=0.01, of_block=0.2)[0])
    runs = of_loss(tables(of_seed=0.1, of_block=0.02)[0])
    assert width(blocks.over_seeds) == pytest.approx(width(calm.over_seeds), rel=1e-6)
    assert width(blocks.over_images) > 5 * width(calm.over_images)
    assert width(runs.over_images) == pytest.approx(width(calm.over_images), rel=1e-6)
    assert width(runs.over_seeds) > 5 * width(calm.over_seeds)


def test_a_difficult_photograph_lifts_the_curve_and_leaves_its_slope():
    found = of_parameter("log-linear", P, tables(of_seed=0.003, of_block=0.1))
    assert width(found.over_images) < 0.02 * width(found.over_seeds)
    assert found.over_seeds.low < TRUTH["log-linear"]["b"] < found.over_seeds.high
    assert found.over_seeds.mean == found.over_images.mean
    assert (found.over_seeds.n, found.over_images.n) == (5, 15)
    power = of_parameter("power", P, tables(of_seed=0.003, of_block=0.1))
    assert width(power.over_images) > 0.1 * width(power.over_seeds), "of a power it is in proportion that counts"


def test_the_exponent_of_one_seed_or_one_block_is_unbounded_in_that_alone():
    one_seed = of_parameter("power", P, tables(of_seed=0.003, of_block=0.1, count=1))
    assert one_seed.over_seeds.high == math.inf
    assert math.isfinite(width(one_seed.over_images))
    one_block = of_parameter("power", P, tables(of_seed=0.003, of_block=0.1, blocks=1))
    assert one_block.over_images.low == -math.inf
    assert math.isfinite(width(one_block.over_seeds))


def test_tables_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"losses of shape \(5,\): a table \(seeds, blocks\)"):
        over_seeds([1.0, 2, 3, 4, 5])
    with pytest.raises(ValueError, match=r"losses\[0, 1\] is -1"):
        over_images([[1.0, -1.0]])
    losses = tables(of_seed=0.01, of_block=0.1)
    with pytest.raises(ValueError, match=r"losses of shape \(5, 15\): a table \(x, seeds, blocks\)"):
        of_parameter("power", P, losses[:, 0])
    with pytest.raises(ValueError, match="parameter 'c' is not one of a, b, which power has"):
        of_parameter("power", P, losses, parameter="c")
