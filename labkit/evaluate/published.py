"""A published model by its name or file, evaluated as its authors do it: an Adventurer under one or two flip rules, a
Vision Transformer of timm with the settings that timm keeps for it."""

from pathlib import Path
from typing import Any

from torch import nn

from labkit.config import choose
from labkit.data.folders import ImageFolder, Protocol, class_folders, default_crop
from labkit.evaluate.loop import evaluate
from labkit.models import published
from labkit.models.adventurer import FLIPS
from labkit.models.published.files import FORMATS
from labkit.records import make_writable, sha256, write_json
from labkit.resize import resized

RULES = {"both": ("as_released", "alternate"), **{rule: (rule,) for rule in FLIPS}}
Prepared = tuple[dict[str, nn.Module], Protocol]


def evaluate_published(
    name: str,
    folder: str | Path,
    *,
    image_size: int | None = None,
    crop: int | float | None = None,
    flips: str | None = None,
    subset: bool = False,
    unreadable: str = "skip",
    limit: int | None = None,
    batch: int | None = None,
    device: str = "auto",
    precision: str = "fp32",
    workers: int | None = None,
    out: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """The record of `evaluate` for a name of `PUBLISHED` or `TIMM`, or an Adventurer's .pth or .safetensors file.

    `flips` is a name of RULES (None: both, side by side), for an Adventurer only. Another `image_size` than the
    published one resizes the positions; `crop` is the authors' unless given. The record has "reported", where the
    authors tell a top-1 accuracy, and is written to `out`. ValueError as `evaluate`, `ImageFolder` and
    `labkit.models.published`, and for an `out` that cannot be written, before anything is read.
    """
    if out is not None:
        make_writable(out.parent)
        if out.is_dir():
            raise ValueError(f"{out} is a folder: the result needs the name of a file; nothing was started")
    class_folders(Path(folder))  # a mistake there is told before weights are fetched
    plain = name.partition(".")[0] in published.TIMM and Path(name).suffix not in FORMATS
    path = None if plain else published.located(name)
    models, protocol = _vit(name, image_size, crop, flips) if plain else _adventurers(path, image_size, crop, flips)
    model = next(iter(models.values()))  # of several, all have the same sizes
    images = ImageFolder(folder, protocol, classes=model.head.linear.out_features, subset=subset)
    settings = {"batch": batch, "device": device, "precision": precision, "workers": workers}
    found = evaluate(models, images, **settings, unreadable=unreadable, limit=limit, progress=progress)
    result = {"model": name, "sha256": None if path is None else sha256(path), **found}
    if name in published.PUBLISHED:
        about = published.PUBLISHED[name]
        result["reported"] = {
            "top1": about.top1 / 100,
            "image_size": about.image_size,
            "crop": default_crop(about.image_size, model.tokenizer.patch_size),
        }
    if out is not None:
        write_json(out, result)
    return result


def _adventurers(path: Path, image_size: int | None, crop: int | float | None, flips: str | None) -> Prepared:
    """The same weights under each of the flip rules."""
    first, *others = choose("flips", "both" if flips is None else flips, RULES)
    model = published.load(path, flips=first)
    if image_size is not None:
        model = resized(model, image_size=image_size)
    tokenizer, state = model.tokenizer, published.to_state_dict(model)
    size = tokenizer.image_size[0]
    apart = [rule for rule in others if FLIPS[rule](len(model.blocks)) != model.flips]  # one block never flips
    made = {rule: published.from_state_dict(state, image_size=size, flips=rule) for rule in apart}
    crop = default_crop(size, tokenizer.patch_size) if crop is None else crop
    return {first: model, **made}, Protocol(size=size, crop=crop)


def _vit(name: str, image_size: int | None, crop: int | float | None, flips: str | None) -> Prepared:
    """timm's model with timm's own protocol."""
    if flips is not None:
        raise ValueError(f"flips={flips!r} has no effect on {name}, whose tokens all see each other: leave it out")
    import timm

    model, about = published.from_timm(name, image_size=image_size), timm.get_pretrained_cfg(name)
    if about.interpolation != "bicubic" or about.crop_mode != "center":
        raise ValueError(
            f"{name} was evaluated with {about.interpolation} interpolation and crop mode {about.crop_mode}: only "
            "bicubic and center are here, and another accuracy would come out"
        )
    crop = about.crop_pct if crop is None else crop
    return {name: model}, Protocol(size=model.tokenizer.image_size[0], crop=crop, mean=about.mean, std=about.std)
