"""How fast a machine is, measured in half a minute.

A time can be foreseen (cost/roofline.py) from what a machine does in a second: FLOPs of its matrix unit (two for each
multiply-add), bytes that memory moves, exponentials; and from how long it takes to start one operation. Small matrices
and large tensors fall short of the best rates (the first do not fill the machine, the second leave its caches, and
their pages have to be fetched from the system), so the first two are measured at growing sizes.
Source: Williams, Waterman, Patterson, "Roofline", Communications of the ACM 52 (2009).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from labkit.cost.counting import operations_of
from labkit.cost.measuring import model_of
from labkit.cost.shapes import Shape
from labkit.machine import memory
from labkit.records import machine as processor

Number = int | float
Progress = Callable[[float, str], object]
SIDES = (32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192)  # of the square matrices tried
COPY_BYTES = 2**28  # far beyond any cache
# of the tensors that a pass makes; about 32 MiB, malloc on Linux stops keeping what it has for the next one
PASS_BYTES = (2**16, 2**18, 2**20, 2**22, 2**24, 2**25 - 2**20, 2**25 + 2**20, 2**27)
RING = 8  # about as many tensors as a block of a model works on
EXPONENTIALS = 2**18  # numbers, which stay in the cache
SAMPLE = 2e-3  # seconds: shorter calls are repeated within one sample, so that pauses between them count as well


class Measured(NamedTuple):
    """Median and quartiles of n repeats, and the size (matrix side, bytes, elements) they were measured at."""

    median: float
    lower: float
    upper: float
    n: int
    size: int


Curve = tuple[Measured, ...]  # of growing size


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How fast one device is: FLOP/s of matrix products (the best, and by side), bytes/s of a large copy and, by the
    size of its result, of a pass over two tensors into a new one; exponentials/s; seconds to start an operation."""

    device: str
    name: str
    threads: int
    torch: str
    float32_precision: str
    float32: Measured
    bfloat16: Measured
    float32_sides: Curve
    bfloat16_sides: Curve
    bandwidth: Measured
    passes: Curve
    exponentials: Measured
    launch: Measured

    def to_json(self) -> dict[str, Any]:
        """A plain dict that json can write and `from_json` reads."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Calibration":
        """The calibration that `to_json` wrote. ValueError when keys are missing or unknown."""
        expected = {field.name for field in fields(cls)}
        if wrong := expected ^ set(values):
            raise ValueError(f"keys {sorted(wrong)} are missing or unknown: this is no calibration, measure anew")
        return cls(**{name: _measured_again(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Measured):
        return value._asdict()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _measured_again(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_measured_again, value))
    return Measured(**value) if isinstance(value, dict) else value


def calibrate(
    seconds: Number = 30.0, *, device: str | torch.device = "cpu", progress: Progress | None = None
) -> Calibration:
    """Measure the roofline of a device, with torch's threads and precision as they are set, in about `seconds`.

    Matrix products of growing square sides in float32 and bfloat16, of which the fastest side is measured afresh; a
    large copy, whose bytes count twice, once read and once written; products of two tensors out of several, number by
    number, into a new one of growing size, whose bytes count three times; exponentials within the cache; and two
    models so small that starting their operations is all they do. Every number has its quartiles and repeats: a busy
    machine shows in them. `progress` gets (fraction, text), at most five times a second. ValueError for seconds that
    are not positive and for a device that is absent. Used in lessons 00 and 03.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{seconds} seconds: a positive number is needed, nothing can be measured in no time")
    device = _device(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    tell = _teller(float(seconds), progress)
    stages: dict[str, tuple[float, Callable]] = {
        "float32": (0.28, partial(_matrix_rates, torch.float32)),
        "bfloat16": (0.22, partial(_matrix_rates, torch.bfloat16)),
        "bandwidth": (0.12, _bandwidth),
        "passes": (0.22, _passes),
        "exponentials": (0.08, _exponentials),
        "launch": (0.08, _launch),
    }
    measured = {}
    for stage, (share, measure) in stages.items():
        measured[stage] = measure(device, seconds * share, partial(tell, stage))
    for stage in ("float32", "bfloat16"):
        measured[stage], measured[f"{stage}_sides"] = measured[stage]
    if progress:
        progress(1.0, "done")
    return Calibration(
        device=device.type,
        name=name,
        threads=torch.get_num_threads(),
        torch=str(torch.__version__),
        float32_precision=torch.get_float32_matmul_precision(),
        **measured,
    )


def _device(device: str | torch.device) -> torch.device:
    try:
        device = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device {device!r}: cpu and cuda can be measured, where they are, and no other") from error
    absent = device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    if device.type not in ("cpu", "cuda") or absent:
        raise ValueError(f"device {device}: cpu, and cuda where there is one, can be measured; nothing else is here")
    return device


def _teller(seconds: float, progress: Progress | None) -> Callable[[str], None]:
    began = told = time.perf_counter()

    def tell(text: str) -> None:
        nonlocal told
        now = time.perf_counter()
        if progress and now - told > 0.2:
            told = now
            progress(min(0.99, (now - began) / seconds), text)

    return tell


def _timed(work: Callable, device: torch.device) -> float:
    """Seconds of one call until the device is done; on CUDA by its own clock, which does not see Python."""
    if device.type == "cpu":
        began = time.perf_counter()
        work()
        return time.perf_counter() - began
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    with torch.cuda.device(device):
        torch.cuda.synchronize()
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3


def _sample(work: Callable, device: torch.device, seconds: float, tell: Callable) -> np.ndarray:
    """Seconds of one call, in 3 samples or more, after a call that does not count and 3 that say how long one takes."""
    _timed(work, device)
    calls = math.ceil(SAMPLE / max(1e-7, min(_timed(work, device) for _ in range(3))))

    def repeated() -> None:
        for _ in range(calls):
            work()

    samples, end = [], time.perf_counter() + seconds
    while len(samples) < 3 or time.perf_counter() < end:
        samples.append(_timed(repeated, device) / calls)
        tell()
    return np.array(samples)


def _measured(values: np.ndarray, size: int) -> Measured:
    lower, median, upper = (float(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))
    return Measured(median, lower, upper, len(values), size)


def _matrix_rates(dtype: torch.dtype, device: torch.device, seconds: float, tell: Callable) -> tuple[Measured, Curve]:
    """The best rate, measured afresh, and the rate at each side that the time allows."""
    found, products, end = [], {}, time.perf_counter() + seconds / 2
    for side in SIDES:
        left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        products[side] = partial(torch.mm, left, right, out=torch.empty_like(left))
        samples = _sample(products[side], device, seconds / 2 / len(SIDES), tell)
        found.append(_measured(2 * side**3 / samples, side))
        if (
            7 * 8 * float(np.median(samples)) > end - time.perf_counter()
        ):  # seven calls at least, of eight times the work
            break
    best = max(found, key=lambda one: one.median).size
    samples = _sample(products[best], device, seconds / 2, tell)  # without the luck that made it the best
    return _measured(2 * best**3 / samples, best), tuple(found)


def _bandwidth(device: torch.device, seconds: float, tell: Callable) -> Measured:
    numbers = int(min(COPY_BYTES, memory()[1] / 8)) // 4
    source = torch.ones(numbers, device=device)
    samples = _sample(partial(torch.empty_like(source).copy_, source), device, seconds, tell)
    return _measured(2 * 4 * numbers / samples, 4 * numbers)


def _passes(device: torch.device, seconds: float, tell: Callable) -> Curve:
    found: list[Measured] = []
    end = time.perf_counter() + seconds
    for size in PASS_BYTES:
        rounds = 3 * RING * 3 * size / found[-1].median if found else 0.0  # seconds of three, the least that counts
        if 3 * RING * size > memory()[1] / 2 or (len(found) > 1 and rounds > end - time.perf_counter()):
            break
        turn = _Ring(size, device)
        samples = _sample(turn, device, seconds / len(PASS_BYTES), tell)
        found.append(_measured(3 * size / samples, size))
    return tuple(found)


class _Ring:
    """Passes over one pair of tensors after the other, results kept for a round, as a model does it: what comes next
    was not just in the cache, and its result takes the place of one that was dropped."""

    def __init__(self, size: int, device: torch.device) -> None:
        self.left, self.right = ([torch.ones(size // 4, device=device) for _ in range(RING)] for _ in range(2))
        self.results, self.at = [None] * RING, 0
        for _ in range(2 * RING):
            self()

    def __call__(self) -> None:
        self.at = (self.at + 1) % RING
        self.results[self.at] = torch.mul(self.left[self.at], self.right[self.at])


def _exponentials(device: torch.device, seconds: float, tell: Callable) -> Measured:
    source = torch.linspace(-4, 0, EXPONENTIALS, device=device)
    samples = _sample(partial(torch.exp, source, out=torch.empty_like(source)), device, seconds, tell)
    return _measured(EXPONENTIALS / samples, EXPONENTIALS)


def _launch(device: torch.device, seconds: float, tell: Callable) -> Measured:
    work, operations = _small_models(device)
    return _measured(_sample(work, device, seconds, tell) / operations, operations)


def _small_models(device: torch.device) -> tuple[Callable, int]:
    """A forward pass through models so small that starting their operations is all that takes time; how many there
    are."""
    same = {"image_size": 2, "patch_size": 1, "channels": 1, "width": 16, "depth": 2, "classes": 2}
    models = [model_of(Shape(model=name, **same)).to(device) for name in ("vit", "adventurer")]
    image = torch.zeros(1, 1, 2, 2, device=device)

    @torch.no_grad()
    def work() -> None:
        for model in models:
            model(image)

    return work, len(operations_of(work))
