"""The editions: a pure function of the source, no solution in the student's, and every fault of a source is named."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from labkit.__main__ import main
from labkit.course.editions import build

FIXTURES = Path(__file__).parent / "fixtures" / "course"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A folder with the source of one good lesson."""
    (tmp_path / "source").mkdir()
    shutil.copy(FIXTURES / "01_squares.py", tmp_path / "source")
    return tmp_path


def edit(course: Path, old: str, new: str) -> None:
    """Plant a fault in the source."""
    path = course / "source" / "01_squares.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_same_source_same_bytes(course: Path) -> None:
    written = build(notebooks=course)
    assert [path.relative_to(course).as_posix() for path in written] == ["01_squares.ipynb", "solved/01_squares.ipynb"]
    before = [path.read_bytes() for path in written]
    for path in written:
        path.unlink()
    build(notebooks=course)
    assert [path.read_bytes() for path in written] == before
    assert build(notebooks=course) == []
    assert build(check=True, notebooks=course) == []


def test_form_of_the_files(course: Path) -> None:
    build(notebooks=course)
    for name, edition in (("01_squares.ipynb", "student"), ("solved/01_squares.ipynb", "solved")):
        text = (course / name).read_text()
        raw, notebook = json.loads(text), nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert text.endswith("}\n")
        assert (raw["nbformat"], raw["nbformat_minor"]) == (4, 5)
        assert sorted(raw["metadata"]) == ["kernelspec", "labkit", "language_info"]
        assert raw["metadata"]["labkit"]["edition"] == edition
        assert [cell["id"] for cell in raw["cells"]][:2] == ["l01-c000", "l01-c001"]
        assert notebook.cells[1].metadata == {"tags": ["parameters"]}
        folded = [cell.metadata for cell in notebook.cells if "collapse" in cell.metadata.get("tags", [])]
        assert folded == [{"tags": ["collapse"], "jupyter": {"source_hidden": True}}]
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_students_get_no_solution(course: Path) -> None:
    build(notebooks=course)
    student = (course / "01_squares.ipynb").read_text()
    assert "secret_answer" not in student
    assert "SOLUTION" not in student
    assert '    ...  # your answer here"' in student
    solved = (course / "solved/01_squares.ipynb").read_text()
    assert "secret_answer" in solved
    assert "# BEGIN SOLUTION" in solved


def test_check_refuses_a_changed_edition(course: Path) -> None:
    build(notebooks=course)
    path = course / "solved/01_squares.ipynb"
    path.write_text(path.read_text().replace("Counting squares", "Counting stars"))
    with pytest.raises(ValueError, match=r"^solved/01_squares.ipynb: not what the source says.*`labkit editions`"):
        build(check=True, notebooks=course)
    assert "stars" in path.read_text()
    assert build(notebooks=course) == [path]


def test_edition_without_source(course: Path) -> None:
    build(notebooks=course)
    shutil.copy(course / "01_squares.ipynb", course / "07_gone.ipynb")
    with pytest.raises(ValueError, match=r"07_gone.ipynb: no source belongs to it"):
        build(check=True, notebooks=course)


def test_two_lessons_with_one_number(course: Path) -> None:
    shutil.copy(course / "source/01_squares.py", course / "source/01_again.py")
    with pytest.raises(ValueError, match="same number"):
        build(notebooks=course)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('number: "01"', "number: 1", "number is 1, not of type str"),
        ('number: "01"', 'number: "02"', "does not fit the file name 01_squares"),
        ("    summary:", "    sumary:", "lacks summary"),
        ("    working_minutes: 25", "    working_minutes: 25\n#     level: 3", "unknown key level"),
        ("working_minutes: 25", "working_minutes: 0", "must be at least 1"),
        ("measures_time: false", "measures_time: 0", "measures_time is 0, not of type bool"),
        (", check: fourfold}", "}", "must have the keys text and check"),
        ("check: fourfold", "check: sixfold", "no cell holds the check 'sixfold'"),
        ("name: python3", "name: julia", "kernelspec is not python3"),
        ("#   labkit:", "#   workshop:", "no `labkit` mapping"),
        ("title: Counting squares", "title: 'Counting", "cannot be read as a percent script"),
        ("# %% [markdown]\n# # Counting squares", "# %%\n1\n\n# %% [markdown]\n# # C", "page would have no title"),
        ('# %% tags=["parameters"]', "# %%", "0 cells are tagged `parameters`"),
        ('# %% tags=["collapse"]', '# %% tags=["parameters"]', "2 cells are tagged `parameters`"),
        ("rate = 0.25\n", "", "rate stands in the header but not in the parameters cell"),
        ("rate = 0.25\n", "rate = 0.25\nextra = 1\n", "extra stands in the parameters cell but not in the header"),
        ("image_size = 32", "image_size = 4", "image_size = 4 is outside its range, 8 to 512"),
        ("**{rate}**", "small", "no cell reads the parameter rate"),
        ("    # END SOLUTION\n", "", "`# BEGIN SOLUTION` without `# END SOLUTION`"),
        ("    # BEGIN SOLUTION\n", "", "`# END SOLUTION` without its partner"),
        ("# BEGIN SOLUTION", "## BEGIN SOLUTION", "is no marker"),
        ("# Move the slider.", "# Move the slider. # BEGIN SOLUTION", "marker in Markdown"),
        ("for patch in sizes.split():", "for patch in sizes.split()", "invalid syntax|expected ':'"),
        ("p^2 = HW", "p^{2 = HW", "cannot be turned into MathML"),
        (r"\cdot", r"\cdoot", r"unknown command \\cdoot"),
        ("# Move the slider.", "# ![a](there.png)", "there.png lies outside the notebook"),
    ],
)
def test_faults_in_a_source_are_named(course: Path, old: str, new: str, words: str) -> None:
    edit(course, old, new)
    with pytest.raises(ValueError, match=words) as caught:
        build(notebooks=course)
    assert str(caught.value).startswith("01_squares.py: ")
    assert not list(course.glob("*.ipynb"))


def test_command_line(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["editions", "--notebooks", str(course)]) == 0
    assert main(["editions", "--check", "--notebooks", str(course)]) == 0
    (course / "01_squares.ipynb").write_text("{}")
    assert main(["editions", "--check", "--notebooks", str(course)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("labkit: 01_squares.ipynb: not what the source says")
    assert error.count("\n") == 1
