"""`labkit record`: run the lessons and keep the results that they leave behind, with all that it takes to repeat them.

A lesson hands over its results with `labkit.lesson.keep`; they lie in the executed notebook's outputs. Here they are
collected into data/recorded/<lesson>.json, which the same lesson quotes under *What you should see*. Each file is
written only if its lesson passed, so a failed run replaces nothing.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat

from labkit import records
from labkit.course.rerun import rerun
from labkit.lesson.results import RESULT


def record(lessons: Sequence[str] = (), *, folder: Path | None = None, say: Callable[[str], None]) -> list[Path]:
    """Run `lessons` (all by default) in the quick profile, one after another, and write their recorded results into
    `folder` (data/recorded). Returns the files written. ValueError, before anything runs, for an unknown lesson; after
    the others were written, for lessons that failed or left no result."""
    folder = folder or records.REPOSITORY / "data" / "recorded"
    source = {  # before anything is written: the records themselves would count as changes
        "machine": records.machine(),
        "versions": records.versions(),
        "commit": records.commit(),
        "time": records.now(),
    }
    written, empty = [], []
    with tempfile.TemporaryDirectory(prefix="labkit-record-") as scratch:
        report = rerun(lessons, out=Path(scratch), say=say)
        for entry in report["lessons"]:
            notebook = nbformat.read(Path(scratch) / "notebooks" / f"{entry['lesson']}.ipynb", as_version=4)
            results = results_of(notebook)
            if entry["status"] != "passed" or not results:
                empty.append(f"{entry['lesson']} ({entry['status']})")
                continue
            written.append(folder / f"{entry['lesson']}.json")
            records.write_json(written[-1], _recorded(entry, results) | source)
    if empty:
        raise ValueError(f"nothing was recorded for {', '.join(empty)}: a lesson must pass and `keep` something")
    return written


def results_of(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """All results that `keep` left in an executed notebook."""
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found |= output.get("data", {}).get(RESULT, {})
    return found


def _recorded(entry: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    return {
        "command": f"labkit record {entry['lesson']}",
        "results": results,
        "parameters": entry["parameters"],
        "seconds": entry["seconds"],
    }
