"""What came of one run: the notebook to keep, and passed, failed or timeout with the cell where it ended."""

from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from labkit.course.children import Finished
from labkit.course.lesson import first_line

PAPERMILL_MARK = "papermill-error-cell-tag"


@dataclass(frozen=True)
class Outcome:
    """The executed notebook, its status, and for a failure {cell, index, line, name, message}."""

    notebook: NotebookNode
    status: str
    error: dict[str, str | int] | None


def read_outcome(finished: Finished) -> Outcome:
    """Judge by the notebook itself: papermill lets a lesson pass that ends itself with `sys.exit(0)`."""
    notebook = _tidy(_last_state(finished))
    if finished.code is None:
        message = f"the time limit of {finished.run.timeout} s was reached while this cell ran"
        return Outcome(notebook, "timeout", _where(notebook, "Timeout", message))
    failed = [cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("exception")]
    if failed:
        outputs = [output for output in failed[0].outputs if output.output_type == "error"]
        name, message = (outputs[-1].ename, outputs[-1].evalue) if outputs else ("CellExecutionError", "no message")
        return Outcome(notebook, "failed", _where(notebook, name, message))
    if finished.code != 0:
        last = finished.log.strip().splitlines()[-1:] or [f"the process ended with code {finished.code}"]
        name, _, message = last[0].partition(": ")
        return Outcome(notebook, "failed", _where(notebook, name.rpartition(".")[2], message))
    return Outcome(notebook, "passed", None)


def _last_state(finished: Finished) -> NotebookNode:
    try:
        return nbformat.read(finished.output, as_version=4)
    except (OSError, ValueError):  # ended before the first save, or in the middle of one
        return nbformat.read(finished.run.notebook, as_version=4)


def _tidy(notebook: NotebookNode) -> NotebookNode:
    """Without papermill's own banners and paths of this machine, and without the state of widgets."""
    notebook.cells = [cell for cell in notebook.cells if PAPERMILL_MARK not in cell.metadata.get("tags", [])]
    notebook.metadata.pop("widgets", None)
    for key in ("input_path", "output_path"):
        notebook.metadata.get("papermill", {}).pop(key, None)
    return notebook


def _where(notebook: NotebookNode, name: str, message: str) -> dict[str, str | int]:
    """The failing cell, or else the last one that was started; its index is that of the edition.

    papermill puts one cell behind the parameters cell; it has no id of ours and is not counted.
    """
    started = [cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("start_time")]
    broken = [cell for cell in started if cell.metadata.papermill.exception]
    cell = (broken or started[-1:] or notebook.cells)[0]
    edition = [one for one in notebook.cells if "injected-parameters" not in one.metadata.get("tags", [])]
    index = edition.index(cell) if cell in edition else -1
    return {"cell": cell.id, "index": index, "line": first_line(cell.source), "name": name, "message": message}
