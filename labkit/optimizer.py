"""AdamW and its learning rate: which weights are decayed, and how large each step is."""

import math

import torch
from torch import nn

from labkit.config import Run


def learning_rate(step: int, *, steps: int, peak: float, warmup: float) -> float:
    """Learning rate of step 0 ... steps - 1: a straight climb to `peak` over the first `warmup` share of the steps,
    then half a cosine towards zero. A function of the step alone, so that a resumed run needs no memory of it. Built
    in lesson 05."""
    climb = max(1, round(warmup * steps))
    if step < climb:
        return peak * (step + 1) / climb
    return peak * 0.5 * (1 + math.cos(math.pi * (step - climb + 1) / (steps - climb + 1)))


def adamw(model: nn.Module, run: Run) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter, 2019), fused: measured faster on a CPU (benchmarks/README.md). Biases, norms,
    positions and class tokens are not decayed: pulling them to zero would only shift what the model is told. Used in
    lesson 05."""
    matrices, others = [], []
    for name, weight in model.named_parameters():
        told = name in ("class_token", "positions.table")
        (others if weight.ndim < 2 or told else matrices).append(weight)
    groups = [{"params": matrices, "weight_decay": run.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=run.learning_rate, fused=True)
