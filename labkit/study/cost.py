"""What a study will take, while it is still being planned: each kind of run is measured once and remembered."""

import heapq
from collections.abc import MutableMapping
from pathlib import Path
from typing import NamedTuple

from labkit.config import Run
from labkit.cost import flops_per_image
from labkit.study.plan import Study
from labkit.sweep import Prediction, missing, name_of, predict, side_by_side
from labkit.sweep.prediction import Kind, kind_of
from labkit.tasks import task_of

START = 5.0  # seconds until a worker has loaded what it needs
HEAVY = 3e11  # FLOPs of a step from which it is not tried out: it would keep a person waiting
RATE = 5e10  # FLOPs in a second that a laptop's core reaches, for steps that are not tried out

Known = MutableMapping[tuple, tuple[float, float]]  # by kind of run: seconds of a step, and of all looks


class Foreseen(NamedTuple):
    """Runs that are still to do and the seconds that they will take together on `workers` processes; `rough` if some
    of them were too large to be tried out. `prediction` has the seconds of each run."""

    todo: int
    seconds: float
    workers: int
    rough: bool
    prediction: Prediction


def foresee(study: Study, folder: Path | None = None, *, known: Known, workers: int | None = None) -> Foreseen:
    """Measure some steps of each kind of run that is not in `known` yet, and add it there. Runs that have finished in
    `folder` take no time. ValueError for a study that cannot be built, or results there of other code. Used in lesson
    11."""
    study.check()
    runs = study.runs()
    todo = runs if folder is None else list(missing(runs, folder, retry=True).values())
    kinds: dict[tuple, list[Run]] = {}
    for run in todo:
        kinds.setdefault(kind_of(run), []).append(run)
    rough = False
    for kind, alike in kinds.items():
        heavy = _flops(alike[0]) > HEAVY
        rough |= heavy
        if kind not in known:
            known[kind] = _by_formula(alike[0]) if heavy else predict(alike[:1]).kinds[0][1:]
    seconds = {name_of(run): run.steps * known[kind_of(run)][0] + known[kind_of(run)][1] for run in todo}
    found = [Kind(alike, *known[kind]) for kind, alike in kinds.items()]
    prediction = Prediction(seconds, found, sum(seconds[name_of(run)] * run.threads for run in todo) / 3600)
    hands = side_by_side(todo, workers) if todo else 0
    return Foreseen(len(todo), _lasting(list(seconds.values()), hands), hands, rough, prediction)


def _lasting(seconds: list[float], workers: int) -> float:
    """Seconds until the last of the workers is done, if each takes the longest run that is left, as the engine does."""
    if not seconds:
        return 0.0
    busy = [0.0] * workers
    for one in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + one)
    return START + max(busy)


def _flops(run: Run) -> float:
    """FLOPs of a training step."""
    task = task_of(run)
    return 3.0 * run.batch * flops_per_image(run, channels=task.channels, classes=len(task.classes))


def _by_formula(run: Run) -> tuple[float, float]:
    images = len(task_of(run).test()[1])
    return _flops(run) / RATE, _flops(run) / (3 * run.batch) * images / RATE
