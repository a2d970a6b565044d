"""Seconds that a pass should take on a calibrated machine: the roofline, operation by operation.

Each counted operation takes the time of its products at the rate of matrices of its size, then the longer of moving
its bytes and evaluating its exponentials, and the start on top. Products and moving are added, not overlapped: on a
CPU the pages of a large result are fetched from the system by the same cores that multiply.
"""

import math
from collections.abc import Sequence

import numpy as np

from labkit.cost.calibration import Calibration, Curve, Number
from labkit.cost.counting import Operation

PARTS = ("matrix products", "attention", "everything else")


def seconds_for(
    calibration: Calibration,
    *,
    flops: Number,
    bytes_moved: Number,
    launches: Number,
    exponentials: Number = 0,
    side: Number | None = None,
    output: Number | None = None,
    dtype: str = "float32",
) -> float:
    """Seconds the roofline foresees: the longest of computing, moving and exponentials, and the start of every
    operation on top.

    Without `side` and `output` at the best rates: the least time a machine needs. With the `side` of a square matrix
    product that is as large, and the bytes of the `output`, at the rates of that size. Work of different kinds (matrix
    products, then elementwise passes) is foreseen better by one call each, added up. ValueError for negative work or
    an unmeasured dtype. Used in lessons 00 and 03.
    """
    if min(flops, bytes_moved, launches, exponentials) < 0:
        raise ValueError(f"flops {flops}, bytes {bytes_moved}, launches {launches}, exponentials {exponentials}: none "
                         "may be negative, nor is time")  # fmt: skip
    if dtype not in ("float32", "bfloat16"):
        raise ValueError(f"dtype {dtype!r} was not measured: float32 and bfloat16 were, no other rate is known")
    best, sides = getattr(calibration, dtype).median, getattr(calibration, f"{dtype}_sides")
    rate = best if side is None else at_size(sides, side)
    moving = calibration.bandwidth.median if output is None else at_size(calibration.passes, output)
    longest = max(flops / rate, bytes_moved / moving, exponentials / calibration.exponentials.median)
    return longest + launches * calibration.launch.median


def at_size(curve: Curve, size: Number) -> float:
    """The median at `size`, between measured sizes on logarithmic axes; beyond them the nearest. Used in lesson 03."""
    sizes, medians = ([math.log(getattr(one, name)) for one in curve] for name in ("size", "median"))
    return math.exp(float(np.interp(math.log(max(size, 1)), sizes, medians)))


def foreseen_seconds(
    operations: Sequence[Operation], calibration: Calibration, *, dtype: str = "float32"
) -> dict[str, float]:
    """Seconds by part: matrix products (with convolutions), the fused kernel of attention, everything else. Their sum
    is the time of the pass. Used in lesson 03."""
    parts = dict.fromkeys(PARTS, 0.0)
    for one in operations:
        parts[_part(one)] += _seconds(one, calibration, dtype)
    return parts


def _part(one: Operation) -> str:
    if one.name.startswith("_scaled_dot_product"):
        return "attention"
    return "matrix products" if one.flops else "everything else"


def _seconds(one: Operation, calibration: Calibration, dtype: str) -> float:
    products = 0.0
    if one.flops:
        side = (one.flops / 2 / one.products) ** (1 / 3)
        products = seconds_for(calibration, flops=one.flops, bytes_moved=0, launches=0, side=side, dtype=dtype)
    rest = seconds_for(
        calibration,
        flops=0,
        bytes_moved=one.bytes_in + one.bytes_out,
        launches=1,
        exponentials=one.exponentials,
        output=one.bytes_out,
        dtype=dtype,
    )
    return products + rest
