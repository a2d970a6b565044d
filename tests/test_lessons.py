"""Lessons as people run them: stock papermill, from any folder, student edition unanswered; and what they quote."""

import json
import os
import string
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lesson_cells import SMALL, SOURCES, code_of

from labkit import records
from labkit.course.editions import build
from labkit.lesson.results import say_recorded
from labkit.lesson.show import somebody_is_there
from labkit.lesson.start import header_of

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def papermill(stem: str, folder: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "papermill", str(NOTEBOOKS / f"{stem}.ipynb"), "out.ipynb", "--no-progress-bar"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # beside the other tests, threads would wait for each other
    return subprocess.run([*command, *words], cwd=folder, env=one_thread, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("stem", [path.stem for path in SOURCES])
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
