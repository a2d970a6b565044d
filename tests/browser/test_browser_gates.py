"""What the browser tests refuse: pages and lessons with one fault each, and a page and a lesson without any."""

from collections.abc import Iterator
from pathlib import Path

import lab
import pytest
from looking import faults_of, opened, slider_faults
from playwright.sync_api import Browser

from labkit.course.editions import build

FIXTURE = Path(__file__).parents[1] / "fixtures" / "gates" / "01_line.py"
GOOD = """<!DOCTYPE html><html lang="en">
<head><meta name="viewport" content="width=device-width"><title>t</title></head>
<body><main><h1>A page</h1><h2>A part</h2><p>Words.</p>
<figure class="plot"><div role="img" aria-label="a dot that moves to the right"><div class="drawing">
<svg class="main-svg"><g class="infolayer">0</g></svg></div></div>
<div class="keys" tabindex="0" role="slider" aria-label="n"
aria-valuemin="0" aria-valuemax="1" aria-valuenow="0" aria-valuetext="0">Move</div></figure></main>
<script>
const keys = document.querySelector(".keys");
keys.addEventListener("keydown", (event) => {
  const goal = event.key === "Home" ? 0 : 1;
  for (const name of ["aria-valuenow", "aria-valuetext"]) keys.setAttribute(name, goal);
  document.querySelector(".infolayer").textContent = goal;
  document.querySelector("[role=img]").ariaLabel = `a dot that moves to the right, at ${goal}`;
});
</script></body></html>"""
BROKEN_PAGES = {
    "two titles": ("<h2>A part</h2>", "<h1>A part</h1>", "2 headings of level 1"),
    "a level left out": ("<h2>A part</h2>", "<h4>A part</h4>", "level 4 follows one of level 1"),
    "no words for the figure": (' aria-label="a dot that moves to the right"', "", "figure 1 says only ''"),
    "pale text": ("<p>", '<p style="color: #bbb">', "axe: color-contrast"),
    "no language": (' lang="en"', "", "axe: html-has-lang"),
    "wider than a phone": ("<p>", '<p style="width: 40rem">', "pixels wide in a window of"),
    "an outside host": ("<p>", '<p><img alt="x" src="https://example.org/x.png">', "asked an outside host: https://exa"),
    "an error in the console": ("<script>", "<script>console.error('broken');", "error in the console: broken"),
    "an error that nobody caught": ("</script>", "null.x;</script>", "error in the page: Cannot read"),
    "a figure that does not follow": ('(".infolayer").text', '(".infolayer").lang', "the figure stays the same at 1"),
    "words that do not follow": (", at ${goal}", "", "its words stay the same at 1"),
    "a slider that does not move": ('? 0 : 1;\n', '? 0 : 0;\n', "slider 1: it does not move on from 0"),
}  # fmt: skip
FRESH = "figure = go.Figure(go.Scatter(x=[0, 1], y=[0, n]))"
ASKED = """
from pathlib import Path

from labkit.lesson import choices, predict

choices.FILE = Path("my_predictions.json").resolve()
asked = predict("06-budget", steps=1, sizes="1")
"""
OPEN = """
from labkit.lesson.covers import Cover

Cover.cover = lambda cover: None
asked.reveal("a", "it did.")
"""
BROKEN_LESSONS = {
    "a cell raises": ("slider.show()", "slider.show()\n1 / 0", "ZeroDivisionError"),
    "a figure without traces": ("go.Scatter(x=[0, 1], y=[0, n])", "layout_width=400 + n", "1 figures are empty"),
    "a callback raises": (FRESH, f"{FRESH}\n    if n == 2:\n        raise RuntimeError('at 2')", "it does not move on"),
    "a figure does not follow": (FRESH, f"n = 1\n    {FRESH}", "nothing follows it on from 1"),
    "an answer stays open": ("slider.show()", f"slider.show()\n{ASKED}{OPEN}", "chosen again, 0 answers are covered"),
    "a choice uncovers nothing": ("slider.show()", f"slider.show()\n{ASKED}", "question 1: nothing is uncovered"),
}


def page_faults(browser: Browser, path: Path) -> list[str]:
    """Everything that the tests of pages would find in this one, on a phone."""
    page, watch = opened(browser, path, width=375)
    faults = [*faults_of(page), *slider_faults(page, patience=5_000), *watch.faults]
    page.context.close()
    return faults


def test_a_page_without_fault_is_let_through(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(GOOD)
    assert page_faults(browser, tmp_path / "page.html") == []


@pytest.mark.parametrize("name", BROKEN_PAGES)
def test_a_broken_page_is_refused(browser: Browser, tmp_path: Path, name: str) -> None:
    old, new, words = BROKEN_PAGES[name]
    assert GOOD.count(old) == 1
    (tmp_path / "page.html").write_text(GOOD.replace(old, new))
    assert [fault for fault in page_faults(browser, tmp_path / "page.html") if words in fault]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[lab.Lab, Path]]:
    """JupyterLab over a folder with the good lesson, and with a broken one for each fault."""
    folder = tmp_path_factory.mktemp("notebooks")
    for place, (old, new, _) in enumerate([("", "", ""), *BROKEN_LESSONS.values()]):
        source = folder / str(place) / "source" / FIXTURE.name
        source.parent.mkdir(parents=True)
        source.write_text(FIXTURE.read_text().replace(old, new) if old else FIXTURE.read_text())
        build(notebooks=folder / str(place))
    with lab.running(folder, tmp_path_factory.mktemp("jupyter")) as started:
        yield started, folder


def lesson_faults(browser: Browser, started: lab.Lab, place: int) -> list[str]:
    """Everything that the test of lessons would find in this one."""
    page, watch = lab.opened(browser, started, f"{place}/{FIXTURE.stem}.ipynb")
    faults = lab.run_all(page) + lab.empty_figures(page, patience=20_000)
    _, covered = lab.make_choices(page, patience=5_000)
    _, stuck = lab.move_sliders(page, patience=5_000)
    lost = lab.load_again(page, patience=5_000)
    page.context.close()
    return faults + covered + stuck + lost + watch.faults


def test_a_lesson_without_fault_is_let_through(browser: Browser, server: tuple[lab.Lab, Path]) -> None:
    assert lesson_faults(browser, server[0], 0) == []


@pytest.mark.parametrize("name", BROKEN_LESSONS)
def test_a_broken_lesson_is_refused(browser: Browser, server: tuple[lab.Lab, Path], name: str) -> None:
    faults = lesson_faults(browser, server[0], 1 + list(BROKEN_LESSONS).index(name))
    assert [fault for fault in faults if BROKEN_LESSONS[name][2] in fault], faults
