"""Carrying a study out: its runs are a sweep's, so it may be stopped at any time and goes on where it was."""

from collections.abc import Callable
from pathlib import Path

from labkit import records
from labkit.study.file import as_toml
from labkit.study.findings import Findings, findings_of
from labkit.study.plan import Study
from labkit.sweep import Prediction, Progress, missing, name_of, sweep
from labkit.sweep.folder import Folder


def carry_out(
    study: Study,
    folder: Path,
    *,
    workers: int | None = None,
    predicted: Prediction | None = None,
    progress: bool = True,
    watch: Callable[[Progress], object] | None = None,
) -> Findings:
    """Train what is missing in `folder`, trying again what has failed before, and say what was found. Studies may share
    a folder: a run that they have in common is trained once. `predicted`, `progress` and `watch` as for
    `labkit.sweep.sweep`.

    ValueError, before anything is trained, for a study that cannot be built, for results of other code in the folder,
    and if another sweep works there. Used in lesson 11.
    """
    study.check()
    records.write_text(folder / "study.toml", as_toml(study))
    done = sweep(study.runs(), folder, workers=workers, retry=True, predicted=predicted, progress=progress,
                 watch=watch)  # fmt: skip
    return findings_of(study, done.records, done.failed)


def found_so_far(study: Study, folder: Path) -> Findings:
    """What the finished runs in `folder` say, without training any. ValueError for results of other code there."""
    runs = study.runs()
    missing(runs, folder)
    names, place = [name_of(run) for run in runs], Folder(folder)
    return findings_of(study, list(place.finished(names).values()), place.failed(names))
