"""The two-layer perceptron that follows attention in a ViT block, applied to each token by itself.

Letters: B images, N tokens, D width.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class MLP(nn.Module):
    """Tokens (B, N, D) to tokens (B, N, D) through `hidden` GELU units. Used from lesson 01 on."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(dim, hidden)
        self.down = nn.Linear(hidden, dim)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Widen, bend, narrow."""
        return self.down(F.gelu(self.up(tokens)))
