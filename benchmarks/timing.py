"""What the benchmarks share: timings that are interleaved, ratios with intervals, agreement, and who measured when.

Whatever is compared is timed in rounds. In a round everything is timed once, in a random order, so that what else the
machine does hits all alike; a round gives one log ratio, and the interval is Student's t over rounds.
"""

import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from statistics import median

import torch
from torch import Tensor

from labkit import records, stats

Work = Callable[[], object]
Seconds = dict[str, list[float]]
LEAST = 0.2  # seconds: shorter work is repeated within one timing


def seconds_of(work: Work, calls: int, device: str = "cpu", *, warm: int = 2) -> float:
    """Seconds of one call, the mean of `calls` right after `warm` that do not count."""
    for _ in range(warm):
        work()
    synchronize = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    synchronize()
    began = time.perf_counter()
    for _ in range(calls):
        work()
    synchronize()
    return (time.perf_counter() - began) / calls


def interleaved(groups: Sequence[Mapping[str, Work]], rounds: int, *, device: str = "cpu", seed: int = 0) -> Seconds:
    """Seconds of every work in every round. Works of one group are timed right after each other; the order of groups,
    and of the works in a group, is drawn anew in each round. A first call of each does not count."""
    works = {name: work for group in groups for name, work in group.items()}
    assert len(works) == sum(map(len, groups)), "two works of the same name"
    calls, order = {}, random.Random(seed)
    for name, work in works.items():
        first = seconds_of(work, 1, device, warm=0)  # libraries load, memory is fetched
        usual = first if first > 10 * LEAST else seconds_of(work, 1, device, warm=0)
        calls[name] = max(1, math.ceil(LEAST / usual))
    seconds: Seconds = {name: [] for name in works}
    for one in range(rounds):
        for group in order.sample(list(groups), len(groups)):
            for name in order.sample(list(group), len(group)):
                seconds[name].append(seconds_of(works[name], calls[name], device, warm=0))
        say(f"  round {one + 1} of {rounds}: " + ", ".join(f"{n} {s[-1]:.3g} s" for n, s in seconds.items()))
    return seconds


def medians(seconds: Seconds) -> dict[str, float]:
    """The median of each work's rounds, in seconds."""
    return {name: median(values) for name, values in seconds.items()}


def ratio(above: Iterable[float], below: Iterable[float]) -> dict[str, float]:
    """above / below: the geometric mean of the rounds' ratios, and its 95 % interval."""
    found = stats.interval([math.log(a / b) for a, b in zip(above, below, strict=True)])
    return {"ratio": math.exp(found.mean), "low": math.exp(found.low), "high": math.exp(found.high)}


def speedup(single: list[float], other: list[float]) -> dict[str, float | str]:
    """How many times faster `other` is: the geometric mean of the rounds' ratios, its 95 % interval and the verdict."""
    verdict = stats.better(list(map(math.log, other)), list(map(math.log, single)), paired=True)
    return {**ratio(single, other), "faster": verdict}


def agreement(
    what: str, mine: Mapping[str, Tensor], theirs: Mapping[str, Tensor], *, tolerance: float = 1e-3
) -> dict[str, float]:
    """The largest difference between tensors of the same names, and the largest number in them. Stops where one tensor
    differs by more than `tolerance` of its own largest number, or of a thousandth of the largest of all."""
    if mine.keys() != theirs.keys():
        sys.exit(f"{what}: {sorted(mine.keys() ^ theirs.keys())} are only on one side, they do not compute the same")
    pairs = {name: (one.detach().double(), theirs[name].detach().double()) for name, one in mine.items()}
    largest = max(float(other.abs().max()) for _, other in pairs.values())
    worst = 0.0
    for name, (one, other) in pairs.items():
        difference, allowed = float((one - other).abs().max()), max(float(other.abs().max()), 1e-3 * largest)
        if not difference <= tolerance * allowed:  # not a number must not pass
            sys.exit(f"{what}: {name} differs by {difference:.1e} of {allowed:.1e}, they do not compute the same")
        worst = max(worst, difference)
    return {"largest_difference": worst, "largest_number": largest}


def header(command: str, device: str = "cpu") -> dict:
    """Which command measured, when, on what machine and device, with which versions and commit."""
    more = [package for package in ("timm", "transformers") if find_spec(package)]
    return {
        "command": command,
        "time": records.now(),
        "machine": records.machine(),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "versions": records.versions(*more),
        "commit": records.commit(),
    }


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def cell(found: Mapping[str, float]) -> str:
    """A ratio as the tables show it."""
    return f"{found['ratio']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def goal_cell(found: Mapping[str, float], goal: float, *, at_least: bool) -> str:
    """A goal for a ratio, and whether it is reached: yes or no where the whole interval lies on one side of it."""
    low, high = (found["low"], found["high"]) if at_least else (-found["high"], -found["low"])
    level = goal if at_least else -goal
    verdict = "yes" if low >= level else "no" if high < level else "not shown"
    return f"at {'least' if at_least else 'most'} {goal:g}: {verdict}"


def time_cell(seconds: float) -> str:
    """Seconds, as milliseconds where they are few."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def memory_cell(size: float | None, goal: float | None = None) -> str:
    """Bytes as MB, and whether a goal in bytes is reached; None was not measured."""
    if size is None:
        return "not measured"
    against = "" if goal is None else f" (at most {goal / 1e6:,.0f}: {'yes' if size <= goal else 'no'})"
    return f"{size / 1e6:,.0f} MB{against}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, line)) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
