"""Cutting an image into patches and turning each patch into a token (Dosovitskiy et al., 2021).

`patchify` only moves numbers: (B, C, H, W) pixels become (B, N, C p p) numbers, row by row, and `unpatchify` puts every
one of them back. `Patches` then sends each patch through one linear map to D numbers. Written as a linear map on the
flat patch it holds the same weights as the usual strided convolution, `weight.reshape(D, C, p, p)`.

Letters: B images, C channels, H W pixels, p patch size, N = (H / p) (W / p) tokens, D width.
"""

import math

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from labkit.grid import Size, as_pair, grid_of


def patchify(images: Float[Tensor, "B C H W"], patch_size: int) -> Float[Tensor, "B N P"]:
    """Pixels (B, C, H, W) to patches (B, N, C p p), row by row; only a rearrangement. Built in lesson 01."""
    grid_of(tuple(images.shape[-2:]), patch_size)
    return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=patch_size, q=patch_size)


def unpatchify(patches: Float[Tensor, "B N P"], image_size: Size, patch_size: int) -> Float[Tensor, "B C H W"]:
    """Patches (B, N, C p p) back to pixels (B, C, H, W), bit by bit what was cut. Built in lesson 01."""
    rows, columns = grid_of(image_size, patch_size)
    if patches.shape[1] != rows * columns or patches.shape[2] % patch_size**2:
        raise ValueError(
            f"patches of shape {tuple(patches.shape)} do not make an image of {as_pair(image_size)} pixels at patch "
            f"size {patch_size}: it takes (B, {rows * columns}, C x {patch_size**2})"
        )
    return rearrange(patches, "b (h w) (c p q) -> b c (h p) (w q)", h=rows, w=columns, p=patch_size, q=patch_size)


class Patches(nn.Module):
    """Image (B, C, H, W) to tokens (B, N, D): cut, then one linear map, the same for every patch.

    Any patch size that divides both sides of the image is allowed, down to single pixels. ValueError for an image of
    another size or channel count than it was made for. Built in lesson 01.
    """

    def __init__(self, image_size: Size, patch_size: int, dim: int, *, channels: int = 3) -> None:
        super().__init__()
        self.grid = grid_of(image_size, patch_size)
        if min(dim, channels) < 1:
            raise ValueError(f"width {dim} and channels {channels} must both be 1 or more, or tokens would be empty")
        self.image_size, self.patch_size, self.dim, self.channels = as_pair(image_size), patch_size, dim, channels
        numbers = channels * patch_size**2
        self.embed = nn.Linear(numbers, dim)
        # LeCun's rule: a token starts with the variance of the pixels, whatever the patch size
        nn.init.trunc_normal_(self.embed.weight, std=math.sqrt(1 / numbers))
        nn.init.zeros_(self.embed.bias)

    @property
    def tokens(self) -> int:
        """N, the number of tokens of one image."""
        return self.grid[0] * self.grid[1]

    def check(self, images: Tensor) -> None:
        """ValueError for images of another size or channel count."""
        expected = (self.channels, *self.image_size)
        if tuple(images.shape[1:]) != expected:
            raise ValueError(
                f"images of shape {tuple(images.shape)} (B, C, H, W) reached a tokenizer made for C, H, W = "
                f"{expected}: channels and sides must agree, or the patches would be cut across the wrong pixels"
            )

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """Tokens in reading order: row by row, left to right."""
        self.check(images)
        tokens = self.embed(patchify(images, self.patch_size))
        return tokens.to(self.embed.weight.dtype)  # under mixed precision the residual path stays in float32

    def extra_repr(self) -> str:
        return f"image_size={self.image_size}, patch_size={self.patch_size}, tokens={self.tokens}"


def shuffled(tokens: Float[Tensor, "B N D"], order: Tensor) -> Float[Tensor, "B N D"]:
    """The same tokens in another order; `order` holds the N indices. ValueError unless each stands there once."""
    if not torch.equal(order.sort().values, torch.arange(tokens.shape[1], device=order.device)):
        raise ValueError(f"order must hold each of the {tokens.shape[1]} token indices once, or tokens would be lost")
    return tokens[:, order]
