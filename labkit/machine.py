"""The machine below the lessons: its cores and memory, and how fast it is (`calibrate`).

A time can be foreseen from three measured numbers, the roofline: how many FLOPs a second the matrix unit does (two for
each multiply-add), how many bytes a second memory moves, and how long it takes to start one operation.
Source: Williams, Waterman, Patterson, "Roofline", Communications of the ACM 52 (2009).
Letters: p patch size, N tokens.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch

from labkit.records import machine as processor

Number = int | float
Progress = Callable[[float, str], object]
SIDES = (256, 512, 1_024, 2_048, 4_096, 8_192)  # of the square matrices tried
COPY_BYTES = 2**28  # far beyond any cache
SAMPLE = 2e-3  # seconds: shorter calls are repeated within one sample, so that pauses between them count as well


class Measured(NamedTuple):
    """Median and quartiles of n repeats, and the size (matrix side, bytes, elements) they were measured at."""

    median: float
    lower: float
    upper: float
    n: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How fast one device is: FLOP/s of matrix products, bytes/s of memory, seconds to start an operation."""

    device: str
    name: str
    threads: int
    torch: str
    float32_precision: str
    float32: Measured
    bfloat16: Measured
    bandwidth: Measured
    launch: Measured

    def to_json(self) -> dict[str, Any]:
        """A plain dict that json can write and `from_json` reads."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value._asdict() if isinstance(value, Measured) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Calibration":
        """The calibration that `to_json` wrote. ValueError when keys are missing or unknown."""
        expected = {field.name for field in fields(cls)}
        if wrong := expected ^ set(values):
            raise ValueError(f"keys {sorted(wrong)} are missing or unknown: this is no calibration, measure anew")
        return cls(**{name: Measured(**value) if isinstance(value, dict) else value for name, value in values.items()})


def cores() -> float:
    """How many cores this process may use: its affinity, and the share its control group allows (Linux)."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = [words for words in _group("cpu.max") if words[0] != "max"]
    quotas, periods = _group("cpu.cfs_quota_us", "cpu"), _group("cpu.cfs_period_us", "cpu")
    shares += [[quota, period] for (quota,), (period,) in zip(quotas, periods, strict=False) if int(quota) > 0]
    return min([float(allowed), *(int(quota) / int(period) for quota, period in shares)])


def memory() -> tuple[int, int]:
    """Bytes of memory in total and available, within what the control group allows; its other users are not seen."""
    told = [*_group("memory.max"), *_group("memory.limit_in_bytes", "memory")]
    limits = [int(limit) for (limit,) in told if limit != "max"]
    host = psutil.virtual_memory()
    return min([host.total, *limits]), min([host.available, *limits])


def calibrate(
    seconds: Number = 30.0, *, device: str | torch.device = "cpu", progress: Progress | None = None
) -> Calibration:
    """Measure the roofline of a device, with torch's threads and precision as they are set, in about `seconds`.

    Matrix products of growing square sides in float32 and bfloat16, of which the fastest side is measured afresh; a
    large copy, whose bytes count twice, once read and once written; additions of two 1-element tensors. Every number
    has its quartiles and repeats: a busy machine shows in them. `progress` gets (fraction, text), at most five times a
    second. ValueError for seconds that are not positive and for a device that is absent. Used in lesson 00.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"{seconds} seconds: a positive number is needed, nothing can be measured in no time")
    device = _device(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    tell = _teller(float(seconds), progress)
    stages: dict[str, tuple[float, Callable]] = {
        "float32": (0.35, partial(_matrix_rate, torch.float32)),
        "bfloat16": (0.35, partial(_matrix_rate, torch.bfloat16)),
        "bandwidth": (0.2, _bandwidth),
        "launch": (0.1, _launch),
    }
    measured = {}
    for stage, (share, measure) in stages.items():
        measured[stage] = measure(device, seconds * share, partial(tell, stage))
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


def seconds_for(
    calibration: Calibration,
    *,
    flops: Number,
    bytes_moved: Number,
    launches: Number,
    dtype: str = "float32",
) -> float:
    """Seconds the roofline foresees: the longer of computing and moving, and the start of every operation on top.

    Optimistic where operations are small or oddly shaped, pessimistic where tensors stay in the cache, which is faster
    than memory. Work of different kinds (matrix products, then elementwise passes) is foreseen better by one call
    each, added up. ValueError for negative work or an unmeasured dtype. Used in lesson 00.
    """
    if min(flops, bytes_moved, launches) < 0:
        raise ValueError(f"flops {flops}, bytes {bytes_moved}, launches {launches}: none may be negative, nor is time")
    if dtype not in ("float32", "bfloat16"):
        raise ValueError(f"dtype {dtype!r} was not measured: float32 and bfloat16 were, no other rate is known")
    computing = flops / getattr(calibration, dtype).median
    return max(computing, bytes_moved / calibration.bandwidth.median) + launches * calibration.launch.median


def _group(file: str, controller: str = "") -> list[list[str]]:
    """The words in `file` of this process's control group and of those above it; no controller means version 2."""
    own = Path("/proc/self/cgroup")
    lines = [line.split(":", 2) for line in own.read_text().splitlines()] if own.exists() else []
    paths = [PurePosixPath(path) for _, controllers, path in lines if controller in controllers.split(",")]
    folders = [Path("/sys/fs/cgroup", controller, *step.parts[1:]) for path in paths for step in (path, *path.parents)]
    return [(folder / file).read_text().split() for folder in folders if (folder / file).is_file()]


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


def _matrix_rate(dtype: torch.dtype, device: torch.device, seconds: float, tell: Callable) -> Measured:
    rates, products, end = {}, {}, time.perf_counter() + seconds / 2
    for side in SIDES:
        left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        products[side] = partial(torch.mm, left, right, out=torch.empty_like(left))
        took = float(np.median(_sample(products[side], device, seconds / 2 / len(SIDES), tell)))
        rates[side] = 2 * side**3 / took
        if 7 * 8 * took > end - time.perf_counter():  # seven calls at least, of eight times the work
            break
    best = max(rates, key=rates.__getitem__)
    samples = _sample(products[best], device, seconds / 2, tell)  # afresh, without the luck that made it the best
    return _measured(2 * best**3 / samples, best)


def _bandwidth(device: torch.device, seconds: float, tell: Callable) -> Measured:
    numbers = int(min(COPY_BYTES, memory()[1] / 8)) // 4
    source = torch.ones(numbers, device=device)
    samples = _sample(partial(torch.empty_like(source).copy_, source), device, seconds, tell)
    return _measured(2 * 4 * numbers / samples, 4 * numbers)


def _launch(device: torch.device, seconds: float, tell: Callable) -> Measured:
    left, right = torch.ones(1, device=device), torch.ones(1, device=device)
    return _measured(_sample(partial(torch.add, left, right), device, seconds, tell), 1)
