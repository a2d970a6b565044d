"""How one photograph is split so that no pixel is ever seen on both sides.

    | train ......................... | guard | validation | guard | test ............. |

Strips run along the photograph's longer side; each guard is one crop wide, so that neighbouring crops share neither
pixels nor, mostly, things. Test crops stand on a grid without overlap. Letters: H W pixels, S crop side.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8

VALIDATION = 0.12  # of the longer side, at least one crop
TRAIN = 0.6  # of what validation and guards leave


@dataclass(frozen=True)
class Strips:
    """First and one-past-last column of each strip, of a photograph whose longer side lies across."""

    train: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]


def strips(width: int, crop: int) -> Strips:
    """The split of `width` columns for crops of `crop` columns. ValueError if a strip would be narrower than a crop."""
    validation = max(crop, round(VALIDATION * width))
    left = width - validation - 2 * crop
    train = round(TRAIN * left)
    if min(train, left - train) < crop:
        raise ValueError(
            f"a photograph {width} pixels wide is too small for crops of {crop} pixels: train, validation and test "
            "strips with a guard between them need a crop each, or they would share pixels"
        )
    start = train + crop
    return Strips((0, train), (start, start + validation), (start + validation + crop, width))


def across(grey: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "h w"]:
    """The photograph turned so that its longer side lies across."""
    return grey if grey.shape[1] >= grey.shape[0] else grey.T


def not_flat(grey: UInt8[np.ndarray, "H W"], crop: int, *, least: float) -> Bool[np.ndarray, "h w"]:
    """For each place of a crop's upper left corner, whether its grey levels spread by `least` or more (one standard
    deviation): flat sky says nothing about which photograph it came from."""
    values = grey.astype(np.float64)
    mean = _box_sum(values, crop) / crop**2
    variance = _box_sum(values**2, crop) / crop**2 - mean**2
    return variance >= least**2


def _box_sum(values: np.ndarray, side: int) -> np.ndarray:
    """Sums over all side x side windows, by an integral image."""
    total = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    total[1:, 1:] = values.cumsum(0).cumsum(1)
    return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]


def corners(
    allowed: Bool[np.ndarray, "h w"], strip: tuple[int, int], crop: int, *, step: int = 1
) -> Int[np.ndarray, "n 2"]:
    """Upper left corners (row, column) of allowed crops that lie inside `strip`, every `step` pixels both ways."""
    first, last = strip
    inside = allowed[::step, first : last - crop + 1 : step]
    rows, columns = np.nonzero(inside)
    return np.stack([rows * step, columns * step + first], axis=1)
