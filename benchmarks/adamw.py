"""How fast is one step of torch.optim.AdamW: fused, foreach, or one tensor after the other (single)?

    python benchmarks/adamw.py            measure, write benchmarks/results/adamw-<device>.json, print the table
    python benchmarks/adamw.py --table    print the table of the committed results, as it stands in README.md

Every round builds new tensors and times the three in a random order, one right after the other, so that what else the
machine does hits all alike; a round gives one log ratio each against single. The interval is Student's t over rounds.
Before timing, the three must arrive at the same weights.
"""

import argparse
import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from timing import header, seconds_of, speedup

from labkit import records

RESULTS = Path(__file__).resolve().parent / "results"
VARIANTS = {"single": {"foreach": False, "fused": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One set of parameters, the threads it is stepped with, and how often: `steps` in one timing."""

    name: str
    shapes: list[Shape]
    threads: int
    rounds: int
    steps: int

    @property
    def parameters(self) -> int:
        """How many numbers one step updates."""
        return sum(math.prod(shape) for shape in self.shapes)


def vit_shapes(*, width: int, depth: int, patch_numbers: int, tokens: int, classes: int) -> list[Shape]:
    """The parameter tensors of a ViT: `patch_numbers` = C p p values a patch, one more token for the class."""

    def linear(inner: int, outer: int) -> list[Shape]:
        return [(outer, inner), (outer,)]

    norm = [(width,), (width,)]
    attention = norm + linear(width, 3 * width) + linear(width, width)
    block = attention + norm + linear(width, 4 * width) + linear(4 * width, width)
    embed = [*linear(patch_numbers, width), (1, 1, width), (1, tokens + 1, width)]
    return embed + depth * block + norm + linear(width, classes)


CLASSROOM = vit_shapes(width=64, depth=3, patch_numbers=16, tokens=16, classes=14)
TINY = vit_shapes(width=192, depth=12, patch_numbers=768, tokens=196, classes=1000)
CASES = [
    Case("classroom ViT", CLASSROOM, threads=1, rounds=300, steps=20),
    Case("ViT-Tiny", TINY, threads=1, rounds=80, steps=2),
    Case("ViT-Tiny", TINY, threads=2, rounds=80, steps=2),
]


def optimizer(shapes: list[Shape], device: str, options: dict, seed: int) -> torch.optim.AdamW:
    """AdamW over new tensors of these shapes, with gradients that stay."""
    generator = torch.Generator().manual_seed(seed)
    weights = []
    for shape in shapes:
        weight, gradient = (torch.randn(shape, generator=generator).to(device) for _ in range(2))
        weights.append(weight.requires_grad_())
        weight.grad = gradient
    return torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.05, **options)


def largest_difference(case: Case, device: str) -> float:
    """The largest difference between any two weights after ten steps from the same start. Stops above 1e-4."""
    ends = []
    for options in VARIANTS.values():
        stepped = optimizer(case.shapes, device, options, seed=0)
        for _ in range(10):
            stepped.step()
        ends.append(torch.cat([weight.detach().flatten() for weight in stepped.param_groups[0]["params"]]))
    found = max(float((end - ends[0]).abs().max()) for end in ends[1:])
    if found > 1e-4:
        sys.exit(f"{case.name}: the variants differ by {found:.1e} after ten steps, they do not compute the same")
    return found


def measure(case: Case, device: str, rounds: int) -> dict:
    """All rounds of one case: the medians in seconds, and the ratios to single with their intervals."""
    torch.set_num_threads(case.threads)
    difference = largest_difference(case, device)
    print(f"{case.name}, {case.threads} threads, {rounds} rounds on {device}", file=sys.stderr)
    order, seconds = random.Random(0), {name: [] for name in VARIANTS}
    for one in range(rounds):
        for name in order.sample(list(VARIANTS), len(VARIANTS)):
            step = optimizer(case.shapes, device, VARIANTS[name], seed=one).step
            seconds[name].append(seconds_of(step, case.steps, device))
    return {
        "case": case.name,
        "tensors": len(case.shapes),
        "parameters": case.parameters,
        "threads": case.threads,
        "rounds": rounds,
        "steps_a_timing": case.steps,
        "largest_difference": difference,
        "median_seconds": {name: median(values) for name, values in seconds.items()},
        "speedup_over_single": {name: speedup(seconds["single"], seconds[name]) for name in ("foreach", "fused")},
    }


def table(result: dict) -> str:
    """A result as a Markdown table; ratios above 1 are faster than single."""
    lines = [
        "| parameters | tensors | threads | single | foreach, times faster | fused, times faster | fused faster? |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in result["cases"]:
        foreach, fused = (case["speedup_over_single"][name] for name in ("foreach", "fused"))
        ratios = [f"{one['ratio']:.2f} ({one['low']:.2f} to {one['high']:.2f})" for one in (foreach, fused)]
        single = f"{case['median_seconds']['single'] * 1e3:.2f} ms"
        name = f"{case['case']}, {case['parameters']:,}"
        cells = [name, case["tensors"], case["threads"], single, *ratios, fused["faster"]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", f"{result['machine']}; torch {result['versions']['torch']}; {result['device']}; {result['time']}."]
    return "\n".join(lines)


def main() -> None:
    """Measure on every device there is, or print what was measured."""
    parser = argparse.ArgumentParser(description="AdamW: fused, foreach, single")
    parser.add_argument("--table", action="store_true", help="print the committed results, measure nothing")
    parser.add_argument("--rounds", type=int, help="rounds of every case, instead of its own number; writes nothing")
    chosen = parser.parse_args()
    if chosen.table:
        for path in sorted(RESULTS.glob("adamw-*.json")):
            print(table(records.read_json(path)))
        return
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        result = {
            **header("python benchmarks/adamw.py", device),
            "cases": [measure(case, device, chosen.rounds or case.rounds) for case in CASES],
        }
        if not chosen.rounds:
            records.write_json(RESULTS / f"adamw-{device}.json", result)
        print(table(result))


if __name__ == "__main__":
    main()
