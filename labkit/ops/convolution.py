"""Causal depthwise convolution: each channel with its own K taps over a token and the K - 1 before it.

    y_t = bias + taps_0 x_(t-K+1) + ... + taps_(K-1) x_t        (elementwise in the channels)

Written as K multiply-adds of whole (N, C) tensors, forward and backward. torch's own convolution wants (B, C, N), which
costs two transposes, and its kernels for one channel a group are several times slower than these passes on a CPU.

Letters: B images, N tokens, C channels, K taps.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def causal_convolution(
    x: Float[Tensor, "B N C"], taps: Float[Tensor, "C K"], bias: Float[Tensor, " C"]
) -> Float[Tensor, "B N C"]:
    """The convolution of x, before whose first token there were zeros. Built in lesson 04."""
    return _CausalConvolution.apply(x, taps.T.to(x.dtype).contiguous(), bias.to(x.dtype))


class _CausalConvolution(torch.autograd.Function):
    """With a backward pass of its own: autograd's would write a full-size tensor of zeros for each tap."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, taps)
        y = torch.addcmul(bias, x, taps[-1])
        for late, tap in _late(taps, x.shape[1]):
            y[:, late:].addcmul_(x[:, :-late], tap)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The gradients of x, taps and bias."""
        x, taps = ctx.saved_tensors
        dx, dtaps = dy * taps[-1], torch.zeros_like(taps)
        dtaps[-1] = (x * dy).sum((0, 1))
        for late, tap in _late(taps, x.shape[1]):
            dx[:, :-late].addcmul_(dy[:, late:], tap)
            dtaps[-1 - late] = (x[:, :-late] * dy[:, late:]).sum((0, 1))
        return dx, dtaps, dy.sum((0, 1))


def _late(taps: Tensor, tokens: int) -> list[tuple[int, Tensor]]:
    """The taps over earlier tokens, with how many tokens earlier."""
    return [(late, taps[-1 - late]) for late in range(1, min(len(taps), tokens))]
