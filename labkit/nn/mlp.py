"""The perceptrons that follow the mixer in a block, applied to each token by itself: ViT's, and the gated one of
Adventurer (SwiGLU; Shazeer, 2020).

Letters: B images, N tokens, D width.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labkit.nn.gate import gated


class MLP(nn.Module):
    """Tokens (B, N, D) to tokens (B, N, D) through `hidden` GELU units. Used from lesson 01 on."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(dim, hidden)
        self.down = nn.Linear(hidden, dim)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Widen, bend, narrow."""
        return self.down(F.gelu(self.up(tokens)))


class SwiGLU(nn.Module):
    """Tokens (B, N, D) to tokens (B, N, D): `hidden` units, each gated by a second linear map of the same token. Used
    in lesson 04."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.w1 = nn.Linear(dim, hidden)
        self.w2 = nn.Linear(dim, hidden)
        self.w3 = nn.Linear(hidden, dim)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Widen twice, gate, narrow."""
        return self.w3(gated(self.w2(tokens), self.w1(tokens)))
