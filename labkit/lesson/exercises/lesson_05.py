"""Exercises of lesson 05: the learning rate as a function of the step, accuracy, a difference with its interval."""

import math

import torch
from torch import Tensor

from labkit.lesson.exercises.check import Exercise, Mistake
from labkit.optimizer import learning_rate
from labkit.stats import difference, paired


def schedule(step: int, steps: int, peak: float, climb: int) -> float:
    """Learning rate with a climb of `climb` steps, then half a cosine."""
    return learning_rate(step, steps=steps, peak=peak, warmup=climb / steps)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of images whose largest logit is their label's."""
    return (logits.argmax(dim=1) == labels).float().mean().item()


def gain(large: list[float], small: list[float]) -> tuple[float, float]:
    """The 95 % interval (Welch) of how much lower the losses in `small` are than those in `large`."""
    found = difference(small, large)
    return found.low, found.high


def paired_gain(large: list[float], small: list[float]) -> tuple[float, float]:
    """The 95 % interval of the same, taken seed by seed."""
    found = paired(small, large)
    return found.low, found.high


def _no_climb(step: int, steps: int, peak: float, climb: int) -> float:
    return peak * 0.5 * (1 + math.cos(math.pi * step / steps))


def _from_zero(step: int, steps: int, peak: float, climb: int) -> float:
    return peak * step / climb if step < climb else schedule(step, steps, peak, climb)


def _straight(step: int, steps: int, peak: float, climb: int) -> float:
    return peak * (step + 1) / climb if step < climb else peak


def _normal(large: list[float], small: list[float]) -> tuple[float, float]:
    mean, error = _difference(large, small)
    return mean - 1.96 * error, mean + 1.96 * error


def _difference(large: list[float], small: list[float]) -> tuple[float, float]:
    a, b = torch.tensor(large, dtype=torch.float64), torch.tensor(small, dtype=torch.float64)
    error = (a.var() / len(a) + b.var() / len(b)).sqrt()
    return (a.mean() - b.mean()).item(), error.item()


def _reversed(large: list[float], small: list[float]) -> tuple[float, float]:
    low, high = gain(large, small)
    return -high, -low


def _reversed_pairs(large: list[float], small: list[float]) -> tuple[float, float]:
    return paired_gain(small, large)


def _spread(large: list[float], small: list[float]) -> tuple[float, float]:
    differences = torch.tensor(large, dtype=torch.float64) - torch.tensor(small, dtype=torch.float64)
    return (differences.mean() - differences.std()).item(), (differences.mean() + differences.std()).item()


_LOGITS = torch.tensor([[2.0, 1.0, -3.0], [0.0, 0.5, 0.2], [0.1, 0.2, 0.9], [3.0, 1.0, 2.0]])
_LABELS = torch.tensor([0, 1, 1, 0])

EXERCISES = (
    Exercise(
        "05-schedule",
        reach="near",
        hints=(
            "There are two cases, the climb and what comes after it.",
            "While `step` is below `climb`, the rate is a share of the peak that grows by the same amount with "
            "each step.",
            "Afterwards compute t as the text has it, and multiply half the peak with one plus `math.cos` of pi "
            "times t.",
        ),
        reference=schedule,
        inputs=((0, 100, 1e-3, 10), (4, 100, 1e-3, 10), (10, 100, 1e-3, 10), (55, 100, 1e-3, 10), (99, 100, 1e-3, 10)),
        tolerance=1e-9,
        mistakes=(
            Mistake(
                _no_climb,
                "There is no warm-up: the cosine begins at step 0, so the first steps run at full rate. Below `climb` "
                "the rate rises in a straight line, and the cosine begins after it.",
            ),
            Mistake(
                _from_zero,
                "Your first step has rate zero: it computes gradients and then throws them away. Step 0 takes one "
                "`climb`-th of the peak.",
            ),
            Mistake(
                _straight, "You stay at the peak after the warm-up; the cosine should bring the rate down to zero."
            ),
        ),
        solved="A function of the step alone: a run that was stopped needs nothing else to go on.",
    ),
    Exercise(
        "05-accuracy",
        reach="near",
        hints=(
            "Ask of each image which class has the largest logit.",
            "`argmax` along the classes (`dim=1`) gives its index; compare the indices with the labels.",
            "`.float()` makes ones of what is true; their mean is the share, and `.item()` makes a number of it.",
        ),
        reference=accuracy,
        inputs=((_LOGITS, _LABELS), (_LOGITS[:3], torch.tensor([1, 2, 2]))),
        mistakes=(
            Mistake(
                lambda logits, labels: float((logits.argmax(1) == labels).sum()),
                "That is the number of right answers; accuracy is their share of all images.",
            ),
            Mistake(
                lambda logits, labels: float((logits.argmax(1) != labels).float().mean()),
                "That is the share of wrong answers, the error rate.",
            ),
            Mistake(
                lambda logits, labels: float((logits.max(1).values == labels).float().mean()),
                "You compared the largest logit itself with the label. What counts is where it stands: its index.",
            ),
        ),
        solved="Ties aside, the size of the logits does not matter, only which one is largest.",
    ),
    Exercise(
        "05-interval",
        reach="near",
        hints=(
            "Which loss is taken from which? A gain is positive where the small patch has the lower loss.",
            "The function gives the interval of its second argument minus its first.",
            "Call it with `small` first and `large` second, and return its ends `low` and `high`.",
        ),
        reference=gain,
        inputs=(([2.47, 2.49, 2.52], [2.10, 2.08, 2.15]), ([1.0, 1.3, 1.1], [1.0, 0.9, 1.2])),
        tolerance=1e-6,
        mistakes=(
            Mistake(
                _normal,
                "You took 1.96 standard errors, which is right for many seeds. With three the spread itself is hardly "
                "known, and Student's t asks for a wider interval.",
            ),
            Mistake(
                _reversed,
                "The sign is turned round: how much *lower* the small patch's loss is, is large minus small.",
            ),
            Mistake(
                _spread,
                "You took the standard deviation of the differences. The interval is about their mean: it needs the "
                "standard error and the t factor.",
            ),
        ),
        solved="If zero lies inside, the seeds do not show a difference, however nice the means look.",
    ),
    Exercise(
        "05-paired",
        reach="far",
        hints=(
            "What does a seed do to both of its runs, that a comparison of two means leaves in?",
            "Take the small patch's loss from the large one's seed by seed, so that one list of gains remains.",
            "`zip` goes through both lists together; `interval` of the gains has the ends `low` and `high`.",
        ),
        reference=paired_gain,
        inputs=(([2.47, 2.49, 2.61], [2.30, 2.33, 2.46]), ([1.0, 1.3, 1.1, 1.6], [0.9, 1.25, 0.95, 1.5])),
        mistakes=(
            Mistake(
                gain,
                "You compared the two means as if their seeds had nothing to do with each other. What a seed does to "
                "both runs then counts as noise, twice.",
            ),
            Mistake(
                _reversed_pairs,
                "The sign is turned round: how much *lower* the small patch's loss is, is large minus small.",
            ),
            Mistake(
                _spread,
                "You took the standard deviation of the gains: that is how far one seed lies from another. The mean "
                "of several is known better, and needs the t factor.",
            ),
        ),
        solved="What both runs of a seed share is gone from it; if they share nothing, it is no narrower.",
    ),
)
