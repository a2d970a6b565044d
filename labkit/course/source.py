"""Reading a lesson's source, and everything that can be checked in it without running it.

A fault found here costs seconds; the same fault found in the middle of a re-run costs the re-run.
"""

import ast
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from labkit.course.lesson import Lesson, first_line, read_lesson
from labkit.course.markdown import markdown_to_html
from labkit.course.solutions import ALMOST, cut_solutions
from labkit.course.unread import plain_python, unread
from labkit.wording import in_one_line


def sources(notebooks: Path) -> list[Path]:
    """The lessons' sources in their order; a ValueError if there are none."""
    found = sorted((notebooks / "source").glob("*.py"))
    if not found:
        raise ValueError(f"there is no lesson in {notebooks / 'source'}: nothing to build")
    return found


def read_source(path: Path) -> tuple[NotebookNode, Lesson]:
    """The source as a notebook, and what its header says; a ValueError names the file and the consequence."""
    try:
        notebook = _parse(path)
        lesson = read_lesson(notebook, path.stem)
        _check(notebook, lesson)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}.") from error
    return notebook, lesson


def _parse(path: Path) -> NotebookNode:
    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt={"extension": ".py", "format_name": "percent"})
    except Exception as error:  # jupytext lets the YAML reader's own errors through, of many types
        raise ValueError(f"it cannot be read as a percent script ({in_one_line(error)})") from error
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        raise ValueError("the header's kernelspec is not python3: JupyterLab would ask for a kernel")
    return notebook


def _check(notebook: NotebookNode, lesson: Lesson) -> None:
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        raise ValueError("the first cell is not Markdown that starts with `# `: the page would have no title")
    for index, cell in enumerate(notebook.cells):
        try:
            _check_code(cell.source) if cell.cell_type == "code" else _check_prose(cell.source)
        except (ValueError, SyntaxError) as error:
            raise ValueError(f"cell {index} ({first_line(cell.source)}): {error}") from error
    if names := unread(notebook):
        raise ValueError(f"no cell reads the parameter {', '.join(names)}: changing it would have no effect")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for objective in lesson.objectives:
        if objective.check not in code:
            raise ValueError(f"no cell holds the check {objective.check!r} of an objective: nothing would test it")


def _check_code(source: str) -> None:
    ast.parse(plain_python(source))
    ast.parse(plain_python(cut_solutions(source)))


def _check_prose(source: str) -> None:
    if ALMOST.search(source):
        raise ValueError("a solution marker in Markdown cuts nothing: the student would be handed the solution")
    markdown_to_html(source)
