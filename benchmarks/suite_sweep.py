"""Suites `sweep` and `kills`: what the engine of a sweep costs beside a bare loop, what a second worker gives, and
what is left of a sweep that is killed again and again."""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from timing import cell, goal_cell, markdown, medians, ratio, say, time_cell

from labkit.config import Run
from labkit.journal import LOOKS
from labkit.models import build
from labkit.optimizer import adamw, learning_rate
from labkit.sweep import grid, read_lines, sweep
from labkit.tasks import task_of
from labkit.train import evaluate

ROUNDS, KILLS = 4, 20
AFTER = (6.0, 20.0)  # seconds after a start between which a sweep is killed; starting takes about eight
OVERHEAD, SPEEDUP = 1.05, 1.7  # goals: one worker's time over the bare loop's, one worker's over two workers'
HERE = Path(__file__).parent
RUNS = {"patch_size": 4, "steps": 500, "seed": list(range(8))}
KILLED = {"patch_size": 4, "steps": 200, "checkpoint_every": 25, "seed": list(range(48))}


def measure(rounds: int | None, image_size: int) -> dict:
    """The same runs in a bare loop, in two bare loops side by side that share them (what the machine gives at best), by
    one worker, by two, each a command of its own: imports, start of the workers and prediction included. `image_size`
    changes nothing; a smoke run takes few steps."""
    axes = {**RUNS, "steps": RUNS["steps"] if rounds is None else 20}
    runs = grid(**axes)
    works = {
        "bare loop": lambda: looped(axes, 1),
        "2 bare loops": lambda: looped(axes, 2),
        "1 worker": lambda: swept(axes, 1),
        "2 workers": lambda: swept(axes, 2),
    }
    seconds, losses, order = {name: [] for name in works}, {}, random.Random(0)
    for one in range(rounds or ROUNDS):
        for name in order.sample(list(works), len(works)):
            began = time.perf_counter()
            losses.setdefault(name, works[name]())
            seconds[name].append(time.perf_counter() - began)
        say(f"  round {one + 1}: " + ", ".join(f"{name} {took[-1]:.1f} s" for name, took in seconds.items()))
    if len({tuple(found) for found in losses.values()}) > 1:
        sys.exit(f"the test losses differ, they do not compute the same: {losses}")
    return {
        "rounds": rounds or ROUNDS,
        "runs": len(runs),
        "steps": runs[0].steps,
        "median_seconds": medians(seconds),
        "over_bare_loop": ratio(seconds["1 worker"], seconds["bare loop"]),
        "two_over_one": ratio(seconds["1 worker"], seconds["2 workers"]),
        "two_bare_over_one": ratio(seconds["bare loop"], seconds["2 bare loops"]),
    }


def bare(runs: Sequence[Run]) -> list[float]:
    """Test losses of runs that are trained one after the other, looks at the validation images included: no journal,
    no checkpoint, no progress."""
    return [_bare(run) for run in runs]


def _bare(run: Run) -> float:
    task = task_of(run)
    torch.manual_seed(run.seed)
    model = build(run, channels=task.channels, classes=len(task.classes))
    optimizer = adamw(model, run)
    for step in range(run.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps=run.steps, peak=run.learning_rate, warmup=run.warmup)
        images, labels = task.batch(run.seed, step, run.batch)
        F.cross_entropy(model(images), labels).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), run.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % (run.steps // LOOKS) == 0:
            evaluate(model, task.validation())
    return evaluate(model, task.test())[0]


def looped(axes: dict, loops: int) -> list[float]:
    """The bare loop as a program that is started, on one thread and with the workers' way of keeping memory; `loops` of
    them side by side share the seeds."""
    seeds = axes["seed"]
    shares = [seeds[k * len(seeds) // loops : (k + 1) * len(seeds) // loops] for k in range(loops)]
    started = [_started({**axes, "seed": share}) for share in shares]
    said = [process.communicate()[0] for process in started]
    if failed := [process.returncode for process in started if process.returncode]:
        sys.exit(f"a bare loop ended with {failed[0]}")
    return [loss for words in said for loss in json.loads(words.splitlines()[-1])]


def _started(axes: dict) -> subprocess.Popen:
    code = (
        "from labkit.machine import keep_freed_memory; from suite_sweep import *; "
        "torch.set_num_threads(1); keep_freed_memory(); "
        f"print(json.dumps(bare(grid(**{axes!r}))))"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=HERE, stdout=subprocess.PIPE, text=True)


def swept(axes: dict, workers: int) -> list[float]:
    """Test losses of the same runs, by `labkit sweep`."""
    with tempfile.TemporaryDirectory(prefix="labkit-sweep-") as folder:
        out = Path(folder)
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in axes.items()]
        (out / "some.toml").write_text("[[grid]]\n" + "".join(lines))
        command = [sys.executable, "-m", "labkit", "sweep", str(out / "some.toml"), folder, "--workers", str(workers)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return [line["test_loss"] for line in read_lines(out / "results.jsonl")]


def table(found: dict) -> str:
    """A row for each way."""
    middle = found["median_seconds"]
    over, faster, best = found["over_bare_loop"], found["two_over_one"], found["two_bare_over_one"]
    rows = [
        ["bare loop", time_cell(middle["bare loop"]), "", ""],
        ["2 bare loops side by side", time_cell(middle["2 bare loops"]), f"{cell(best)} times as fast as one", ""],
        ["1 worker", time_cell(middle["1 worker"]), f"{cell(over)} times the bare loop's time",
         goal_cell(over, OVERHEAD, at_least=False)],
        ["2 workers", time_cell(middle["2 workers"]), f"{cell(faster)} times as fast as 1 worker",
         goal_cell(faster, SPEEDUP, at_least=True)],
    ]  # fmt: skip
    return markdown([f"{found['runs']} runs of {found['steps']} steps", "seconds", "ratio", "goal"], rows)


def measure_kills(rounds: int | None, image_size: int) -> dict:
    """A sweep that is killed (SIGKILL) at random moments, then left to end, beside the same without a kill."""
    kills, chance = KILLS if rounds is None else 2, random.Random(0)
    runs = grid(**{**KILLED, "seed": KILLED["seed"][: None if rounds is None else 2]})
    found = {"rounds": 1, "runs": len(runs), "steps": runs[0].steps, "kills": [], "lost": 0, "changed": 0}
    begun = 0
    with tempfile.TemporaryDirectory(prefix="labkit-kills-") as scratch:
        out = Path(scratch) / "killed"
        unharmed = [line["test_loss"] for line in sweep(runs, Path(scratch) / "left", progress=False).records]
        while len(found["kills"]) < kills:
            begun += 1
            if begun > 3 * kills:
                sys.exit(f"{begun - 1} starts, and only {len(found['kills'])} of {kills} were killed before their end")
            after = chance.uniform(*AFTER)
            if _kill(runs, out, after, found):
                found["kills"].append(after)
        before = set(_results(out))
        ended = [line["test_loss"] for line in sweep(runs, out, progress=False).records]
        found |= {"finished_before_the_last": len(before), "same_losses": ended == unharmed}
        found["lines"] = len(read_lines(out / "results.jsonl"))
    return found


def _kill(runs: Sequence[Run], out: Path, after: float, found: dict) -> bool:
    """Start the sweep in a process of its own and kill it `after` so many seconds; what was there must stay. False if
    it had ended by then, or had nothing left to do."""
    before = _results(out)
    code = (
        f"from suite_sweep import *; sweep(grid(**{dict(KILLED, seed=[run.seed for run in runs])}), Path({str(out)!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    killed = False
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        killed = True
    said = process.communicate()[1]
    if not killed and process.returncode:
        sys.exit(f"the sweep ended by itself with {process.returncode}, not by a kill: {said}")
    now = _results(out)
    found["lost"] += len(before.keys() - now.keys())
    found["changed"] += sum(now.get(name, content) != content for name, content in before.items())
    how = "killed after" if killed else "ended before"
    say(f"  {how} {after:.1f} s: {len(now)} of {len(runs)} runs finished")
    return killed and len(now) < len(runs)


def _results(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("results/*.json")}


def table_kills(found: dict) -> str:
    """What was done to the sweep, and what was left."""
    done = f"{len(found['kills'])} kills, {min(found['kills']):.1f} to {max(found['kills']):.1f} s after a start"
    row = [done, found["runs"], found["lost"], found["changed"], "yes" if found["same_losses"] else "no"]
    return markdown(
        ["what was done", "runs", "finished runs lost", "repeated or changed", "same losses in the end"], [row]
    )
