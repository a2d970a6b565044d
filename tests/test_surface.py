"""Loss over patch size and budget, what is worth its price, and the noise of a test set."""

import itertools
import math

import numpy as np
import pytest

from labkit import stats
from labkit.scaling import (
    at_cost,
    beaten_by,
    budgets,
    front,
    gain,
    halvings,
    losses_of,
    noise_of_accuracy,
    noise_of_difference,
    shown,
    sizes,
)

SEEDS = range(5)
# mean loss by (p, steps): 4 beats 8 only from 600 steps on, 2 never does
MEANS = {(8, 150): 2.0, (8, 600): 1.8, (8, 2400): 1.6, (4, 150): 2.1, (4, 600): 1.5, (4, 2400): 1.0, (2, 2400): 1.2}


def lines(seeds=SEEDS, **same):
    rng = np.random.default_rng(1)
    return [
        {"patch_size": p, "steps": steps, "seed": seed, "test_loss": mean + 0.01 * float(rng.normal()), **same}
        for (p, steps), mean in MEANS.items()
        for seed in seeds
    ]


def test_losses_are_found_by_place_and_seed_whatever_their_order():
    losses = losses_of(lines()[::-1])
    assert sizes(losses) == [8, 4, 2]
    assert budgets(losses) == [150, 600, 2400]
    assert list(losses[8, 150]) == list(SEEDS)
    assert losses == losses_of(lines())
    with pytest.raises(ValueError, match=r"two records for p = 8, 150 steps, seed 0"):
        losses_of(lines() + lines())


def test_a_halving_pays_from_the_budget_on_at_which_it_is_shown_everywhere():
    first, second = halvings(losses_of(lines()))
    assert (first.larger, first.smaller, first.pays_from) == (8, 4, 600)
    assert first.verdicts == {150: "no", 600: "yes", 2400: "yes"}
    assert first.gains[2400].mean == pytest.approx(0.6, abs=0.02)
    assert first.gains[150].high < 0
    assert (second.larger, second.smaller, second.pays_from) == (4, 2, None)
    assert list(second.verdicts) == [2400]  # only there were both trained


def test_a_gain_that_is_lost_again_at_the_largest_budget_does_not_pay():
    losses = losses_of(lines())
    losses[4, 2400] = dict(losses[8, 2400])  # the same losses: nothing is shown
    assert halvings(losses)[0].pays_from is None


def test_gains_are_paired_over_the_seeds_that_both_have():
    larger = {0: 1.5, 1: 2.5, 2: 3.5, 7: 99.0}
    smaller = {2: 3.31, 1: 2.3, 0: 1.29, 9: -99.0}
    found = gain(larger, smaller)
    assert found.mean == pytest.approx(0.2)
    assert found.n == 3
    assert found == stats.paired([1.29, 2.3, 3.31], [1.5, 2.5, 3.5])
    assert shown(larger, smaller) == "yes"  # a spread between seeds of one nat is no matter within pairs
    assert shown(smaller, larger) == "no"
    with pytest.raises(ValueError, match=r"seeds \[1\] and \[0\] have none in common"):
        gain({0: 1.0}, {1: 1.0})


def brute_force(costs, losses):
    """A point is on the front if no other is as cheap and as good, and better in one of the two."""
    every = range(len(costs))
    return {
        k
        for k in every
        if not any(
            costs[j] <= costs[k] and losses[j] <= losses[k] and (costs[j] < costs[k] or losses[j] < losses[k])
            for j in every
        )
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_nothing_cheaper_beats(seed):
    rng = np.random.default_rng(seed)
    costs, losses = list(rng.integers(1, 9, 12) + 0.0), list(rng.permutation(12) + 0.0)
    found = front(costs, losses)
    assert set(found) == brute_force(costs, losses)
    assert all(costs[a] < costs[b] and losses[a] > losses[b] for a, b in itertools.pairwise(found))


def test_a_point_is_beaten_only_by_one_that_is_shown_to_be_better():
    good, bad = {0: 1.0, 1: 1.1, 2: 1.2}, {0: 2.0, 1: 2.11, 2: 2.19}
    hardly = {0: 1.3, 1: 0.9, 2: 1.31}
    best = {0: 0.5, 1: 0.63, 2: 0.68}
    assert beaten_by([1.0, 2.0, 3.0], [good, bad, hardly]) == [None, 0, None]
    assert beaten_by([3.0, 2.0], [good, bad]) == [None, None]  # better, but dearer
    assert beaten_by([1.0, 2.0, 2.0], [good, bad, best]) == [None, 2, None]  # the best of those that do
    assert beaten_by([1.0, 2.0], [{0: 1.0}, {0: 2.0}]) == [None, None]  # one seed shows nothing
    assert beaten_by([1.0, 2.0], [{0: 1.0, 1: 1.1}, {5: 2.0, 6: 2.2}]) == [None, None]  # nothing to pair


def test_between_two_costs_the_loss_lies_on_a_line_over_their_logarithm():
    costs, losses = [1e6, 1e8, 1e9], [2.0, 1.0, 0.5]
    assert at_cost(costs, losses, 1e7) == pytest.approx(1.5)
    assert at_cost(costs, losses, 1e8) == pytest.approx(1.0)
    assert at_cost(costs, losses, math.sqrt(1e8 * 1e9)) == pytest.approx(0.75)
    assert at_cost(costs, losses, 9e5) is None
    assert at_cost(costs, losses, 1.1e9) is None


def test_noise_of_an_accuracy_is_the_binomial_one():
    assert noise_of_accuracy(84.6, 50_000) == pytest.approx(0.1614, abs=1e-4)
    correct = np.random.default_rng(0).binomial(50_000, 0.846, size=4000) / 500
    assert noise_of_accuracy(84.6, 50_000) == pytest.approx(correct.std(), rel=0.05)
    assert noise_of_accuracy(100, 10) == 0


def test_noise_of_a_difference_is_that_of_two_test_sets():
    draws = np.random.default_rng(0)
    before, after = (draws.binomial(1000, share, size=4000) / 10 for share in (0.7, 0.9))
    assert noise_of_difference(70, 90, 1000) == pytest.approx((after - before).std(), rel=0.05)
    assert noise_of_difference(90, 70, 1000) == noise_of_difference(70, 90, 1000)
    assert noise_of_difference(70, 100, 1000) == noise_of_accuracy(70, 1000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: front([1.0], [1.0, 2.0]), "1 costs and 2 losses"),
        (lambda: front([], []), "0 costs and 0 losses"),
        (lambda: front([0.0], [1.0]), "cost 0.0 is not above 0"),
        (lambda: beaten_by([-1.0], [{0: 1.0}]), "cost -1.0 is not above 0"),
        (lambda: at_cost([2.0, 1.0], [1.0, 2.0], 1.5), "do not grow"),
        (lambda: noise_of_accuracy(101, 10), "101 percent of 10 images"),
        (lambda: noise_of_accuracy(50, 0), "50 percent of 0 images"),
        (lambda: noise_of_difference(50, 101, 10), "101 percent of 10 images"),
    ],
)
def test_what_cannot_be_answered_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
