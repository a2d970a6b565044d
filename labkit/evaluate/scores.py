"""What models made of the same images: counts with their intervals, and which of two models answers better.

What is counted are images, so that the intervals are about other images of the same kind, not about other trainings.
Letters: B images, K classes.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from scipy.stats import binomtest
from torch import Tensor

from labkit import stats


class Scores(NamedTuple):
    """One model on B images in their order: right at first, right among the first five, and the cross-entropy."""

    top1: Bool[Tensor, " B"]
    top5: Bool[Tensor, " B"]
    loss: Float[Tensor, " B"]


class Comparison(NamedTuple):
    """Of two models a and b: images that only one of them gets right, a's share of these, and what it shows."""

    only_a: int
    only_b: int
    share: stats.Interval | None
    p: float
    better: Literal["a", "b", "not shown"]


def scored(logits: Float[Tensor, "B K"], labels: Int[Tensor, " B"]) -> Scores:
    """Scores of a batch. Fewer than five classes are all among the first. Ties are broken by torch.topk, which does
    not know the label; in bf16 there are many."""
    best = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]
    return Scores(best[:, 0], best.any(dim=1), F.cross_entropy(logits, labels, reduction="none"))


def joined(parts: Sequence[Scores]) -> Scores:
    """The scores of one batch after another."""
    return Scores(*map(torch.cat, zip(*parts, strict=True)))


def compare(right_a: Bool[Tensor, " B"], right_b: Bool[Tensor, " B"]) -> Comparison:
    """Is one of two models shown to be right more often, from which of the same images each one gets right?

    Only images on which they differ count. One is better when a's share of them has an interval without 1/2 and the
    exact test agrees: Wilson's interval alone would take 4 of 4 for proof, which chance gives in one of eight cases.
    Everything else is "not shown", which is not the same as equal. Source: McNemar, "Note on the sampling error of the
    difference between correlated proportions or percentages", Psychometrika 12 (1947).
    """
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if only_a + only_b == 0:
        return Comparison(0, 0, None, 1.0, "not shown")
    share = stats.binomial_interval(only_a, only_a + only_b)
    p = float(binomtest(only_a, only_a + only_b).pvalue)
    shown = p <= 1 - share.confidence and not share.low <= 0.5 <= share.high
    return Comparison(only_a, only_b, share, p, ("a" if only_a > only_b else "b") if shown else "not shown")


def numbers(scores: Mapping[str, Scores], classes: int) -> dict[str, Any]:
    """Accuracies and loss of each model with 95 % intervals, and each pair compared, in plain JSON. The second accuracy
    is called top5, or top3 where there are three classes. A bound that is not finite is null."""
    several = f"top{min(5, classes)}"
    found = {}
    for name, model in scores.items():
        loss = _plain(stats.interval(model.loss.double().numpy()))
        found[name] = {"top1": _share(model.top1), several: _share(model.top5), "loss": loss}
    pairs = combinations(scores, 2)
    return {"models": found, "comparisons": [_compared(a, b, scores[a].top1, scores[b].top1) for a, b in pairs]}


def _share(right: Bool[Tensor, " B"]) -> dict[str, Any]:
    return {"right": int(right.sum()), **_plain(stats.binomial_interval(int(right.sum()), len(right)))}


def _compared(a: str, b: str, right_a: Bool[Tensor, " B"], right_b: Bool[Tensor, " B"]) -> dict[str, Any]:
    found = compare(right_a, right_b)
    share = None if found.share is None else _plain(found.share)
    better = {"a": a, "b": b}.get(found.better, found.better)
    return {"a": a, "b": b, **found._asdict(), "share": share, "better": better}


def _plain(interval: stats.Interval) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isinf(value) else value
        for name, value in interval._asdict().items()
    }
