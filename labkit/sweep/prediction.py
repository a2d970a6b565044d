"""What a sweep will take, before it starts: each kind of run is built, takes a few steps on this machine, and is
thrown away."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch

from labkit.config import Run
from labkit.device import device_of, threads
from labkit.journal import LOOKS
from labkit.sweep.folder import name_of
from labkit.tasks import Examples, task_of
from labkit.train import gradients, predictions, prepared

ENOUGH = 0.3  # seconds of steps, or MOST of them, for each kind
MOST = 20
# what a step's time does not depend on
IDLE = ("seed", "learning_rate", "warmup", "weight_decay", "clip", "steps")
PART = 64  # images that stand for all that are looked at


class Kind(NamedTuple):
    """Runs whose steps take equally long, and the seconds of a step, and of looking at the validation images now and
    then and at the test images in the end."""

    runs: list[Run]
    step: float
    looks: float


class Prediction(NamedTuple):
    """Seconds that each run will take, by name, on the `threads` that it asks for, and how that came about."""

    seconds: dict[str, float]
    kinds: list[Kind]
    core_hours: float


def predict(runs: Sequence[Run], *, progress: Callable[[Iterable], Iterable] = iter) -> Prediction:
    """What the runs will take one by one; runs side by side slow each other down a little. A run that cannot be built
    counts as no time: it will fail at once. `progress` may watch over the kinds. Used in lesson 06."""
    kinds: dict[tuple, list[Run]] = {}
    for run in runs:
        kinds.setdefault(kind_of(run), []).append(run)
    seconds, found = {}, []
    for alike in progress(list(kinds.values())):
        step, looks = _measured(alike[0])
        torch.cuda.empty_cache()  # what was measured there shall be the workers'; nothing without a GPU
        found.append(Kind(alike, step, looks))
        seconds |= {name_of(run): run.steps * step + looks for run in alike}
    core_seconds = sum(seconds[name_of(run)] * run.threads for run in runs)
    return Prediction(seconds, found, core_seconds / 3600)


def kind_of(run: Run) -> tuple:
    """All that the time of a step depends on: equal for runs whose steps take equally long."""
    fixed = {name: value for name, value in run.recipe().items() if name not in IDLE}
    return (*fixed.items(), run.threads, run.device)


def _measured(run: Run) -> tuple[float, float]:
    """Seconds of a step, and of all looks at validation and test images together."""
    try:
        with threads(run.threads):
            return _steps_and_looks(run)
    except Exception:  # the sweep itself will say what is wrong with this run, and go on with the others
        return 0.0, 0.0


def _steps_and_looks(run: Run) -> tuple[float, float]:
    device, task = device_of(run.device), task_of(run)
    model, optimizer = prepared(run, task, device)

    validation, test = task.validation(), task.test()
    few: Examples = (test[0][:PART], test[1][:PART])

    def step(number: int) -> None:
        gradients(run, model, task.batch(run.seed, number, run.batch))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def measured() -> tuple[float, float]:
        """Seconds of a step, and of looking at one image."""
        _timed(lambda: step(0), device)
        took = [_timed(lambda: step(1), device)]
        while sum(took) < ENOUGH and len(took) < MOST:
            took.append(_timed(lambda: step(len(took) + 1), device))
        return statistics.median(took), _timed(lambda: predictions(model, few), device) / len(few[0])

    if run.largest_patch is None:
        seconds, image = measured()
        return seconds, image * (LOOKS * len(validation[1]) + len(test[1]))
    found = []
    for size in model.tokenizer.sizes:  # the run's own comes last
        model.tokenizer.use(size)
        found.append(measured())
    steps, images = zip(*found, strict=True)
    return statistics.fmean(steps), images[-1] * (LOOKS * len(validation[1]) + len(test[1])) + sum(images) * len(
        test[1]
    )


def _timed(work: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
