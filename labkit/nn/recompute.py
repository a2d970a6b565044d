"""Recomputation (Chen et al., 2016): a part of a model keeps only its inputs for the backward pass, which computes the
rest once more. Less memory for one more forward pass."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def recomputed(function: Callable, *arguments: Any) -> Any:
    """`function(*arguments)`, of which only the arguments are kept. Nothing random may happen in it."""
    return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)


def kept(function: Callable, *arguments: Any) -> Any:
    """`function(*arguments)`, and all that its backward pass needs is kept."""
    return function(*arguments)


def blocks_to_recompute(recompute: bool | int, depth: int) -> list[bool]:
    """For each block of a model whether it is recomputed: all, none, or the first `recompute`. The last ones are kept
    rather than the first: by the time the first are computed once more, the last have been used and let go.

    ValueError for a number that is not between 0 and `depth`.
    """
    many = depth * recompute if isinstance(recompute, bool) else recompute
    if not 0 <= many <= depth:
        raise ValueError(f"recompute={recompute} must be true, false or 0 to {depth}, the blocks there are")
    return [number < many for number in range(depth)]


def runner(recompute: bool) -> Callable:
    """`recomputed` if that is asked for and there will be a backward pass, else `kept`."""
    return recomputed if recompute and torch.is_grad_enabled() else kept
