"""One model for many patch sizes (FlexiViT: Beyer et al., 2023).

One patch embedding is kept, that of the largest patch, and resized for each smaller one (labkit.resize); one table of
positions is kept, that of the finest grid, and resized for each coarser one. While training a patch size is drawn for
every step. FlexiViT distils from a large model, begins from its weights and keeps a coarse table of positions; here is
neither teacher nor start, and the table is as fine as the grid.

Letters: B images, C channels, p the patch size in use, P the largest one, N tokens, D width.
"""

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from labkit.grid import Size, as_pair, grid_of, halvings
from labkit.positions import Grid, LearnedPositions, Place
from labkit.resize import resized_embedding, resized_positions
from labkit.tokenizers import Patches, patchify

STREAM = 7  # of random numbers, apart from those that batches are drawn from


class FlexiblePatches(Patches):
    """Image (B, C, H, W) to tokens (B, N, D) at the patch size in use, one of `sizes`: first the smallest. Its `grid`
    and `tokens` are those of the smallest. ValueError as `halvings` and `Patches`. Used in lesson 06."""

    def __init__(self, image_size: Size, patch_size: int, dim: int, *, channels: int = 3, largest: int) -> None:
        super().__init__(image_size, largest, dim, channels=channels)
        self.sizes, self.largest, self.grid = halvings(largest, patch_size), largest, grid_of(image_size, patch_size)
        self.use(patch_size)

    def use(self, patch_size: int) -> None:
        """Cut patches of that size from now on. ValueError for one that the model is not made for."""
        if patch_size not in self.sizes:
            raise ValueError(f"patch size {patch_size} is not one of {', '.join(map(str, self.sizes))}: it has no grid")
        self.patch_size = patch_size

    def draw(self, seed: int, step: int) -> None:
        """Use a patch size for a step of training: a function of (seed, step), each size equally often."""
        self.use(self.sizes[int(np.random.default_rng([seed, step, STREAM]).integers(len(self.sizes)))])

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """Tokens in reading order."""
        self.check(images)
        weight = resized_embedding(self.embed.weight, self.largest, self.patch_size, channels=self.channels)
        tokens = F.linear(patchify(images, self.patch_size), weight, self.embed.bias)
        return tokens.to(self.embed.weight.dtype)

    def extra_repr(self) -> str:
        return f"image_size={self.image_size}, patch_sizes={self.sizes}"


class FlexiblePositions(LearnedPositions):
    """One trainable vector for each place of the finest grid, resized to the grid that the tokens come from. For square
    images, whose tokens tell the grid by their number. ValueError for others. Used in lesson 06."""

    def __init__(self, grid: Grid, dim: int, *, class_token: Place = None) -> None:
        super().__init__(grid, dim, class_token=class_token)
        if grid[0] != grid[1] or class_token is not None:
            raise ValueError(f"a grid of {grid[0]} x {grid[1]}, class token {class_token!r}: only a square one without "
                             "a class token is known by its number of tokens")  # fmt: skip
        self.grid = grid

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Each token with its place added."""
        side = round(tokens.shape[1] ** 0.5)
        return tokens + resized_positions(self.table, self.grid, as_pair(side), class_token=None)
