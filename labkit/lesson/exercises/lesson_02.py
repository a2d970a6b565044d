"""Exercises of lesson 02: what must be lost, the largest patch that keeps all, coding patches, measuring the error."""

import math

import torch
from torch import Tensor

from labkit.codes import PEAK, LinearCode, numbers_lost
from labkit.lesson.exercises.check import Exercise, Mistake


def largest_whole(channels: int, width: int) -> int:
    """The largest patch size whose patches a code of `width` numbers can keep whole."""
    return math.isqrt(width // channels)


def reconstruct(patches: Tensor, mean: Tensor, directions: Tensor, width: int) -> Tensor:
    """Patches (N, P) coded with the leading `width` rows of `directions` (P, P), and decoded."""
    code = LinearCode(0, mean, directions, torch.zeros_like(mean))
    return code.decode(code.encode(patches, width))


def psnr(original: Tensor, reconstruction: Tensor) -> float:
    """Peak signal-to-noise ratio in dB, for grey levels from 0 to 255."""
    return 10 * math.log10(PEAK**2 / (original - reconstruction).square().mean().item())


def _case(patches: int, numbers: int, width: int) -> tuple[Tensor, Tensor, Tensor, int]:
    """Patches, mean and an orthonormal basis, the same ones each time."""
    random = torch.Generator().manual_seed(numbers)
    directions, _ = torch.linalg.qr(torch.randn(numbers, numbers, generator=random, dtype=torch.float64))
    grey = 255 * torch.rand(patches, numbers, generator=random, dtype=torch.float64)
    return grey, grey.mean(dim=0) + 1, directions, width


def _mean_forgotten(patches: Tensor, mean: Tensor, directions: Tensor, width: int) -> Tensor:
    return reconstruct(patches, mean, directions, width) - mean


def _mean_not_taken_away(patches: Tensor, mean: Tensor, directions: Tensor, width: int) -> Tensor:
    return patches @ directions[:width].T @ directions[:width] + mean


def _columns(patches: Tensor, mean: Tensor, directions: Tensor, width: int) -> Tensor:
    return reconstruct(patches, mean, directions.T, width)


def _peak_not_squared(original: Tensor, reconstruction: Tensor) -> float:
    return psnr(original, reconstruction) - 10 * math.log10(PEAK)


def _root(original: Tensor, reconstruction: Tensor) -> float:
    return 10 * math.log10(PEAK**2 / (original - reconstruction).square().mean().sqrt().item())


def _brightest(original: Tensor, reconstruction: Tensor) -> float:
    return psnr(original, reconstruction) + 20 * math.log10(original.max().item() / PEAK)


_DARK = torch.tensor([[10.0, 20.0], [30.0, 60.0]], dtype=torch.float64)
_BRIGHT = torch.tensor([0.0, 100.0, 250.0], dtype=torch.float64)

EXERCISES = (
    Exercise(
        "02-lossless",
        reach="near",
        hints=(
            "How many numbers does a patch hold, and how many of them can a code of this width tell apart?",
            "A patch holds `channels * patch_size**2` numbers; those beyond the width have nowhere to go.",
            "A code wider than the patch loses nothing, not less than nothing: `max` of the difference and zero.",
        ),
        reference=numbers_lost,
        inputs=((3, 16, 192), (3, 8, 192), (1, 16, 64), (3, 4, 192), (3, 2, 3)),
        mistakes=(
            Mistake(
                lambda channels, patch, width: max(0, patch**2 - width),
                "You left out the channels: a colour patch holds three numbers for each pixel.",
            ),
            Mistake(
                lambda channels, patch, width: channels * patch**2 - width,
                "Where the code is wider than the patch yours is negative. A wide code loses nothing, and cannot win "
                "back numbers that were never there.",
            ),
            Mistake(
                lambda channels, patch, width: max(0, channels * patch - width),
                "A patch is p pixels high and p pixels wide: the numbers in it grow with the square of p.",
            ),
        ),
        solved="Below zero it stops: once the code is as wide as the patch, more width cannot help.",
    ),
    Exercise(
        "02-whole",
        reach="far",
        hints=(
            "Turn the last exercise round: when does nothing have to go?",
            "The numbers of a patch, `channels` times the square of p, may be at most `width`.",
            "Divide by the channels and take the whole part of the root; `math.isqrt` takes such roots.",
        ),
        reference=largest_whole,
        inputs=((3, 192), (3, 384), (1, 64), (4, 60)),
        mistakes=(
            Mistake(
                lambda channels, width: math.isqrt(width),
                "You left out the channels: each pixel of a colour photograph asks for three numbers.",
            ),
            Mistake(
                lambda channels, width: width // channels,
                "That is how many pixels fit, not how many stand along one side of the patch.",
            ),
            Mistake(
                lambda channels, width: round((width / channels) ** 0.5),
                "You rounded to the nearest whole number. If that is the larger one, the last row of pixels does not "
                "fit any more.",
            ),
        ),
        solved="Twice the width does not make it twice as large: p grows with the root of the width.",
    ),
    Exercise(
        "02-code",
        reach="near",
        hints=(
            "Coding measures how far a patch lies from the mean along each direction; decoding walks back along them.",
            "Take the mean away, then multiply (`@`) with the first `width` rows of `directions`, turned on "
            "their side (`.T`).",
            "What comes back is the codes times those same rows, not turned, and the mean on top.",
        ),
        reference=reconstruct,
        inputs=(_case(5, 6, 2), _case(9, 4, 4), _case(3, 12, 5)),
        mistakes=(
            Mistake(
                _mean_forgotten,
                "Your patches come back without the mean patch: what was taken away before coding has to be added "
                "again after it.",
            ),
            Mistake(
                _mean_not_taken_away,
                "The mean patch is added at the end, but was not taken away at the start: it comes back twice.",
            ),
            Mistake(
                _columns,
                "You took columns of `directions`. Here each row is one direction, the most important one first.",
            ),
        ),
        solved="Project, and put back. All that is lost lies across the directions that were kept.",
    ),
    Exercise(
        "02-psnr",
        reach="near",
        hints=(
            "Only one number in the formula comes from the tensors: the mean squared error.",
            "Subtract, square and take the mean; `.item()` makes a number of a tensor that holds one.",
            "Divide the square of 255 by that error, and take ten times its `math.log10`.",
        ),
        reference=psnr,
        inputs=((_DARK, _DARK + torch.tensor([1.0, -2.0])), (_BRIGHT, _BRIGHT - 5)),
        mistakes=(
            Mistake(
                _peak_not_squared,
                "The error is squared and your peak is not: compare 255 squared with the mean squared error.",
            ),
            Mistake(
                _root,
                "You took the root of the mean squared error but kept the factor ten. With the root it takes twenty, "
                "and the peak is not squared.",
            ),
            Mistake(
                _brightest,
                "Your peak is the brightest pixel of this picture. It should be the largest value that a grey level "
                "can have, or dark pictures would look worse than bright ones with the same error.",
            ),
        ),
        solved="Twenty decibels more are a tenth of the error in grey levels.",
    ),
)
