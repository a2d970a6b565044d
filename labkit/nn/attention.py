"""Multi-head self-attention as a layer (Vaswani et al., 2017): project, attend in each head, project back.

Letters: B images, N tokens, D width, H heads, d = D / H.
"""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from labkit.ops.attention import attention, backend_named


class Attention(nn.Module):
    """Tokens (B, N, D) to tokens (B, N, D). ValueError unless the heads divide the width. Used from lesson 01 on."""

    def __init__(self, dim: int, heads: int, *, backend: str = "auto") -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"{heads} heads do not divide the width {dim}: each head needs the same whole share of it")
        self.heads, self.backend = heads, backend_named(backend)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Every token looks at every token."""
        q, k, v = rearrange(self.qkv(tokens), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        mixed = attention(q, k, v, backend=self.backend)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))
