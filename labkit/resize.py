"""A trained model at another patch size or image size: its patch embedding and its positions resized.

FlexiViT (Beyer et al., 2023) asks that the new embedding w' answer to a resized patch what the old one, w, answers to
the patch: <B x, w'> = <x, w>, where B is the matrix of the resize. The answer is w' = pinv(B^T) w: exact where patches
grow, the nearest there is where they shrink. The resize is bicubic with antialiasing, as in timm (FlexiViT: bilinear).
It treats rows and columns alike, one after the other, so that a small matrix for one axis is all it takes.

Letters: C channels, p old and q new patch size, N old and M new places (a class token counts as one), D width.
"""

import copy

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labkit.grid import Size
from labkit.positions import Grid, LearnedPositions, Place
from labkit.tokenizers import Patches


def resize_matrix(old: int, new: int) -> Float[Tensor, "new old"]:
    """B for one axis, in float64: `new` pixels from `old` ones, bicubic, antialiased. ValueError for sizes below 1."""
    if min(old, new) < 1:
        raise ValueError(f"sizes {old} and {new} must both be 1 or more: nothing else can be resized")
    # a square image, since torch 2.15 gives wrong values where antialiased output has a width of 1
    pixels = torch.eye(old, dtype=torch.float64)[None, None]
    return F.interpolate(pixels, size=(new, old), mode="bicubic", antialias=True)[0, 0]


def resized_embedding(
    weight: Float[Tensor, "D P"], patch_size: int, new_patch_size: int, *, channels: int
) -> Float[Tensor, "D Q"]:
    """The weight (D, C p p) of a patch embedding for another patch size, (D, C q q); as it is where p = q.

    Computed in float32 or better, returned in its own type; gradients flow. Do not chain: 8 -> 16 -> 8 misses a random
    weight by nine tenths of its size. ValueError for a weight that is not C p p wide.
    """
    if weight.shape[1] != channels * patch_size**2:
        raise ValueError(
            f"weight of shape {tuple(weight.shape)} is no embedding of {channels} x {patch_size} x {patch_size} "
            f"numbers: it would take {channels * patch_size**2} columns, and pixels would change places"
        )
    if patch_size == new_patch_size:
        return weight
    wide = torch.promote_types(weight.dtype, torch.float32)
    axis = torch.linalg.pinv(resize_matrix(patch_size, new_patch_size).mT).to(weight.device, wide)
    return _along_both(axis, axis, weight.unflatten(1, (channels, patch_size, patch_size))).flatten(1)


def resized_positions(
    table: Float[Tensor, "1 N D"], old_grid: Grid, new_grid: Grid, *, class_token: Place
) -> Float[Tensor, "1 M D"]:
    """Learned positions, row by row, for another grid; the class token keeps its own where it stands. As they are where
    the grids are equal. Computed in float32 or better, returned in its own type. ValueError for a table that does not
    fit the old grid."""
    places = old_grid[0] * old_grid[1] + (class_token is not None)
    if table.shape[1] != places:
        raise ValueError(
            f"positions for {table.shape[1]} tokens do not fit {places} tokens (a grid of {old_grid[0]} x "
            f"{old_grid[1]}, class token: {class_token}): places would be mixed up"
        )
    if old_grid == new_grid:
        return table
    before, behind = int(class_token == "first"), int(class_token == "last")
    first, patches, last = table.split([before, places - before - behind, behind], dim=1)
    wide = torch.promote_types(table.dtype, torch.float32)
    rows, columns = (
        resize_matrix(old, new).to(table.device, wide) for old, new in zip(old_grid, new_grid, strict=True)
    )
    resized = _along_both(rows, columns, patches.unflatten(1, old_grid).movedim(-1, 1))
    return torch.cat([first, resized.flatten(2).mT, last], dim=1)


def _along_both(rows: Tensor, columns: Tensor, images: Float[Tensor, "*more H W"]) -> Tensor:
    """rows @ image @ columns^T for each image, in the type of the matrices, given back in that of the images."""
    with torch.autocast(images.device.type, enabled=False):
        return (rows @ images.to(rows.dtype) @ columns.mT).to(images.dtype)


class ResizedPatches(Patches):
    """Patches with an embedding that came out of a resize from the patch size `resized_from`. It is not resized again
    (see `resized_patches`)."""

    def __init__(self, image_size: Size, patch_size: int, dim: int, *, channels: int = 3, resized_from: int) -> None:
        super().__init__(image_size, patch_size, dim, channels=channels)
        self.resized_from = resized_from

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, resized_from={self.resized_from}"


def resized_patches(tokenizer: Patches, *, image_size: Size | None = None, patch_size: int | None = None) -> Patches:
    """A new tokenizer for another patch size, image size or both (None: as it was), with the embedding of this one,
    resized. Where the patch size stays, bit by bit the same embedding.

    ValueError for a tokenizer that does more than cut and embed, and for another patch size where it came out of a
    resize itself: each way back loses something. Once trained, its weights are an original: load its state_dict into
    `Patches` to resize it then.
    """
    if type(tokenizer) not in (Patches, ResizedPatches):
        raise ValueError(f"{type(tokenizer).__name__} cannot be resized: it would become plain patches unseen")
    old, new = tokenizer.patch_size, tokenizer.patch_size if patch_size is None else patch_size
    origin = tokenizer.resized_from if isinstance(tokenizer, ResizedPatches) else None
    if origin is not None and new != old:
        raise ValueError(
            f"patch size {new} was asked of a tokenizer that was resized from {origin} to {old}: resizes are not "
            f"chained, since {origin} -> {old} -> {origin} does not give the first back; resize the original instead"
        )
    if new != old:
        origin = old
    size = tokenizer.image_size if image_size is None else image_size
    with torch.device("meta"):  # no first values: nothing is drawn from the random state
        kind, more = (Patches, {}) if origin is None else (ResizedPatches, {"resized_from": origin})
        made = kind(size, new, tokenizer.dim, channels=tokenizer.channels, **more)
    weight, bias = tokenizer.embed.weight, tokenizer.embed.bias
    resized = resized_embedding(weight.detach(), old, new, channels=tokenizer.channels)
    made.embed.weight = nn.Parameter(resized.clone(), requires_grad=weight.requires_grad)
    made.embed.bias = nn.Parameter(bias.detach().clone(), requires_grad=bias.requires_grad)
    return made.train(tokenizer.training)


def resized(model: nn.Module, *, image_size: Size | None = None, patch_size: int | None = None) -> nn.Module:
    """A copy of a model (with tokenizer, positions, head) for another patch size, image size or both; the model itself
    is left alone. Learned positions are resized. Sine-cosine positions are not: their table is made anew and counts
    in patches, so place (1, 1) keeps its code although it lies elsewhere in the image. ValueError as
    `resized_patches`."""
    tokenizer = resized_patches(model.tokenizer, image_size=image_size, patch_size=patch_size)
    made = copy.deepcopy(model)
    made.tokenizer = tokenizer
    made.positions = _replaced(model.positions, model.tokenizer, tokenizer, model.head.class_token)
    return made


def _replaced(positions: nn.Module, old: Patches, new: Patches, class_token: Place) -> nn.Module:
    """Positions of the same kind for another grid."""
    learned = isinstance(positions, LearnedPositions)
    with torch.device("meta" if learned else new.embed.weight.device):
        made = type(positions)(new.grid, new.dim, class_token=class_token)
    if learned:
        table = resized_positions(positions.table.detach(), old.grid, new.grid, class_token=positions.in_table)
        made.table = nn.Parameter(table.clone(), requires_grad=positions.table.requires_grad)
    return made.train(positions.training)
