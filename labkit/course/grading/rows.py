"""Rows of the table: what is said of one student and one lesson, whatever the submission does to the grader."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.course.grading.asked import Asked, Check
from labkit.course.grading.checks import NotStarted, Sandbox, Verdict, grade_check
from labkit.course.grading.submissions import Handed, Student, printable
from labkit.course.grading.values import cleaned
from labkit.lesson.questions import QUESTIONS

FINE = ("passed", "not solved", "wrong")


@dataclass(frozen=True)
class Task:
    """One student's notebook of one lesson; `handed` is None where there is none."""

    student: Student
    lesson: Asked
    handed: Handed | None
    remarks: tuple[str, ...]
    mark: str

    @property
    def key(self) -> str:
        """Its name among the rows."""
        return f"{self.student.name}/{self.lesson.stem}"


def row_of(task: Task, sandbox: Sandbox) -> dict[str, Any]:
    """One row of the table. Whatever one submission does to the grader, the others are graded."""
    try:
        row = _of(task, sandbox)
        json.dumps(row, ensure_ascii=False).encode()
    except Exception as error:
        row = _empty(task.student.name, task.lesson.stem, "not graded", [_why(error)]) | {"mark": task.mark}
    return row


def _why(error: Exception) -> str:
    return cleaned(error if isinstance(error, NotStarted) else f"{type(error).__name__}: {error}", 300)


def _checked(check: Check, task: Task, sandbox: Sandbox) -> Verdict:
    """One exercise's verdict; a grader that fails at one exercise goes on with the next."""
    try:
        return grade_check(check, task.lesson, task.handed.cells, sandbox)
    except Exception as error:
        return Verdict(check.exercise.name, "not graded", remarks=(_why(error),))


def _of(task: Task, sandbox: Sandbox) -> dict[str, Any]:
    handed, verdicts, state, remarks = task.handed, [], "", list(task.remarks)
    if handed is None:
        state = "missing"
    elif handed.wrong:
        state = handed.wrong.state
        remarks.append(str(handed.wrong))
    else:
        verdicts = [_checked(one, task, sandbox) for one in task.lesson.checks]
    return {
        "student": task.student.name,
        "lesson": task.lesson.stem,
        "state": state or _state(verdicts),
        "passed": sum(one.state == "passed" for one in verdicts),
        "checks": len(task.lesson.checks),
        "predictions": predicted(task.student, task.lesson),
        "questions": len(task.lesson.questions),
        "seconds": round(sum(one.seconds for one in verdicts), 1),
        "remarks": remarks + [f"{one.name}: {remark}" for one in verdicts for remark in one.remarks],
        "exercises": [{"name": one.name, "state": one.state, "message": one.message} for one in verdicts],
        "mark": task.mark,
    }


def _state(verdicts: Sequence[Verdict]) -> str:
    """ok, or the first thing that went wrong with running an answer; before all, that one was not graded."""
    odd = [one.state for one in verdicts if one.state not in FINE]
    return "not graded" if "not graded" in odd else next(iter(odd), "ok")


def predicted(student: Student, lesson: Asked) -> int:
    """How many of the lesson's questions have one of their answers chosen."""
    choices = [(QUESTIONS[name].options, student.choices.get(name)) for name in lesson.questions]
    return sum(
        isinstance(entry, dict) and isinstance(entry.get("choice"), str) and entry["choice"] in options
        for options, entry in choices
    )


def strange_rows(everyone: Sequence[Student], course: dict[str, Asked]) -> Iterator[dict[str, Any]]:
    """A row for each notebook that is none of the course's lessons."""
    known = {lesson.number for lesson in course.values()}
    for student in everyone:
        for handed in (one for one in student.notebooks if one.number not in known):
            state, why = (handed.wrong.state, str(handed.wrong)) if handed.wrong else ("no lesson of the course", "")
            yield _empty(student.name, printable(handed.path.name), state, [cleaned(why)] if why else [])


def _empty(student: str, lesson: str, state: str, remarks: list[str]) -> dict[str, Any]:
    """A row without exercises."""
    named = {"student": student, "lesson": lesson, "state": state, "remarks": remarks}
    counts = {"passed": 0, "checks": 0, "predictions": 0, "questions": 0, "seconds": 0.0}
    return named | counts | {"exercises": [], "mark": ""}
