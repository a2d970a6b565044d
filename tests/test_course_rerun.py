"""Re-running lessons: what passes, what fails and where, what is refused before it starts, and nothing left behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from labkit.__main__ import main
from labkit.course.children import Child, run_children
from labkit.course.editions import build
from labkit.course.plan import Run, plan
from labkit.course.report import ERROR, read_report
from labkit.course.rerun import rerun, silent, still_to_run

ROOT = Path(__file__).parents[1]
FIXTURES = Path(__file__).parent / "fixtures" / "course"


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """The four sample lessons with their editions."""
    shutil.copytree(FIXTURES, tmp_path / "notebooks" / "source", ignore=shutil.ignore_patterns("__pycache__"))
    build(notebooks=tmp_path / "notebooks")
    return tmp_path / "notebooks"


def alive(pid: int) -> bool:
    """Is the process still running? One that only waits to be collected is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listens_to_interrupts() -> None:
    """As a program started from a terminal does. What runs in a script's background has Ctrl-C switched off, and hands
    that down to its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_one_fails_and_the_others_go_on(notebooks: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    lessons = ["01", "fails", "04_leaves"]
    values = {"image_size": 64, "sizes": "8 4 2 1", "rate": 0.25, "loud": False}
    kept = {"seconds": 0.01, "machine": "a dream machine", "parameters": values}
    (tmp_path / "data/recorded").mkdir(parents=True)
    (tmp_path / "data/recorded/01_squares.json").write_text(json.dumps(kept))
    options = ["--set", "image_size=64", "steps=3", "--set", "loud=false", "--jobs", "2"]
    command = [sys.executable, "-m", "labkit", "rerun", *lessons, "--notebooks", notebooks, "--out", out, *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    assert "1 of 3 passed" in ended.stdout
    late = [line for line in ended.stdout.splitlines() if "times its recorded 0 s (a dream machine)" in line]
    assert [line.split()[:2] for line in late] == [["01_squares", "took"]]
    assert str(out / "index.html") in ended.stdout

    report = json.loads((out / "report.json").read_text())
    entries = {entry["lesson"]: entry for entry in report["lessons"]}
    assert {name: entry["status"] for name, entry in entries.items()} == {
        "01_squares": "passed",
        "02_fails": "failed",
        "04_leaves": "failed",  # it ends itself with exit code 0, which papermill takes for success
    }
    assert entries["01_squares"]["parameters"] == values
    assert entries["01_squares"]["promise"]["late"]
    assert entries["02_fails"]["error"] == {
        "cell": "l02-c003",
        "index": 3,
        "line": "def share(part, whole):",
        "name": "ZeroDivisionError",
        "message": "division by zero",
    }
    assert entries["04_leaves"]["error"]["name"] == "SystemExit"

    passed = nbformat.read(out / "notebooks/01_squares.ipynb", as_version=4)
    assert passed.metadata.papermill.parameters == values
    assert "widgets" not in passed.metadata
    assert all(cell.execution_count for cell in passed.cells if cell.cell_type == "code")
    assert str(tmp_path) not in (out / "notebooks/01_squares.ipynb").read_text()
    failed = nbformat.read(out / "notebooks/02_fails.ipynb", as_version=4)
    assert failed.cells[-1].execution_count is None
    assert failed.cells[0].source == "# A lesson that fails"

    page = (out / "01_squares.html").read_text()
    assert page.count('<script type="application/json">') == 1
    assert "training: done" in page
    assert "training: 50" not in page
    assert "the figure below moves without one" in page
    assert ">image_size = 64" in page.replace("</span>", "").replace('<span class="n">', ">").replace(
        '<span class="o">', ""
    ).replace('<span class="mi">', "")
    assert not list(out.rglob("*.part"))
    assert os.access(out / "index.html", os.R_OK)


def test_the_limit_of_the_command_line_ends_a_lesson(
    notebooks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--timeout", "1", "--out", str(tmp_path / "site"), "--notebooks", str(notebooks)]
    assert main(["rerun", "03", *options]) == 1
    said = capsys.readouterr().out
    assert "03_sleeps: started, at most 1 s" in said
    assert "03_sleeps: timeout after" in said


class Clock:
    """The children's clock: it stands still until the lesson sleeps, then its time is up at once."""

    sleep = staticmethod(time.sleep)

    def __init__(self, pids: Path) -> None:
        self.pids = pids

    def monotonic(self) -> float:
        return 1e6 if sleeping(self.pids) else 0.0


def sleeping(pids: Path) -> bool:
    """Has the lesson without end come to its end?"""
    return pids.exists() and " " in pids.read_text()


def test_a_lesson_without_end_is_ended_with_all_its_processes(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.course.children.time", Clock(notebooks / "solved" / "pids"))
    here, said = os.getcwd(), []
    report = rerun(["03"], out=tmp_path / "site", notebooks=notebooks, say=said.append)
    entry = report["lessons"][0]
    assert entry["status"] == "timeout"
    assert entry["error"]["index"] == 3
    assert entry["error"]["line"].startswith("other = subprocess.Popen")
    assert said[0] == "03_sleeps: started, at most 90 s"
    assert "time limit of 90 s" in said[1]
    kernel, other = map(int, (notebooks / "solved" / "pids").read_text().split())
    assert not alive(kernel)
    assert not alive(other)
    assert psutil.Process().children(recursive=True) == []
    partial = nbformat.read(tmp_path / "site/notebooks/03_sleeps.ipynb", as_version=4)
    assert partial.cells[3].execution_count
    assert "ran out of time" in (tmp_path / "site/03_sleeps.html").read_text()
    assert os.getcwd() == here


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_process(notebooks: Path, tmp_path: Path, number: int, code: int) -> None:
    command = [sys.executable, "-m", "labkit", "rerun", "03", "--notebooks", notebooks, "--out", tmp_path / "site"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=listens_to_interrupts
    )
    pids = notebooks / "solved" / "pids"
    while process.poll() is None and not sleeping(pids):
        time.sleep(0.05)
    process.send_signal(number)
    said = process.communicate()
    assert process.returncode == code, said
    assert not any(alive(int(pid)) for pid in pids.read_text().split())
    assert not (tmp_path / "site/report.json").exists()


def test_an_earlier_result_stays(notebooks: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    (out / "notebooks").mkdir(parents=True)
    shutil.copy(notebooks / "solved/01_squares.ipynb", out / "notebooks")
    run = {"profile": "quick", "started": "2026-01-02T03:04:05+00:00", "versions": {}, "commit": None}
    run["machine"] = {"platform": "another machine", "cores": 1}
    earlier = {"lesson": "01_squares", "status": "passed", "seconds": 3.0, "parameters": {}, "run": run}
    lost = {**earlier, "lesson": "09_lost"}
    (out / "report.json").write_text(json.dumps({**run, "seconds": 3.0, "lessons": [earlier, lost]}))
    report = rerun(["04"], out=out, notebooks=notebooks, profile="full")
    assert report["lessons"][0] == earlier
    assert [entry["lesson"] for entry in report["lessons"]] == ["01_squares", "04_leaves"]
    assert report["lessons"][1]["parameters"] == {"steps": 10}
    assert report["lessons"][1]["run"]["profile"] == report["profile"] == "full"
    assert json.loads((out / "report.json").read_text()) == report
    index = (out / "index.html").read_text()
    assert 'href="01_squares.html"' in index
    assert "ran in 3.0 s on another machine, quick profile" in index


def test_going_on_runs_what_has_not_passed_so(notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, said = tmp_path / "site", []
    source = {"profile": "quick", "started": "2026-01-02T03:04:05+00:00", "versions": {}, "commit": "abc"}
    source["machine"] = {"platform": "Linux", "cores": 2}
    (out / "notebooks").mkdir(parents=True)
    entries = []
    for run in plan((), profile="quick", overrides={}, notebooks=notebooks):
        status = "failed" if run.lesson.number == "02" else "passed"
        error = {"error": dict.fromkeys(ERROR, "")} if status == "failed" else {}
        facts = {"lesson": run.lesson.stem, "status": status, "seconds": 1.0, "parameters": run.parameters}
        entries.append(facts | {"run": source} | error)
        shutil.copy(run.notebook, out / "notebooks")
    (out / "report.json").write_text(json.dumps(source | {"seconds": 60.0, "lessons": entries}))
    (out / "notebooks/04_leaves.ipynb").unlink()

    def left(profile: str = "quick", **other: object) -> list[str]:
        runs = plan((), profile=profile, overrides={}, notebooks=notebooks)
        return [run.lesson.number for run in still_to_run(runs, read_report(out), source | other, out)]

    assert left() == ["02", "04"]  # one failed, the notebook of the other is gone
    everything = ["01", "02", "03", "04"]
    assert left("full") == everything  # whose values are others
    assert left(commit="abd") == left(versions={"torch": "1"}) == left(machine={}) == everything
    source |= {"commit": "abc+changes"}
    (out / "report.json").write_text((out / "report.json").read_text().replace("abc", "abc+changes"))
    assert left() == everything  # which changes, nobody knows

    source |= {"commit": "abc"}
    (out / "report.json").write_text((out / "report.json").read_text().replace("+changes", ""))
    monkeypatch.setattr("labkit.course.rerun.provenance", lambda *_: source)
    report = rerun(["01", "04"], out=out, notebooks=notebooks, go_on=True, say=said.append)
    assert said[0] == "1 of 2 lessons are taken over"
    assert [line.split()[1] for line in said[1:]] == ["started,", "failed"]
    assert report["seconds"] > 60.0
    again = rerun(["01", "03"], out=out, notebooks=notebooks, go_on=True, say=said.append)
    assert said[-1] == "2 of 2 lessons are taken over"
    assert again == report
    assert main(["rerun", "01", "--go-on", "--out", str(out), "--notebooks", str(notebooks)]) == 1  # 04 left itself


# ---------------------------------------------------------------- the report of the full profile


def faults_of_full(report: dict) -> list[str]:
    """What is wrong with a report that is kept as that of the full profile: whole, clean, and within an hour."""
    runs = [report, *(entry["run"] for entry in report["lessons"])]
    wrong = {
        "nothing was run": not report["lessons"],
        "not the full profile": any(run["profile"] != "full" for run in runs),
        "a lesson did not pass": any(entry["status"] != "passed" for entry in report["lessons"]),
        "no clean commit": any(not re.fullmatch("[0-9a-f]{40}", run["commit"] or "") for run in runs),
        "not one commit": len({run["commit"] for run in runs}) > 1,
        "more than an hour": report["seconds"] > 3600,
    }
    return [words for words, true in wrong.items() if true]


@pytest.mark.parametrize("path", sorted((ROOT / "data/reports").glob("*.json")), ids=str)
def test_a_kept_report_is_whole(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "report.json")
    report = read_report(tmp_path)
    assert faults_of_full(report) == []
    stems = {found.stem for found in (ROOT / "notebooks").glob("*.ipynb")}
    assert {entry["lesson"] for entry in report["lessons"]} <= stems


def test_a_report_that_is_not_whole_is_found() -> None:
    run = {"profile": "full", "commit": "a" * 40}
    good = run | {"seconds": 2400.0, "lessons": [{"status": "passed", "run": run}]}
    assert faults_of_full(good) == []
    for fault, words in (
        ({"profile": "quick"}, "not the full profile"),
        ({"seconds": 3601.0}, "more than an hour"),
        ({"lessons": []}, "nothing was run"),
        ({"lessons": [{"status": "timeout", "run": run}]}, "a lesson did not pass"),
        ({"lessons": [{"status": "passed", "run": run | {"commit": "b" * 40}}]}, "not one commit"),
    ):
        assert faults_of_full(good | fault) == [words]
    assert "no clean commit" in faults_of_full(good | {"commit": "a" * 40 + "+changes"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lessons": ["07"]}, "no lesson '07'; there are: 01_squares, 02_fails"),
        ({"overrides": {"stepz": 1}}, "no chosen lesson has a parameter called stepz; there are: image_size, loud"),
        ({"lessons": ["02"], "overrides": {"image_size": 64}}, "called image_size; there are: steps"),
        (
            {"lessons": ["02"], "overrides": {"steps": "many"}},
            "lesson 02_fails: steps = 'many' is of type str, not int",
        ),
        ({"lessons": ["02"], "overrides": {"steps": 11}}, "steps = 11 is outside its range, 1 to 10"),
        ({"profile": "huge"}, "profile 'huge' is not one of quick, full"),
        ({"jobs": 0}, "jobs is 0"),
        ({"timeout": 0}, "timeout is 0 s: with less than 1 every lesson would be ended"),
    ],
)
def test_refused_before_anything_starts(
    notebooks: Path, tmp_path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        rerun(**options, out=tmp_path / "site", notebooks=notebooks)
    assert not (tmp_path / "site").exists()


def test_a_parameter_that_no_cell_reads_is_refused_before_anything_starts(notebooks: Path, tmp_path: Path) -> None:
    path = notebooks / "solved" / "01_squares.ipynb"
    assert plan(["01"], profile="quick", overrides={}, notebooks=notebooks)
    path.write_text(path.read_text().replace("**{rate}**", "small"))
    with pytest.raises(
        ValueError, match=r"^lesson 01_squares: no cell reads the parameter rate: .*no effect\. Nothing"
    ):
        rerun(out=tmp_path / "site", notebooks=notebooks, overrides={"rate": 0.5})
    assert not (tmp_path / "site").exists()
    assert plan(
        ["02"], profile="quick", overrides={}, notebooks=notebooks
    )  # the lessons that are not run may be broken


def test_a_damaged_lesson_is_named_before_anything_starts(notebooks: Path, tmp_path: Path) -> None:
    path = notebooks / "solved" / "02_fails.ipynb"
    whole = path.read_text()
    for text, words in (("{", "cannot be read"), (whole.replace("return part", "return return"), "invalid syntax")):
        path.write_text(text)
        with pytest.raises(ValueError, match=f"02_fails.*{words}"):
            rerun(["02"], out=tmp_path / "site", notebooks=notebooks)
    assert not (tmp_path / "site").exists()


def test_a_time_limit_takes_the_place_of_the_lessons_own(notebooks: Path) -> None:
    def limits(profile: str, timeout: int | None) -> list[int]:
        return [run.timeout for run in plan((), profile=profile, overrides={}, notebooks=notebooks, timeout=timeout)]

    assert limits("quick", None) == [120, 60, 90, 60]
    assert limits("full", None) == [2400, 1200, 1800, 1200]
    assert limits("quick", 7) == limits("full", 7) == [7] * 4


def test_places_that_cannot_be_used(notebooks: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot be written .*Not a directory"):
        rerun(out=tmp_path / "file" / "site", notebooks=notebooks)
    with pytest.raises(ValueError, match="there is no notebooks folder"):
        rerun(out=tmp_path / "site", notebooks=tmp_path / "nowhere")
    shutil.rmtree(notebooks / "solved")
    with pytest.raises(ValueError, match="nothing to run; `labkit editions`"):
        rerun(out=tmp_path / "site", notebooks=notebooks)
    assert not (tmp_path / "site").exists()


def test_a_report_that_is_none(notebooks: Path, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(ValueError, match="is no report"):
        rerun(["02"], out=tmp_path, notebooks=notebooks)
    assert list((tmp_path / "notebooks").glob("*.ipynb")) == list(notebooks.glob("*.ipynb"))


def test_lessons_that_measure_time_run_alone(notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pretended children, of which the oldest ends each time."""
    running: list[str] = []
    together: list[list[str]] = []

    class Pretended(Child):
        def __init__(self, run: Run) -> None:
            object.__setattr__(self, "run", run)
            running.append(run.lesson.stem)
            together.append(list(running))

        def finished(self) -> str | None:
            return running.pop(0) if running[0] == self.run.lesson.stem else None

    monkeypatch.setattr("labkit.course.children._start", lambda run, scratch: Pretended(run))
    runs = plan((), profile="quick", overrides={}, notebooks=notebooks)
    ended = list(run_children(runs, tmp_path, 2, silent))
    assert ended == ["01_squares", "02_fails", "04_leaves", "03_sleeps"]
    assert together[-1] == ["03_sleeps"]
    assert max(map(len, together)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rerun", "99"], "labkit: there is no lesson '99'"),
        (["rerun", "--set", "steps"], "labkit: --set takes NAME=VALUE, not steps"),
        (["rerun", "--set", "=3"], "labkit: --set =3: no name stands before the ="),
        (["rerun", "--set", "steps=3", "--set", "steps=4"], "labkit: --set steps: set twice, only one would take"),
        (["rerun", "--profile", "slow"], "labkit: profile 'slow' is not one of quick, full: nothing was run"),
        (["rerun", "--jobs", "two"], "labkit: Error parsing --jobs: 'two' is not a whole number: nothing was run"),
        (["rerun", "--timeout", "0"], "labkit: timeout is 0 s"),
        (["rerun", "--timeout", "1.5"], "labkit: Error parsing --timeout: '1.5' is not a whole number: nothing was"),
        (["rerun", "--job", "3"], "labkit: Unrecognized options: --job, 3: nothing was run"),
        (["pages"], "labkit: there is no executed notebook"),
    ],
)
def test_mistakes_on_the_command_line(
    notebooks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    extra = ["--notebooks", str(notebooks)] if arguments[0] == "rerun" else []
    arguments = [arguments[0], "--out", str(tmp_path / "site"), *extra, *arguments[1:]]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(words)
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize(("arguments", "words"), [(["rerum"], "rerum"), ([], "rerun, pages, editions, record, doctor")])
def test_a_command_that_is_none(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"labkit: .*{words}.*: nothing was run; .*\n", error)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_mistake_is_one_paragraph_on_every_terminal(tmp_path: Path, encoding: str) -> None:
    """tyro draws its boxes with other characters where UTF-8 is not known, and breaks lines at the terminal's width."""
    surroundings = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "30"}
    command = [sys.executable, "-m", "labkit", "rerun", "--jobs", "two"]
    ended = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("labkit: Error parsing --jobs: 'two' is not a whole number: nothing was run")
    assert ended.stderr.count("\n") == 1
