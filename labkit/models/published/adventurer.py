"""Adventurer under the names of its released code (Wang et al., 2024 and 2025), in and out."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from labkit.grid import Size, grid_of
from labkit.heads import ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.published.naming import SHARED, Layout, Naming, depth_of, exported, filled, sizes_in
from labkit.positions import LearnedPositions
from labkit.tokenizers import Patches

NAMING: Naming = (*SHARED, (r"^blocks", "layers"), (r"^norm", "norm_f"))
# D width, N places, C channels, p patch size, K classes, M width of the MLP, E inner width, X = E + 2 state sizes
LAYOUT: Layout = {
    r"cls_token": "1 1 D",
    r"pos_embed": "1 N D",
    r"patch_embed\.proj\.weight": "D C p p",
    r"patch_embed\.proj\.bias": "D",
    r"head\.weight": "K D",
    r"head\.bias": "K",
    r"norm_f\.weight": "D",
    r"layers\.\d+\.norm(_mlp)?\.weight": "D",
    r"layers\.\d+\.mlp\.w[12]\.weight": "M D",
    r"layers\.\d+\.mlp\.w[12]\.bias": "M",
    r"layers\.\d+\.mlp\.w3\.weight": "D M",
    r"layers\.\d+\.mlp\.w3\.bias": "D",
    r"layers\.\d+\.mixer\.conv1d\.weight": "X 1 4",
    r"layers\.\d+\.mixer\.conv1d\.bias": "X",
    r"layers\.\d+\.mixer\.norm\.weight": "E",
    r"layers\.\d+\.mixer\.out_proj\.weight": "D E",
}


def from_state_dict(
    state: Mapping[str, Tensor], *, image_size: Size, flips: str | Sequence[bool] = "as_released"
) -> Adventurer:
    """The Adventurer that the tensors of `state` make, under the names of the released code, each copied bit by bit.

    Patch size, channels, width, depth, state size, width of the MLP and classes are read off the shapes; the size of
    the images, in pixels, cannot be, and neither can the order in which blocks read (`flips`, as `Adventurer` takes
    it). Tensors keep their floating type and device. ValueError that names each tensor which is missing, unknown or
    of another shape, and for an image size that the positions do not fit.
    """
    size, depth = sizes_in(state, LAYOUT), depth_of(state, "layers")
    dim, patch_size, beside = size["D"], size["p"], size["X"] - size["E"]
    _check_places(size["N"], image_size, patch_size)
    if beside < 2 or beside % 2:
        raise ValueError(
            f"layers.*.mixer.conv1d.weight have {size['X']} channels: these must be the inner width {size['E']} and "
            "twice the state size, which cannot be read off them"
        )

    def make() -> nn.Module:
        return Adventurer(
            Patches(image_size, patch_size, dim, channels=size["C"]),
            ClassifyToken(dim, size["K"], place="last"),
            depth=depth,
            flips=flips,
            state=beside // 2,
            mlp_ratio=(size["M"] + 0.5) / dim,  # rounded down to M, whatever the division leaves
        )

    return filled(make, state, NAMING)


def to_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of `model` under the names of the released code, bit by bit those of the model and, like those of
    `state_dict`, not copied. How blocks are flipped is no tensor: the released code always flips as released.

    ValueError for a model that the released code has no counterpart of.
    """
    if not isinstance(model, Adventurer):
        raise ValueError(f"{type(model).__name__} is no Adventurer: the released code has no names for its tensors")
    lacks = {
        "no class token": model.class_token is None,
        "positions that are not learned": type(model.positions) is not LearnedPositions,
        "no heading average": not all(block.heading for block in model.blocks),
    }
    if reasons := [reason for reason, there in lacks.items() if there]:
        raise ValueError(f"this Adventurer has {', '.join(reasons)}: in the released code it would answer otherwise")
    tensors = exported(model, NAMING)
    sizes = {name: tensor.to("meta") for name, tensor in tensors.items()}
    from_state_dict(sizes, image_size=model.tokenizer.image_size)  # ValueError for parts of another kind or size
    return tensors


def side_of(state: Mapping[str, Tensor]) -> int:
    """The side in pixels of the square images that the positions of `state` are for. ValueError if there is none."""
    size = sizes_in(state, LAYOUT)
    side = math.isqrt(size["N"] - 1)
    if side < 1 or side**2 != size["N"] - 1:
        raise ValueError(
            f"pos_embed has places for {size['N'] - 1} patches, which make no square: image_size= must say how many "
            "pixels high and wide the images are"
        )
    return side * size["p"]


def _check_places(places: int, image_size: Size, patch_size: int) -> None:
    rows, columns = grid_of(image_size, patch_size)
    if places != rows * columns + 1:
        raise ValueError(
            f"pos_embed has places for {places - 1} patches and a class token; images of {image_size} pixels in "
            f"patches of {patch_size} make {rows} x {columns}: give the image size that the model was trained at, and "
            "resize it after that (labkit.resize.resized)"
        )
