"""Models over the images of class folders. All look at the same batches, so that two of them, such as one set of
weights under two flip rules, can be compared image by image.

Letters: B images, C channels, S side, K classes of the head.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from labkit import records
from labkit.config import choose
from labkit.data.folders import ImageFolder
from labkit.device import device_name, device_of
from labkit.evaluate.scores import Scores, joined, numbers, scored
from labkit.machine import cores

PRECISIONS = {"fp32": None, "bf16": None}
UNREADABLE = {"skip": False, "stop": True}
TOKENS, IMAGES = 50_176, 64  # of a batch at most, if its size is not given; 50,176 are 224 x 224 pixels
WORKERS = 8  # at most, beside a GPU

Batch = tuple[list[str], Tensor, Tensor, list[list[str]]]  # paths, images, labels; path and reason of the unreadable


def evaluate(
    models: Mapping[str, nn.Module],
    images: ImageFolder,
    *,
    batch: int | None = None,
    device: str = "auto",
    precision: str = "fp32",
    workers: int | None = None,
    unreadable: str = "skip",
    limit: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Accuracy and loss of each model over `images`, with 95 % intervals, and each pair compared: a record in plain
    JSON. The models are left on `device`, ready to answer.

    `limit` takes the first so many images of each class by name. Files that cannot be read are named and skipped, or
    stop it (`unreadable`). ValueError for an unknown setting, a model made for other images or classes, logits that are
    not finite, and if no image can be read.
    """
    target, began = device_of(device), time.perf_counter()
    choose("precision", precision, PRECISIONS)
    stop, on_gpu = choose("unreadable", unreadable, UNREADABLE), target.type == "cuda"
    _check_models(models, images)
    if batch is None:
        batch = min(IMAGES, max(1, TOKENS // max(model.tokenizer.tokens for model in models.values())))
    if workers is None:
        workers = min(WORKERS, int(cores())) if on_gpu else 0
    _check_counts(batch=(batch, 1), workers=(workers, 0), limit=(limit, 1))
    placed = {name: model.to(target).eval() for name, model in models.items()}
    chosen = _first(images, limit)
    shown = {"unit": " images", "mininterval": 0.5, "disable": not progress, "file": sys.stdout}
    with tqdm(None, "evaluate", len(chosen), **shown) as bar:
        batches = _read(images, chosen, batch=batch, workers=workers, pinned=on_gpu)
        scores, failed = _scores(placed, batches, precision=precision, stop=stop, bar=bar)
    return {
        **numbers(scores, images.classes),
        **_about(images),
        "images": len(chosen) - len(failed),
        "unreadable": failed,
        "limit": limit,
        "batch": batch,
        "precision": precision,
        "workers": workers,
        "device": device_name(target),
        "threads": torch.get_num_threads(),
        "versions": records.versions("torchvision", "pillow"),
        "commit": records.commit(),
        "time": records.now(),
        "seconds": time.perf_counter() - began,
    }


def _read(images: ImageFolder, chosen: list[int], *, batch: int, workers: int, pinned: bool) -> Iterator[Batch]:
    """The chosen images, batch by batch; those that cannot be read are left out of theirs and told."""
    parts = [chosen[start : start + batch] for start in range(0, len(chosen), batch)]
    loader = DataLoader(images, batch_sampler=parts, collate_fn=_collated, num_workers=workers, pin_memory=pinned)
    for part, (pixels, labels, reasons) in zip(parts, loader, strict=True):
        paths = [_told(images.samples[index][0].relative_to(images.folder)) for index in part]
        pairs = list(zip(paths, reasons, strict=True))
        yield [path for path, why in pairs if not why], pixels, labels, [[path, why] for path, why in pairs if why]


def _told(path: Path) -> str:
    """A path that any file can hold, also where its name is no proper text."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def _collated(items: list[tuple[Tensor, int] | str]) -> tuple[Tensor, Tensor, list[str]]:
    """Images and labels of the items that could be read; for each item why it could not, or nothing."""
    good = [item for item in items if not isinstance(item, str)]
    pixels = torch.stack([image for image, _ in good]) if good else torch.empty(0)
    return pixels, torch.tensor([label for _, label in good]), [item if isinstance(item, str) else "" for item in items]


@torch.inference_mode()
def _scores(
    models: Mapping[str, nn.Module], batches: Iterator[Batch], *, precision: str, stop: bool, bar: tqdm
) -> tuple[dict[str, Scores], list[list[str]]]:
    """What each model makes of the images, and path and reason of each image that cannot be read."""
    parts: dict[str, list[Scores]] = {name: [] for name in models}
    failed: list[list[str]] = []
    for paths, pixels, labels, bad in batches:
        failed += bad
        if failed and stop:
            raise ValueError(f"{': '.join(failed[0])}; stopped, as unreadable='stop' asks: nothing was counted")
        for name, model in models.items() if paths else ():
            logits = _logits(model, pixels, precision).cpu()
            if not (finite := logits.isfinite().all(dim=1)).all():
                raise ValueError(
                    f"{name} answers {paths[int(finite.int().argmin())]} with logits that are not finite: its weights "
                    f"are damaged or too large for {precision}, and nothing was counted"
                )
            parts[name].append(scored(logits, labels))
        bar.update(len(paths) + len(bad))
    if len(failed) == bar.total:
        raise ValueError(f"none of {len(failed):,} images can be read, the first is {': '.join(failed[0])}")
    return {name: joined(found) for name, found in parts.items()}, failed


def _logits(model: nn.Module, pixels: Float[Tensor, "B C S S"], precision: str) -> Float[Tensor, "B K"]:
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        return model(pixels.to(device, non_blocking=True)).float()


def _about(images: ImageFolder) -> dict[str, Any]:
    """Which images they are and how they are prepared, in plain JSON."""
    return {
        "folder": str(images.folder),
        "protocol": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(images.protocol).items()},
        "classes": images.classes,
        "order": images.order,
        "missing": images.missing,
        "empty": images.empty,
        "ignored": images.ignored,
    }


def _first(images: ImageFolder, limit: int | None) -> list[int]:
    """The indices of the first `limit` images of each class by name, or of all."""
    seen: Counter[int] = Counter()
    chosen = []
    for index, (_, label) in enumerate(images.samples):
        seen[label] += 1
        if limit is None or seen[label] <= limit:
            chosen.append(index)
    return chosen


def _check_models(models: Mapping[str, nn.Module], images: ImageFolder) -> None:
    if not models:
        raise ValueError("no model was given: there is nothing to evaluate")
    come = (3, images.protocol.size, images.protocol.size)
    for name, model in models.items():
        made, classes = (model.tokenizer.channels, *model.tokenizer.image_size), model.head.linear.out_features
        if made != come or classes != images.classes:
            raise ValueError(
                f"{name} is made for images (C, H, W) = {made} of {classes:,} classes; these come as {come} of "
                f"{images.classes:,} classes: both must be the same, and nothing was read"
            )


def _check_counts(**counts: tuple[int | None, int]) -> None:
    for name, (value, least) in counts.items():
        if value is not None and value < least:
            raise ValueError(f"{name}={value} must be {least} or more: no image would be read")
