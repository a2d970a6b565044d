"""The pages: figures, formulas and progress bars of an executed notebook, with nothing loaded from elsewhere."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output

from labkit.course.editions import edition_text
from labkit.course.markdown import markdown_to_html
from labkit.course.mathml import to_mathml
from labkit.course.outputs import collapse
from labkit.course.pages import pages
from labkit.course.source import read_source

FIXTURES = Path(__file__).parent / "fixtures" / "course"
FIGURE = {
    "data": [{"type": "scatter", "y": [1, 2]}],
    "layout": {"title": {"text": "Two points"}, "meta": {"says": 'Loss falls from "2" to 1.'}},
    "frames": [{"name": "4", "data": [{"y": [2, 1]}]}],
}
WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}, "text/plain": "IntSlider(value=3)"}


class Page(HTMLParser):
    """All tags of a page with their attributes, and all text outside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._script = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._script = self._script and tag not in ("script", "style")

    def handle_data(self, data: str) -> None:
        self.text += "" if self._script else data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def executed(stem: str, outputs: list[NotebookNode]) -> NotebookNode:
    """The lesson as if it had been run: `outputs` are those of its last code cell."""
    notebook, lesson = read_source(FIXTURES / f"{stem}.py")
    built = nbformat.reads(edition_text(notebook, lesson.number, "solved"), as_version=4)
    [cell for cell in built.cells if cell.cell_type == "code"][-1].outputs = outputs
    return built


def lay_out(out: Path, notebooks: dict[str, NotebookNode], report: dict[str, object] | None = None) -> None:
    """What a re-run leaves behind, without one."""
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    for stem, notebook in notebooks.items():
        nbformat.write(notebook, out / "notebooks" / f"{stem}.ipynb")
    if report:
        (out / "report.json").write_text(json.dumps(report))


def page_with(out: Path, *outputs: NotebookNode) -> Page:
    """The page of a lesson whose last cell has these outputs."""
    lay_out(out, {"01_squares": executed("01_squares", list(outputs))})
    pages(out)
    return Page((out / "01_squares.html").read_text())


def show(mime: str, value: object) -> NotebookNode:
    """An output of one mime type."""
    return new_output("display_data", {mime: value, "text/plain": "plain"})


def outside(out: Path) -> list[str]:
    """Everything that a browser would fetch from elsewhere than the folder itself."""
    found = []
    for path in out.rglob("*.html"):
        for tag, attributes in Page(path.read_text()).tags:
            names = ["src", "srcset", "data", "poster"] + (["href"] if tag == "link" else [])
            found += [value for name in names if (value := attributes.get(name)) and not value.startswith("data:")]
        found += re.findall(r"""(?:url\(|@import|\bimport\b[^;\n]*?)\s*["']?(https?:[^"')\s]+)""", path.read_text())
    for path in out.rglob("*.css"):
        found += re.findall(r"url\([^)]*\)|@import[^;]*", path.read_text())
    return [address for address in found if not (out / address).is_file()]


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    page = page_with(tmp_path, show("application/vnd.plotly.v1+json", FIGURE))
    assert outside(tmp_path) == []
    assert [script["src"] for script in page.all("script") if "src" in script].count("assets/plotly.min.js") == 1
    assert (tmp_path / "assets/plotly.min.js").stat().st_size > 1_000_000
    html = (tmp_path / "01_squares.html").read_text()
    assert len(html) < 100_000
    assert not re.search("require.js|jquery|mathjax.js|fonts.googleapis", html, re.IGNORECASE)


def test_the_search_for_outside_addresses_bites(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text('<script src="https://cdn.example/x.js"></script><link href="//y.example/z.css">')
    (tmp_path / "x.css").write_text("@import 'https://z.example/a.css';")
    assert len(outside(tmp_path)) == 3


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://example.org/x.png">',
        "<img alt='a' src=//example.org/x.png>",
        '<img src="local.png">',
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        "<style>@import url('https://example.org/x.css');</style>",
        "<style>p { background: url(https://example.org/x.png) }</style>",
        '<iframe src="https://example.org"></iframe>',
    ],
)
def test_outputs_that_load_something_are_refused(tmp_path: Path, html: str) -> None:
    with pytest.raises(ValueError, match="01_squares: an output or a text loads"):
        page_with(tmp_path, show("text/html", html))
    assert not (tmp_path / "index.html").exists()


def test_links_and_data_pictures_are_let_through(tmp_path: Path) -> None:
    html = '<a href="https://arxiv.org/abs/2502.03738">paper</a><img alt="dot" src="data:image/png;base64,AAAA">'
    page = page_with(tmp_path, show("text/html", html))
    assert {"href": "https://arxiv.org/abs/2502.03738"} in page.all("a")


def test_figure_stands_in_the_page_and_says_what_it_shows(tmp_path: Path) -> None:
    hostile = {**FIGURE, "layout": {**FIGURE["layout"], "title": {"text": "</script><!--<b>Two</b> points"}}}
    page = page_with(tmp_path, show("application/vnd.plotly.v1+json", hostile))
    assert [tag["aria-label"] for tag in page.all("div") if tag.get("role") == "img"] == ['Loss falls from "2" to 1.']
    html = (tmp_path / "01_squares.html").read_text()
    (written,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    drawn = json.loads(written)
    assert {key: drawn[key] for key in ("data", "frames")} == {key: FIGURE[key] for key in ("data", "frames")}
    assert drawn["layout"] == {"dragmode": False, "height": 450, **hostile["layout"]}


@pytest.mark.parametrize("layout", [{}, {"title": {"text": "Only this"}}, {"meta": {"says": ""}}, {"meta": "words"}])
def test_a_figure_without_words_is_refused(tmp_path: Path, layout: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^01_squares: a figure has no words in layout\.meta"):
        page_with(tmp_path, show("application/vnd.plotly.v1+json", {"data": [], "layout": layout}))
    assert not (tmp_path / "index.html").exists()


def test_page_without_figure_loads_no_plotly(tmp_path: Path) -> None:
    page = page_with(tmp_path, new_output("stream", text="plain"))
    assert [script["src"] for script in page.all("script")] == ["assets/lab.js"]


def test_formulas_are_mathml_in_text_and_outputs(tmp_path: Path) -> None:
    page = page_with(tmp_path, show("text/markdown", "So $a^2$."), show("text/latex", "$$b_3$$"))
    formulas = [tag.get("alttext") for tag in page.all("math")]
    assert r"\mathcal{O}(N^2)" in formulas
    assert formulas[-2:] == ["a^2", "b_3"]
    assert not re.search(r"\$(a|b|H|p|\$)", (tmp_path / "01_squares.html").read_text())


@pytest.mark.parametrize(
    "latex", [r"\foo", "a_", r"\frac{a}", "a & b", r"\left( a", r"\operatorname*{arg\,min}", "a^{2"]
)
def test_broken_formulas_are_named(latex: str) -> None:
    with pytest.raises(ValueError, match="cannot be turned into MathML") as caught:
        markdown_to_html(f"text $${latex}$$")
    assert f"`{latex}`" in str(caught.value)


def test_broken_formula_in_an_output_names_the_lesson(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^01_squares: the formula `\\nonsense`"):
        page_with(tmp_path, show("text/markdown", r"$\nonsense$"))


def test_limits_stand_under_a_displayed_sum_and_words_stay_whole() -> None:
    displayed = ET.fromstring(to_mathml(r"\sum_{i=1}^N x_i", display=True))
    assert displayed.find(".//{*}munderover") is not None
    assert ET.fromstring(to_mathml(r"\sum_{i=1}^N x_i", display=False)).find(".//{*}msubsup") is not None
    assert ">loss</mi>" in to_mathml(r"\mathrm{loss}", display=False).replace("ns0:", "")


def test_carriage_returns_show_the_last_state() -> None:
    assert collapse("a\r\n 50 %|##  |\r100 %|####|\ndone") == "a\n100 %|####|\ndone"
    assert collapse("long line\rshort") == "shortline"
    assert collapse("long line\r         \r") == ""


def test_progress_bar_in_pieces(tmp_path: Path) -> None:
    pieces = [new_output("stream", name="stderr", text=f"\r{percent:3d} %") for percent in (0, 50, 100)]
    page = page_with(tmp_path, *pieces)
    assert "100 %" in page.text
    assert " 50 %" not in page.text


def test_widgets_leave_one_note_and_no_state(tmp_path: Path) -> None:
    control = new_output("display_data", WIDGET)
    page = page_with(tmp_path / "a", control, control, show("application/vnd.plotly.v1+json", FIGURE))
    assert page.text.count("This control needs a running kernel; the figure below moves without one.") == 1
    assert "IntSlider(value=3)" not in page.text
    page = page_with(tmp_path / "b", control)
    assert "This control needs a running kernel." in page.text
    assert "the figure below" not in page.text


def test_results_for_programs_leave_nothing(tmp_path: Path) -> None:
    page_with(tmp_path, new_output("display_data", {"application/vnd.labkit.result+json": {"loss": 1}}))
    assert (tmp_path / "01_squares.html").read_text().count('<div class="output_area">') == 0


def test_collapsed_code_and_one_title(tmp_path: Path) -> None:
    page = page_with(tmp_path)
    assert len(page.all("details")) == 2  # the collapsed cell, and the solution
    levels = [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == "h1"
    assert levels.count("h1") == 1
    assert "In [" not in page.text


def test_failed_lesson_has_a_banner_and_the_index_says_so(tmp_path: Path) -> None:
    error = {"cell": "l02-c003", "index": 3, "line": "share(1, 0)", "name": "ZeroDivisionError", "message": "<none>"}
    run = {"profile": "quick", "started": "2026-01-02T03:04:05+00:00", "versions": {"python": "3.11"}, "commit": None}
    run["machine"] = {"platform": "Linux", "cores": 2}
    entry = {"lesson": "02_fails", "status": "failed", "seconds": 2.0, "parameters": {"steps": 7}, "error": error}
    report = {**run, "seconds": 2.0, "lessons": [{**entry, "run": run}]}
    traceback = new_output("error", ename="E", evalue="v", traceback=["\x1b[31mZeroDivisionError\x1b[39m: here"])
    first, second = executed("01_squares", []), executed("02_fails", [traceback])
    lay_out(tmp_path, {"01_squares": first, "02_fails": second}, report)
    pages(tmp_path)
    page = Page((tmp_path / "02_fails.html").read_text())
    assert "This lesson failed." in page.text
    assert "ZeroDivisionError: <none>" in page.text
    assert "\x1b" not in page.text
    assert {"rel": "prev", "href": "01_squares.html", "title": "Counting squares"} in page.all("a")
    assert "2 January 2026, 03:04 UTC" in page.text
    assert "How many steps to take." in page.text
    index = Page((tmp_path / "index.html").read_text())
    assert "1 of 2 lessons did not pass" in index.text
    assert re.search(r"about 25 minutes of work.*about 5 minutes of work\s*stopped after 2.0 s", index.text, re.DOTALL)
    assert [tag["href"] for tag in index.all("a") if tag["href"].startswith("0")] == [
        "02_fails.html",
        "01_squares.html",
        "02_fails.html",
    ]


def test_pages_are_the_same_twice_and_need_something_to_show(tmp_path: Path) -> None:
    page_with(tmp_path, show("application/vnd.plotly.v1+json", FIGURE))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    pages(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    with pytest.raises(ValueError, match="no executed notebook"):
        pages(tmp_path / "empty")
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "\xff"])
def test_a_damaged_notebook_is_named(tmp_path: Path, text: str) -> None:
    lay_out(tmp_path, {"01_squares": executed("01_squares", [])})
    path = tmp_path / "notebooks" / "02_fails.ipynb"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(ValueError, match=r"No page was written; `labkit rerun 02_fails`") as caught:
        pages(tmp_path)
    assert str(caught.value).startswith(f"{path}: it cannot be read as a notebook")
    assert not (tmp_path / "index.html").exists()


RUN = {"profile": "quick", "started": "2026-01-02T03:04:05+00:00", "versions": {}, "commit": None}
RUN["machine"] = {"platform": "Linux", "cores": 1.5}
ENTRY = {"lesson": "01_squares", "status": "passed", "seconds": 2.0, "parameters": {}, "run": RUN}
REPORT = {**RUN, "seconds": 2.0, "lessons": [ENTRY]}


def without(value: dict[str, object], key: str) -> dict[str, object]:
    """The same without one key."""
    return {name: one for name, one in value.items() if name != key}


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ([], "the report is missing or no object"),
        (without(REPORT, "lessons"), "the report lacks lessons"),
        (without(REPORT, "machine"), "the report lacks machine"),
        ({**REPORT, "machine": {}}, "its machine lacks platform, cores"),
        ({**REPORT, "lessons": {}}, "its lessons are no list"),
        *[({**REPORT, "lessons": [without(ENTRY, key)]}, f"entry 1 lacks {key}") for key in ENTRY],
        ({**REPORT, "lessons": [{**ENTRY, "run": without(RUN, "started")}]}, "the run of entry 1 lacks started"),
        ({**REPORT, "lessons": [{**ENTRY, "status": "failed"}]}, "the error of entry 1 is missing"),
    ],
)
def test_a_report_with_gaps_is_named(tmp_path: Path, report: object, words: str) -> None:
    lay_out(tmp_path, {"01_squares": executed("01_squares", [])})
    (tmp_path / "report.json").write_text(json.dumps(report))
    with pytest.raises(ValueError, match=rf"report\.json is no report \({words}.*delete the file"):
        pages(tmp_path)


def test_a_whole_report_is_let_through(tmp_path: Path) -> None:
    lay_out(tmp_path, {"01_squares": executed("01_squares", [])}, REPORT)
    pages(tmp_path)
    assert "1.5 cores" in (tmp_path / "index.html").read_text()


def test_a_solution_is_folded_and_nothing_else_of_the_code(tmp_path: Path) -> None:
    """A reader of the page has the hints first; the solution opens by a press of its own."""
    page_with(tmp_path)
    html = (tmp_path / "01_squares.html").read_text()
    folds = re.findall(r"<details>(.*?)</details>", html, re.DOTALL)
    solutions = [fold for fold in folds if fold.startswith("<summary>Solution: <code>def count_patches(side: int")]
    assert len(solutions) == 1
    assert "secret_answer" in re.sub(r"<[^>]+>", "", solutions[0])
    assert html.count("secret_answer") == solutions[0].count("secret_answer")
    assert "sizes" not in "".join(folds), "code without a solution in it stands open"
