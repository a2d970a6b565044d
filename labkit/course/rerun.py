"""Re-running the course without a screen: solved editions in, executed notebooks, a report and pages out."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat

from labkit.course.children import Finished, run_children
from labkit.course.files import notebooks_folder
from labkit.course.outcome import Outcome, read_outcome
from labkit.course.pages import pages
from labkit.course.plan import Run, plan
from labkit.course.promises import promised
from labkit.course.report import merge, provenance, read_report, write_report
from labkit.records import make_writable, write_text


def silent(line: str) -> None:
    """Say nothing."""


def rerun(
    lessons: Sequence[str] = (),
    *,
    profile: str = "quick",
    overrides: Mapping[str, object] | None = None,
    out: Path = Path("site"),
    jobs: int = 1,
    timeout: int | None = None,
    go_on: bool = False,
    notebooks: Path | None = None,
    say: Callable[[str], None] = silent,
) -> dict[str, Any]:
    """Run the lessons (number, slug or stem; all by default), each in its own process, and return the report.

    `overrides` maps parameter names to values (text is read as the declared type). `timeout` is the limit of each
    lesson in seconds, instead of its own. A lesson that fails does not stop the others. With `go_on`, lessons that
    passed in `out` before are not run again, if values, versions and a commit without changes are the same. Everything
    that can be refused is refused as a ValueError before anything starts.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}: with fewer than 1 nothing would ever start.")
    folder, out = notebooks_folder(notebooks), Path(out).resolve()
    runs = plan(lessons, profile=profile, overrides=overrides or {}, notebooks=folder, timeout=timeout)
    make_writable(out / "notebooks")
    source, earlier = provenance(profile, folder), read_report(out)
    waiting = still_to_run(runs, earlier, source, out) if go_on else runs
    if go_on:
        say(f"{len(runs) - len(waiting)} of {len(runs)} lessons are taken over")
    begun = time.monotonic() - (earlier["seconds"] if len(waiting) < len(runs) else 0.0)
    report = {**source, "seconds": 0.0, "lessons": earlier["lessons"]} if waiting else earlier
    with (
        tempfile.TemporaryDirectory(prefix="labkit-") as scratch,
        closing(run_children(waiting, Path(scratch), jobs, say)) as children,
    ):
        for finished in children:
            outcome = read_outcome(finished)
            entry = _entry(finished, outcome) | {"run": source}
            entry |= promised(entry, finished.run.lesson, folder)
            write_text(out / "notebooks" / f"{entry['lesson']}.ipynb", nbformat.writes(outcome.notebook) + "\n")
            report = merge(report, entry, out) | {"seconds": round(time.monotonic() - begun, 2)}
            write_report(out, report)
            say(_line(entry))
    pages(out)
    return report


def still_to_run(runs: Sequence[Run], earlier: Mapping[str, Any], source: Mapping[str, Any], out: Path) -> list[Run]:
    """The runs that have not passed in `out` before with the same values, versions, machine and commit. A checkout with
    changes has no commit of its own, so nothing is taken over there."""
    same = ("versions", "commit", "machine")
    changed = str(source["commit"]).endswith("+changes")
    passed = {
        entry["lesson"]: entry["parameters"]
        for entry in earlier["lessons"]
        if entry["status"] == "passed" and not changed and all(entry["run"][key] == source[key] for key in same)
    }
    kept = {stem for stem in passed if (out / "notebooks" / f"{stem}.ipynb").exists()}
    return [run for run in runs if run.lesson.stem not in kept or passed[run.lesson.stem] != run.parameters]


def _entry(finished: Finished, outcome: Outcome) -> dict[str, Any]:
    entry = {
        "lesson": finished.run.lesson.stem,
        "status": outcome.status,
        "seconds": round(finished.seconds, 2),
        "parameters": finished.run.parameters,
    }
    return entry | ({"error": outcome.error} if outcome.error else {})


def _line(entry: dict[str, Any]) -> str:
    line = f"{entry['lesson']}: {entry['status']} after {entry['seconds']:.1f} s"
    if error := entry.get("error"):
        line += f", cell {error['index']} ({error['line']}): {error['name']}: {error['message']}"
    return line
