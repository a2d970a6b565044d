"""What will be run: the chosen lessons and every value that each of them gets. Nothing has started yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from labkit.course.files import read_notebook
from labkit.course.lesson import Lesson, read_lesson
from labkit.course.parameters import PROFILES, Value, resolve
from labkit.course.unread import unread

FULL_TIMEOUT_FACTOR = 20


@dataclass(frozen=True)
class Run:
    """One lesson that will be run: its solved edition, all its values, its wall-clock limit in seconds."""

    lesson: Lesson
    notebook: Path
    parameters: dict[str, Value]
    timeout: int


@dataclass(frozen=True)
class Solved:
    """The solved edition of one lesson, read."""

    lesson: Lesson
    path: Path
    notebook: NotebookNode


def plan(
    names: Sequence[str],
    *,
    profile: str,
    overrides: Mapping[str, object],
    notebooks: Path,
    timeout: int | None = None,
) -> list[Run]:
    """The runs, in the order of the lessons; a ValueError for any name or value that does not fit, and for a parameter
    that no cell reads. `timeout` in seconds holds for every lesson; None leaves each its own."""
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r} is not one of {', '.join(PROFILES)}: nothing was run.")
    if timeout is not None and timeout < 1:
        raise ValueError(f"timeout is {timeout} s: with less than 1 every lesson would be ended at once.")
    chosen = _choose(names, _solved(notebooks))
    known = {name for one in chosen for name in one.lesson.parameters}
    if unknown := [name for name in overrides if name not in known]:
        raise ValueError(
            f"no chosen lesson has a parameter called {', '.join(unknown)}; there are: "
            f"{', '.join(sorted(known)) or 'none'}. Nothing was run."
        )
    return [_run(one, profile, overrides, timeout) for one in chosen]


def _run(one: Solved, profile: str, overrides: Mapping[str, object], timeout: int | None) -> Run:
    lesson = one.lesson
    own = {name: value for name, value in overrides.items() if name in lesson.parameters}
    try:
        values = resolve(lesson.parameters, profile=profile, overrides=own)
        if names := unread(one.notebook):
            raise ValueError(f"no cell reads the parameter {', '.join(names)}: changing it would have no effect")
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"lesson {lesson.stem}: {error}. Nothing was run.") from error
    factor = FULL_TIMEOUT_FACTOR if profile == "full" else 1
    return Run(lesson, one.path, values, timeout or lesson.timeout_seconds * factor)


def _solved(notebooks: Path) -> list[Solved]:
    paths = sorted((notebooks / "solved").glob("*.ipynb"))
    if not paths:
        raise ValueError(
            f"there is no notebook in {notebooks / 'solved'}: nothing to run; `labkit editions` builds them."
        )
    lessons = []
    for path in paths:
        try:
            notebook = read_notebook(path)
            lessons.append(Solved(read_lesson(notebook, path.stem), path, notebook))
        except (ValueError, SyntaxError) as error:
            raise ValueError(f"solved/{path.name}: {error}. `labkit editions` builds it anew.") from error
    return lessons


def _choose(names: Sequence[str], lessons: list[Solved]) -> list[Solved]:
    for name in names:
        if not any(name in _names(one.lesson) for one in lessons):
            there = ", ".join(one.lesson.stem for one in lessons)
            raise ValueError(f"there is no lesson {name!r}; there are: {there}. Nothing was run.")
    return [one for one in lessons if not names or _names(one.lesson) & set(names)]


def _names(lesson: Lesson) -> set[str]:
    """What a lesson may be called by."""
    return {lesson.stem, lesson.slug, lesson.number}
