"""Exercises of lesson 11: a plan with matched seeds, what it will take, and a paired difference that shares its
level."""

from labkit.lesson.exercises.check import Exercise, Mistake
from labkit.stats import difference, paired


def plan(values: tuple[int, ...], seeds: int) -> tuple[tuple[int, int], ...]:
    """Every value with every seed: (value, seed), value by value."""
    return tuple((value, seed) for value in values for seed in range(seeds))


def lasting(seconds: list[float], workers: int) -> float:
    """Seconds that no schedule of these runs on `workers` workers can beat."""
    return float(max(max(seconds), sum(seconds) / workers))


def paired_interval(first: list[float], other: list[float], comparisons: int) -> tuple[float, float]:
    """The interval of other minus first over pairs of seeds, one of `comparisons` that share an error of 5 %."""
    found = paired(first, other, confidence=1 - 0.05 / comparisons)
    return found.low, found.high


def _one_each(values: tuple[int, ...], seeds: int) -> tuple[tuple[int, int], ...]:
    return tuple(zip(values, range(seeds), strict=False))


def _never_the_same(values: tuple[int, ...], seeds: int) -> tuple[tuple[int, int], ...]:
    return tuple((value, k * seeds + seed) for k, value in enumerate(values) for seed in range(seeds))


def _one_seed(values: tuple[int, ...], seeds: int) -> tuple[tuple[int, int], ...]:
    return tuple((value, 0) for value in values)


def _unpaired(first: list[float], other: list[float], comparisons: int) -> tuple[float, float]:
    found = difference(first, other, confidence=1 - 0.05 / comparisons)
    return found.low, found.high


def _each_for_itself(first: list[float], other: list[float], comparisons: int) -> tuple[float, float]:
    return paired_interval(first, other, 1)


def _reversed(first: list[float], other: list[float], comparisons: int) -> tuple[float, float]:
    return paired_interval(other, first, comparisons)


_LARGE, _SMALL = [2.47, 2.52, 2.49], [2.12, 2.15, 2.11]

EXERCISES = (
    Exercise(
        "11-plan",
        reach="near",
        hints=(
            "A pair is two runs with the same seed; so every value has to meet every seed.",
            "Go through the values, and for each of them through the seeds, counted from zero.",
            "Two loops in one list: `for value in values for seed in range(seeds)`.",
        ),
        reference=plan,
        inputs=(((16, 8, 4), 2), ((16, 4), 3)),
        mistakes=(
            Mistake(
                _one_each,
                "Each value meets one seed only, and each its own: what the seed does cannot be told from what the "
                "value does. Every value takes every seed.",
            ),
            Mistake(
                _never_the_same,
                "No seed serves two values, so there are no pairs: two runs see other images in another order. Let "
                "every value have the same seeds, counted from 0.",
            ),
            Mistake(_one_seed, "All runs have seed 0. One draw has no spread, and nothing can be shown with it."),
        ),
        solved="Only one thing differs between the runs of a pair: the value.",
    ),
    Exercise(
        "11-cost",
        reach="near",
        hints=(
            "Two things bound the time from below: all the work together, and the longest run alone.",
            "Workers share the work at best equally; the longest run cannot be shared. The larger of both counts.",
            "Take the `max` of the longest run and of `sum(seconds) / workers`.",
        ),
        reference=lasting,
        inputs=(([10.0, 10.0, 10.0, 10.0], 2), ([100.0, 5.0, 5.0], 2), ([3.0, 4.0, 5.0], 1)),
        mistakes=(
            Mistake(
                lambda seconds, workers: float(sum(seconds)),
                "That is the work of all runs together. Several workers share it.",
            ),
            Mistake(
                lambda seconds, workers: sum(seconds) / workers,
                "An equal share, but a run cannot be cut in two: nobody is done before the longest run is.",
            ),
            Mistake(
                lambda seconds, workers: float(max(seconds)),
                "That is the longest run. It is enough only if there is a worker for each run.",
            ),
        ),
        solved="A bound that cannot be beaten; what starts the longest runs first comes close to it.",
    ),
    Exercise(
        "11-difference",
        reach="far",
        hints=(
            "Runs of one seed belong together, and all comparisons share one error.",
            "One in twenty is shared by all comparisons: each has its part of it left to be wrong.",
            "Ask `paired(first, other, ...)` at the confidence that the text names, and return `low` and `high` of it.",
        ),
        reference=paired_interval,
        inputs=((_LARGE, _SMALL, 2), (_LARGE, _SMALL, 1), ([1.0, 1.3, 1.1, 1.2], [0.9, 1.25, 1.0, 1.18], 4)),
        tolerance=1e-6,
        mistakes=(
            Mistake(
                _unpaired,
                "You took the two groups as strangers. Runs of one seed belong together: take the difference seed by "
                "seed (`paired`), and what the seed does to both goes out.",
            ),
            Mistake(
                _each_for_itself,
                "Each interval is at the full level, so with several of them the chance of a wrong verdict adds up. "
                "The error is shared: each comparison takes its part of it.",
            ),
            Mistake(
                _reversed,
                "The sign is turned round: *other minus first* is below zero where the other has the lower loss.",
            ),
        ),
        solved="If the interval leaves zero out, the difference is shown, also in company of the other comparisons.",
    ),
)
