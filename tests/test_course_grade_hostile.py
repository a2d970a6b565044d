"""Grading people who mean harm, all in one class beside one who does not: nobody else is harmed, and nothing is won."""

import json
import os
import re
import shutil
import socket
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import nbformat
import psutil
import pytest
from can_grade import needs_sandbox

from labkit.course.editions import build
from labkit.course.grading.grade import grade
from labkit.course.grading.sandbox import Limits
from labkit.course.grading.seccomp import MACHINES, seccomp_filter
from labkit.records import REPOSITORY

LESSON = Path(__file__).parent / "fixtures" / "grading" / "01_small.py"
LIMITS = Limits(seconds=20, memory=300, disk=8, output=100_000)
ENDLESS = ("endless", "sleeper")  # only the clock ends these
START = "def my_count(image_size, patch_size, channels):\n"
RIGHT = START + "    return (image_size // patch_size) ** 2, channels * patch_size**2\n"


def attacks() -> dict[str, str]:
    """The cells of people who mean harm, by name; words in braces are still to be filled in."""
    text = (LESSON.parent / "attacks.txt").read_text(encoding="utf-8")
    found = {part.partition("\n")[0]: part.partition("\n")[2] for part in text.split("\n## ")[1:]}
    deep = "(" * 5000 + ")" * 5000
    return {name: cell.replace("START\n", START).replace("((((DEEP))))", deep) for name, cell in found.items()}


ATTACKS = attacks()


def filled(words: dict[str, object], word: re.Match[str]) -> str:
    return str(words.get(word[1], word[0]))


def notebook_with(course: Path, answer: str) -> nbformat.NotebookNode:
    notebook = nbformat.read(course / "01_small.ipynb", as_version=4)
    for cell in notebook.cells:
        if "def my_count" in cell.source:
            cell.source = answer
    return notebook


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the course, the class, and a file that is nobody's business."""
    place = tmp_path_factory.mktemp("grading")
    (place / "course/source").mkdir(parents=True)
    shutil.copy(LESSON, place / "course/source")
    build(notebooks=place / "course")
    (place / "secret.txt").write_text("the marks of last year")
    (place / "class").mkdir()
    (place / "endless").mkdir()
    return place


@pytest.fixture(scope="module")
def rows(place: Path) -> dict[str, dict]:
    """All of them graded together; rows by student."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = {
            "course": place / "course", "class": place / "class", "out": place / "out", "home": Path.home(),
            "repository": REPOSITORY, "labkit": REPOSITORY / "labkit", "python": Path(os.__file__).parent,
            "port": server.getsockname()[1],
        }  # fmt: skip
        for name, attack in ATTACKS.items():
            folder = place / ("endless" if name in ENDLESS else "class") / name
            folder.mkdir()
            text = re.sub(r"\{(\w+)\}", partial(filled, words), attack)
            nbformat.write(notebook_with(place / "course", text), folder / "01_small.ipynb")
        honest(place)
        odd_files(place)
        before = snapshot(place)
        graded = grade(place / "class", out=place / "out", notebooks=place / "course", limits=LIMITS, jobs=2)
        soon = replace(LIMITS, seconds=3)
        graded += grade(place / "endless", out=place / "late", notebooks=place / "course", limits=soon, jobs=2)
    assert snapshot(place) == before
    return {row["student"]: row for row in graded}


def honest(place: Path) -> None:
    (place / "class/honest").mkdir()
    shutil.copy(place / "course/solved/01_small.ipynb", place / "class/honest")


def odd_files(place: Path) -> None:
    """Submissions that are no notebooks."""
    folder = place / "class"
    for name in ("link", "link_to_folder", "huge", "nested", "many", "pipe", "no_json", "list", "cells", "kernel"):
        (folder / name).mkdir()
    (folder / "link/01_small.ipynb").symlink_to(place / "course/solved/01_small.ipynb")
    (folder / "link_to_folder/notebooks").symlink_to(place / "course/solved")
    (folder / "linked").symlink_to(place / "course/solved")
    with (folder / "huge/01_small.ipynb").open("wb") as file:
        file.truncate(10**9)
    (folder / "nested/01_small.ipynb").write_text('{"cells": ' + "[" * 400_000 + "]" * 400_000 + "}")
    (folder / "many/01_small.ipynb").write_text('{"cells": [' + "[]," * 2_000_000 + "[]]}")
    os.mkfifo(folder / "pipe/01_small.ipynb")
    (folder / "no_json/01_small.ipynb").write_bytes(b"\xff\xfe\x00")
    (folder / "list/01_small.ipynb").write_text("[1, 2]")
    (folder / "cells/01_small.ipynb").write_text(
        '{"cells": [1, {"cell_type": "code", "source": [3, {}], "outputs": 7}]}'
    )
    notebook = notebook_with(place / "course", RIGHT)
    notebook.metadata.kernelspec = {"name": "evil", "display_name": "evil", "language": "sh", "argv": ["rm", "-rf"]}
    nbformat.write(notebook, folder / "kernel/01_small.ipynb")
    odd = "=a\nb\x1b[2J;$(touch x)`'\"\udcff ünï"
    (folder / odd).mkdir()
    nbformat.write(notebook_with(place / "course", RIGHT), folder / odd / f"01{odd}.ipynb")


def snapshot(place: Path) -> dict[str, tuple[int, int]]:
    """What lies in the course and in the class, and when it was written."""
    found = (path for name in ("course", "class", "endless") for path in (place / name).rglob("*"))
    return {os.fsencode(path).hex(): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in found}


def outcome(row: dict) -> tuple[str, str]:
    """State and message of the exercise that the attacks answer."""
    return row["exercises"][0]["state"], row["exercises"][0]["message"]


STATES = {
    "endless": ("timed out", ""),
    "sleeper": ("timed out", ""),
    "forks": ("wrong", "raised PermissionError"),
    "threads": ("too many processes|wrong", "|can't start new thread"),
    "subprocess": ("wrong", "raised PermissionError"),
    "memory": ("out of memory", ""),
    "shared_memory": ("out of memory", ""),
    "memory_file": ("wrong", "raised PermissionError"),
    "printer": ("too much output", ""),
    "writer_to_stdout": ("too much output", ""),
    "reply_without_end": ("too much output", ""),
    "writer_to_disk": ("wrong", r"raised OSError: \[Errno 28\] No space left on device"),
    "writer_elsewhere": ("wrong", r"wrote to: \['/tmp'\]"),
    "deleter": ("wrong", r"error 30\."),
    "reader": ("wrong", r"found: \[\]"),
    "searcher": ("wrong", r"found: \[\]"),
    "importer": ("wrong", "raised ModuleNotFoundError: No module named 'labkit.lesson.exercises'"),
    "network": ("wrong", r"reached: \[\]"),
    "environment": ("wrong", r"names: ((HOME|LANG|LC_CTYPE|PATH|PWD|USER|PYTHONPATH|\w+_NUM_THREADS) ?)+\."),
    "killer": ("error", "ended without an answer"),
    "debugger": ("wrong", r"ptrace -1 errno 1\."),
    "processes": ("wrong", r"ValueError: \[1, 2\]"),
    "quitter": ("error", "ended without an answer"),
    "crasher": ("error", r"ended without an answer \(code "),
    "deep": ("error", "SyntaxError|MemoryError|RecursionError"),
    "patcher": ("error", "ended without an answer"),
    "patcher_of_the_check": ("wrong", "it gives `1`; it should give"),
    "forger": ("error", "ended without an answer"),
    "result_file": ("wrong", "it gives `1`; it should give"),
    "pretender": ("wrong", "it should give"),
    "formula": ("wrong", "raised ValueError: =cmd"),
    "half_a_character": ("wrong", r"raised ValueError: \\ud800"),
    "half_a_character_at_the_top": ("error", r"ValueError: \\ud800"),
    "half_a_character_as_its_repr": ("wrong", r"it gives `\\ud800`"),
    "half_a_character_as_a_name": ("error", r"^\\ud800: \\udfff$"),
    "colliding_keys": ("wrong", "'dict' is no kind of value"),
    "brackets": ("error", "more than 1,000,000 lists and objects"),
}


@needs_sandbox
def test_the_honest_one_gets_full_marks(rows: dict[str, dict]) -> None:
    assert (rows["honest"]["passed"], rows["honest"]["checks"], rows["honest"]["remarks"]) == (2, 2, [])


@needs_sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_wins_nothing(rows: dict[str, dict], name: str) -> None:
    state, message = STATES[name]
    found = outcome(rows[name])
    assert re.fullmatch(state, found[0]), found
    assert re.search(message, found[1]), found
    assert rows[name]["passed"] == 0
    assert rows[name]["state"] == ("ok" if found[0] == "wrong" else found[0])
    assert rows[name]["exercises"][1]["state"] == "not solved"  # the other exercise was looked at nevertheless


@needs_sandbox
def test_nothing_runs_on(rows: dict[str, dict], place: Path) -> None:
    """And what was graded last leaves nothing behind, in the folders of this machine either."""
    time.sleep(0.2)
    assert [one for one in psutil.Process().children(recursive=True) if "answerer" in " ".join(one.cmdline())] == []
    assert (place / "secret.txt").read_text() == "the marks of last year"
    assert sorted(path.name for path in (place / "out").iterdir()) == [".grades.lock", "grades.csv", "grades.json"]


@needs_sandbox
@pytest.mark.parametrize(
    ("name", "state", "why"),
    [
        ("link", "refused", "it is a link"),
        ("link_to_folder", "missing", ""),
        ("huge", "broken notebook", "it has 1,000,000,000 bytes"),
        ("nested", "broken notebook", "nested too deep"),
        ("many", "broken notebook", "more than 1,000,000 lists"),
        ("pipe", "refused", "it is no plain file"),
        ("no_json", "broken notebook", "not JSON"),
        ("list", "broken notebook", "no list of cells"),
        ("cells", "error", ""),
    ],
)
def test_what_is_no_notebook_is_named(rows: dict[str, dict], name: str, state: str, why: str) -> None:
    assert (rows[name]["state"], rows[name]["passed"]) == (state, 0)
    assert why in "".join(rows[name]["remarks"])


@needs_sandbox
def test_odd_names_and_kernels_do_no_harm(rows: dict[str, dict], place: Path) -> None:
    assert rows["kernel"]["passed"] == 1
    (name,) = [name for name in rows if name.startswith("=a")]
    assert name == "=a\\nb\\x1b[2J;$(touch x)`'\"\\xff ünï"
    assert rows[name]["passed"] == 1
    text = (place / "out/grades.csv").read_text(encoding="utf-8-sig")
    assert "\x1b" not in text
    assert "\"'=a\\nb" in text
    assert json.loads((place / "out/grades.json").read_text())


@needs_sandbox
def test_without_the_filter_the_watch_ends_too_many_processes(place: Path, tmp_path: Path, monkeypatch) -> None:
    """As on a kind of machine that the filter does not know; root, whom no limit on processes holds, is refused."""
    monkeypatch.setattr("labkit.course.grading.checks.seccomp_filter", bytes)
    limits = Limits(seconds=10, memory=20_000)  # what the processes share is counted for each of them
    settings = {"out": tmp_path / "out", "notebooks": place / "course", "limits": limits}
    (tmp_path / "class").mkdir()
    nbformat.write(notebook_with(place / "course", ATTACKS["forks"]), tmp_path / "class/forks.ipynb")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ValueError, match="Grade as another user"):
        grade(tmp_path / "class", **settings)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (row,) = grade(tmp_path / "class", **settings)
    state, message = outcome(row)
    assert state == "too many processes" or "BlockingIOError" in message
    time.sleep(0.2)
    assert psutil.Process().children(recursive=True) == []


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_knows_the_machine(machine: str) -> None:
    """Eight bytes a step, and jumps that a byte can hold; a kind of machine that it does not know gets none."""
    assert len(seccomp_filter(machine)) % 8 == 0
    assert len(seccomp_filter(machine)) > 8 * 40
    assert seccomp_filter("riscv64") == b""
