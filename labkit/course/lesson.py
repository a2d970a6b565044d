"""What a lesson says about itself: the `labkit` mapping of its header, read strictly.

Source files, editions and executed notebooks all carry the same mapping, so all three are read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nbformat import NotebookNode

from labkit.course.parameters import Parameter, assigned, read_parameter

STEM = re.compile(r"(\d\d)_([a-z0-9_]+)")
KEYS: dict[str, type] = {
    "number": str, "title": str, "summary": str, "objectives": list, "working_minutes": int, "measures_time": bool,
    "timeout_seconds": int, "parameters": dict,
}  # fmt: skip
OPTIONAL = ("builds_on",)


@dataclass(frozen=True)
class Objective:
    """Something that the reader can do afterwards, and the name of the exercise that shows it."""

    text: str
    check: str


@dataclass(frozen=True)
class Lesson:
    """One lesson. `stem` is its file name without ending; `working_minutes` is an estimate, the time-out a limit."""

    stem: str
    number: str
    title: str
    summary: str
    objectives: tuple[Objective, ...]
    working_minutes: int
    measures_time: bool
    timeout_seconds: int
    parameters: dict[str, Parameter]
    builds_on: tuple[str, ...] = ()  # numbers of the lessons that should be done first

    @property
    def slug(self) -> str:
        """The stem without its number."""
        return self.stem.partition("_")[2]


def read_lesson(notebook: NotebookNode, stem: str) -> Lesson:
    """The lesson that a notebook's metadata and parameters cell describe; a ValueError says what is wrong there."""
    header = notebook.metadata.get("labkit")
    if not isinstance(header, Mapping):
        raise ValueError("the header has no `labkit` mapping: it is not a lesson of this course")
    header = {key: value for key, value in header.items() if key != "edition"}
    _check_keys(header)
    number = STEM.fullmatch(stem)
    if number is None or header["number"] != number[1]:
        raise ValueError(
            f"number {header['number']!r} does not fit the file name {stem}, which must be NN_slug with the same NN "
            "(two digits, slug in small letters): the lessons would stand in the wrong order"
        )
    return Lesson(
        stem=stem,
        objectives=tuple(_objective(entry) for entry in header["objectives"]),
        parameters=_parameters(header["parameters"], notebook),
        builds_on=_builds_on(header.get("builds_on", []), header["number"]),
        **{key: header[key] for key in KEYS if key not in ("objectives", "parameters")},
    )


def _check_keys(header: Mapping[str, object]) -> None:
    if missing := [key for key in KEYS if key not in header]:
        raise ValueError(f"the header lacks {', '.join(missing)}: the index and the re-run need every key")
    if unknown := [key for key in header if key not in (*KEYS, *OPTIONAL)]:
        raise ValueError(f"the header has the unknown key {', '.join(unknown)}: it would have no effect")
    for key, kind in KEYS.items():
        if type(header[key]) is not kind and not (kind is dict and isinstance(header[key], Mapping)):
            raise ValueError(f'{key} is {header[key]!r}, not of type {kind.__name__} (a number in quotes: "01")')
        if kind is int and header[key] < 1:
            raise ValueError(f"{key} is {header[key]}: it must be at least 1")


def _builds_on(numbers: object, own: str) -> tuple[str, ...]:
    if not isinstance(numbers, list) or not all(isinstance(one, str) and one < own for one in numbers):
        raise ValueError(f'builds_on is {numbers!r}: it takes numbers of earlier lessons in quotes, as in ["00", "01"]')
    return tuple(numbers)


def _objective(entry: object) -> Objective:
    if not isinstance(entry, Mapping) or set(entry) != {"text", "check"}:
        raise ValueError(f"objective {entry!r} must have the keys text and check: an objective without check is a wish")
    return Objective(entry["text"], entry["check"])


def _parameters(entries: Mapping[str, object], notebook: NotebookNode) -> dict[str, Parameter]:
    values = assigned(notebook)
    if only_header := [name for name in entries if name not in values]:
        raise ValueError(
            f"{', '.join(only_header)} stands in the header but not in the parameters cell: no quick value"
        )
    if only_cell := [name for name in values if name not in entries]:
        raise ValueError(
            f"{', '.join(only_cell)} stands in the parameters cell but not in the header: nothing checks it"
        )
    return {name: read_parameter(name, entries[name], value) for name, value in values.items()}


def first_line(source: str) -> str:
    """The first line that says something, shortened: how a message names a cell."""
    return next((line.strip()[:80] for line in source.splitlines() if line.strip()), "empty")
