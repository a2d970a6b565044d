"""Where a token was in the image: learned, fixed sine-cosine, or nothing at all.

Attention treats its tokens as a set, so a model that should know left from right is told by a vector added to each
token. `LearnedPositions` is ViT's table (Dosovitskiy et al., 2021); `SineCosinePositions` is the fixed 2-D table of
Chen et al. (MoCo v3, 2021) and Beyer et al. (2022), which costs no parameters: at single pixels a learned table holds
more numbers than the rest of a small model.

`class_token` says where a token that belongs to no patch stands: "first", "last", or None where there is none.
Letters: N tokens, D width, rows x columns the grid of patches. All add to (B, N, D) and return (B, N, D).
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Grid = tuple[int, int]
Place = Literal["first", "last"] | None


def check_place(place: Place) -> Place:
    """The place, if it is one. ValueError otherwise: a token at no known place would be read for another."""
    if place not in ("first", "last", None):
        raise ValueError(f"class token {place!r} must be 'first', 'last' or None: no other place is known")
    return place


class LearnedPositions(nn.Module):
    """One trainable vector for each place, and one more for a class token: `in_table` says where that one stands.
    Built in lesson 01."""

    def __init__(self, grid: Grid, dim: int, *, class_token: Place = None) -> None:
        super().__init__()
        self.in_table = check_place(class_token)
        self.table = nn.Parameter(torch.empty(1, grid[0] * grid[1] + (class_token is not None), dim))
        nn.init.trunc_normal_(self.table, std=0.02)

    @property
    def tokens(self) -> int:
        """For how many tokens there is a place."""
        return self.table.shape[1]

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Each token with its place added."""
        return tokens + self.table


class LearnedPatchPositions(LearnedPositions):
    """One trainable vector for each patch and none for a class token, as in FlexiViT (Beyer et al., 2023)."""

    def __init__(self, grid: Grid, dim: int, *, class_token: Place = None) -> None:
        super().__init__(grid, dim)
        self.class_token = check_place(class_token)

    @property
    def tokens(self) -> int:
        """For how many tokens there is a place, the class token's included, which gets nothing."""
        return self.table.shape[1] + (self.class_token is not None)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Each patch with its place added."""
        before, behind = int(self.class_token == "first"), int(self.class_token == "last")
        return tokens + F.pad(self.table, (0, 0, before, behind))


class SineCosinePositions(nn.Module):
    """A fixed table of sines and cosines of the row and the column, a quarter of D each. Built in lesson 01."""

    table: Tensor

    def __init__(self, grid: Grid, dim: int, *, class_token: Place = None) -> None:
        super().__init__()
        check_place(class_token)
        nothing = torch.zeros(1, dim)
        before, behind = nothing[: class_token == "first"], nothing[: class_token == "last"]
        table = torch.cat([before, sine_cosine(grid, dim), behind])
        self.register_buffer("table", table[None], persistent=False)
        self.tokens = table.shape[0]

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Each token with its place added; a class token gets nothing."""
        return tokens + self.table.to(tokens.dtype)


class NoPositions(nn.Module):
    """Tokens as they are: the model sees a bag of patches. Built in lesson 01."""

    def __init__(self, grid: Grid, dim: int, *, class_token: Place = None) -> None:
        super().__init__()

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """The tokens, untouched."""
        return tokens


def sine_cosine(grid: Grid, dim: int, *, temperature: float = 10_000.0) -> Float[Tensor, "N D"]:
    """The table (N, D): sin(column w), cos(column w), sin(row w), cos(row w) with D / 4 frequencies w from 1 down to
    1 / temperature. ValueError unless D is a multiple of 4."""
    if dim % 4:
        raise ValueError(f"width {dim} is not a multiple of 4: sine and cosine of row and column need a quarter each")
    quarter = dim // 4
    frequency = temperature ** -(torch.arange(quarter) / max(quarter - 1, 1))
    row, column = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    across = column.reshape(-1, 1) * frequency
    down = row.reshape(-1, 1) * frequency
    return torch.cat([across.sin(), across.cos(), down.sin(), down.cos()], dim=1)


# without LearnedPatchPositions: models of a run have no class token, so it would be "learned" under another name
POSITIONS = {"learned": LearnedPositions, "sincos": SineCosinePositions, "none": NoPositions}


def check_positions(positions: nn.Module, places: int) -> None:
    """ValueError unless `positions` has a place for each of a model's tokens."""
    told = getattr(positions, "tokens", places)
    if told != places:
        raise ValueError(
            f"positions for {told} tokens do not fit {places} tokens (the grid, and one more if the head "
            "reads a class token): each token needs a place of its own"
        )


def with_class_token(
    tokens: Float[Tensor, "B N D"], class_token: Float[Tensor, "1 1 D"] | None, place: Place
) -> Float[Tensor, "B M D"]:
    """Tokens with the class token at its place; as they are where there is none."""
    if class_token is None or place is None:
        return tokens
    pair = (class_token.expand(len(tokens), -1, -1), tokens)
    return torch.cat(pair if place == "first" else pair[::-1], dim=1)
