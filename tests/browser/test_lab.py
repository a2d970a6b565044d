"""Lessons in JupyterLab as a student has them: opened, run from the menu, sliders moved, the page loaded again, nothing
in the console."""

import ast
from collections.abc import Iterator
from pathlib import Path

import lab
import nbformat
import pytest
from lesson_cells import SMALL
from playwright.sync_api import Browser

# choices that are made in a test are not those of the person whose folder this is
KEPT_HERE = """
from pathlib import Path

from labkit.lesson import choices

choices.FILE = Path("my_predictions.json").resolve()
"""
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[lab.Lab, Path]]:
    """JupyterLab over an empty folder: what it saves there is nobody's."""
    folder = tmp_path_factory.mktemp("notebooks")
    with lab.running(folder, tmp_path_factory.mktemp("jupyter")) as started:
        yield started, folder


def short_copy(stem: str, folder: Path) -> str:
    """A copy of the student edition with its parameters at their smallest and a cell at the end that is not folded;
    its file name."""
    notebook = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    named = {node.targets[0].id for node in ast.parse(cell.source).body}
    assert SMALL[stem].keys() <= named
    cell.source += KEPT_HERE + "".join(f"\n{name} = {value!r}" for name, value in SMALL[stem].items())
    notebook.cells.append(nbformat.v4.new_code_cell("assert True"))
    nbformat.write(notebook, folder / f"{stem}.ipynb")
    return f"{stem}.ipynb"


def test_a_lesson_runs_its_answers_uncover_and_its_sliders_move(
    browser: Browser, server: tuple[lab.Lab, Path], stem: str
) -> None:
    started, folder = server
    page, watch = lab.opened(browser, started, short_copy(stem, folder))
    faults = lab.run_all(page) + lab.empty_figures(page)
    choices, covered = lab.make_choices(page)
    sliders, stuck = lab.move_sliders(page)
    page.context.close()
    assert faults + covered + stuck + watch.faults == []
    assert choices, "each lesson asks for a prediction"
    assert sliders, "each lesson has a slider"
