"""Lessons in JupyterLab as a student has them: opened, run from the menu, sliders moved, the page loaded again, nothing
in the console."""

from collections.abc import Iterator
from pathlib import Path

import lab
import pytest
from lesson_cells import SMALL
from playwright.sync_api import Browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[lab.Lab, Path]]:
    """JupyterLab over an empty folder: what it saves there is nobody's."""
    folder = tmp_path_factory.mktemp("notebooks")
    with lab.running(folder, tmp_path_factory.mktemp("jupyter")) as started:
        yield started, folder


def test_a_lesson_runs_its_answers_uncover_and_its_sliders_move(
    browser: Browser, server: tuple[lab.Lab, Path], stem: str
) -> None:
    started, folder = server
    copy = lab.copied(NOTEBOOKS / f"{stem}.ipynb", folder, SMALL[stem])
    page, watch = lab.opened(browser, started, copy)
    faults = lab.run_all(page) + lab.empty_figures(page)
    choices, covered = lab.make_choices(page)
    sliders, stuck = lab.move_sliders(page)
    page.context.close()
    assert faults + covered + stuck + watch.faults == []
    assert choices, "each lesson asks for a prediction"
    assert sliders, "each lesson has a slider"
