"""Root-mean-square norm (Zhang & Sennrich, 2019): x / sqrt(mean of x^2 + eps), times a weight; the mean goes over the
width. torch's own is a chain of a dozen elementwise passes on a CPU, forward and backward; this one takes half of them.

Letters: D width.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class RMSNorm(nn.RMSNorm):
    """`torch.nn.RMSNorm` over the last axis, with a weight, in fewer passes. Used in lesson 04."""

    def __init__(self, dim: int, *, eps: float, dtype: torch.dtype | None = None) -> None:
        super().__init__(dim, eps=eps, dtype=dtype)

    def forward(self, x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        """As wide as it came."""
        return _RMSNorm.apply(x, self.weight, self.eps)


class GatedRMSNorm(RMSNorm):
    """RMSNorm of x silu(gate), as the Mamba-2 mixer ends (Dao & Gu, 2024). Only x and the gate are kept for the
    backward pass. Used in lesson 04."""

    def forward(self, x: Float[Tensor, "... D"], gate: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        """In the type of the weight: float32 under mixed precision, as squares are summed over the whole width."""
        return _GatedRMSNorm.apply(x, gate, self.weight, self.eps)


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """x over its root mean square, times the weight."""
        scale = _scale(x, eps)
        ctx.save_for_backward(x, weight, scale)
        return (x * scale.to(x.dtype)).mul_(weight)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None]:
        """The gradients of x and the weight."""
        x, weight, scale = ctx.saved_tensors
        return *_backward(dy, x * scale.to(x.dtype), weight, scale), None


class _GatedRMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor, weight: Tensor, eps: float) -> Tensor:
        """One tensor of its own is enough: gate, product and norm follow each other in it."""
        gated = F.silu(gate).mul_(x).to(weight.dtype)
        scale = _scale(gated, eps)
        ctx.save_for_backward(x, gate, weight, scale)
        return gated.mul_(scale.to(gated.dtype)).mul_(weight)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """The gradients of x, the gate and the weight."""
        x, gate, weight, scale = ctx.saved_tensors
        opened = F.silu(gate)
        normed = (opened * x).to(weight.dtype).mul_(scale.to(weight.dtype))
        dgated, dweight = _backward(dy, normed, weight, scale)
        dgated = dgated.to(x.dtype)
        dx = opened.mul_(dgated)
        return dx, torch.ops.aten.silu_backward(dgated.mul_(x), gate), dweight, None


def _scale(x: Tensor, eps: float) -> Tensor:
    """(... 1): one over the root mean square, its squares summed in float32 or better."""
    wide = torch.promote_types(x.dtype, torch.float32)
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=wide)
    return norm.square_().div_(x.shape[-1]).add_(eps).rsqrt_()


def _backward(dy: Tensor, normed: Tensor, weight: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of what was normed and of the weight."""
    dweight = (dy * normed).sum(tuple(range(dy.ndim - 1)))
    dx = dy * weight
    along = (dx * normed).mean(-1, keepdim=True)
    return dx.addcmul_(normed, along, value=-1).mul_(scale.to(dx.dtype)), dweight
