"""Grading a class: what one hands in, what comes out, what is done again and what is not."""

import csv
import io
import json
import random
import shutil
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
import torch
from can_grade import needs_sandbox

from labkit.__main__ import main
from labkit.course.editions import build
from labkit.course.grading import answerer, checks
from labkit.course.grading.answerer import _encoded, _program
from labkit.course.grading.asked import asked
from labkit.course.grading.grade import grade
from labkit.course.grading.report import harmless
from labkit.course.grading.sandbox import Limits, bubblewrap
from labkit.course.grading.values import Other, decoded
from labkit.course.grading.variation import varied
from labkit.lesson.exercises import EXERCISES
from labkit.lesson.exercises.check import same
from labkit.locks import locked

LESSON = Path(__file__).parent / "fixtures" / "grading" / "01_small.py"
LIMITS = Limits(seconds=20, memory=1000)
RIGHT = """def my_count(image_size, patch_size, channels):
    return (image_size // patch_size) ** 2, channels * patch_size**2"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebooks' folder of a course of one small lesson."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "source").mkdir()
    shutil.copy(LESSON, folder / "source")
    build(notebooks=folder)
    return folder


@pytest.fixture
def hand_in(course: Path, tmp_path: Path) -> Callable[..., Path]:
    """Put a notebook of the student edition among the submissions, its cell with my_count replaced."""

    def hand(student: str, answer: str | None = None, *, name: str = "01_small.ipynb", edition: str = "") -> Path:
        notebook = nbformat.read(course / edition / "01_small.ipynb", as_version=4)
        for cell in notebook.cells:
            if answer is not None and "def my_count" in cell.source:
                cell.source = answer
        path = tmp_path / "class" / student / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return hand


@pytest.fixture
def graded(course: Path, tmp_path: Path) -> Callable[..., dict[str, dict]]:
    """Grade the class; rows by student."""

    def run(**settings) -> dict[str, dict]:
        settings = {"out": tmp_path / "out", "notebooks": course, "limits": LIMITS} | settings
        return {row["student"]: row for row in grade(tmp_path / "class", **settings)}

    return run


def states(row: dict) -> dict[str, str]:
    return {one["name"]: one["state"] for one in row["exercises"]}


@needs_sandbox
def test_a_class(hand_in, graded, tmp_path: Path) -> None:
    hand_in("anna", edition="solved")
    choice = {"01-predict": {"choice": "c", "asked": "?"}, "01-order": {"choice": "z", "asked": "?"}}
    (tmp_path / "class/anna/my_predictions.json").write_text(json.dumps(choice))
    hand_in("bob")
    hand_in("cem", RIGHT.replace("channels * patch_size**2", "patch_size**2"), name="01_small (2).ipynb")
    hand_in("dana", "def my_count(image_size, patch_size, channels):\n    return 1 / 0")
    hand_in("eva", "def my_count(:\n")
    hand_in(".", RIGHT, name="=finn.ipynb")
    (tmp_path / "class/gil").mkdir()
    rows = graded(jobs=2)
    both = {"01-count": "passed", "01-place": "passed"}
    assert states(rows["anna"]) == both
    assert (rows["anna"]["passed"], rows["anna"]["checks"], rows["anna"]["state"]) == (2, 2, "ok")
    assert (rows["anna"]["predictions"], rows["anna"]["questions"]) == (1, 1)
    assert states(rows["bob"]) == {"01-count": "not solved", "01-place": "not solved"}
    assert states(rows["cem"]) == {"01-count": "wrong", "01-place": "not solved"}
    assert rows["cem"]["exercises"][0]["message"].startswith("You left out the channels")
    assert "raised ZeroDivisionError: division by zero" in rows["dana"]["exercises"][0]["message"]
    assert rows["eva"]["state"] == states(rows["eva"])["01-count"] == "error"
    assert "SyntaxError" in rows["eva"]["exercises"][0]["message"]
    assert states(rows["=finn"])["01-count"] == "passed"
    assert rows["gil"]["state"] == "missing"
    assert [row["remarks"] for row in rows.values()] == [[]] * 7
    text = (tmp_path / "out/grades.csv").read_text(encoding="utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    assert [row["student"] for row in table] == ["'=finn", "anna", "bob", "cem", "dana", "eva", "gil"]
    assert table[1] | {"seconds": ""} == {
        "student": "anna", "lesson": "01_small", "state": "ok", "passed": "2", "checks": "2", "predictions": "1",
        "questions": "1", "seconds": "", "read by hand": "", "exercises": "01-count: passed\n01-place: passed",
    }  # fmt: skip


@needs_sandbox
def test_what_stands_in_other_cells_counts(hand_in, graded, course: Path, tmp_path: Path) -> None:
    """Helpers and imports of the student's own; not what a lesson computes beside."""
    path = hand_in(
        "anna", "def my_count(image_size, p, channels):\n    return rows(image_size, p) ** 2, channels * area(p)"
    )
    notebook = nbformat.read(path, as_version=4)
    place = next(k for k, cell in enumerate(notebook.cells) if "def my_count" in cell.source)
    helper = "import math, no_such_module\n%matplotlib inline\nTWO = 2\ndef area(p):\n    return int(math.pow(p, TWO))"
    later = "p = [q for q in range(10**12)]\ndef rows(size, p):\n    return size // p"
    notebook.cells[place:place] = [nbformat.v4.new_code_cell(helper), nbformat.v4.new_code_cell(later)]
    nbformat.write(notebook, path)
    assert states(graded()["anna"])["01-count"] == "passed"


ODD_CELLS = {
    "global": "def scratch(x):\n    global x",
    "arguments": "def scratch(x, x): return x",
    "nonlocal": "nonlocal x",
    "attributes": "a" + ".b" * 1200,
    "sum": "scratch = " + "+".join("1" * 1500),
    "unfinished": "scratch = (",
    "surrogate": "scratch = '\ud800'",
}


@pytest.mark.parametrize("name", ODD_CELLS)
def test_an_odd_cell_costs_only_itself(name: str) -> None:
    tree, wrong = _program([ODD_CELLS[name], RIGHT], "my_count")
    names: dict = {}
    exec(compile(tree, "<answer>", "exec"), names)
    assert names["my_count"](224, 16, 3) == (196, 768)
    assert wrong == ""
    _, wrong = _program([ODD_CELLS[name].replace("scratch", "my_count") + "  # my_count"], "my_count")
    assert wrong == "" or "cannot be read" in wrong


@pytest.mark.parametrize(
    "cell",
    [
        "f = lambda: (17\n  % 10)",
        "x = !ls\n%matplotlib inline\ny?\ndef f(): return 7",
        "%%time\ndef f(): return 7",
        "T = []\nT.append(7)\ndef f(): return T[0]",
        "T = {}\nT.update(a=7)\nT.fails()\ndef f(): return T['a']",
        "import random\nrandom.seed(3)\ndef f(): return 7 if random.random() == random.Random(3).random() else 0",
        "try:\n    import math as m\nexcept ImportError:\n    m = None\ndef f(): return m.isqrt(50)",
        "if True:\n    from math import isqrt\ndef f(): return isqrt(50)",
    ],
)
def test_what_an_answer_needs_is_found(cell: str) -> None:
    tree, wrong = _program([cell], "f")
    names: dict = {}
    exec(compile(tree, "<answer>", "exec"), names)
    assert (names["f"](), wrong) == (7, "")


def test_what_a_module_is_asked_beside_is_left_out() -> None:
    cells = ["import math\nmath.factorial(10**9)\ntable = [1]\nother = []\nother.append(print(1))"]
    tree, _ = _program([*cells, "def f(): return math.pi, table"], "f")
    assert [type(one).__name__ for one in tree.body] == ["Import", "Assign", "FunctionDef"]


@needs_sandbox
def test_one_exercise_that_cannot_be_graded_leaves_the_other(hand_in, graded, monkeypatch) -> None:
    """And nothing of it is kept: the next run tries it again."""
    hand_in("anna", edition="solved")
    right = checks.grade_check

    def fails(check, *rest):
        if check.exercise.name == "01-count":
            raise RuntimeError("half \ud800")
        return right(check, *rest)

    monkeypatch.setattr("labkit.course.grading.rows.grade_check", fails)
    row = graded()["anna"]
    assert states(row) == {"01-count": "not graded", "01-place": "passed"}
    assert (row["state"], row["passed"]) == ("not graded", 1)
    assert row["remarks"] == ["01-count: RuntimeError: half \\ud800"]
    monkeypatch.undo()
    assert graded()["anna"]["passed"] == 2


@needs_sandbox
def test_a_row_that_cannot_be_written_stops_nobody(hand_in, graded, monkeypatch) -> None:
    hand_in("anna", "def my_count(*_):\n    raise ValueError")
    hand_in("bob", RIGHT)
    monkeypatch.setattr("labkit.course.grading.checks.cleaned", lambda text, most=0: f"{text}\ud800")
    rows = graded()
    assert (rows["anna"]["state"], rows["anna"]["exercises"]) == ("not graded", [])
    assert rows["anna"]["remarks"][0].startswith("UnicodeEncodeError")
    assert rows["bob"]["passed"] == 1


@needs_sandbox
@pytest.mark.parametrize(("last", "state"), [("", "wrong"), ("\nmy_count = 1 / 0", "error")])
def test_a_notebook_that_shows_it_solved_is_pointed_at_where_its_answer_fails(hand_in, graded, last, state) -> None:
    path = hand_in("anna", "def my_count(*_):\n    raise SystemExit")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith("count = answer"):
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/markdown": "✓ **Solved.** Their product"})]
        if "def my_count" in cell.source:
            cell.source += last
    nbformat.write(notebook, path)
    row = graded()["anna"]
    assert states(row)["01-count"] == state
    assert row["remarks"] == ["01-count: the notebook shows it solved"]


@needs_sandbox
def test_inputs_that_cannot_be_varied_are_pointed_at(hand_in, graded, monkeypatch) -> None:
    hand_in("anna", RIGHT)
    monkeypatch.setattr(checks, "varied", lambda exercise, chance: [])
    row = graded()["anna"]
    assert row["remarks"] == ["01-count: no second look possible: the exercise's inputs could not be varied"]


@needs_sandbox
def test_a_time_out_is_tried_again(hand_in, graded) -> None:
    said: list[str] = []
    hand_in("anna", "def my_count(*_):\n    while True: pass")
    limits = Limits(seconds=2, memory=1000)
    assert graded(limits=limits)["anna"]["state"] == "timed out"
    graded(limits=limits, say=said.append)
    assert "0 of 1 graded before" in said[0]


@needs_sandbox
def test_two_gradings_do_not_share_a_folder(hand_in, graded, tmp_path: Path) -> None:
    hand_in("anna", RIGHT)
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out/.grades.lock", wait=False), pytest.raises(ValueError, match="another grading writes"):
        graded()
    assert graded()["anna"]["passed"] == 1


@needs_sandbox
def test_a_second_run_grades_what_is_new(hand_in, graded, course: Path, tmp_path: Path) -> None:
    said: list[str] = []
    hand_in("anna", RIGHT)
    hand_in("bob", RIGHT)
    first = graded(say=said.append)
    assert graded(say=said.append) == first
    hand_in("bob", "def my_count(*_):\n    return 1")
    hand_in("cem", RIGHT)
    assert states(graded(say=said.append)["bob"])["01-count"] == "wrong"
    graded(say=said.append, limits=Limits(seconds=21, memory=1000))
    graded(say=said.append, limits=Limits(seconds=21, memory=1000), again=True)
    counts = [line.partition("; ")[2] for line in said if "graded before" in line]
    assert [line[:6] for line in counts] == ["0 of 2", "2 of 2", "1 of 3", "0 of 3", "0 of 3"]


@needs_sandbox
def test_another_course_is_graded_anew(hand_in, graded, course: Path, tmp_path: Path, monkeypatch) -> None:
    said: list[str] = []
    hand_in("anna", RIGHT)
    graded()
    monkeypatch.setattr("labkit.course.grading.grade.code_mark", lambda: "other")
    graded(say=said.append)
    assert "0 of 1 graded before" in said[0]


@needs_sandbox
def test_stopped_in_the_middle_it_keeps_what_it_has(hand_in, graded, tmp_path: Path) -> None:
    hand_in("anna", RIGHT)
    hand_in("bob", "def my_count(*_):\n    while True: pass")

    def stop(line: str) -> None:
        if line.startswith("1 of 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        graded(say=stop, jobs=2)
    kept = json.loads((tmp_path / "out/grades.json").read_text())
    assert {key: row["passed"] for key, row in kept.items()} == {"anna/01_small": 1}


@needs_sandbox
def test_ways_that_disagree_are_pointed_at(hand_in, graded, course: Path, tmp_path: Path) -> None:
    known = "{(224, 16, 3): (196, 768), (224, 1, 3): (50176, 3), (28, 7, 1): (16, 49)}"
    table = f"def my_count(*given):\n    return {known}.get(given)"
    hand_in("table", table)
    hand_in(
        "library",
        "from labkit.grid import token_count\n"
        + RIGHT.replace("(image_size // patch_size) ** 2", "token_count(image_size, patch_size)"),
    )
    hand_in("dunder", RIGHT + " + 0 * len(__name__)")
    path = hand_in("forger", "def my_count(*_):\n    return 1")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith("count = answer"):
            output = nbformat.v4.new_output("display_data", {"text/markdown": "✓ **Solved.** Their product"})
            cell.source, cell.outputs = "print('passed')", [output]
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("place = answer")]
    nbformat.write(notebook, path)
    rows = graded()
    assert {name: rows[name]["passed"] for name in rows} == {"table": 1, "library": 1, "dunder": 1, "forger": 0}
    assert rows["table"]["remarks"] == ["01-count: right on the exercise's own inputs, wrong on others"]
    assert rows["library"]["remarks"] == ["01-count: imports labkit.grid.token_count"]
    assert rows["dunder"]["remarks"] == ["01-count: uses __name__"]
    assert rows["forger"]["remarks"] == [
        "01-count: the check's cell was edited", "01-count: the notebook shows it solved",
        "01-place: the check's cell is gone",
    ]  # fmt: skip


@needs_sandbox
def test_command_line(hand_in, course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in("anna", RIGHT)
    words = ["course", "grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--notebooks", str(course)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "anna, 01_small: 1 of 2, " in said
    assert "01-count: passed by 1 of 1" in said
    assert main([*words, "--lessons", "05"]) == 2
    assert "there is no lesson 05" in capsys.readouterr().err
    words[4] = str(tmp_path / "class/out")
    assert main(words) == 2
    assert "lies among the submissions" in capsys.readouterr().err


def test_without_bubblewrap_it_refuses_unless_trusted(hand_in, graded, tmp_path: Path, monkeypatch) -> None:
    hand_in("anna", RIGHT)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"bubblewrap \(bwrap\) is not on this machine.*--trust grades without"):
        graded()
    assert not (tmp_path / "out").exists()
    assert states(graded(trust=True)["anna"])["01-count"] == "passed"


def test_a_bubblewrap_that_may_not_work_says_so(tmp_path: Path, monkeypatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ValueError, match=r"cannot make a sandbox here .setting up uid map"):
        bubblewrap()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "\uff1d1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_other_cells_stay_as_they_are() -> None:
    assert [harmless(one) for one in (3, "anna", "a=1", "ünï")] == [3, "anna", "a=1", "ünï"]
    assert harmless("a\x1b[31mb") == "a\ufffd[31mb"


def test_every_lesson_of_the_course_is_understood() -> None:
    """Each exercise of the course is checked once, by a function that the student edition defines before."""
    course = asked(Path(__file__).parents[1] / "notebooks")
    checks = {check.exercise.name: check for lesson in course.values() for check in lesson.checks}
    assert set(checks) == set(EXERCISES)
    assert sum(len(lesson.checks) for lesson in course.values()) == len(EXERCISES)
    for check in checks.values():
        assert any(f"def {check.function}(" in source for source in check.before), check.function
    assert all(lesson.questions for lesson in course.values())


def test_inputs_are_varied_where_that_is_possible() -> None:
    found = {name: varied(exercise, random.Random(0)) for name, exercise in EXERCISES.items()}
    assert [name for name, inputs in found.items() if not inputs] == []
    assert found["01-count"] == [(448, 32, 6), (448, 2, 6), (56, 14, 2)]
    for name, inputs in found.items():
        for arguments in inputs:
            EXERCISES[name].reference(*arguments)


VALUES = (
    *(None, True, 3, -(10**400), 0.1, float("inf"), "text", ..., [1, (2.5, None)]),
    *(np.float32(1.5), np.arange(6).reshape(2, 3), torch.ones(2, 0), torch.rand(2, 3, dtype=torch.float64)),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_come_out_as_they_went_in(value: object) -> None:
    found = decoded(json.loads(json.dumps(_encoded(value, [1000], 8))))
    assert type(found) is type(value)
    if isinstance(value, np.ndarray | torch.Tensor):
        assert found.dtype == value.dtype
        assert found.shape == value.shape
        value, found = value.tolist(), found.tolist()
    assert found == value


class Size(NamedTuple):
    rows: int
    columns: int


class Level(IntEnum):
    LOW = 3


@pytest.mark.parametrize(
    ("value", "plain"),
    [(torch.Size([2, 3]), (2, 3)), (Size(2, 3), (2, 3)), (Fraction(1, 4), 0.25), (Decimal("0.5"), 0.5), (Level.LOW, 3)],
)
def test_values_are_taken_for_what_they_are(value: object, plain: object) -> None:
    """As the notebook's own check takes them."""
    found = decoded(_encoded(value, [1000], 8))
    assert type(found) is type(plain)
    assert found == plain
    assert same(value, plain, 0.0)


def test_more_values_than_an_answer_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 100,000 values"):
        decoded({"list": [{"list": [None] * 1000}] * 101})


def test_half_a_character_is_written_out() -> None:
    assert decoded("a\ud800ü") == "a\\ud800ü"
    assert decoded({"other": ["\ud800", "\ud800"]}) == Other("\\ud800", "\\ud800")


def test_what_has_no_form_is_described() -> None:
    assert decoded(_encoded({1: 2}, [1000], 8)) == Other("dict", "{1: 2}")
    assert decoded(_encoded({1, 2}, [1000], 8)) == Other("set", "{1, 2}")
    assert decoded(_encoded([[1] * 10] * 10, [50], 8))[9] == Other("too much", "more values than an answer holds")


@pytest.mark.parametrize(
    "coded",
    [
        {"tensor": ["<f4", [0, 10**12], ""]},  # empty, with a row without end
        {"array": ["O", [1], "AAAAAAAAAAA="]},  # objects are addresses
        {"array": ["<f8", [3], "AAAA"]},
        {"array": ["<f8", [-1], ""]},
        {"array": ["<f8", [1] * 40, "AAAAAAAAAAA="]},
        {"array": [["<f8"], {}, 3]},
        {"int": 3},
        {"float": "?"},
        {"dict": [[1, 1]]},
        {"array": ["f8," * 10**6, [1], ""]},
        {"eval": "1"},
        {"int": "1", "float": "1"},
        [1],
        {"other": []},
    ],
)
def test_damaged_values_are_refused(coded: object) -> None:
    with pytest.raises((ValueError, IndexError)):
        decoded(coded)


def test_the_program_inside_needs_no_labkit() -> None:
    """The sandbox shows neither labkit.lesson nor labkit.course, and a start takes a moment."""
    assert "labkit" not in (Path(answerer.__file__)).read_text().split('"""', 2)[2]
