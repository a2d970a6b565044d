"""Suites on a GPU: ViT-Base and Adventurer-Base at 224 px in bfloat16, training and inference, eager and compiled.

A case takes the largest batch that fits, says tokens per second, the most memory that tensors held, and utilisation:
model FLOPs per second (three forwards for a training step) over the measured rate of matrix products in bfloat16. What
fails is recorded with its error, and the suite goes on.
"""

from collections.abc import Callable
from functools import cache

import torch
from gpu_case import Case, against_timm, measured, model_for
from timing import agreement, cell, markdown, memory_cell, say

from labkit.cost.calibration import calibrate

ROUNDS, CALIBRATION = 10, 10  # rounds, and seconds
LIMIT = 100  # seconds a case may take: a compiler may unroll a scan over hundreds of chunks
SIZES = (16, 8, 4, 2, 1)  # patches
TIMM_SIZES = (16, 8, 4)


def suite(model: str, *, training: bool, compiled: bool) -> Callable[[int | None, int], dict]:
    """The function that measures one suite: labkit's model and, for the ViT, timm's beside it."""

    def measure(rounds: int | None, image_size: int) -> dict:
        rate = matrix_rate("cuda")
        found: dict = {"rounds": rounds or ROUNDS, "bfloat16_flops_per_second": rate, "against_timm": []}
        same = {"training": training, "compiled": compiled, "image_size": image_size}
        asked = [Case("labkit", model, p, **same) for p in SIZES]
        paired = [Case("timm", model, p, **same) for p in TIMM_SIZES if model == "vit"]
        found["agreement_with_timm"] = [agreed(case) for case in paired]
        found["cases"] = [measured(case, found["rounds"], rate, limit=LIMIT) for case in asked + paired]
        fits = {(one["who"], one["patch_size"]): one.get("batch") for one in found["cases"]}
        found["against_timm"] = [against_timm(case, fits, found["rounds"], limit=LIMIT) for case in paired]
        return found

    return measure


@cache
def matrix_rate(device: str) -> float:
    """FLOP/s of large matrix products in bfloat16, measured."""
    say(f"rate of matrix products, {CALIBRATION} s")
    return calibrate(CALIBRATION, device=device).bfloat16.median


@torch.no_grad()
def agreed(theirs: Case) -> dict[str, float]:
    """labkit's ViT and timm's in float32: the largest difference of their logits. Stops if they differ."""
    images = torch.randn(1, 3, theirs.image_size, theirs.image_size, device=theirs.device)
    logits = ({"logits": model_for(theirs.of(who))(images)} for who in ("labkit", "timm"))
    what = f"labkit's ViT and timm's, p={theirs.patch_size}"
    return {"patch_size": theirs.patch_size, **agreement(what, *logits)}


def table(found: dict) -> str:
    """A row for each case, and how labkit's ViT compares with timm's."""
    rows = []
    for one in found["cases"]:
        start = [one["who"], one["model"], one["patch_size"], f"{one['tokens']:,}", one.get("batch", "none")]
        if "error" in one:
            rows.append([*start, _error(one), "", ""])
            continue
        rows.append(
            [*start, f"{one['tokens_per_second']:,.0f}", memory_cell(one["memory"]), f"{one['utilisation']:.0%}"]
        )
    head = ["whose", "model", "p", "tokens", "batch", "tokens a second", "memory", "utilisation"]
    below = []
    for one in found["against_timm"]:
        faster = one.get("speedup_over_timm")
        verdict = [cell(faster), faster["faster"]] if faster else [_error(one), ""]
        below.append([one["patch_size"], one.get("batch", "none"), *verdict])
    against = markdown(["ViT, p", "batch", "labkit, times faster than timm", "faster?"], below)
    return markdown(head, rows) + (f"\n\n{against}" if below else "")


def _error(one: dict) -> str:
    """The error, short and without what would end a table's cell."""
    return one["error"].replace("|", "/")[:80]
