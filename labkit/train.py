"""The training loop, all of it: one function to read from top to bottom.

Everything random is a function of (seed, step), so a run that was killed goes on from its last checkpoint and ends
with the same weights, bit by bit on a CPU. The test set is looked at once, after the last step; while training, the
validation images are. Several processes under torchrun train one model together: each takes its share of every batch,
and all hold the same weights. Letters: B images, C channels, S side, K classes.
"""

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from labkit import checkpoint, dist, records
from labkit.config import Run
from labkit.cost import flops_per_image, train_flops
from labkit.cost.counting import parameters
from labkit.device import device_name, device_of, threads
from labkit.journal import ON_A_GPU, Journal, Point
from labkit.models import build
from labkit.optimizer import adamw, learning_rate
from labkit.tasks import Examples, Task, task_of

STATE = {"step", "seconds", "recipe", "journal", "optimizer"}  # what a checkpoint of this loop holds beside the weights


class Trained(NamedTuple):
    """What `train` returns. `record` is None if the run was asked to stop before its end."""

    model: nn.Module
    record: dict[str, Any] | None
    curve: list[Point]


def train(
    run: Run,
    resume: bool = True,
    *,
    stop_at: int | None = None,
    progress: bool = True,
    watch: Callable[[int], object] | None = None,
) -> Trained:
    """Train what `run` describes.

    With `run.folder` set, checkpoints and the record are kept there; `resume` goes on from the last whole checkpoint
    (a finished run is returned at once), `resume=False` starts over. `stop_at` stops after that many steps with a
    checkpoint; `watch` hears now and then how many steps are done. ValueError for a damaged checkpoint, one of another
    recipe, or a setting that cannot take effect; Diverged for a loss that is not finite, with the step and the last
    good checkpoint. Built in lesson 05.
    """
    device, end = dist.own_device(device_of(run.device)), _end(run, stop_at)
    _check_processes(run)
    task = task_of(run)
    cost = {"channels": task.channels, "classes": len(task.classes)}
    flops = {"flops_per_image": flops_per_image(run, **cost), "train_flops": train_flops(run, **cost)}
    with threads(run.threads), dist.together(device):
        model, optimizer = prepared(run, task, device)
        journal = Journal(run.steps, patience=ON_A_GPU if device.type == "cuda" else 1)
        start, seconds = _restore(run, resume, model, optimizer, journal)
        dist.agreed(start, "the step to go on from", device)
        if start > end:
            raise ValueError(f"stop_at={end} lies behind: the run in {run.folder} has already taken {start} steps")
        if start == run.steps and (run.folder / "record.json").exists():
            return Trained(model, records.read_json(run.folder / "record.json"), journal.curve)
        seconds = _loop(run, task, model, optimizer, journal, range(start, end), seconds, progress, watch)
        if end < run.steps:
            return Trained(model, None, journal.curve)
        record = _record(run, task, model, journal, seconds, flops)
        if run.folder and dist.rank() == 0:
            records.write_json(run.folder / "record.json", record)
        dist.wait()
    return Trained(model, record, journal.curve)


def prepared(run: Run, task: Task, device: torch.device) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The model of a run, its first values drawn from the seed, and what will move it."""
    torch.manual_seed(run.seed)
    model = build(run, channels=task.channels, classes=len(task.classes))
    model = model.to(device, torch.float64 if run.precision == "float64" else None)
    return model, adamw(model, run)


def _loop(
    run: Run,
    task: Task,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    journal: Journal,
    span: range,
    seconds: float,
    progress: bool,
    watch: Callable[[int], object] | None,
) -> float:
    """Take the steps in `span`. Returns the seconds of training, looks and checkpoints left out."""
    forward = dist.averaging(torch.compile(model) if run.compile else model)
    first = dist.rank() == 0
    safe = checkpoint.last(run.folder) if run.folder else None
    shown = {"disable": not (progress and first), "mininterval": 0.5, "file": sys.stdout}
    bar = tqdm(span, _title(run), run.steps, initial=span.start, **shown)
    began = time.perf_counter()
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps=run.steps, peak=run.learning_rate, warmup=run.warmup)
        if run.largest_patch is not None:
            model.tokenizer.draw(run.seed, step)
        examples = task.batch(run.seed, step, run.batch)
        loss, norm = gradients(run, forward, tuple(dist.share(part) for part in examples))
        journal.add(loss, norm, safe=safe)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        done = step + 1
        keep = run.folder is not None and (done % run.checkpoint_every == 0 or done == span.stop)
        if keep or journal.due(done):
            journal.settle(safe=safe)
            seconds += time.perf_counter() - began
            if journal.due(done):
                if run.largest_patch is not None:
                    model.tokenizer.use(run.patch_size)
                look = {"validation_loss": evaluate(model, task.validation())[0]} if journal.looks(done) else {}
                bar.set_postfix(loss=f"{journal.point(done, **look)['train_loss']:.3f}", refresh=False)
                if watch is not None:
                    watch(done)
            if keep:
                safe = _keep(run, model, optimizer, journal, done, seconds)
            began = time.perf_counter()
    if run.largest_patch is not None:
        model.tokenizer.use(run.patch_size)
    return seconds


def gradients(run: Run, model: nn.Module, examples: Examples) -> tuple[Tensor, Tensor]:
    """Mean loss of one batch, its gradients left in the weights and clipped; returns the loss and the norm before
    clipping. With `run.accumulate` above 1 the batch goes through in equal parts; processes that train together agree
    after the last one."""
    weight = next(model.parameters())
    total = torch.zeros((), device=weight.device)
    parts = list(zip(*(part.chunk(run.accumulate) for part in examples), strict=True))
    for number, (images, labels) in enumerate(parts, start=1):
        alone = model.no_sync() if number < len(parts) and dist.processes() > 1 else nullcontext()
        with alone:
            with torch.autocast(weight.device.type, torch.bfloat16, enabled=run.precision == "bf16"):
                logits = model(images.to(weight.device, weight.dtype, non_blocking=True))
            logits = logits if weight.dtype == torch.float64 else logits.float()
            loss = F.cross_entropy(logits, labels.to(weight.device, non_blocking=True)) / run.accumulate
            loss.backward()
        total += loss.detach()
    return dist.mean(total), nn.utils.clip_grad_norm_(model.parameters(), run.clip).float()


@torch.no_grad()
def predictions(model: nn.Module, examples: Examples, *, batch: int = 256) -> tuple[Tensor, Tensor]:
    """Logits (B, K) and labels (B,) of all `examples`, on the CPU. Used in lesson 05."""
    weight = next(model.parameters())
    model.eval()
    parts = examples[0].split(batch)
    logits = torch.cat([model(part.to(weight.device, weight.dtype)).float().cpu() for part in parts])
    model.train()
    return logits, examples[1]


def evaluate(model: nn.Module, examples: Examples) -> tuple[float, float]:
    """Mean cross-entropy (nats) and accuracy (0 to 1) over `examples`. Used in lesson 05."""
    logits, labels = predictions(model, examples)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


def _keep(
    run: Run, model: nn.Module, optimizer: torch.optim.Optimizer, journal: Journal, done: int, seconds: float
) -> Path:
    """Write a checkpoint after `done` steps; returns its folder. The first process does it for all."""
    state = {"step": done, "seconds": seconds, "recipe": run.recipe(), "journal": journal.state()}
    if dist.rank() == 0:
        checkpoint.save(run.folder, done, model.state_dict(), {**state, "optimizer": optimizer.state_dict()})
    dist.wait()
    return checkpoint.last(run.folder)


def _restore(
    run: Run, resume: bool, model: nn.Module, optimizer: torch.optim.Optimizer, journal: Journal
) -> tuple[int, float]:
    """Go on from the last checkpoint, if there is one: steps done and seconds spent."""
    if run.folder and dist.rank() == 0:
        records.make_writable(run.folder, lost="checkpoints")
        if not resume:
            checkpoint.clear(run.folder)
    dist.wait()
    path = checkpoint.last(run.folder) if run.folder else None
    if path is None:
        return 0, 0.0
    weights, state = checkpoint.load(path)
    if STATE - state.keys():
        raise ValueError(f"checkpoint {path} is none of labkit.train, so its run cannot go on: use another folder")
    _same_recipe(run, state["recipe"], path)
    model.load_state_dict(weights)
    optimizer.load_state_dict(state["optimizer"])
    journal.restore(state["journal"])
    return state["step"], state["seconds"]


def _same_recipe(run: Run, other: dict[str, Any], path: Path) -> None:
    mine = run.recipe()
    names = sorted(name for name in mine.keys() | other.keys() if mine.get(name) != other.get(name))
    differing = "; ".join(f"{name} is {other.get(name)!r} there and {mine.get(name)!r} here" for name in names)
    if names:
        raise ValueError(
            f"checkpoint {path} belongs to another recipe ({differing}): going on would mix two runs. Give this "
            "run its own folder, or pass resume=False to start over and replace it"
        )


def _record(
    run: Run, task: Task, model: nn.Module, journal: Journal, seconds: float, flops: dict[str, int]
) -> dict[str, Any]:
    """The run as one JSON object: records.RUN_KEYS first, then the rest of the settings and what this kind of task and
    of model adds."""
    sizes = {} if run.largest_patch is None else {"by_patch_size": _by_patch_size(run, model, task)}
    logits, labels = predictions(model, task.test())
    right, losses = (logits.argmax(1) == labels).float(), F.cross_entropy(logits, labels, reduction="none")
    facts = {
        **run.settings(),
        "data": task.data,
        "tokens": model.tokenizer.tokens,
        "parameters": parameters(model),
        **flops,
        "train_loss": journal.curve[-1]["train_loss"],
        "test_loss": F.cross_entropy(logits, labels).item(),
        "test_accuracy": right.mean().item(),
        "seconds": seconds,
        "device": device_name(next(model.parameters()).device),
        "threads": run.threads,
        "processes": dist.processes(),
        "versions": records.versions(),
        "commit": records.commit(),
        "time": records.now(),
        "class_accuracy": {name: right[labels == k].mean().item() for k, name in enumerate(task.classes)},
        "class_loss": {name: losses[labels == k].mean().item() for k, name in enumerate(task.classes)},
        "curve": journal.curve,
        **sizes,
    }
    return {name: facts.pop(name) for name in records.RUN_KEYS} | facts


def _by_patch_size(run: Run, model: nn.Module, task: Task) -> dict[str, dict[str, float]]:
    """Test loss and accuracy of a flexible model at each of its patch sizes; the run's own stays in use."""
    found = {}
    for size in model.tokenizer.sizes:
        model.tokenizer.use(size)
        found[str(size)] = dict(zip(("test_loss", "test_accuracy"), evaluate(model, task.test()), strict=True))
    model.tokenizer.use(run.patch_size)
    return found


def _end(run: Run, stop_at: int | None) -> int:
    if stop_at is None:
        return run.steps
    if run.folder is None:
        raise ValueError(f"stop_at={stop_at} needs run.folder: without one the stopped run would be lost")
    if type(stop_at) is not int or not 1 <= stop_at <= run.steps:
        raise ValueError(
            f"stop_at={stop_at!r} must be a whole number from 1 to steps={run.steps}: the run would not stop there"
        )
    return stop_at


def _check_processes(run: Run) -> None:
    if run.batch % (parts := dist.processes() * run.accumulate):
        raise ValueError(
            f"batch={run.batch} is not a multiple of {parts} ({dist.processes()} processes, accumulate="
            f"{run.accumulate}): shares would differ in size, and their mean would not be the batch's"
        )


def _title(run: Run) -> str:
    return f"{run.model} p={run.patch_size} rate {run.learning_rate:g} seed {run.seed}"
