"""What will be run: the chosen lessons and every value that each of them gets. Nothing has started yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from labkit.course.lesson import Lesson, read_lesson
from labkit.course.parameters import PROFILES, Value, resolve

FULL_TIMEOUT_FACTOR = 20


@dataclass(frozen=True)
class Run:
    """One lesson that will be run: its solved edition, all its values, its wall-clock limit in seconds."""

    lesson: Lesson
    notebook: Path
    parameters: dict[str, Value]
    timeout: int


def plan(names: Sequence[str], *, profile: str, overrides: Mapping[str, object], notebooks: Path) -> list[Run]:
    """The runs, in the order of the lessons; a ValueError for any name or value that does not fit."""
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r} is not one of {', '.join(PROFILES)}: nothing was run.")
    chosen = _choose(names, _solved(notebooks))
    known = {name for lesson, _ in chosen for name in lesson.parameters}
    if unknown := [name for name in overrides if name not in known]:
        raise ValueError(
            f"no chosen lesson has a parameter called {', '.join(unknown)}; there are: "
            f"{', '.join(sorted(known)) or 'none'}. Nothing was run."
        )
    return [_run(lesson, path, profile, overrides) for lesson, path in chosen]


def _run(lesson: Lesson, path: Path, profile: str, overrides: Mapping[str, object]) -> Run:
    own = {name: value for name, value in overrides.items() if name in lesson.parameters}
    try:
        values = resolve(lesson.parameters, profile=profile, overrides=own)
    except ValueError as error:
        raise ValueError(f"lesson {lesson.stem}: {error}. Nothing was run.") from error
    factor = FULL_TIMEOUT_FACTOR if profile == "full" else 1
    return Run(lesson, path, values, lesson.timeout_seconds * factor)


def _solved(notebooks: Path) -> list[tuple[Lesson, Path]]:
    paths = sorted((notebooks / "solved").glob("*.ipynb"))
    if not paths:
        raise ValueError(
            f"there is no notebook in {notebooks / 'solved'}: nothing to run; `labkit editions` builds them."
        )
    lessons = []
    for path in paths:
        try:
            lessons.append((read_lesson(nbformat.read(path, as_version=4), path.stem), path))
        except ValueError as error:
            raise ValueError(f"solved/{path.name}: {error}. `labkit editions` builds it anew.") from error
    return lessons


def _choose(names: Sequence[str], lessons: list[tuple[Lesson, Path]]) -> list[tuple[Lesson, Path]]:
    for name in names:
        if not any(name in _names(lesson) for lesson, _ in lessons):
            there = ", ".join(lesson.stem for lesson, _ in lessons)
            raise ValueError(f"there is no lesson {name!r}; there are: {there}. Nothing was run.")
    return [(lesson, path) for lesson, path in lessons if not names or _names(lesson) & set(names)]


def _names(lesson: Lesson) -> set[str]:
    """What a lesson may be called by."""
    return {lesson.stem, lesson.slug, lesson.number}
