"""A gate that is linear far above zero and shut far below: x silu(gate), as SwiGLU has it (Shazeer, 2020)."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def gated(x: Float[Tensor, "..."], gate: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """x silu(gate), number by number. Used in lesson 04."""
    return _Gated.apply(x, gate)


class _Gated(torch.autograd.Function):
    """Keeps x and the gate alone; autograd's would keep silu(gate) as well, which is quickly computed again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor) -> Tensor:
        ctx.save_for_backward(x, gate)
        return F.silu(gate).mul_(x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of x and the gate."""
        x, gate = ctx.saved_tensors
        return F.silu(gate).mul_(dy), torch.ops.aten.silu_backward(dy * x, gate)
