"""What the suites measure with: the models, the floor under their time, one pass, one training step."""

from collections.abc import Iterable
from functools import partial

import torch
import torch.nn.functional as F
from plain import Plain
from timing import Work
from torch import Tensor, nn
from tqdm import tqdm

from labkit.heads import ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.tokenizers import Patches

CLASSES = 1000
WIDTHS = {"Adventurer-Tiny": 256, "Adventurer-Base": 768}


def adventurer(
    name: str,
    patch_size: int,
    image_size: int,
    *,
    dtype: str = "float32",
    depth: int = 12,
    recompute: bool | int = False,
) -> Adventurer:
    """A model of the paper with random weights, the same for the same arguments, a class token at the end."""
    torch.manual_seed(0)
    width = WIDTHS[name]
    tokenizer, head = Patches(image_size, patch_size, width), ClassifyToken(width, CLASSES, place="last")
    return Adventurer(tokenizer, head, depth=depth, recompute=recompute).to(getattr(torch, dtype))


def images_for(model: nn.Module, batch: int = 1) -> Tensor:
    """Random images in the type of the model's weights, the same each time."""
    generator, tokenizer = torch.Generator().manual_seed(1), model.tokenizer
    images = torch.randn(batch, tokenizer.channels, *tokenizer.image_size, generator=generator)
    return images.to(tokenizer.embed.weight.dtype)


def labels_for(images: Tensor, classes: int = CLASSES) -> Tensor:
    """Random labels, the same each time."""
    return torch.randint(classes, (len(images),), generator=torch.Generator().manual_seed(2))


def watched(model: Adventurer) -> Adventurer:
    """The same model, which shows its blocks passing by."""
    bar: partial[Iterable] = partial(tqdm, desc="  blocks", unit="block")
    model.mix = partial(model.mix, progress=bar)
    return model


def forward_of(model: nn.Module, images: Tensor) -> Work:
    """One pass without gradients."""

    @torch.no_grad()
    def work() -> Tensor:
        return model(images)

    return work


def floor_of(model: Adventurer, tokens: int) -> Work:
    """The linear maps of all blocks by themselves, each on random numbers in the shape and type that it gets there:
    what an image of `tokens` tokens (the class token included) takes at least, whatever else a block does."""
    pairs, inputs = [], {}
    for block in model.blocks:
        longer = tokens + block.heading
        maps = {block.mixer.in_proj: longer, block.mixer.out_proj: longer}
        maps |= {layer: tokens for layer in (block.mlp.w1, block.mlp.w2, block.mlp.w3)}
        for layer, length in maps.items():
            shape = (1, length, layer.in_features)
            if shape not in inputs:
                inputs[shape] = torch.randn(shape).to(layer.weight.dtype)
            pairs.append((layer, inputs[shape]))

    @torch.no_grad()
    def work() -> None:
        for layer, numbers in pairs:
            layer(numbers)

    return work


def step_of(model: nn.Module, images: Tensor, labels: Tensor, *, clip: float | None = None) -> Work:
    """One training step: forward, cross-entropy, backward, clipping (where asked for), fused AdamW. Its rate is small,
    so that the weights stay what they are, more or less, however often it is called. AdamW has its memory already."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.05, fused=True)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)

    def work() -> None:
        F.cross_entropy(model(images).float(), labels).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return work


def gradients(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The gradient of each weight, by its name; none is left behind."""
    named = {name.removeprefix("model."): weight for name, weight in model.named_parameters()}
    loss = F.cross_entropy(model(images).float(), labels)
    return dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))


def built(asked: dict) -> nn.Module:
    """The model that a request to memory.py describes."""
    known = {name: asked[name] for name in ("dtype", "depth", "recompute") if name in asked}
    model = adventurer(asked["name"], asked["patch_size"], asked["image_size"], **known)
    return Plain(model) if asked.get("plain") else model
