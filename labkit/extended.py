"""More tokens without smaller patches: what a longer sequence does by itself.

The paper's control (Wang et al., 2025, table 5) keeps the patch and interpolates the tokens between them. Copies of
tokens bring a longer sequence and not one new number; overlapping patches bring new numbers, but each from as large a
patch as before. All give as many tokens as patches of `stride` pixels would, so that each can be held against a smaller
patch at the same length.

Letters: B images, C channels, p patch size, s stride (pixels between two tokens), N = (H / s) (W / s) tokens, D width.
"""

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from labkit.grid import Size, grid_of
from labkit.tokenizers import Patches


class ExtendedPatches(Patches):
    """Patches of p pixels, one embedding for all, and a token every `stride` pixels. ValueError for a stride that does
    not divide the image or is not smaller than the patch."""

    def __init__(self, image_size: Size, patch_size: int, dim: int, *, channels: int = 3, stride: int) -> None:
        super().__init__(image_size, patch_size, dim, channels=channels)
        if stride >= patch_size:
            raise ValueError(f"stride {stride} is not smaller than patch size {patch_size}: no token would be added")
        self.stride, self.grid = stride, grid_of(image_size, stride)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, stride={self.stride}"


class InterpolatedPatches(ExtendedPatches):
    """Tokens of patches, interpolated between their centres (bilinear), as in the paper's control. One token alone has
    nothing to be interpolated with: it is repeated. Used in lesson 06."""

    mode = "bilinear"

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """Tokens in reading order."""
        rows = self.image_size[0] // self.patch_size
        tokens = rearrange(super().forward(images), "b (h w) d -> b d h w", h=rows)
        return rearrange(F.interpolate(tokens, size=self.grid, mode=self.mode), "b d h w -> b (h w) d")


class RepeatedPatches(InterpolatedPatches):
    """For each place the token of the nearest patch: each as often as the stride fits its patch. Used in lesson 06."""

    mode = "nearest"


class OverlappingPatches(ExtendedPatches):
    """Patches of p pixels cut every `stride` pixels; the image is mirrored at its edges, so that there is one around
    every place (half a pixel beside it where patch and stride differ by an odd number). Used in lesson 06."""

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """Tokens in reading order."""
        self.check(images)
        before = (self.patch_size - self.stride) // 2
        behind = self.patch_size - self.stride - before
        wider = F.pad(images, (before, behind, before, behind), mode="reflect")
        patches = F.unfold(wider, self.patch_size, stride=self.stride).mT
        return self.embed(patches).to(self.embed.weight.dtype)


EXTENDED = {"interpolated": InterpolatedPatches, "repeated": RepeatedPatches, "overlapping": OverlappingPatches}
