"""Exercises of lesson 08: the loss that one cost buys, the front, and the noise of a difference of accuracies."""

import math

import numpy as np

from labkit.lesson.exercises.check import Exercise, Mistake
from labkit.scaling import at_cost, front, noise_of_accuracy, noise_of_difference


def in_errors(before: float, after: float, images: int) -> float:
    """The difference of two accuracies in percent, in standard errors of the difference."""
    return (after - before) / noise_of_difference(before, after, images)


def _straight(costs: list[float], losses: list[float], cost: float) -> float:
    return float(np.interp(cost, costs, losses))


def _nearest(costs: list[float], losses: list[float], cost: float) -> float:
    return losses[int(np.argmin(np.abs(np.log(costs) - math.log(cost))))]


def _from_the_neighbour(costs: list[float], losses: list[float]) -> list[int]:
    order = sorted(range(len(costs)), key=lambda k: costs[k])
    return [k for j, k in enumerate(order) if j == 0 or losses[k] < losses[order[j - 1]]]


def _in_given_order(costs: list[float], losses: list[float]) -> list[int]:
    return sorted(front(costs, losses))


def _one_error(before: float, after: float, images: int) -> float:
    return (after - before) / noise_of_accuracy(before, images)


def _added_errors(before: float, after: float, images: int) -> float:
    return (after - before) / (noise_of_accuracy(before, images) + noise_of_accuracy(after, images))


def _not_halved(before: float, after: float, images: int) -> float:
    return in_errors(before, after, images) / math.sqrt(images)


EXERCISES = (
    Exercise(
        "08-at-cost",
        reach="near",
        hints=(
            "Budgets grow by factors, so the straight line is one over the logarithm of the cost.",
            "How far between two costs you are is the share of logarithms, not of the costs.",
            "`np.interp(x, xs, ys)` reads off a line: give it logarithms for `x` and `xs`, and the losses as they are.",
        ),
        reference=at_cost,
        inputs=(
            ([100.0, 400.0], [2.0, 1.0], 200.0),
            ([1e9, 1e10, 1e12], [2.0, 1.5, 0.5], 1e11),
            ([1.0, 10.0], [3.0, 2.0], 2.0),
        ),
        mistakes=(
            Mistake(
                _straight,
                "You read off a straight line over the cost itself. Between budgets of one and of four the middle "
                "would then be two and a half; take logarithms of the costs.",
            ),
            Mistake(_nearest, "You took the nearest budget that was run. Read off between the two."),
            Mistake(
                lambda costs, losses, cost: float(np.exp(np.interp(math.log(cost), np.log(costs), np.log(losses)))),
                "You took the logarithm of the losses as well, which gives a slightly lower line. Only the cost grows "
                "by factors here.",
            ),
        ),
        solved="No run was made there: it is a reading between two, and honest only where two are.",
    ),
    Exercise(
        "08-front",
        reach="near",
        hints=(
            "Walk from the cheapest to the dearest, and remember the best loss so far.",
            "A setting is on the front if its loss is lower than every loss that was met before.",
            "Sort the indices by `costs[k]`, then keep each `k` with `losses[k]` below that of the last one you kept.",
        ),
        reference=front,
        inputs=(
            ([1.0, 2.0, 4.0, 3.0], [30.0, 35.0, 20.0, 32.0]),
            ([5.0, 1.0, 3.0], [1.0, 3.0, 2.0]),
            ([2.0, 1.0, 4.0], [1.0, 2.0, 1.5]),
        ),
        mistakes=(
            Mistake(
                _from_the_neighbour,
                "You compared each setting with the next cheaper one. That one may be off the front itself: compare "
                "with the best so far.",
            ),
            Mistake(_in_given_order, "Those are the right settings, but not the cheapest first."),
            Mistake(
                lambda costs, losses: front(costs, [-one for one in losses]),
                "You kept what is worse than everything cheaper. A lower loss is better.",
            ),
        ),
        solved="Whoever pays for a setting off the front could have had a better one for no more.",
    ),
    Exercise(
        "08-noise",
        reach="far",
        hints=(
            "Turn percent into shares first: the formula has a share in it.",
            "Each accuracy has its own error; the square of the error of a difference is the sum of both squares.",
            "With shares `a` and `b`, add `a * (1 - a)` and `b * (1 - b)`, divide by `images`, take the root, and "
            "divide `b - a` by it.",
        ),
        reference=in_errors,
        inputs=((84.5, 84.6, 50_000), (68.2, 76.9, 50_000), (90.0, 80.0, 100)),
        mistakes=(
            Mistake(
                _one_error,
                "You divided by the error of one accuracy. The other one is uncertain too: add the squares of both.",
            ),
            Mistake(_added_errors, "You added the errors. Independent errors partly cancel: add their squares."),
            Mistake(_not_halved, "The number of images is missing: the error of a mean shrinks with its root."),
        ),
        solved="Below two, other test images might well have turned it round.",
    ),
)
