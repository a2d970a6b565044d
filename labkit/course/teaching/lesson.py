"""One lesson as a teacher's notes want it, read from its source, its exercises and questions, and its last run."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit.course.files import read_notebook
from labkit.course.lesson import Lesson
from labkit.course.promises import Promise, promise
from labkit.course.report import read_report
from labkit.course.source import read_source
from labkit.course.teaching.discussion import DISCUSSION
from labkit.course.unread import plain_python
from labkit.lesson.exercises import EXERCISES, Exercise
from labkit.lesson.questions import QUESTIONS, Question

LIMITS = "## Limits of this result"


@dataclass(frozen=True)
class Taught:
    """A lesson with what its teacher needs. `came_out` holds the answer that its last run gave to a question, by the
    question's name; `promise` its recorded time, `full` that of the full profile, `last` the entry of the last re-run.
    Each may be missing."""

    lesson: Lesson
    limits: str
    exercises: tuple[Exercise, ...]
    questions: dict[str, Question]
    came_out: dict[str, str]
    discussion: tuple[str, ...]
    promise: Promise | None
    full: Promise | None
    last: dict[str, Any] | None


def taught(source: Path, site: Path) -> Taught:
    """What there is to say about the lesson in `source` (notebooks/source/NN_slug.py); `site` is the folder of the last
    re-run, which need not be there. ValueError for an unknown exercise or question, for a lesson without limits, and
    for one without questions to discuss."""
    notebook, lesson = read_source(source)
    trees = list(_trees(notebook))
    checks = [call.args[0].value for tree in trees for call in _calls(tree, "answer")]
    asked = [call.args[0].value for tree in trees for call in _calls(tree, "predict")]
    known = EXERCISES.keys() | QUESTIONS.keys()
    if unknown := [name for name in (*checks, *asked) if name not in known]:
        raise ValueError(f"{source.name} asks {', '.join(unknown)}, which is no exercise or question of the course.")
    if lesson.number not in DISCUSSION:
        raise ValueError(
            f"{source.name} has no questions to discuss: its notes would be incomplete; write some for "
            f"{lesson.number!r} in labkit/course/teaching/discussion.py."
        )
    questions = {name: QUESTIONS[name] for name in asked}
    return Taught(
        lesson=lesson,
        limits=limits(notebook, source.name),
        exercises=tuple(EXERCISES[name] for name in checks),
        questions=questions,
        came_out=_came_out(site, lesson.stem, questions),
        discussion=DISCUSSION[lesson.number],
        promise=promise(source.parents[1], lesson.stem),
        full=promise(source.parents[1], lesson.stem, "full"),
        last=_last(site, lesson.stem),
    )


def limits(notebook: NotebookNode, name: str) -> str:
    """The section on limits, without its heading. ValueError if the lesson has none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and LIMITS in cell.source:
            return cell.source.partition(LIMITS)[2].partition("\n## ")[0].strip()
    raise ValueError(f"{name} has no section {LIMITS!r}: its notes could not say how far its result goes.")


def truths(executed: NotebookNode, questions: dict[str, Question]) -> dict[str, str]:
    """The answer that came out in an executed notebook, by question: read off the verdict below each reveal."""
    found, asked = {}, {}
    for cell in executed.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(plain_python(cell.source))):
            if isinstance(node, ast.Assign) and _name(node.value) == "predict":
                asked[ast.unparse(node.targets[0])] = node.value.args[0].value
            elif _name(node) == "reveal" and (name := asked.get(ast.unparse(node.func.value))) in questions:
                found[name] = _verdict(cell, questions[name])
    return {name: letter for name, letter in found.items() if letter}


def _verdict(cell: NotebookNode, question: Question) -> str | None:
    """The letter of the answer that a cell's outputs say came out."""
    said = "\n".join("".join(output.get("data", {}).get("text/markdown", "")) for output in cell.get("outputs", []))
    for letter, option in question.options.items():
        if f"What came out: **{option}**" in said or f"**{option}**, and that came out" in said:
            return letter
    return None


def _came_out(site: Path, stem: str, questions: dict[str, Question]) -> dict[str, str]:
    path = site / "notebooks" / f"{stem}.ipynb"
    return truths(read_notebook(path), questions) if path.exists() else {}


def _last(site: Path, stem: str) -> dict[str, Any] | None:
    passed = [entry for entry in read_report(site)["lessons"] if entry["status"] == "passed"]
    return next((entry for entry in passed if entry["lesson"] == stem), None)


def _trees(notebook: NotebookNode) -> Iterator[ast.Module]:
    return (ast.parse(plain_python(cell.source)) for cell in notebook.cells if cell.cell_type == "code")


def _calls(tree: ast.Module, function: str) -> Iterator[ast.Call]:
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    return (call for call in found if call.func.id == function)


def _name(node: ast.AST) -> str | None:
    """The last name of what is called: `predict` of predict(...), `reveal` of one.reveal(...)."""
    if not isinstance(node, ast.Call):
        return None
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)


def shape_of(text: str) -> str:
    """A question's text, with the {names} that the lesson fills in as words in italics."""
    return re.sub(r"\{(\w+)\}", r"*\1*", text)
