"""The process of its own in which memory is measured: `python -m labkit.cost.fresh '{"shape": ...}'` prints bytes as
JSON. Before the pass that counts a small one runs, so that libraries have what they load at their first use."""

import ctypes
import gc
import json
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from labkit.cost.measuring import model_of
from labkit.cost.shapes import Shape
from labkit.grid import as_pair

M_MMAP_THRESHOLD = -3  # glibc: blocks from this size on come from the system and go back to it at once
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main(asked: dict) -> dict[str, int]:
    """Build the model, settle, run one image through it; how many bytes more the process held at its peak."""
    if asked["give_back"]:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16)
    torch.set_num_threads(asked["threads"])
    shape = Shape(**asked["shape"])
    small = replace(shape, image_size=4 * shape.patch_size, depth=1)
    _run(*_made(small, asked["backend"], asked["training"]), asked["training"])
    model, images = _made(shape, asked["backend"], asked["training"])
    gc.collect()
    idle = psutil.Process().memory_info().rss
    RESET.write_text("5")  # the peak so far is forgotten: from here on it counts
    _run(model, images, asked["training"])
    return {"idle": idle, "beyond": peak() - idle}


def peak() -> int:
    """Bytes of resident memory at the peak, since it was last reset."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _made(shape: Shape, backend: str, training: bool) -> tuple[torch.nn.Module, torch.Tensor]:
    model = model_of(shape, backend=backend)
    if training:
        for weight in model.parameters():
            weight.grad = torch.zeros_like(weight)
    return model, torch.randn(1, shape.channels, *as_pair(shape.image_size))


def _run(model: torch.nn.Module, images: torch.Tensor, training: bool) -> None:
    with torch.set_grad_enabled(training):
        answer = model(images)
        if training:
            answer.sum().backward()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
