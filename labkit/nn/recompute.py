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


def runner(recompute: bool) -> Callable:
    """`recomputed` if that is asked for and there will be a backward pass, else `kept`."""
    return recomputed if recompute and torch.is_grad_enabled() else kept
