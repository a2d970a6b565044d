"""The processes in which memory is measured: `python -m labkit.cost.fresh '[{"shape": ...}, ...]'` prints one line of
JSON for each case. Each case has a process of its own, forked before torch has computed anything; in it a small pass
runs first, so that libraries have what they load at their first use."""

import ctypes
import gc
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from labkit.cost.measuring import model_of
from labkit.cost.shapes import Shape
from labkit.grid import as_pair

M_MMAP_THRESHOLD = -3  # glibc: blocks from this size on come from the system and go back to it at once
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure(asked: dict) -> dict[str, int]:
    """Build the model, settle, run one image through it; how many bytes more the process held at its peak."""
    if asked["give_back"]:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16)
    torch.set_num_threads(1)
    shape = Shape(**asked["shape"])
    small = replace(shape, image_size=4 * shape.patch_size, depth=1)
    _run(*_made(small, asked), asked["training"])
    model, images = _made(shape, asked)
    return held_during(lambda: _run(model, images, asked["training"]))


def held_during(work: Callable[[], object]) -> dict[str, int]:
    """Bytes that the process held before `work`, and the most during it beyond that."""
    gc.collect()
    idle = psutil.Process().memory_info().rss
    RESET.write_text("5")  # the peak so far is forgotten: from here on it counts
    work()
    return {"idle": idle, "beyond": peak() - idle}


def peak() -> int:
    """Bytes of resident memory at the peak, since it was last reset."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _made(shape: Shape, asked: dict) -> tuple[torch.nn.Module, torch.Tensor]:
    model = model_of(shape, backend=asked["backend"], tile=asked["tile"])
    if asked["training"]:
        for weight in model.parameters():
            weight.grad = torch.zeros_like(weight)
    return model, torch.randn(1, shape.channels, *as_pair(shape.image_size))


def _run(model: torch.nn.Module, images: torch.Tensor, training: bool) -> None:
    with torch.set_grad_enabled(training):
        answer = model(images)
        if training:
            answer.sum().backward()


def main(cases: list[dict]) -> int:
    """Measure each case in a child of this process; 1 as soon as one fails."""
    for asked in cases:
        child = os.fork()
        if child == 0:
            print(json.dumps(measure(asked)), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
