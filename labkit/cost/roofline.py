"""Seconds that a pass should take on a calibrated machine: the roofline, operation by operation.

Each counted operation takes the time of its products at the rate of matrices of its size, then the longer of moving
its bytes and evaluating its exponentials, and the start on top. Products and moving are added, not overlapped: on a
CPU the pages of a large result are fetched from the system by the same cores that multiply.
"""

from collections.abc import Sequence

from labkit.cost.calibration import Calibration, seconds_for
from labkit.cost.counting import Operation

PARTS = ("matrix products", "attention", "everything else")


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
