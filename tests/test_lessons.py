"""Lessons as people run them: student edition unanswered, from any folder, by stock papermill; and what they quote.

`make rerun` runs the solved edition of every lesson through papermill; here two lessons stand for the student edition,
and all of them run in the test's own process, where other tests look at the same run.
"""

import json
import os
import string
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lesson_cells import SMALL, SOURCES, STEMS, Run, Shown, code_of, run, run_of

from labkit import records
from labkit.course.editions import build
from labkit.lesson.results import say_recorded
from labkit.lesson.show import somebody_is_there
from labkit.lesson.start import header_of

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
STOCK = ("00_start_here", "11_your_own_study")  # the first, and the one that trains in processes of its own


def papermill(stem: str, folder: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "papermill", str(NOTEBOOKS / f"{stem}.ipynb"), "out.ipynb", "--no-progress-bar"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # beside the other tests, threads would wait for each other
    return subprocess.run([*command, *words], cwd=folder, env=one_thread, capture_output=True, text=True, timeout=300)


def faults_of(done: Run) -> list[str]:
    """What is wrong with a lesson that ran unanswered."""
    shown = [one for one in done.events if isinstance(one, Shown)]
    words = "\n".join(one.words for one in shown)
    found = {
        "fewer than two exercises say that they are open": words.count("○ **Not solved yet.**") < 2,
        "an exercise is solved": "✓ **Solved.**" in words,
        "a result that the lesson quotes is not recorded": "is not recorded" in words,
        "no slider is shown as frames": not any(one.figure and one.figure.get("frames") for one in shown),
        f"left behind: {', '.join(done.left)}": bool(done.left),
    }
    return [fault for fault, is_so in found.items() if is_so]


@pytest.mark.parametrize("stem", STEMS)
def test_student_edition_runs_unanswered(stem: str) -> None:
    assert "answer(" in code_of(stem)
    assert faults_of(run_of(stem)) == []


GOOD = """
from labkit.lesson import Slider, answer, say_recorded
from test_sliders import small_slider
open_one = answer("00-tokens", lambda *_: None)
answer("00-finest", lambda *_: None)
small_slider().show()
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("", "", []),
        ('answer("00-finest", lambda *_: None)', "", ["fewer than two exercises say that they are open"]),
        ("small_slider()", 'answer("00-tokens", open_one)\nsmall_slider()', ["an exercise is solved"]),
        ("small_slider()", 'say_recorded("99_nothing", "{x}")\nsmall_slider()', ["a result that the lesson quotes"]),
        ("small_slider().show()", "", ["no slider is shown as frames"]),
        ("small_slider()", "open('kept.txt', 'w').close()\nsmall_slider()", ["left behind: kept.txt"]),
    ],
)
def test_a_lesson_that_does_not_run_as_students_find_it_is_refused(old: str, new: str, fault: list[str]) -> None:
    found = faults_of(run([GOOD.replace(old, new) if old else GOOD], "planted"))
    assert [one.startswith(words) for one, words in zip(found, fault, strict=True)] == [True] * len(fault), found


@pytest.mark.parametrize("stem", STOCK)
def test_student_edition_runs_unanswered_by_stock_papermill(stem: str, tmp_path: Path) -> None:
    words = [part for name, value in SMALL[stem].items() for part in ("-p", name, str(value))]
    done = papermill(stem, tmp_path, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    shown = json.dumps([cell.get("outputs", []) for cell in executed.cells], ensure_ascii=False)
    checks = sum("answer(" in cell.source for cell in executed.cells)
    assert shown.count("Not solved yet") >= 2
    assert checks
    assert "Solved." not in shown
    assert "is not recorded" not in shown, "a lesson quotes a result that is not recorded"
    assert "frames" in shown, "without a person the slider is shown as frames"
    assert [path.name for path in tmp_path.iterdir()] == ["out.ipynb"], "a lesson leaves nothing behind"


@pytest.mark.parametrize("stem", [path.stem for path in SOURCES])
def test_recorded_results_fill_what_the_lesson_quotes(stem: str) -> None:
    record = records.recorded(stem)
    assert {"results", "seconds", "machine", "versions", "commit", "time", "command", "parameters"} <= record.keys()
    assert record["seconds"] > 0
    code = code_of(stem)
    quoted = code.split("say_recorded(")[-1]
    fields = {name for _, name, _, _ in string.Formatter().parse(quoted.split("\n)")[0]) if name}
    assert fields
    assert fields <= record["results"].keys()


def test_missing_result_is_said_not_raised(capsys: pytest.CaptureFixture) -> None:
    say_recorded("99_nothing", "{x}")


def test_nobody_is_there_while_testing() -> None:
    assert not somebody_is_there()


def test_no_such_lesson() -> None:
    with pytest.raises(ValueError, match="no lesson '77'"):
        header_of("77")


def test_editions_are_what_their_sources_say() -> None:
    assert build(check=True) == []
