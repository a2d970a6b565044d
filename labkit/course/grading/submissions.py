"""Finding what students handed in: `FOLDER/<student>/*.ipynb`, or one file a student, `FOLDER/<student>.ipynb`.

Which lesson a notebook is, its own header says (else the two digits that its name begins with), so a file may be
called "01_lesson (2).ipynb". Nothing is followed out of the folder: links are refused. Files are read only if they are
plain files of a sensible size.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.lesson.choices import FILE as PREDICTIONS

LARGEST = 50_000_000  # bytes of a notebook
MOST_BRACKETS = 1_000_000  # of its lists and objects: each takes a hundred times its two bytes once it is read
DEEPEST, MOST_FILES = 3, 2000  # folders below a student's, and files that are looked at in them


class Refused(ValueError):
    """A file that is not read: `state` in a word or two, the message says why."""

    def __init__(self, state: str, why: str) -> None:
        super().__init__(why)
        self.state = state


@dataclass(frozen=True)
class Cell:
    """One code cell: its id ("" where the file has none), its source, and whether its output says "Solved." (None where
    it has no verdict)."""

    id: str
    source: str
    solved: bool | None


@dataclass(frozen=True)
class Handed:
    """One notebook: a hash of its bytes, its code cells, and the number of its lesson; `wrong` if it was refused."""

    path: Path
    number: str
    mark: str
    cells: tuple[Cell, ...]
    wrong: Refused | None = None


@dataclass(frozen=True)
class Student:
    """All that one student handed in."""

    name: str
    notebooks: tuple[Handed, ...]
    choices: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""


def students(folder: Path) -> list[Student]:
    """Everyone in the folder, by name. ValueError if it is no folder, or holds nobody."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: there is nothing to grade")
    found = [
        _in_folder(path) if path.is_dir() and not path.is_symlink() else Student(printable(path.stem), (_handed(path),))
        for path in sorted(folder.iterdir())
        if not path.name.startswith((".", "__")) and (path.is_dir() or path.suffix == ".ipynb")
    ]
    if twice := sorted({one.name for one in found if [other.name for other in found].count(one.name) > 1}):
        raise ValueError(f"{', '.join(twice)} is there as a folder and as a notebook: whose marks would these be?")
    if not found:
        raise ValueError(f"{folder} holds no student: neither a folder nor a notebook")
    return found


def _in_folder(folder: Path) -> Student:
    try:
        files = sorted(_files(folder, DEEPEST))[:MOST_FILES]
    except OSError as error:
        wrong = Refused("refused", f"the folder cannot be read ({error.strerror})")
        return Student(printable(folder.name), (Handed(folder, "", str(wrong), (), wrong),))
    notebooks = tuple(_handed(path) for path in files if path.suffix == ".ipynb")
    choices, remark = {}, ""
    for path in (one for one in files if one.name == PREDICTIONS.name):
        try:
            choices = _json(read_plain(path, most=1_000_000))
        except Refused as error:
            remark = f"{path.name}: {error}"
    return Student(printable(folder.name), notebooks, choices if isinstance(choices, dict) else {}, remark)


def _files(folder: Path, deep: int) -> Iterator[Path]:
    """Files below a folder; links too, which are refused when they are read, but never what they lead to."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if deep and not entry.name.startswith((".", "__")):
                    yield from _files(Path(entry.path), deep - 1)
            else:
                yield Path(entry.path)


def read_plain(path: Path, *, most: int) -> bytes:
    """The bytes of a plain file. Refused for a link, a pipe, a device, and for more than `most` bytes."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        link = path.is_symlink()
        raise Refused("refused", "it is a link, and links are not followed" if link else str(error.strerror)) from error
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise Refused("refused", "it is no plain file")
    with os.fdopen(handle, "rb") as file:
        if about.st_size > most:
            raise Refused("broken notebook", f"it has {about.st_size:,} bytes, and more than {most:,} are not read")
        return file.read(most)


def printable(name: str) -> str:
    """A file's name as people can read it: what is no character, or moves the cursor, is written out."""
    name = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)


def _handed(path: Path) -> Handed:
    number, mark = path.name[:2] if path.name[:2].isdigit() else "", ""
    try:
        content = read_plain(path, most=LARGEST)
        mark = hashlib.sha256(content).hexdigest()
        notebook = _json(content)
        number = _number(notebook) or number
        return Handed(path, number, mark, tuple(_cells(notebook)))
    except Refused as error:
        return Handed(path, number, mark or str(error), (), error)


def _json(content: bytes) -> Any:
    if content.count(b"[") + content.count(b"{") > MOST_BRACKETS:
        raise Refused("broken notebook", f"it has more than {MOST_BRACKETS:,} lists and objects")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        said = "it is nested too deep" if isinstance(error, RecursionError) else f"it is not JSON ({error})"
        raise Refused("broken notebook", said) from error


def _number(notebook: Any) -> str:
    """The number of its lesson, as its header says."""
    try:
        number = notebook["metadata"]["labkit"]["number"]
    except (KeyError, TypeError, IndexError):
        return ""
    return number if isinstance(number, str) else ""


def _cells(notebook: Any) -> Iterator[Cell]:
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Refused("broken notebook", "it has no list of cells")
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            name = cell.get("id")
            yield Cell(name if isinstance(name, str) else "", _text(cell.get("source")), _solved(cell.get("outputs")))


def _text(source: Any) -> str:
    """A text that a notebook holds as one or as lines."""
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _solved(outputs: Any) -> bool | None:
    """What a check's output says, if it is one."""
    for output in outputs if isinstance(outputs, list) else []:
        data = output.get("data") if isinstance(output, dict) else None
        said = _text(data.get("text/markdown")) if isinstance(data, dict) else ""
        if said.startswith(("✓ **Solved.**", "✗ **Not right yet.**", "○ **Not solved yet.**")):
            return said.startswith("✓")
    return None
