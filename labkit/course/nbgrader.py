"""Lessons as assignments of nbgrader, for those who hand out, collect and grade with it: `labkit course nbgrader`.

From the solved edition: the cell of each exercise becomes a solution, which nbgrader cuts out when it generates what
students get, and behind each check stands a locked cell with points that fails unless the exercise is solved. nbgrader
runs students' notebooks with all that its user may do; `labkit course grade` does not.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from labkit.course.files import notebooks_folder, read_notebook
from labkit.course.grading.asked import Asked, asked
from labkit.course.solutions import PLACE
from labkit.records import make_writable, write_text

CONFIGURATION = '''"""nbgrader's configuration for Patch Lab: nbgrader is run in this folder."""

c = get_config()  # noqa: F821 (nbgrader calls this file with it)
c.CourseDirectory.course_id = "patch-lab"
c.ClearSolutions.code_stub = {{"python": {place!r}}}
# seconds: for a cell, for its last words (4 unless said, which a busy machine needs longer for), for the kernel's start
c.ExecutePreprocessor.timeout = {timeout}
c.ExecutePreprocessor.iopub_timeout = {timeout}
c.ExecutePreprocessor.startup_timeout = {timeout}
'''
GRADED = """# Graded: it fails unless the exercise is solved.
from labkit.lesson.exercises import EXERCISES

status, message = EXERCISES["{name}"].check({function})
assert status == "solved", message"""


def write_assignments(
    folder: Path, lessons: Sequence[str] = (), *, points: int = 1, notebooks: Path | None = None
) -> list[Path]:
    """Write `folder`/source/<lesson>/<lesson>.ipynb for the lessons (stem or number, all that have exercises by
    default), and nbgrader_config.py where there is none yet. Returns what was written. ValueError for an unknown
    lesson, or one whose solved edition is missing."""
    place = notebooks_folder(notebooks)
    course = {stem: lesson for stem, lesson in asked(place).items() if lesson.checks}
    if unknown := [name for name in lessons if not any(name in (stem, stem[:2]) for stem in course)]:
        raise ValueError(f"no lesson with exercises is called {', '.join(unknown)}; there are: {', '.join(course)}")
    chosen = [one for one in course.values() if not lessons or {one.stem, one.number} & set(lessons)]
    built = {one.stem: assignment(read_notebook(place / "solved" / f"{one.stem}.ipynb"), one, points) for one in chosen}
    make_writable(folder)
    written = []
    for stem, notebook in built.items():
        written.append(folder / "source" / stem / f"{stem}.ipynb")
        write_text(written[-1], nbformat.writes(notebook) + "\n")
    if not (folder / "nbgrader_config.py").exists():
        timeout = max(notebook.metadata["labkit"]["timeout_seconds"] for notebook in built.values())
        written.append(folder / "nbgrader_config.py")
        write_text(written[-1], CONFIGURATION.format(place=PLACE, timeout=timeout))
    return written


def assignment(solved: NotebookNode, lesson: Asked, points: int) -> NotebookNode:
    """The solved edition with nbgrader's metadata, and a graded cell behind each check."""
    solved.cells = list(_cells(solved, lesson, points))
    solved.metadata["labkit"]["edition"] = "nbgrader"
    nbformat.validate(solved)
    return solved


def _cells(solved: NotebookNode, lesson: Asked, points: int) -> Iterator[NotebookNode]:
    places = {check.place: check for check in lesson.checks}
    checks = {check.cell: check for check in lesson.checks}
    for cell in solved.cells:
        if check := places.get(cell.id):
            cell.metadata["nbgrader"] = _facts(f"{check.exercise.name}-answer", solution=True)
        yield cell
        if check := checks.get(cell.id):
            source = GRADED.format(name=check.exercise.name, function=check.function)
            facts = _facts(check.exercise.name, grade=True, locked=True) | {"points": points}
            yield new_code_cell(source, id=f"{cell.id}-graded", metadata={"nbgrader": facts})


def _facts(name: str, *, grade: bool = False, solution: bool = False, locked: bool = False) -> dict[str, object]:
    """What nbgrader keeps with a cell, in its third version."""
    kinds = {"grade": grade, "solution": solution, "locked": locked, "task": False}
    return {"grade_id": name, "schema_version": 3} | kinds
