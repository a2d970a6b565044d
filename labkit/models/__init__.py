"""Whole models, and the one table by which a run's configuration names them."""

from torch import nn

from labkit.config import Run, choose
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
    options = {"flips": run.option("flips"), "recompute": run.recompute}
    return Adventurer(tokenizer, head, depth=run.depth, positions=positions, **options)


MODELS = {"vit": _vit, "adventurer": _adventurer}


def build(run: Run, *, channels: int, classes: int) -> nn.Module:
    """The model that `run` describes, for images with `channels` channels and `classes` answers. Both architectures
    answer from the mean of their tokens, so that only the architecture differs. Used in lesson 05."""
    tokenizer = Patches(run.image_size, run.patch_size, run.width, channels=channels)
    positions = choose("positions", run.positions, POSITIONS)(tokenizer.grid, run.width)
    return choose("model", run.model, MODELS)(run, tokenizer, Classify(run.width, classes), positions)
