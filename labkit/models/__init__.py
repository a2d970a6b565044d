"""Whole models, and the one table by which a run's configuration names them."""

from torch import nn

from labkit.config import Run, choose
from labkit.heads import Classify
from labkit.models.vit import ViT
from labkit.positions import POSITIONS
from labkit.tokenizers import Patches

MODELS = {"vit": ViT}


def build(run: Run, *, channels: int, classes: int) -> nn.Module:
    """The model that `run` describes, for images with `channels` channels and `classes` answers. Used in lesson 05."""
    tokenizer = Patches(run.image_size, run.patch_size, run.width, channels=channels)
    positions = choose("positions", run.positions, POSITIONS)(tokenizer.grid, run.width)
    head = Classify(run.width, classes)
    model = choose("model", run.model, MODELS)
    return model(tokenizer, head, depth=run.depth, heads=run.heads, positions=positions)
