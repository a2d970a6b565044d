"""Exercises of lesson 07: how straight a curve looks, chi-square, and the spread that would make a law acceptable."""

import math

import numpy as np
from numpy.typing import ArrayLike

from labkit.lesson.exercises.check import Exercise, Mistake
from labkit.scaling import straightness


def straight(x: list[int | float], losses: list[float], c: float) -> float:
    """R^2 of the straight line through ln(L - c) over ln x."""
    return straightness(x, losses, offset=c)


def chi_square(losses: ArrayLike, curve: ArrayLike, errors: ArrayLike) -> float:
    """Squared distances of losses from the curve, in units of their standard deviations."""
    return float(np.sum(((np.array(losses) - np.array(curve)) / np.array(errors)) ** 2))


def needed_spread(residuals: list[float], parameters: int) -> float:
    """The standard deviation for which chi-square would equal its degrees of freedom."""
    return math.sqrt(float(np.sum(np.array(residuals) ** 2)) / (len(residuals) - parameters))


def _correlation(x: list[int | float], losses: list[float], c: float) -> float:
    return float(np.corrcoef(np.log(x), np.log(np.array(losses) - c))[0, 1])


def _half_logarithmic(x: list[int | float], losses: list[float], c: float) -> float:
    return float(np.corrcoef(np.array(x), np.log(np.array(losses) - c))[0, 1] ** 2)


def _not_squared(losses: list[float], curve: list[float], errors: list[float]) -> float:
    return float(np.sum(np.abs(np.array(losses) - np.array(curve)) / np.array(errors)))


def _without_errors(losses: list[float], curve: list[float], errors: list[float]) -> float:
    return float(np.sum((np.array(losses) - np.array(curve)) ** 2))


def _pearson(losses: list[float], curve: list[float], errors: list[float]) -> float:
    return float(np.sum((np.array(losses) - np.array(curve)) ** 2 / np.array(curve)))


def _all_points(residuals: list[float], parameters: int) -> float:
    return math.sqrt(float(np.mean(np.array(residuals) ** 2)))


def _one_less(residuals: list[float], parameters: int) -> float:
    return needed_spread(residuals, 1)


def _variance(residuals: list[float], parameters: int) -> float:
    return needed_spread(residuals, parameters) ** 2


EXERCISES = (
    Exercise(
        "07-straight",
        reach="near",
        hints=(
            "Between which two rows of numbers is the correlation asked for?",
            "They are the logarithms of `x`, and the logarithms of the losses once `c` was taken off each.",
            "`np.corrcoef` of the two is a table of four; its entry `[0, 1]` is their correlation, to be squared.",
        ),
        reference=straight,
        inputs=(
            ([16.0, 8.0, 4.0, 2.0, 1.0], [1.12, 0.93, 0.87, 0.84, 0.81], 0.8),
            ([8.0, 4.0, 2.0], [0.9, 0.6, 0.5], 0.0),
        ),
        mistakes=(
            Mistake(
                _correlation,
                "That is the correlation itself. Its square is the share of the scatter that the line explains.",
            ),
            Mistake(
                lambda x, losses, c: straight(x, losses, 0.0),
                "You took the logarithm of the loss. The axis shows what is left of it after c has been taken off.",
            ),
            Mistake(_half_logarithmic, "Only one of your axes is logarithmic: take the logarithm of x as well."),
        ),
        solved="A number near 1, and yet nothing is said of a law: c was yours to choose.",
    ),
    Exercise(
        "07-chi-square",
        reach="near",
        hints=(
            "Ask of each point how many of its own standard deviations it lies from the curve.",
            "Divide the distance by the error, and then square.",
            "`zip` goes through the three lists together; `sum` adds the squares up.",
        ),
        reference=chi_square,
        inputs=(
            ([1.0, 0.8, 0.7], [0.98, 0.82, 0.7], [0.01, 0.02, 0.01]),
            ([2.0, 1.0], [1.9, 1.2], [0.1, 0.05]),
        ),
        mistakes=(
            Mistake(
                _not_squared, "You added up distances. Chi-square adds up their squares, each in units of its error."
            ),
            Mistake(
                _without_errors,
                "Your sum is in squared units of the loss, and a point that is known well counts no more than another. "
                "Divide each distance by its own standard deviation before you square it.",
            ),
            Mistake(
                _pearson,
                "That is Pearson's statistic for counts, whose variance is their mean. A loss is no count: its error "
                "comes from elsewhere.",
            ),
        ),
        solved="If the law is true and the errors are right, it lies near the number of degrees of freedom.",
    ),
    Exercise(
        "07-spread",
        reach="far",
        hints=(
            "Write chi-square with one unknown standard deviation for all points, and set it equal to what one "
            "expects.",
            "The unknown comes out of the sum: squared residuals over its square are as many as points minus "
            "parameters.",
            "Solve for it: the squares added up, over `len(residuals) - parameters`, and the root of that.",
        ),
        reference=needed_spread,
        inputs=(([0.01, -0.02, 0.01, 0.0, 0.005], 2), ([0.3, -0.1, 0.2, -0.4], 3)),
        mistakes=(
            Mistake(
                _all_points,
                "You divided by the number of points. The law was bent towards them with its parameters, so that fewer "
                "distances are free: n - k.",
            ),
            Mistake(_one_less, "That is right for a mean, which has one parameter. The law has more of them."),
            Mistake(_variance, "That is the variance; its square root has the unit of the loss."),
        ),
        solved="If seeds spread that much, the misfit is what one expects. If by far less, the law is refused.",
    ),
)
