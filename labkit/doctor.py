"""What a machine has for the lessons, and what will be slow on it.

The doctor looks and changes nothing; what is missing becomes a finding with advice, never an error. Letters: p patch
size, N tokens.
"""

import importlib
import platform
import shutil
import sys
import warnings
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Literal, NamedTuple

import psutil
import torch

from labkit.machine import cores, memory

PACKAGES = {  # name: what happens without it
    "torch": "no model can be built or trained",
    "torchvision": "no image is prepared for `labkit eval`, and timm does not load; the lessons need neither",
    "numpy": "nothing here runs",
    "timm": "its Vision Transformers cannot be loaded; the lessons need none",
    "huggingface-hub": "published weights cannot be fetched by name, only loaded from a file",
    "scikit-image": "there are no photographs",
    "scikit-learn": "there are no digits, no baseline and no photographs (two of them are its own)",
    "safetensors": "no checkpoint is written or read",
    "plotly": "no figure can be drawn",
    "anywidget": "live figures, own pictures and forms fail: they are widgets of its kind",
    "ipywidgets": "no lesson runs: their sliders are made with it; those of exported pages still move",
    "jupyterlab": "lessons cannot be opened here; runs and sweeps go on",
    "papermill": "the course cannot be re-run without a screen",
    "flash-attn": "torch's own flash kernel is taken (scaled_dot_product_attention): it is optional",
    "mamba-ssm": "the scan is computed by labkit itself (backend chunked): it is optional",
}
# what is compiled against one torch and fails on another, and the names by which it is imported
LOADED_BY = {"torchvision": "torchvision", "flash-attn": "flash_attn", "mamba-ssm": "mamba_ssm"}
FRONT_ENDS = ("plotly", "anywidget", "jupyterlab_widgets")  # half in the kernel, half in the server's pages
PATCH_SIZES, IMAGE_SIZE = (16, 8, 4, 2, 1), 224


class Finding(NamedTuple):
    """One thing that `doctor` looked at; `advice` is empty when there is nothing to do."""

    name: str
    value: str
    verdict: Literal["ok", "slow", "missing", "broken"]
    advice: str = ""


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
    advice = "no GPU: the lessons' small models train here; larger models and long runs belong on a GPU"
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
