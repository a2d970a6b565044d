"""What a model of a given shape really takes on this machine: seconds, and memory in a process of its own.

Letters: B images.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from torch import nn

from labkit.cost.shapes import Shape
from labkit.heads import Classify, ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT
from labkit.positions import LearnedPositions, SineCosinePositions
from labkit.records import REPOSITORY
from labkit.tokenizers import Patches


class Memory(NamedTuple):
    """Bytes of a process: before the pass, and the most during it beyond that."""

    idle: int
    beyond: int


def model_of(shape: Shape, *, backend: str = "auto", tile: int | None = None) -> nn.Module:
    """A model of this shape with random weights, on the default device (`with torch.device("meta")` costs nothing);
    `tile` is an Adventurer's, a ViT ignores it. ValueError for extended tokens, which `labkit.models.build` makes. Used
    in lesson 03."""
    if shape.stride is not None:
        raise ValueError(f"stride {shape.stride}: a shape does not say how tokens are extended, so no model is made")
    place = None if not shape.class_token else "first" if shape.model == "vit" else "last"
    tokenizer = Patches(shape.image_size, shape.patch_size, shape.width, channels=shape.channels)
    head = ClassifyToken(shape.width, shape.classes, place=place) if place else Classify(shape.width, shape.classes)
    kind = LearnedPositions if shape.learned_positions else SineCosinePositions
    positions = kind(tokenizer.grid, shape.width, class_token=place)
    common: dict[str, Any] = {"depth": shape.depth, "positions": positions, "backend": backend}
    if shape.model == "vit":
        return ViT(tokenizer, head, heads=shape.heads, **common)
    return Adventurer(tokenizer, head, state=shape.state, tile=tile, heading=shape.heading, **common)


def seconds_of(model: nn.Module, images: torch.Tensor, *, repeats: int, warm: bool = True) -> list[float]:
    """Seconds of each of `repeats` forward passes without gradients, after one that does not count (unless
    `warm=False`: for passes so long that a first one hardly differs). Used in lesson 03."""
    taken = []
    with torch.no_grad():
        for _ in range(repeats + warm):
            began = time.perf_counter()
            model(images)
            if images.is_cuda:
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - began)
    return taken[warm:]


class Case(NamedTuple):
    """One image through a model of this shape, forward, or with `training` backward as well. An Adventurer reads `tile`
    tokens at a time.

    With `give_back`, memory that is freed goes back to the system at once, so that the peak is what tensors hold;
    without, the process keeps some of it for later, as it does in everyday use."""

    shape: Shape
    backend: str = "auto"
    training: bool = False
    give_back: bool = True
    tile: int | None = None


def memory_of(*cases: Case) -> Iterator[Memory]:
    """The memory that each case takes in a fresh process with one thread: the peak of its resident memory during the
    pass minus what it held before, weights and gradients included. Given as each is measured.

    Linux with glibc; ValueError elsewhere, and with what the process said if it failed. Used in lesson 03."""
    if sys.platform != "linux":
        raise ValueError(f"memory on {sys.platform!r} is not measured: a process's peak is read from Linux's /proc")
    asked = json.dumps([{**case._asdict(), "shape": asdict(case.shape)} for case in cases])
    command = [sys.executable, "-m", "labkit.cost.fresh", asked]
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, cwd=REPOSITORY) as process:
            for line in process.stdout:
                yield Memory(**json.loads(line))
        said.seek(0)
        last = (said.read().strip().splitlines() or ["nothing"])[-1]
    if process.returncode:
        raise ValueError(f"the process that measures memory ended with {process.returncode} and said: {last}")
