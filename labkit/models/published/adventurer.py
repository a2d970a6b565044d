"""Adventurer under the names of its released code (Wang et al., 2024 and 2025), in and out."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from labkit.grid import Size, grid_of
from labkit.heads import ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.published.naming import Naming, depth_of, exported, filled, shape_in
from labkit.positions import LearnedPositions
from labkit.tokenizers import Patches

NAMING: Naming = (
    (r"^tokenizer\.embed", "patch_embed.proj"),
    (r"^class_token", "cls_token"),
    (r"^positions\.table", "pos_embed"),
    (r"^blocks", "layers"),
    (r"^norm", "norm_f"),
    (r"^head\.linear", "head"),
)
EXPAND = 2  # the inner width of the released mixer, in widths of the model


def from_state_dict(
    state: Mapping[str, Tensor], *, image_size: Size, flips: str | Sequence[bool] = "as_released"
) -> Adventurer:
    """The Adventurer that the tensors of `state` make, under the names of the released code, each copied bit by bit.

    Patch size, channels, width, depth, state size, width of the MLP and classes are read off the shapes; the size of
    the images, in pixels, cannot be, and neither can the order in which blocks read (`flips`, as `Adventurer` takes
    it). Tensors keep their floating type and device. ValueError that names each tensor which is missing, unknown or
    of another shape, and for an image size that the positions do not fit.
    """
    dim, channels, patch_size, across = shape_in(state, "patch_embed.proj.weight", 4)
    if patch_size != across:
        raise ValueError(f"patch_embed.proj.weight cuts patches of {patch_size} x {across} pixels: they must be square")
    _check_places(shape_in(state, "pos_embed", 3)[1], image_size, patch_size)
    classes, _ = shape_in(state, "head.weight", 2)
    hidden, _ = shape_in(state, "layers.0.mlp.w1.weight", 2)
    convolved, _, _ = shape_in(state, "layers.0.mixer.conv1d.weight", 3)
    beside = convolved - EXPAND * dim
    if beside < 2 or beside % 2:
        raise ValueError(
            f"layers.0.mixer.conv1d.weight has {convolved} channels: it must have {EXPAND} x the width {dim} and then "
            "twice the state size, which cannot be read off it"
        )
    depth = depth_of(state, "layers")

    def make() -> nn.Module:
        return Adventurer(
            Patches(image_size, patch_size, dim, channels=channels),
            ClassifyToken(dim, classes, place="last"),
            depth=depth,
            flips=flips,
            state=beside // 2,
            mlp_ratio=(hidden + 0.5) / dim,  # rounded down to `hidden`, whatever the division leaves
        )

    return filled(make, state, NAMING)


def to_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of `model` under the names of the released code, bit by bit those of the model and, like those of
    `state_dict`, not copied. How blocks are flipped is no tensor: the released code always flips as released.

    ValueError for a model that the released code has no counterpart of.
    """
    lacks = {
        "another architecture": not isinstance(model, Adventurer),
        "no class token": getattr(model, "class_token", None) is None,
        "positions that are not learned": type(getattr(model, "positions", None)) is not LearnedPositions,
        "no heading average": not all(getattr(block, "heading", True) for block in model.blocks),
    }
    if reasons := [reason for reason, there in lacks.items() if there]:
        raise ValueError(
            f"{type(model).__name__} has {', '.join(reasons)}: the released code cannot hold it, and would answer "
            "otherwise"
        )
    return exported(model, NAMING)


def _check_places(places: int, image_size: Size, patch_size: int) -> None:
    rows, columns = grid_of(image_size, patch_size)
    if places != rows * columns + 1:
        raise ValueError(
            f"pos_embed has places for {places - 1} patches and a class token; images of {image_size} pixels in "
            f"patches of {patch_size} make {rows} x {columns}: give the image size that the model was trained at, and "
            "resize it after that (labkit.resize.resized)"
        )
