"""A class, graded: some submissions side by side, each result kept as it comes, so that a second run goes on."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from labkit.course.files import notebooks_folder
from labkit.course.grading.asked import Asked, asked
from labkit.course.grading.checks import Sandbox
from labkit.course.grading.report import write_csv
from labkit.course.grading.rows import Task, predicted, row_of, strange_rows
from labkit.course.grading.sandbox import LABKIT, Limits
from labkit.course.grading.submissions import Student, printable, students
from labkit.locks import locked
from labkit.records import make_writable, read_json, write_json

KEPT = "grades.json"  # beside grades.csv: each row with what it depends on
LOCK = ".grades.lock"
AGAIN = ("not graded", "timed out")  # not kept: a machine that was busy, or could not, may do better the next time


def grade(
    folder: Path,
    *,
    out: Path = Path("grades"),
    lessons: Sequence[str] = (),
    notebooks: Path | None = None,
    limits: Limits | None = None,
    jobs: int = 1,
    again: bool = False,
    trust: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Grade what lies in `folder` (see `submissions`), write `out`/grades.csv, and return its rows.

    What was graded before and has not changed, nor the course, is taken over, unless `again`. Lessons are those named
    (stem or number), else those that anybody handed in. ValueError, before anything runs, for what cannot be: no
    bubblewrap (without `trust`), no submissions, results inside the submissions, another grading that writes there.
    """
    folder, out, limits = Path(folder).resolve(), Path(out).resolve(), limits or Limits()
    if jobs < 1 or limits.seconds <= 0 or limits.memory < 1:
        raise ValueError("jobs, seconds and memory must be positive: with less nothing would ever be graded")
    if out.is_relative_to(folder):
        raise ValueError(f"the results' folder {out} lies among the submissions: it would be taken for a student's")
    place = notebooks_folder(notebooks)
    sandbox = Sandbox(limits, trust=trust, hidden=(folder, out, place))
    everyone, course = students(folder), asked(place)
    make_writable(out)
    chosen = _chosen(course, lessons, everyone)
    with _alone(out):
        found = _rows(everyone, chosen, sandbox, out, jobs=jobs, again=again, say=say) + list(
            strange_rows(everyone, course)
        )
        write_csv(out / "grades.csv", found)
    return found


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the results' folder against a second grading, which would take away what the first one keeps."""
    try:
        with locked(out / LOCK, wait=False):
            yield
    except BlockingIOError as error:
        raise ValueError(f"another grading writes to {out}: wait for it, or name another --out") from error


def _rows(
    everyone: Sequence[Student],
    chosen: Sequence[Asked],
    sandbox: Sandbox,
    out: Path,
    *,
    jobs: int,
    again: bool,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """The row of each student and lesson, in order, kept in `out` as they come."""
    tasks = [_task(student, lesson, sandbox.limits) for student in everyone for lesson in chosen]
    before = {} if again else _before(out)
    rows = {task.key: row for task in tasks if (row := before.get(task.key, {})) and row["mark"] == task.mark}
    waiting = [task for task in tasks if task.key not in rows]
    say(f"{len(everyone)} students, {len(chosen)} lessons; {len(rows)} of {len(tasks)} graded before")
    for count, (task, row) in enumerate(_graded(waiting, sandbox, jobs), start=1):
        rows[task.key] = row
        _keep(out, before | rows)
        say(f"{count} of {len(waiting)}: {_line(row)}")
    return [rows[task.key] for task in tasks]


def _chosen(course: dict[str, Asked], names: Sequence[str], everyone: Sequence[Student]) -> list[Asked]:
    if unknown := [name for name in names if name not in {one for stem in course for one in (stem, stem[:2])}]:
        raise ValueError(f"there is no lesson {', '.join(unknown)}; there are: {', '.join(course)}. Nothing was graded")
    handed = {notebook.number for student in everyone for notebook in student.notebooks}
    wanted = set(names) or handed
    return [one for one in course.values() if {one.stem, one.number} & wanted and (one.checks or one.questions)]


def _task(student: Student, lesson: Asked, limits: Limits) -> Task:
    """The notebook that counts: the one with the lesson's own name, else the first."""
    there = [one for one in student.notebooks if one.number == lesson.number]
    there.sort(key=lambda one: (one.path.stem != lesson.stem, one.path))
    handed = there[0] if there else None
    remarks = [student.remark] if student.remark else []
    if len(there) > 1:
        remarks.append(f"{len(there)} notebooks of this lesson, graded {printable(there[0].path.name)}")
    facts = [code_mark(), lesson.mark, handed and handed.mark, asdict(limits), remarks, predicted(student, lesson)]
    mark = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return Task(student, lesson, handed, tuple(remarks), mark)


@cache
def code_mark() -> str:
    """A hash of labkit's code: other code may judge otherwise."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(LABKIT.rglob("*.py")))).hexdigest()


def _before(out: Path) -> dict[str, dict[str, Any]]:
    try:
        return read_json(out / KEPT)
    except FileNotFoundError:
        return {}


def _keep(out: Path, rows: dict[str, dict[str, Any]]) -> None:
    write_json(out / KEPT, {key: row for key, row in rows.items() if _final(row)})


def _final(row: dict[str, Any]) -> bool:
    return not {row["state"], *(one["state"] for one in row["exercises"])} & set(AGAIN)


def _graded(tasks: Sequence[Task], sandbox: Sandbox, jobs: int) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Each task with its row, as they come; stopped from outside, nothing runs on."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(row_of, task, sandbox): task for task in random.sample(tasks, len(tasks))}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            sandbox.stop.set()
            pool.shutdown(cancel_futures=True)


def _line(row: dict[str, Any]) -> str:
    state = "" if row["state"] == "ok" else f", {row['state']}"
    read = ", read by hand" if row["remarks"] else ""
    return f"{row['student']}, {row['lesson']}: {row['passed']} of {row['checks']}{state}, {row['seconds']} s{read}"
