"""What pages offer to people who hear them or step through them: headings, tables, alternatives, colours, pictures."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from test_course_pages import Page, executed, lay_out

from labkit.course.figures_html import DARK
from labkit.course.lesson import read_lesson
from labkit.course.pages import pages
from labkit.course.shell import figures_script, stylesheet
from labkit.course.structure import check_structure, heading_faults, unique_headings
from labkit.course.tables_html import accessible_tables
from labkit.course.thumbnails import DRAWINGS, thumbnail
from labkit.figures import style

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
STEMS = sorted(path.stem for path in (NOTEBOOKS / "source").glob("*.py"))
HEAD = "<thead><tr><th>p</th> <th style='x'>tokens</th></tr></thead>"
TABLE = f"<table>{HEAD} <tbody><tr><td>4</td> <td>64</td></tr></tbody></table>"


@pytest.mark.parametrize(
    ("levels", "faults"),
    [
        ([1], 0),
        ([1, 2, 3, 2, 3, 4, 2], 0),
        ([], 1),
        ([2, 3], 1),
        ([1, 2, 1], 1),
        ([1, 3], 1),
        ([1, 2, 4, 2, 3, 5], 2),
    ],
)
def test_headings(levels: list[int], faults: int) -> None:
    assert len(heading_faults(levels)) == faults


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>no title</p>", "0 headings of level 1"),
        ("<h1>a</h1><h3>b</h3>", "level 3 follows one of level 1"),
        ("<h1>a</h1><img src='data:,'>", "a picture has no alternative text"),
        ("<h1>a</h1><img alt='No description has been provided for this image' src='data:,'>", "a picture has no"),
        ("<h1>a</h1><div role='img'></div>", "a figure has no alternative text"),
        ("<h1>a</h1><table><tr><th>b</th></tr></table>", "header has no scope"),
        ("<h1 id='a'>a</h1><p id='a'>b</p>", "the id a stands twice"),
    ],
)
def test_faults_of_a_page_are_named(html: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_structure(html)


def test_a_page_in_order_is_let_through() -> None:
    check_structure(f"<h1>a</h1>{accessible_tables(TABLE)}<h2 id='x'>b</h2><img alt='a dot' src='data:,'>")


def test_a_cell_without_words_names_no_row() -> None:
    html = accessible_tables(TABLE.replace("</tbody>", "<tr><td> </td> <td>128</td></tr></tbody>"))
    assert [cell["scope"] for cell in Page(html).all("th")] == ["col", "col", "row"]
    assert "<td> </td>" in html


def test_a_front_page_out_of_order_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, {"01_squares": executed("01_squares", [])})
    monkeypatch.setattr("labkit.course.pages.index_page", lambda lessons, report: "<h1>a</h1><h3>b</h3>")
    with pytest.raises(ValueError, match="level 3 follows one of level 1"):
        pages(tmp_path)
    assert not (tmp_path / "index.html").exists()


def test_a_lesson_whose_headings_jump_gets_no_page(tmp_path: Path) -> None:
    lay_out(tmp_path, {"01_squares": executed("01_squares", [new_output("display_data", {"text/html": "<h5>x</h5>"})])})
    with pytest.raises(ValueError, match=r"^01_squares: a heading of level 5 follows one of level 2"):
        pages(tmp_path)


def test_headings_of_one_name_are_told_apart() -> None:
    heading = '<h2 id="Run">Run<a class="anchor-link" href="#Run">#</a></h2>'
    html = unique_headings(heading * 2)
    assert Page(html).all("h2") == [{"id": "Run"}, {"id": "Run-2"}]
    assert [link["href"] for link in Page(html).all("a")] == ["#Run", "#Run-2"]


def test_tables_relate_cells_to_headers_in_a_region_that_scrolls() -> None:
    page = Page(accessible_tables(f"before {TABLE} between {TABLE} after"))
    assert [tag.get("scope") for tag in page.all("th")] == ["col", "col", "row"] * 2
    assert (
        page.all("div")
        == [{"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "Table: p, tokens"}] * 2
    )
    assert page.text.split() == ["before", "p", "tokens", "4", "64", "between", "p", "tokens", "4", "64", "after"]


def test_an_empty_header_is_an_ordinary_cell_and_a_table_without_header_is_refused() -> None:
    assert [tag.get("scope") for tag in Page(accessible_tables(TABLE.replace(">p<", "><"))).all("th")] == ["col", "row"]
    for bare in ("<table><tbody><tr><td>a</td></tr></tbody></table>", TABLE.replace(">p<", "><").replace("tokens", "")):
        with pytest.raises(ValueError, match="has no header"):
            accessible_tables(bare)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb after WCAG, 0 to 1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours after WCAG, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_the_house_has_one_for_dark_pages_that_is_seen_there() -> None:
    dark = re.search(r"prefers-color-scheme: dark.*?--figure: (#\w{6})", stylesheet(), re.DOTALL)[1]
    assert {style.INK, style.MUTED, style.GRID, *style.SERIES} <= DARK.keys()
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast(DARK[style.INK], dark) >= 7
    assert all(contrast(DARK[colour], dark) >= 4.5 for colour in (style.MUTED, *style.SERIES))
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in DARK.keys() - {style.BEHIND})
    assert all(DARK[style.BEHIND] != style.BEHIND == colour.lower() for colour in DARK if colour.startswith("rgba"))
    assert f'"{style.INK}": "{DARK[style.INK]}"' in figures_script()
    assert "{{" not in figures_script()


@pytest.mark.parametrize("stem", STEMS)
def test_every_lesson_has_a_drawing_of_its_own(stem: str) -> None:
    assert stem[:2] in DRAWINGS, f"{stem} has no drawing in labkit/course/thumbnails"


def test_drawings_are_whole_and_all_different() -> None:
    drawn = [thumbnail(number) for number in [*DRAWINGS, "99"]]
    assert len(set(drawn)) == len(drawn)
    for one in drawn:
        page = Page(one)
        assert page.all("svg")[0]["aria-hidden"] == "true"
        for tag in page.all("rect"):
            assert 0 <= float(tag["x"]) <= float(tag["x"]) + float(tag["width"]) <= 160
            assert 0 <= float(tag["y"]) <= float(tag["y"]) + float(tag["height"]) <= 100
        points = [point.split(",") for tag in page.all("polyline") for point in tag["points"].split()]
        points += [(tag["cx"], tag["cy"]) for tag in page.all("circle")]
        assert all(0 <= float(x) <= 160 and 0 <= float(y) <= 100 for x, y in points)


@pytest.mark.parametrize("stem", STEMS)
def test_lessons_build_on_lessons_that_are_there(stem: str) -> None:
    lesson = read_lesson(nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4), stem)
    assert set(lesson.builds_on) <= {other[:2] for other in STEMS}
    assert bool(lesson.builds_on) == (lesson.number != "00")


def test_the_front_page_has_a_picture_minutes_and_what_a_lesson_builds_on(tmp_path: Path) -> None:
    second = executed("02_fails", [])
    second.metadata["labkit"]["builds_on"] = ["01"]
    lay_out(tmp_path, {"01_squares": executed("01_squares", []), "02_fails": second})
    pages(tmp_path)
    index = Page((tmp_path / "index.html").read_text())
    assert [tag.get("class") for tag in index.all("svg")].count("thumbnail") == 2
    assert index.text.count("builds on 01") == 1
    assert [f"about {minutes} minutes of work" in index.text for minutes in (25, 5, 25 + 5)] == [True] * 3
    assert "Count the patches of an image for any patch size" in index.text
    assert "builds on 01" in Page((tmp_path / "02_fails.html").read_text()).text
