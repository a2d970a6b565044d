"""Whole models, and the one table by which a run's configuration names them."""

from torch import nn

from labkit.config import Run, choose
from labkit.extended import EXTENDED
from labkit.flexible import FlexiblePatches, FlexiblePositions
from labkit.heads import Classify
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT
from labkit.positions import POSITIONS
from labkit.tokenizers import Patches


def _vit(run: Run, tokenizer: nn.Module, head: nn.Module, positions: nn.Module) -> nn.Module:
    return ViT(
        tokenizer, head, depth=run.depth, heads=run.option("heads"), positions=positions, recompute=run.recompute
    )


def _adventurer(run: Run, tokenizer: nn.Module, head: nn.Module, positions: nn.Module) -> nn.Module:
    options = {"flips": run.option("flips"), "heading": run.option("heading"), "recompute": run.recompute}
    return Adventurer(tokenizer, head, depth=run.depth, positions=positions, **options)


MODELS = {"vit": _vit, "adventurer": _adventurer}


def build(run: Run, *, channels: int, classes: int) -> nn.Module:
    """The model that `run` describes, for images with `channels` channels and `classes` answers. Both architectures
    answer from the mean of their tokens, so that only the architecture differs. Used in lesson 05."""
    tokenizer = _tokenizer(run, channels)
    kind = choose("positions", run.positions, POSITIONS)
    if run.largest_patch is not None and run.positions == "learned":
        kind = FlexiblePositions
    positions = kind(tokenizer.grid, run.width)
    return choose("model", run.model, MODELS)(run, tokenizer, Classify(run.width, classes), positions)


def _tokenizer(run: Run, channels: int) -> Patches:
    """Patches as they are, with more tokens than patches, or of several sizes."""
    common = {"image_size": run.side, "patch_size": run.patch_size, "dim": run.width, "channels": channels}
    if run.extended is not None:
        return choose("extended", run.extended, EXTENDED)(**common, stride=run.stride)
    return Patches(**common) if run.largest_patch is None else FlexiblePatches(**common, largest=run.largest_patch)
