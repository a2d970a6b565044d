"""Small pictures in class folders, and small models to look at them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.data import ImageNetInfo
from torch import nn

from labkit.data.folders import ImageFolder, Protocol
from labkit.evaluate import evaluate
from labkit.heads import ClassifyToken
from labkit.models import published
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT
from labkit.tokenizers import Patches

SIZE = 16
PROTOCOL = Protocol(size=SIZE, crop=0.875)
SYNSETS = ImageNetInfo().label_names()


def picture(height: int, width: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Noise, so that a shift of one pixel shows."""
    random = np.random.default_rng([seed, height, width])
    bands = [
        Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8))
        for _ in Image.new(mode, (1, 1)).getbands()
    ]
    return bands[0] if mode == "L" else Image.merge(mode, bands)


def put(path: Path, content: Image.Image | bytes, **settings: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content.save(path, **settings)
    return path


def pictures(folder: Path, names: Sequence[str], each: int = 1) -> Path:
    """A folder with `each` pictures in every class, all different, of several shapes."""
    for k, name in enumerate(names):
        for i in range(each):
            put(folder / name / f"{i}.png", picture(SIZE + 7 * i, SIZE + 5 * k + 3, seed=100 * k + i))
    return folder


def adventurer(classes: int, *, flips: str = "as_released") -> Adventurer:
    """A small one whose answers vary between images and between flip rules; the weights are always the same."""
    torch.manual_seed(0)
    model = Adventurer(Patches(SIZE, 4, 32), ClassifyToken(32, classes, place="last"), depth=4, state=8).eval()
    with torch.no_grad():
        model.class_token.normal_()
        for block in model.blocks:
            block.mixer.out_proj.weight.mul_(20)
        model.head.linear.weight.normal_()
        seen = model.features(torch.randn(64, 3, SIZE, SIZE))[:, -1].mean(dim=0)
        model.head.linear.bias.copy_(-model.head.linear.weight @ seen)  # no class is the answer to everything
    return published.from_state_dict(published.to_state_dict(model), image_size=SIZE, flips=flips)


def vit(classes: int) -> ViT:
    torch.manual_seed(1)
    model = ViT(Patches(SIZE, 4, 32), ClassifyToken(32, classes), depth=2, heads=2)
    nn.init.normal_(model.head.linear.weight, std=3)
    return model.eval()


def measure(
    models: dict[str, nn.Module], images: ImageFolder, *, device: str = "cpu", **settings: Any
) -> dict[str, Any]:
    return evaluate(models, images, device=device, progress=False, **settings)
