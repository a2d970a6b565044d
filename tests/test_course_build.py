"""What a teacher gets is whole, computed from the lessons, and refused where it would be wrong."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_prose import typed_numbers

from labkit.__main__ import main
from labkit.course import promises
from labkit.course.files import read_notebook
from labkit.course.lesson import Lesson
from labkit.course.parameters import read_parameter, resolve
from labkit.course.promises import late_lines, promised
from labkit.course.source import read_source, sources
from labkit.course.teaching import bundle, lesson
from labkit.course.teaching.build import build_course, no_solution, page
from labkit.course.teaching.bundle import fetch_wheels, wheels_list
from labkit.course.teaching.discussion import DISCUSSION
from labkit.course.teaching.glossary import GLOSSARY, PREREQUISITES
from labkit.course.teaching.lesson import taught, truths
from labkit.course.teaching.mistakes import code_of
from labkit.course.teaching.notes import notes
from labkit.course.teaching.schedule import MINUTES, SESSIONS, schedule
from labkit.course.teaching.syllabus import contents
from labkit.course.teaching.written import SUMS, sums_of
from labkit.lesson.exercises import EXERCISES
from labkit.lesson.questions import QUESTIONS
from labkit.records import sha256

ROOT = Path(__file__).parents[1]
SMALL = Path(__file__).parent / "fixtures" / "grading" / "01_small.py"
SOURCES = sources(ROOT / "notebooks")
SOLUTION = re.compile(r"# BEGIN SOLUTION\n(.*?)\n\s*# END SOLUTION", re.DOTALL)
STEMS = [path.stem for path in SOURCES]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole course, built once, beside no re-run."""
    folder = tmp_path_factory.mktemp("course")
    build_course(folder / "out", site=folder / "site")
    return folder / "out"


@pytest.fixture(scope="module")
def headers() -> list[Lesson]:
    return [read_source(path)[1] for path in SOURCES]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The notebooks' folder of a course of one small lesson that has limits, and a library of one file."""
    source = tmp_path / "notebooks/source/01_small.py"
    source.parent.mkdir(parents=True)
    source.write_text(SMALL.read_text() + "\n# %% [markdown]\n# ## Limits of this result\n#\n# It is small.\n")
    for name in bundle.FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("torch==2.15.0 \\\n    --hash=sha256:0\n" if name.endswith(".lock") else "")
    (tmp_path / "labkit").mkdir()
    (tmp_path / "labkit/one.py").write_text("")
    return tmp_path / "notebooks"


def made(small: Path, **more: object) -> Path:
    """That small course, built."""
    out = small.parent / "out"
    build_course(out, site=small.parent / "site", notebooks=small, repository=small.parent, **more)
    return out


# ---------------------------------------------------------------- notes


def test_every_lesson_has_questions_to_discuss_and_no_other() -> None:
    assert sorted(DISCUSSION) == sorted(stem[:2] for stem in STEMS)
    for questions in DISCUSSION.values():
        assert 3 <= len(questions) <= 5
        assert all("?" in one or one.endswith(".") for one in questions)
    every = [one for questions in DISCUSSION.values() for one in questions]
    assert len(set(every)) == len(every)


def test_no_number_is_typed_into_what_is_written() -> None:
    written = [one for questions in DISCUSSION.values() for one in questions]
    assert [text for text in [*written, *PREREQUISITES, *GLOSSARY.values()] if typed_numbers(text)] == []


def test_notes_name_every_objective_wrong_answer_and_hint(course: Path, headers: list[Lesson]) -> None:
    pages = {stem: (course / "instructor" / f"{stem}.md").read_text() for stem in STEMS}
    assert [path.stem for path in sorted((course / "instructor").glob("*.html"))] == STEMS
    whole = {stem[:2]: text for stem, text in pages.items()}
    for one in headers:
        assert all(entry.text in whole[one.number] and entry.check in whole[one.number] for entry in one.objectives)
        assert f"{one.working_minutes} minutes, estimated" in whole[one.number]
    for name, question in QUESTIONS.items():
        text = whole[name[:2]].partition(f"### {name}\n")[2].partition("\n#")[0]
        assert all(option in text for option in question.options.values())
        assert all(wrong.name in text and wrong.thought in text for wrong in question.why_not.values())
        free = set(question.options) - set(question.why_not)
        assert ("comes out: **" in text) == bool(free)
    for name, exercise in EXERCISES.items():
        text = whole[name[:2]].partition(f"### {name}\n")[2].partition("\n#")[0]
        assert all(mistake.message in text for mistake in exercise.mistakes)
        assert all(hint in text for hint in exercise.hints)


def test_limits_are_those_of_the_source(course: Path) -> None:
    for path in SOURCES:
        said = (course / "instructor" / f"{path.stem}.md").read_text().partition("## Limits of this result\n\n")[2]
        first = said.splitlines()[0]
        assert first.startswith("- ")
        assert f"# {first}" in path.read_text()
        assert "## Next" not in said


def executed(source: str, outputs: list[str]) -> dict:
    """A notebook of two code cells, the second with these Markdown outputs."""
    shown = [{"output_type": "display_data", "data": {"text/markdown": one}, "metadata": {}} for one in outputs]
    cells = [('guess = predict("00-predict")', []), (source, shown)]
    made = [
        {"cell_type": "code", "id": f"c{k}", "source": text, "outputs": out, "execution_count": None, "metadata": {}}
        for k, (text, out) in enumerate(cells)
    ]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("✗ The recorded answer was **fourfold**. What came out: **sixteenfold**. So it is.", {"00-predict": "c"}),
        ("✓ The recorded answer was **fourfold**, and that came out: so it is.", {"00-predict": "b"}),
        ("**Covered.** Choose an answer.", {}),
    ],
)
def test_the_truth_is_read_off_the_last_run(said: str, wanted: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "one.ipynb"
    path.write_text(json.dumps(executed('guess.reveal(letter, "so it is")', [said])))
    assert truths(read_notebook(path), {"00-predict": QUESTIONS["00-predict"]}) == wanted
    assert truths(read_notebook(path), {}) == {}


def test_notes_say_what_came_out_and_how_long_it_took(tmp_path: Path) -> None:
    one = taught(SOURCES[5], tmp_path)
    assert "none is at hand: `labkit rerun 05`" in notes(one)
    run = {"machine": {"platform": "Linux", "cores": 2.0}, "started": "today"}
    later = notes(replace(one, came_out={"05-predict": "b"}, last={"run": run, "seconds": 90.0}, promise=None))
    assert "What came out in the last re-run: **b**." in later
    assert "(Linux, 2 cores, today): 1.5 minutes, measured" in later
    assert "Machine: not measured; `labkit record 05` does" in later
    recorded = json.loads((ROOT / f"data/recorded/{one.lesson.stem}.json").read_text())
    assert f"Machine: {recorded['seconds'] / 60:.1f} minutes" in notes(one)


def test_the_code_of_a_wrong_answer_is_its_own() -> None:
    twice, thrice = (lambda x: 2 * x), (lambda x: 3 * x)
    assert code_of(lambda x: 5 * x) == "lambda x: 5 * x"
    assert (code_of(twice), code_of(thrice)) == ("lambda x: 2 * x", "lambda x: 3 * x")  # of one line
    assert code_of(splits).startswith("def splits(lessons")
    assert code_of(len) is None


def test_a_lesson_without_limits_is_refused(small: Path) -> None:
    source = small / "source/01_small.py"
    source.write_text(source.read_text().replace("## Limits of this result", "## Limits"))
    with pytest.raises(ValueError, match=r"01_small\.py has no section '## Limits of this result'"):
        made(small)
    assert not any(path for path in (small.parent / "out").rglob("*") if path.is_file())


def test_an_unknown_exercise_is_refused(small: Path) -> None:
    source = small / "source/01_small.py"
    source.write_text(source.read_text().replace("01-count", "01-none"))
    with pytest.raises(ValueError, match=r"01_small\.py asks 01-none, which is no exercise"):
        made(small)


def test_a_lesson_without_questions_to_discuss_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "DISCUSSION", {})
    with pytest.raises(ValueError, match=r"01_small\.py has no questions to discuss"):
        made(small)


# ---------------------------------------------------------------- schedule, syllabus


def test_the_schedule_holds_every_lesson_once_and_fits(headers: list[Lesson], course: Path) -> None:
    plan = schedule(headers)
    assert [one.stem for session in plan for one in session.lessons] == STEMS
    assert len(plan) <= SESSIONS
    for session in plan:
        total = sum(one.working_minutes for one in session.lessons)
        assert session.homework == max(0, total - MINUTES)
        assert session.homework < session.lessons[-1].working_minutes
    text = (course / "syllabus.md").read_text()
    for number, session in enumerate(plan, start=1):
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {number} |")]
        assert all(f"{one.number} {one.title}" in row for one in session.lessons)
        assert (f"the last {session.homework} minutes" in row) == bool(session.homework)


def splits(lessons: list[int], sessions: int) -> Iterator[list[list[int]]]:
    """Every way to cut a list into at most so many parts."""
    if not lessons:
        yield []
    elif sessions:
        for end in range(1, len(lessons) + 1):
            yield from ([lessons[:end], *rest] for rest in splits(lessons[end:], sessions - 1))


@pytest.mark.parametrize("minutes", [[20, 35, 50, 45, 60], [50, 50, 50], [10, 10, 10, 85, 85], [90]])
def test_no_other_schedule_has_less_homework(headers: list[Lesson], minutes: list[int]) -> None:
    lessons = [replace(headers[0], working_minutes=one) for one in minutes]
    least = min(sum(max(0, sum(part) - 90) for part in parts) for parts in splits(minutes, 3))
    assert sum(session.homework for session in schedule(lessons, sessions=3)) == least


def test_lessons_that_do_not_fit_are_refused(headers: list[Lesson]) -> None:
    with pytest.raises(ValueError, match=f"{len(STEMS)} lessons do not fit into 2 sessions of 90 minutes.*take more"):
        schedule(headers, sessions=2)


def test_the_rubric_counts_what_is_there(course: Path) -> None:
    rows = [
        line.split("|")[1:-1] for line in (course / "syllabus.md").read_text().partition("## Rubric")[2].split("\n")
    ]
    points = {row[0].strip(): int(row[2]) for row in rows if len(row) == 3 and row[2].strip().isdigit()}
    total = points.pop("all")
    assert total == sum(points.values())
    assert points.pop("predictions, all lessons") == len(QUESTIONS)
    assert points.pop("report of the study of lesson 11") > 0
    assert sum(points.values()) == len(EXERCISES)
    assert len(points) == len(STEMS)


# ---------------------------------------------------------------- editions, bundle


def test_no_solution_is_in_the_students_edition(course: Path) -> None:
    assert [path.stem for path in sorted((course / "student").glob("*"))] == STEMS
    for stem in STEMS:
        student = {cell.id: cell.source for cell in read_notebook(course / "student" / f"{stem}.ipynb").cells}
        solved = read_notebook(course / "solved" / f"{stem}.ipynb").cells
        blocks = [(cell.id, block) for cell in solved for block in SOLUTION.findall(cell.source)]
        assert blocks
        assert [block for name, block in blocks if block in student[name]] == []
        with pytest.raises(ValueError, match="holds a mark of a solution"):
            no_solution({"student/one.ipynb": (course / "solved" / f"{stem}.ipynb").read_text()})


@pytest.mark.parametrize("place", ["", "bundle"])
def test_checksums_match_and_name_every_file(course: Path, place: str) -> None:
    folder = course / place
    sums = sums_of(folder)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(sums) == there - {SUMS}
    assert {name: sha256(folder / name) for name in sums} == sums


def test_the_bundle_holds_the_course_and_says_what_it_lacks(course: Path) -> None:
    inside = course / "bundle/patch-lab"
    for name in [f"{place}{stem}" for stem in STEMS for place in ("", "solved/")]:
        assert (inside / f"notebooks/{name}.ipynb").read_bytes() == (ROOT / f"notebooks/{name}.ipynb").read_bytes()
    for path in SOURCES:
        assert (inside / "notebooks/source" / path.name).read_bytes() == path.read_bytes()
    for name in ("labkit", "data"):
        whole = {path.relative_to(ROOT) for path in (ROOT / name).rglob("*") if path.is_file()}
        there = {path.relative_to(inside) for path in (inside / name).rglob("*") if path.is_file()}
        assert there == {path for path in whole if "__pycache__" not in path.parts and not path.name.startswith(".")}
    text = (course / "bundle/README.md").read_text()
    assert "`pages/`: missing, as no re-run was at hand: `labkit rerun`" in text
    assert "`wheels/`: missing" in text
    assert "--no-index --find-links wheels" in text


def test_pages_of_the_last_run_go_along(small: Path) -> None:
    site = small.parent / "site"
    (site / "assets").mkdir(parents=True)
    for name in ("index.html", "assets/lab.css"):
        (site / name).write_text(name)
    out = made(small)
    assert (out / "bundle/pages/assets/lab.css").read_text() == "assets/lab.css"
    assert "missing in it: 01_small" in (out / "bundle/README.md").read_text()
    shutil.rmtree(site)
    made(small)
    assert not (out / "bundle/pages/index.html").exists()


def test_wheels_are_listed_as_they_are_pinned() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    listed = wheels_list(lock).splitlines()
    assert len(listed) == lock.count("==") - sum(line.count("==") - 1 for line in lock.splitlines() if "==" in line)
    assert any(line.startswith("torch==") for line in listed)
    with pytest.raises(ValueError, match="pins no package"):
        wheels_list("# nothing\n")


def test_wheels_are_fetched_only_when_asked_for(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip is a stand-in here; it sees the lock file and the folder."""
    pip = small.parent / "pip.py"
    pip.write_text(
        "import pathlib, sys\nlock, folder = sys.argv[-3], pathlib.Path(sys.argv[-1])\n"
        "assert 'torch==' in open(lock).read()\nfolder.mkdir()\n(folder / 'torch.whl').write_text('wheel')\n"
    )
    stand_in = small.parent / "python"
    stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {pip} "$@"\n')
    stand_in.chmod(0o755)
    monkeypatch.setattr(bundle.sys, "executable", "/nowhere")
    assert "wheels/torch.whl" not in sums_of(made(small) / "bundle")
    monkeypatch.setattr(bundle.sys, "executable", str(stand_in))
    out = made(small, wheels=True)
    monkeypatch.setattr(bundle.sys, "executable", "/nowhere")
    made(small)  # what was fetched stays
    assert (out / "bundle/wheels/torch.whl").read_text() == "wheel"
    assert "wheels/torch.whl" in sums_of(out / "bundle")
    assert "the packages, for the system" in (out / "bundle/README.md").read_text()


def test_a_failed_download_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text("#!/bin/sh\necho Collecting one\necho Saved one\necho\necho no network >&2\nexit 1\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(bundle.sys, "executable", str(stand_in))
    said = []
    with pytest.raises(ValueError, match=r"could not fetch the wheels \(no network\)"):
        fetch_wheels(tmp_path / "lock", tmp_path, said.append)
    assert said == ["Saved one"]


# ---------------------------------------------------------------- the folder


def test_what_a_person_changed_is_not_overwritten(small: Path) -> None:
    out = made(small)
    again = {path: path.stat().st_mtime_ns for path in out.rglob("*.md")}
    made(small)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.md")} == again
    mine = out / "instructor/01_small.md"
    mine.write_text("my notes\n")
    with pytest.raises(ValueError, match=r"instructor/01_small.md in .* is not as it was built"):
        made(small)
    assert mine.read_text() == "my notes\n"
    mine.unlink()
    (out / SUMS).unlink()  # as after a build that was cut short
    made(small)
    assert mine.exists()


def test_a_folder_that_cannot_be_written_is_said(small: Path) -> None:
    out = small.parent / "out"
    (out / "bundle").mkdir(parents=True)
    (out / "student").write_text("a file where a folder should be")
    with pytest.raises(ValueError, match=r"student cannot be written \(.*\): the course is not whole"):
        made(small)
    (out / "student").unlink()
    assert (made(small) / SUMS).exists()


def test_what_is_no_longer_built_goes(small: Path) -> None:
    out = made(small)
    (small / "source/01_small.py").rename(small / "source/01_other.py")
    (out / "mine.txt").write_text("kept")
    made(small)
    assert [path.name for path in (out / "student").glob("*")] == ["01_other.ipynb"]
    assert (out / "mine.txt").exists()


def test_a_whole_page_is_written_of_markdown() -> None:
    text = page("# Title & more\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n## Two\n")
    assert "<title>Title &amp; more</title>" in text
    assert '<th scope="col">' in text
    with pytest.raises(ValueError, match="a level is left out"):
        page("# Title\n\n### Three\n")


def test_command_line(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, site = small.parent / "out", small.parent / "site"
    words = ["--site", str(site), "--notebooks", str(small)]
    assert main(["course", "build", str(out), *words]) == 0
    said = capsys.readouterr().out
    assert "notes on 01_small" in said
    assert str(out.resolve() / "syllabus.md") in said
    (small.parent / "file").write_text("")
    assert main(["course", "build", str(small.parent / "file"), *words]) == 2
    assert "cannot be written (File exists): the course would be lost" in capsys.readouterr().err


# ---------------------------------------------------------------- promises


def small_lesson(**full: object) -> Lesson:
    """A lesson with two parameters, and these values of the full profile."""
    entries = {"p": {"type": "int", "low": 1, "high": 16, "about": ""}, "path": {"type": "str", "about": ""}}
    usual = {"p": 4, "path": ""}
    parameters = {
        name: read_parameter(name, entry | ({"full": full[name]} if name in full else {}), usual[name])
        for name, entry in entries.items()
    }
    return replace(read_source(SOURCES[0])[1], stem="01_small", parameters=parameters)


def entry(seconds: float, **more: object) -> dict:
    parameters = {"p": 4, "path": ""}
    return {"lesson": "01_small", "status": "passed", "seconds": seconds, "parameters": parameters} | more


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The notebooks' folder of a course with one recorded lesson of ten seconds, older than its parameter `path`, and
    with the report of a full re-run at p = 1."""
    recorded = {"seconds": 10.0, "machine": "a machine", "parameters": {"p": 4}}
    path = tmp_path / "data/recorded/01_small.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(recorded))
    run = {"machine": {"platform": "Another", "cores": 2.0}}
    (tmp_path / "data/reports").mkdir()
    report = {"lessons": [entry(100.0, parameters={"p": 1, "path": ""}, run=run)]}
    (tmp_path / "data/reports/full.json").write_text(json.dumps(report))
    return tmp_path / "notebooks"


def test_a_lesson_that_takes_much_longer_than_promised_is_named(kept: Path) -> None:
    slow, edge = entry(16.0), entry(10.0 * promises.PATIENCE)
    entries = [one | promised(one, small_lesson(), kept) for one in (slow, edge)]
    assert [one["promise"] for one in entries] == [
        {"seconds": 10.0, "machine": "a machine", "late": late} for late in (True, False)
    ]
    (line,) = late_lines(entries)
    assert line.startswith("01_small took 16 s, 1.6 times its recorded 10 s (a machine)")


def test_the_full_profile_has_its_own_promise(kept: Path) -> None:
    long = entry(160.0, parameters={"p": 1, "path": ""})
    told = promised(long, small_lesson(p=1), kept)
    assert told == {"promise": {"seconds": 100.0, "machine": "Another, 2 cores", "late": True}}
    assert promised(entry(9.0), small_lesson(p=1), kept)["promise"]["seconds"] == 10.0
    (kept.parent / "data/reports/full.json").write_text('{"lessons": [{"seconds": 3}]}')
    with pytest.raises(ValueError, match=r"full.json does not say what its run took .*`make full` writes it"):
        promised(long, small_lesson(p=1), kept)


def test_a_re_run_names_it_at_the_end(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a line, not a failure. The re-run is a stand-in with this report."""
    run = {"started": "today"}
    for seconds, said in ((99.0, True), (9.0, False)):
        one = entry(seconds, run=run)
        report = run | {"lessons": [one | promised(one, small_lesson(), kept)]}
        monkeypatch.setattr("labkit.course.rerun.rerun", lambda *_, report=report, **__: report)
        assert main(["rerun"]) == 0
        assert ("01_small took 99 s, 9.9 times its recorded 10 s" in capsys.readouterr().out) == said


@pytest.mark.parametrize(
    "other", [{"parameters": {"p": 2, "path": ""}}, {"parameters": {"p": 4, "path": "my.png"}}, {"status": "failed"}]
)
def test_no_promise_holds_for_other_runs(kept: Path, other: dict) -> None:
    late = entry(99.0, **other)
    assert late_lines([late | promised(late, small_lesson(), kept)]) == []
    (kept.parent / "data/recorded/01_small.json").unlink()
    assert promised(entry(99.0), small_lesson(), kept) == {}


def test_a_damaged_promise_is_said(kept: Path) -> None:
    (kept.parent / "data/recorded/01_small.json").write_text('{"seconds": "long"}')
    with pytest.raises(ValueError, match="does not say what its run took"):
        promised(entry(1.0), small_lesson(), kept)


def test_every_lesson_has_a_promise_that_holds_for_its_quick_run(headers: list[Lesson]) -> None:
    """A parameter that is gone, or whose usual value is another, needs another record."""
    runs = [(one, entry(1.0, lesson=one.stem, parameters=resolve(one.parameters))) for one in headers]
    assert [one.stem for one, run in runs if not promised(run, one, ROOT / "notebooks")] == []


def test_the_syllabus_tells_the_minutes_of_people_and_of_machines(headers: list[Lesson], course: Path) -> None:
    text = (course / "syllabus.md").read_text().partition("## Schedule")[0]
    rows = {line[2:4]: line for line in text.splitlines()}
    for one in headers:
        seconds = promises.promise(ROOT / "notebooks", one.stem).seconds
        needs = ", ".join(one.builds_on) or "nothing"
        assert f"| {needs} | {one.working_minutes} | {seconds / 60:.1f} |" in rows[one.number]


def test_the_syllabus_tells_the_full_profile_where_it_was_run(tmp_path: Path) -> None:
    one, other = (replace(taught(path, tmp_path), full=None) for path in SOURCES[:2])
    assert "full length" not in "".join(contents([one]))
    table = list(contents([replace(one, full=promises.Promise(90.0, "a machine", {})), other]))
    assert table[0].endswith("| machine, minutes | at full length |")
    assert table[2].endswith("| 1.5 |")
    assert table[3].endswith("| not measured |")
    assert {line.count("|") for line in table} == {6}
