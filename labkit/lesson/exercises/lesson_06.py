"""Exercises of lesson 06: what a sweep costs, from which budget on a halving pays, slopes between neighbours."""

import math

from labkit.lesson.exercises.check import Exercise, Mistake

Gains = dict[int, tuple[float, float]]


def hours(step_seconds: list[float], budgets: list[int], seeds: int) -> float:
    """Core-hours of every patch size at every budget with every seed."""
    return sum(step_seconds) * sum(budgets) * seeds / 3600


def pays(gains: Gains) -> int:
    """The smallest budget from which on every interval lies above zero; 0 if the last one does not."""
    found = 0
    for budget in sorted(gains, reverse=True):
        if gains[budget][0] <= 0:
            break
        found = budget
    return found


def slopes(patch_sizes: list[int], losses: list[float]) -> list[float]:
    """Slopes of ln L over ln p between neighbours."""
    ends = range(len(losses) - 1)
    return [math.log(losses[k + 1] / losses[k]) / math.log(patch_sizes[k + 1] / patch_sizes[k]) for k in ends]


def _first_shown(gains: Gains) -> int:
    return next((budget for budget in sorted(gains) if gains[budget][0] > 0), 0)


def _by_the_middle(gains: Gains) -> int:
    return pays({budget: (low + high, high) for budget, (low, high) in gains.items()})


def _as_they_come(gains: Gains) -> int:
    found = 0
    for budget, (low, _) in reversed(gains.items()):
        if low <= 0:
            break
        found = budget
    return found


def _over_p(patch_sizes: list[int], losses: list[float]) -> list[float]:
    ends = range(len(losses) - 1)
    return [(losses[k + 1] - losses[k]) / (patch_sizes[k + 1] - patch_sizes[k]) for k in ends]


def _half_logarithmic(patch_sizes: list[int], losses: list[float]) -> list[float]:
    ends = range(len(losses) - 1)
    return [(losses[k + 1] - losses[k]) / math.log(patch_sizes[k + 1] / patch_sizes[k]) for k in ends]


EXERCISES = (
    Exercise(
        "06-hours",
        reach="near",
        hints=(
            "Every patch size meets every budget and every seed: the counts multiply.",
            "At one patch size, one seed of all budgets takes its seconds of a step times the sum of the budgets.",
            "Add up the seconds of a step over patch sizes, multiply by `sum(budgets)` and `seeds`, and turn seconds "
            "into hours.",
        ),
        reference=hours,
        inputs=(([0.01, 0.02], [100, 400], 3), ([0.5], [2400], 2), ([0.008, 0.02, 0.1], [150, 600], 5)),
        tolerance=1e-9,
        mistakes=(
            Mistake(
                lambda step_seconds, budgets, seeds: sum(step_seconds) * sum(budgets) / 3600,
                "One seed of it costs that. Each seed is a run of its own.",
            ),
            Mistake(
                lambda step_seconds, budgets, seeds: sum(step_seconds) * max(budgets) * seeds / 3600,
                "You paid for the longest budget alone. A shorter budget is a run of its own, with its own schedule, "
                "not a stop on the way.",
            ),
            Mistake(
                lambda step_seconds, budgets, seeds: hours(step_seconds, budgets, seeds) / len(step_seconds),
                "You took the average patch size once. Each patch size is trained: add them up.",
            ),
        ),
        solved="The smallest patch alone often costs more than all others together.",
    ),
    Exercise(
        "06-pays",
        reach="near",
        hints=(
            "Begin at the end: if the largest budget does not show a gain, no budget pays.",
            "A gain is shown where the whole interval lies above zero, so look at its lower end.",
            "Go through `sorted(gains, reverse=True)`, remember each budget whose lower end is above 0, and stop at "
            "the first one where it is not.",
        ),
        reference=pays,
        inputs=(
            ({150: (-0.3, -0.1), 600: (0.02, 0.1), 2400: (0.2, 0.4)},),
            ({150: (0.01, 0.1), 600: (-0.02, 0.1), 2400: (0.2, 0.4)},),
            ({600: (0.1, 0.2), 2400: (0.2, 0.4), 150: (-0.1, 0.3)},),
            ({150: (0.1, 0.3), 600: (-0.1, 0.2)},),
        ),
        mistakes=(
            Mistake(
                _first_shown,
                "That is the first budget with a gain, though it may be lost again at a larger one. Ask for all larger "
                "budgets.",
            ),
            Mistake(
                _by_the_middle,
                "You looked at the middle of the interval. A gain is shown only if its lower end is above zero, too.",
            ),
            Mistake(_as_they_come, "The budgets come in any order: sort them first."),
        ),
        solved="From that budget on the halving pays, as far as anybody has looked.",
    ),
    Exercise(
        "06-slopes",
        reach="far",
        hints=(
            "A slope is a rise over a run; here both are taken on logarithmic axes.",
            "The difference of two logarithms is the logarithm of a ratio.",
            "Take `math.log` of the ratio of two neighbouring losses, and divide it by `math.log` of the ratio of "
            "their patch sizes; the later one stands above in both.",
        ),
        reference=slopes,
        inputs=(([16, 8, 4], [2.0, 1.6, 1.4]), ([8, 4, 2, 1], [1.0, 0.9, 0.9, 1.1])),
        mistakes=(
            Mistake(_over_p, "Those are slopes of the loss over p itself. Take logarithms of both."),
            Mistake(_half_logarithmic, "Only your p is logarithmic: take the logarithm of the loss as well."),
            Mistake(
                lambda patch_sizes, losses: [-one for one in slopes(patch_sizes, losses)],
                "The sign is turned round. Patch sizes fall from left to right, and so does the loss: the slope of a "
                "loss that falls with p is positive.",
            ),
        ),
        solved="Equal slopes everywhere would be one power law.",
    ),
)
