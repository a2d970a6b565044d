"""The machine below the lessons: what it has and what will be slow on it (`doctor`), and how fast it is (`calibrate`).

A time can be foreseen from three measured numbers, the roofline: how many FLOPs a second the matrix unit does (two for
each multiply-add), how many bytes a second memory moves, and how long it takes to start one operation.
Source: Williams, Waterman, Patterson, "Roofline", Communications of the ACM 52 (2009).
Letters: p patch size, N tokens.
"""

import importlib
import math
import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
import psutil
import torch

from labkit.records import machine as processor

Number = int | float
Progress = Callable[[float, str], object]
PACKAGES = {  # name: what happens without it
    "torch": "no model can be built or trained",
    "torchvision": "no photographs are read and timm does not load",
    "numpy": "nothing here runs",
    "timm": "there is no augmentation and no reference ViT to compare ours with",
    "plotly": "no figure can be drawn",
    "anywidget": "plotly's live figures fail: FigureWidget imports it and plotly does not require it",
    "ipywidgets": "there are no live sliders; those of exported pages still move",
    "jupyterlab": "lessons cannot be opened here; runs and sweeps go on",
    "papermill": "the course cannot be re-run without a screen",
    "flash-attn": "torch's own flash kernel is taken (scaled_dot_product_attention): it is optional",
}
LOADED_BY = {"torchvision": "torchvision", "flash-attn": "flash_attn"}  # compiled against one torch, fail on another
FRONT_ENDS = ("plotly", "anywidget", "jupyterlab_widgets")  # half in the kernel, half in the server's pages
PATCH_SIZES, IMAGE_SIZE = (16, 8, 4, 2, 1), 224
SIDES = (256, 512, 1_024, 2_048, 4_096, 8_192)  # of the square matrices tried
COPY_BYTES = 2**28  # far beyond any cache
SAMPLE = 2e-3  # seconds: shorter calls are repeated within one sample, so that pauses between them count as well


class Finding(NamedTuple):
    """One thing that `doctor` looked at; `advice` is empty when there is nothing to do."""

    name: str
    value: str
    verdict: Literal["ok", "slow", "missing", "broken"]
    advice: str = ""


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


def doctor(*, folder: str | Path = ".") -> list[Finding]:
    """What this machine has for the lessons, and what will be slow on it; `folder` is where runs are written.

    Looks, changes nothing, and goes on when a package is missing. Used in lesson 00.
    """
    found = [Finding("python", platform.python_version(), "ok")]
    found += [_package(name, loss) for name, loss in PACKAGES.items()]
    found += _server()
    available = memory()[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a driver that does not fit; said in the finding
        on_gpu = torch.cuda.is_available()
    found += [*_cores(), *_memory(), *(_gpus() if on_gpu else [_no_gpu()])]
    if on_gpu:
        available = torch.cuda.get_device_properties(0).total_memory
    return [*found, _attention(available, "the GPU" if on_gpu else "memory"), _disk(Path(folder))]


def as_table(findings: list[Finding]) -> str:
    """The findings as a Markdown table. Used in lesson 00."""
    rows = [Finding._fields, ("---",) * 4, *findings]
    cells = [[" ".join(str(cell).replace("|", "\\|").split()) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n"


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
    second. ValueError for seconds that are not positive and for a device that is absent. Used in the lesson on cost.
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
    each, added up. ValueError for negative work or an unmeasured dtype. Used in the lesson on cost.
    """
    if min(flops, bytes_moved, launches) < 0:
        raise ValueError(f"flops {flops}, bytes {bytes_moved}, launches {launches}: none may be negative, nor is time")
    if dtype not in ("float32", "bfloat16"):
        raise ValueError(f"dtype {dtype!r} was not measured: float32 and bfloat16 were, no other rate is known")
    computing = flops / getattr(calibration, dtype).median
    return max(computing, bytes_moved / calibration.bandwidth.median) + launches * calibration.launch.median


def _package(name: str, loss: str) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "not installed", "missing", f"without it, {loss}")
    if name == "torch" and tuple(int(part) for part in found.split(".")[:2]) < (2, 10):
        return Finding(name, found, "broken", "before 2.10 a crafted checkpoint can run code: install a newer torch")
    if name in LOADED_BY and (reason := _load_error(LOADED_BY[name])):
        return Finding(name, found, "broken", f"does not load ({reason}): install it together with torch, in one step")
    return Finding(name, found, "ok")


def _load_error(module: str) -> str:
    try:
        importlib.import_module(module)
    except Exception as error:  # a compiled package fails in many ways: AttributeError, RuntimeError, OSError
        return f"{type(error).__name__}: {error}"[:200]
    return ""


def _server_folder() -> Path | None:
    """The environment of the Jupyter server that started this kernel; None outside a kernel."""
    parent = psutil.Process().parent() if "ipykernel" in sys.modules else None
    try:
        program = shutil.which(parent.cmdline()[0]) if parent else None
    except (psutil.Error, IndexError):
        return None
    return Path(program).parent.parent if program else None


def _versions(folder: Path) -> dict[str, str]:
    rooms = [*folder.glob("lib/python3*/*-packages"), folder / "Lib" / "site-packages"]
    return {str(found.name).replace("-", "_"): found.version for found in distributions(path=[str(r) for r in rooms])}


def _server() -> list[Finding]:
    """Sliders have one half in the kernel and one in the server's pages: do they fit?"""
    folder = _server_folder()
    there = _versions(folder) if folder else {}
    if "jupyterlab" not in there:
        return []
    here, found = {found.name.replace("-", "_"): found.version for found in distributions()}, []
    for name in FRONT_ENDS:
        if here.get(name) != there.get(name):
            value = f"{there.get(name, 'none')} in the server, {here.get(name, 'none')} in the kernel"
            advice = f"figures or sliders can stay blank: install the kernel's {name} beside jupyterlab and restart it"
            found.append(Finding(f"{name}, server", value, "broken" if name in there else "missing", advice))
    return found or [Finding("server and kernel", "the same figure and slider versions", "ok")]


def _group(file: str, controller: str = "") -> list[list[str]]:
    """The words in `file` of this process's control group and of those above it; no controller means version 2."""
    own = Path("/proc/self/cgroup")
    lines = [line.split(":", 2) for line in own.read_text().splitlines()] if own.exists() else []
    paths = [PurePosixPath(path) for _, controllers, path in lines if controller in controllers.split(",")]
    folders = [Path("/sys/fs/cgroup", controller, *step.parts[1:]) for path in paths for step in (path, *path.parents)]
    return [(folder / file).read_text().split() for folder in folders if (folder / file).is_file()]


def _cores() -> list[Finding]:
    count, threads = cores(), torch.get_num_threads()
    runs = max(1, int(count))
    few = f"{count:g} cores: at most {runs} runs at once, one thread each; long sweeps belong elsewhere"
    many = f"more threads than cores wait for each other: torch.set_num_threads({runs}), or 1 for tiny models"
    return [
        Finding("cores", f"{count:g}", "slow" if count < 4 else "ok", few if count < 4 else ""),
        Finding("torch threads", str(threads), "slow" if threads > count else "ok", many if threads > count else ""),
    ]


def _memory() -> list[Finding]:
    total, available = memory()
    little = "close other programs: a lesson with its browser page wants about 2 GB" if available < 2e9 else ""
    value = f"{total / 1e9:.1f} GB, {available / 1e9:.1f} GB available"
    return [Finding("memory", value, "slow" if little else "ok", little)]


def _gpus() -> list[Finding]:
    every = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return [Finding(f"GPU {i}", f"{gpu.name}, {gpu.total_memory / 1e9:.1f} GB", "ok") for i, gpu in enumerate(every)]


def _no_gpu() -> Finding:
    if Path("/dev/nvidiactl").exists():
        return Finding("GPU", "there, not usable", "broken", "torch does not fit the driver: compare with nvidia-smi")
    advice = "no GPU: the lessons' small models train here, the paper's at 224 px are only loaded and looked at"
    return Finding("GPU", "none", "slow", advice)


def _attention(available: int, where: str) -> Finding:
    """Which patch sizes' full N x N matrix, float32 and one head, is larger than the memory at hand."""
    sizes = {p: 4 * (IMAGE_SIZE // p) ** 4 for p in PATCH_SIZES}
    value = ", ".join(f"p = {p}: {size / 1e6:,.1f} MB" for p, size in sizes.items())
    large = ", ".join(str(p) for p, size in sizes.items() if size > available)
    advice = f"p = {large} does not fit in {where}: take attention that never builds it, or a smaller image"
    return Finding("attention matrix", f"{IMAGE_SIZE} px, {value}", "slow" if large else "ok", advice if large else "")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    full = "runs and lessons are written here and would stop half-way: free at least 1 GB" if free < 1e9 else ""
    return Finding("disk", f"{free / 1e9:.1f} GB free", "broken" if full else "ok", full)


def _device(device: str | torch.device) -> torch.device:
    device = torch.device(device)
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
