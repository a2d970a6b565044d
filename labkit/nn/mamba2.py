"""The Mamba-2 mixer (Dao & Gu, 2024): project, convolve, scan, gate, project back.

As in mamba-ssm 2.0.4, whose names it keeps, so that published weights fit; its kernels are not needed. Causal: a token
sees itself and those before it. A and dt stay in float32 under mixed precision.

Letters: B images, N tokens, D width, E = expand D inner width, H = E / d heads of d numbers, S state size, K taps of
the convolution. One group: all heads share b and c.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from labkit.nn.norm import GatedRMSNorm
from labkit.ops.convolution import causal_convolution
from labkit.ops.ssd import backend_named, ssd
from labkit.ops.ssd_chunked import ssd_continued


class Carry(NamedTuple):
    """What a mixer needs of the tokens before: the last K - 1 inputs of its convolution (or as many as there were), and
    the state of its scan."""

    recent: Float[Tensor, "B K-1 C"]
    state: Float[Tensor, "B 1 S E"]


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
        self.norm = GatedRMSNorm(self.inner, eps=1e-5)
        self.out_proj = nn.Linear(self.inner, dim, bias=False)
        self._initialise()

    def _initialise(self) -> None:
        """Step sizes spread evenly over the decades from 0.001 to 0.1, rates from 1 to 16, as mamba-ssm does it."""
        with torch.no_grad():
            dt = torch.empty(self.heads).uniform_(math.log(1e-3), math.log(1e-1)).exp()
            self.dt_bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # softplus turns it back into dt
            self.A_log.copy_(torch.empty(self.heads).uniform_(1, 16).log())

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """The whole sequence at once."""
        return self.continued(tokens, more=False)[0]

    def continued(
        self, tokens: Float[Tensor, "B N D"], carry: Carry | None = None, *, more: bool = True
    ) -> tuple[Float[Tensor, "B N D"], Carry | None]:
        """Tokens that come after others, which left `carry` (None: there were none). Returns the mixed tokens and, with
        `more` to come, what these leave. Two gates of the same scan: z from the token itself, dt for what it writes
        into the state. ValueError for a part of a sequence where the backend is not chunked. Built in lesson 10."""
        recent, state = carry or (None, None)
        # a projection each: what comes out lies in one piece, which the passes over it need
        shares = self.in_proj.weight.split([self.inner, self.inner + 2 * self.state, self.heads])
        z, xbc, dt = (F.linear(tokens, share) for share in shares)
        xbc = xbc if recent is None else torch.cat([recent, xbc], dim=1)
        convolved = causal_convolution(xbc, self.conv1d.weight.squeeze(1), self.conv1d.bias)
        convolved = convolved if recent is None else convolved[:, recent.shape[1] :]
        bent = F.silu(convolved, inplace=not torch.is_grad_enabled())
        x, b, c = bent.split([self.inner, self.state, self.state], dim=-1)
        x, b, c = x.unflatten(-1, (self.heads, -1)), b.unsqueeze(2), c.unsqueeze(2)
        wide = torch.promote_types(x.dtype, torch.float32)
        dt = F.softplus(dt.to(wide) + self.dt_bias.to(wide))
        y, state = self._scanned(x, dt, b, c, state, more)
        mixed = self.out_proj(self.norm(y.flatten(2), z))
        # a copy: a view would keep all of xbc
        return mixed, Carry(xbc[:, max(0, xbc.shape[1] - self.taps + 1) :].clone(), state) if more else None

    def _scanned(
        self, x: Tensor, dt: Tensor, b: Tensor, c: Tensor, state: Tensor | None, more: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The scan, and D times x."""
        a, skip = -self.A_log.to(dt.dtype).exp(), self.D.to(dt.dtype)
        if self.backend == "chunked":
            return ssd_continued(x, dt, a, b, c, skip=skip, state=state, more=more)
        if more or state is not None:
            raise ValueError(
                f"backend {self.backend!r} reads a sequence in one piece: only backend 'chunked' goes on from there"
            )
        return ssd(x, dt, a, b, c, backend=self.backend) + skip.to(x.dtype)[:, None] * x, None
