"""A study as a small file that a sweep takes as well: `labkit sweep study.toml FOLDER` trains the same runs.

[study]                     # what was asked, and what varies; a sweep reads past it
question = "Do smaller patches help?"
factor = "patch_size"

[same]
steps = 150

[[grid]]
model = ["vit"]
patch_size = [16, 8, 4]
seed = [0, 1, 2]
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.study.plan import Study
from labkit.wording import in_one_line

FIRST = "# A study of Patch Lab. It is trained from a shell by: labkit sweep study.toml FOLDER\n"


def as_toml(study: Study) -> str:
    """The study as text of a file. Used in lesson 11."""
    tables = {
        "[study]": {"question": study.question, "factor": study.factor},
        "[same]": study.same,
        "[[grid]]": {"model": study.models} | {study.factor: study.values, "seed": study.seeds},
    }
    return FIRST + "".join(
        f"\n{name}\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )


def read_study(path: Path) -> Study:
    """The study in the file. ValueError for a file that is none, with what is wrong in it. Used in lesson 11."""
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a study: {in_one_line(error)}") from error
    about, grids = told.pop("study", None), told.pop("grid", [])
    words = about.values() if isinstance(about, Mapping) else ()
    if not words or set(about) != {"question", "factor"} or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{path} must hold [study] with question and factor: without it, it is a sweep and no study")
    same, factor = told.pop("same", {}), about["factor"]
    axes = dict(grids[0]) if isinstance(grids, list) and len(grids) == 1 and isinstance(grids[0], Mapping) else {}
    if told or not isinstance(same, Mapping) or not {"model", "seed", factor} <= axes.keys():
        raise ValueError(
            f"{path} must hold [study], [same] and one [[grid]] with model, seed and {factor}: a study varies one thing"
        )
    lists = {name: _as_tuple(axes.pop(name)) for name in {"model", "seed", factor}}
    return Study(question=about["question"], factor=factor, values=lists[factor], models=lists["model"],
                 seeds=lists["seed"], same={**same, **axes})  # fmt: skip


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _toml(value: Any) -> str:
    """A value as TOML writes it: JSON's words and strings, Python's numbers."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
