"""What a lesson asks: its exercises and questions, read from the course's own edition, never from a submission."""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from labkit.course.files import read_notebook
from labkit.course.unread import plain_python
from labkit.lesson.exercises import EXERCISES, Exercise
from labkit.lesson.questions import QUESTIONS


@dataclass(frozen=True)
class Check:
    """One exercise of a lesson: the function that is asked for, the cell where it is to be written, and the cell that
    checks it, by their ids; `before` are the code cells up to the check."""

    exercise: Exercise
    function: str
    place: str
    cell: str
    source: str  # of the checking cell
    before: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """One lesson as it is graded. `imports` is what its cells import, solutions included; `mark` changes with it."""

    stem: str
    number: str
    checks: tuple[Check, ...]
    questions: tuple[str, ...]
    imports: frozenset[str]
    mark: str


def asked(notebooks: Path, exercises: Mapping[str, Exercise] = EXERCISES) -> dict[str, Asked]:
    """Every lesson of the course by its stem, in order. ValueError where there is none, or a check has no exercise."""
    paths = sorted(notebooks.glob("*.ipynb"))
    if not paths:
        raise ValueError(f"there is no lesson in {notebooks}: nothing to grade by; `labkit editions` builds them")
    return {path.stem: _asked(path, exercises) for path in paths}


def _asked(path: Path, exercises: Mapping[str, Exercise]) -> Asked:
    notebook = read_notebook(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    trees = [ast.parse(plain_python(cell.source)) for cell in code]
    found = [
        _check(code, index, call, exercises, path.stem)
        for index, tree in enumerate(trees)
        for call in _calls(tree, "answer")
    ]
    questions = [call.args[0].value for tree in trees for call in _calls(tree, "predict")]
    if unknown := [name for name in questions if name not in QUESTIONS]:
        raise ValueError(f"{path.name} asks {', '.join(unknown)}, which is no question of the course")
    solved = path.parent / "solved" / path.name
    solutions = [cell for cell in read_notebook(solved).cells if cell.cell_type == "code"] if solved.exists() else []
    trees += [ast.parse(plain_python(cell.source)) for cell in solutions]
    imports = frozenset(name for tree in trees for name in imported(tree))
    mark = hashlib.sha256(path.read_bytes()).hexdigest()
    return Asked(path.stem, path.stem[:2], tuple(found), tuple(questions), imports, mark)


def _check(code: list[NotebookNode], index: int, call: ast.Call, exercises: Mapping[str, Exercise], stem: str) -> Check:
    name, function = call.args[0].value, call.args[1].id
    if name not in exercises:
        raise ValueError(f"{stem} checks {name!r}, which is no exercise of the course")
    before = code[:index]
    places = [cell for cell in before if f"def {function}(" in cell.source] or [code[index]]
    sources = tuple(cell.source for cell in before)
    return Check(exercises[name], function, places[-1].id, code[index].id, code[index].source, sources)


def _calls(tree: ast.Module, function: str) -> Iterator[ast.Call]:
    """Calls such as answer("01-count", my_count), whose first argument is written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
            yield node


def imported(tree: ast.AST) -> Iterator[str]:
    """What some code imports, with its module's name: `math`, `labkit.stats.mean`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)
