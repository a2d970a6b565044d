"""What a sweep says before it starts and when it has ended."""

from pathlib import Path

from labkit.config import Run
from labkit.sweep.engine import Outcome
from labkit.sweep.prediction import IDLE, Prediction
from labkit.wording import first_few, in_one_line

TOLD = 20  # failed runs, one line each


def prediction_as_text(prediction: Prediction, workers: int) -> str:
    """A line for each kind of run, with the seconds of a step as measured here, then the sum."""
    lines = [
        f"  {len(kind.runs):>4} x {_kind(kind.runs[0])}: {_milliseconds(kind.step)} a step, "
        f"{_duration(sum(run.steps * kind.step + kind.looks for run in kind.runs))} in all"
        for kind in prediction.kinds
    ]
    hours, seconds = prediction.core_hours, list(prediction.seconds.values())
    lasting = max(max(seconds), sum(seconds) / workers)
    sum_of_all = f"predicted: {hours:.3g} core-hours, {_duration(lasting)} with "
    return "\n".join([*lines, sum_of_all + f"{workers} worker{'s' if workers > 1 else ''}"])


def _kind(run: Run) -> str:
    """What a kind of run is called: the usual, and all else that is not as in a run that says nothing."""
    usual = {"task", "model", "patch_size", "image_size", "width", *IDLE}
    recipe, silent = run.recipe(), Run(model=run.model).recipe()
    more = "".join(f", {name} {value}" for name, value in recipe.items()
                   if name not in usual and value != silent.get(name))  # fmt: skip
    return f"{run.task} {run.model}, p={run.patch_size}, {run.image_size} px, width {run.width}{more}"


def outcome_as_text(outcome: Outcome, folder: Path) -> str:
    """How many runs finished, where they are, and what went wrong with the others."""
    lines = [f"{len(outcome.records)} runs finished: {folder / 'results.jsonl'}"]
    if outcome.failed:
        lines.append(f"{len(outcome.failed)} failed; --retry tries them again:")
        lines += [f"  {name}: {in_one_line(error)}" for name, error in list(outcome.failed.items())[:TOLD]]
    if len(outcome.failed) > TOLD:
        lines.append(f"  and {first_few(list(outcome.failed)[TOLD:])}")
    return "\n".join(lines)


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms" if seconds else "cannot be built"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
