"""The Mamba-2 mixer (Dao & Gu, 2024): project, convolve, scan, gate, project back.

As in mamba-ssm 2.0.4, whose names it keeps, so that published weights fit; without its kernels, so that it runs
anywhere. Causal: a token sees itself and those before it. A and dt stay in float32 under mixed precision.

Letters: B images, N tokens, D width, E = expand D inner width, H = E / d heads of d numbers, S state size, K taps of
the convolution. One group: all heads share b and c.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from labkit.ops.ssd import backend_named, ssd


class Mamba2(nn.Module):
    """Tokens (B, N, D) to tokens (B, N, D), each from itself and the tokens before it. ValueError unless heads of
    `head_dim` numbers (or one head, where the inner width is smaller) divide the inner width. Built in lesson 04."""

    def __init__(
        self,
        dim: int,
        *,
        state: int = 64,
        expand: int = 2,
        head_dim: int = 64,
        taps: int = 4,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        if min(dim, state, expand, head_dim, taps) < 1:
            sizes = f"width {dim}, state {state}, expand {expand}, head_dim {head_dim}, taps {taps}"
            raise ValueError(f"{sizes}: each must be 1 or more, or there is nothing to mix")
        self.inner, self.state, self.taps, self.backend = expand * dim, state, taps, backend_named(backend)
        head_dim = min(head_dim, self.inner)
        if self.inner % head_dim:
            raise ValueError(
                f"inner width {self.inner} ({expand} x {dim}) is not a multiple of {head_dim} numbers per head: the "
                "heads share it in equal parts"
            )
        self.heads = self.inner // head_dim
        convolved = self.inner + 2 * state
        self.in_proj = nn.Linear(dim, self.inner + convolved + self.heads, bias=False)
        self.conv1d = nn.Conv1d(convolved, convolved, taps, groups=convolved)
        self.dt_bias = nn.Parameter(torch.empty(self.heads))
        self.A_log = nn.Parameter(torch.empty(self.heads))
        self.D = nn.Parameter(torch.ones(self.heads))
        self.norm = nn.RMSNorm(self.inner, eps=1e-5)
        self.out_proj = nn.Linear(self.inner, dim, bias=False)
        self._initialise()

    def _initialise(self) -> None:
        """Step sizes spread evenly over the decades from 0.001 to 0.1, rates from 1 to 16, as mamba-ssm does it."""
        with torch.no_grad():
            dt = torch.empty(self.heads).uniform_(math.log(1e-3), math.log(1e-1)).exp()
            self.dt_bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # softplus turns it back into dt
            self.A_log.copy_(torch.empty(self.heads).uniform_(1, 16).log())

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """Two gates of the same scan: z from the token itself, dt for what it writes into the state."""
        z, xbc, dt = self.in_proj(tokens).split([self.inner, self.inner + 2 * self.state, self.heads], dim=-1)
        x, b, c = F.silu(self._convolved(xbc)).split([self.inner, self.state, self.state], dim=-1)
        x = rearrange(x, "b n (h d) -> b n h d", h=self.heads)
        wide = torch.promote_types(x.dtype, torch.float32)
        dt = F.softplus(dt.to(wide) + self.dt_bias.to(wide))
        y = ssd(x, dt, -self.A_log.to(wide).exp(), b.unsqueeze(2), c.unsqueeze(2), backend=self.backend)
        y = rearrange(y + self.D.to(y.dtype)[:, None] * x, "b n h d -> b n (h d)")
        # in the weights' type, float32 under mixed precision: squares are summed over the whole inner width
        return self.out_proj(self.norm((y * F.silu(z)).to(self.norm.weight.dtype)))

    def _convolved(self, xbc: Float[Tensor, "B N E"]) -> Float[Tensor, "B N E"]:
        """Each channel with its own K taps over this token and the K - 1 before it."""
        return self.conv1d(F.pad(xbc.mT, (self.taps - 1, 0))).mT
