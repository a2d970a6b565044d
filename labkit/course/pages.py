"""Executed notebooks as a folder of web pages: sliders and formulas work from a plain file, with no network."""

from pathlib import Path
from typing import Any, NamedTuple

from nbformat import NotebookNode
from plotly.offline import get_plotlyjs

from labkit.course.cells import cells_html
from labkit.course.figures_html import MIME
from labkit.course.files import read_notebook
from labkit.course.lesson import Lesson, read_lesson
from labkit.course.parameters import assigned
from labkit.course.report import read_report
from labkit.course.shell import figures_script, index_page, lesson_page, script, stylesheet
from labkit.course.structure import check_structure
from labkit.records import make_writable, write_text


class Executed(NamedTuple):
    """An executed notebook, what its header says, and the report's entry on its run, if there is one."""

    notebook: NotebookNode
    lesson: Lesson
    entry: dict[str, Any] | None


def pages(out: Path = Path("site")) -> Path:
    """Write a page for each notebook in `out/notebooks`, the index and the assets; return the index's path.

    A formula that cannot be shown, an output that loads something from elsewhere, a figure without words or headings
    out of order are a ValueError that names it.
    """
    out = Path(out).resolve()
    report = read_report(out)
    executed = _read(out, report)
    make_writable(out / "assets")
    texts = {f"{one.lesson.stem}.html": _page(one, executed) for one in executed}
    texts["index.html"] = index_page([(one.lesson, one.entry) for one in executed], report)
    check_structure(texts["index.html"])
    texts["assets/lab.css"] = stylesheet()
    texts["assets/lab.js"] = script()
    texts["assets/figures.js"] = figures_script()
    texts["assets/plotly.min.js"] = get_plotlyjs()
    for name, text in texts.items():
        write_text(out / name, text)
    return out / "index.html"


def _read(out: Path, report: dict[str, Any]) -> list[Executed]:
    entries = {entry["lesson"]: entry for entry in report["lessons"]}
    paths = sorted((out / "notebooks").glob("*.ipynb"))
    if not paths:
        raise ValueError(f"there is no executed notebook in {out / 'notebooks'}: no page to write; run `labkit rerun`.")
    executed = []
    for path in paths:
        try:
            notebook = read_notebook(path)
            executed.append(Executed(notebook, read_lesson(notebook, path.stem), entries.get(path.stem)))
        except (ValueError, SyntaxError) as error:
            raise ValueError(
                f"{path}: {error}. No page was written; `labkit rerun {path.stem}` runs that lesson anew."
            ) from error
    return executed


def _page(one: Executed, executed: list[Executed]) -> str:
    lessons = [other.lesson for other in executed]
    place = lessons.index(one.lesson)
    has_figures = any(
        MIME in output.get("data", {}) for cell in one.notebook.cells for output in cell.get("outputs", [])
    )
    if one.entry and one.entry["parameters"] == assigned(one.notebook):
        _without_repetition(one.notebook)
    try:
        cells = cells_html(one.notebook)
        page = lesson_page(
            one.lesson,
            one.entry,
            cells,
            before=lessons[place - 1] if place else None,
            after=lessons[place + 1] if place + 1 < len(lessons) else None,
            has_figures=has_figures,
        )
        check_structure(page)
    except ValueError as error:
        raise ValueError(f"{one.lesson.stem}: {error}. No page was written.") from error
    return page


def _without_repetition(notebook: NotebookNode) -> None:
    """Drop the cell that papermill adds when it only repeats the parameters cell."""
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
