"""What a sweep consists of: a grid, written as one call, one Python function or one small TOML file.

[same]                      # what all runs share
steps = 600

[[grid]]                    # each grid is crossed by itself; a list is an axis
model = ["vit", "adventurer"]
patch_size = [16, 8, 4]
seed = [0, 1, 2]

A table [study] may stand beside them: it says what is asked (labkit.study), and changes no run.
"""

import importlib.util
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

from labkit.config import PLACE, Run
from labkit.sweep.folder import name_of
from labkit.wording import in_one_line

NOT_HERE = ("folder",)  # the sweep gives each run its own


def grid(**axes: Any) -> list[Run]:
    """Every combination of the axes: a list or tuple is an axis, any other value is shared by all runs. The last axis
    moves fastest. ValueError for a name or a value that Run does not take, and for an empty axis. Used in lesson 06.

    >>> [run.patch_size for run in grid(patch_size=[16, 8], steps=10)]
    [16, 8]
    """
    known = [field.name for field in fields(Run) if field.name not in NOT_HERE]
    if unknown := [name for name in axes if name not in known]:
        raise ValueError(f"{', '.join(unknown)}: no such axis; a run has {', '.join(known)}. Nothing was started")
    values = {name: value if isinstance(value, list | tuple) else [value] for name, value in axes.items()}
    if several := [name for name in PLACE if len(values.get(name, [0])) > 1]:
        raise ValueError(f"{', '.join(several)}: no axis, because it changes no number: such runs would be one")
    if empty := [name for name, value in values.items() if not len(value)]:
        raise ValueError(f"{', '.join(empty)}: an axis without a value leaves no run at all")
    return [Run(**dict(zip(values, chosen, strict=True))) for chosen in product(*values.values())]


def described(source: str) -> list[Run]:
    """The runs that FILE.toml describes, or those that FILE.py:FUNCTION returns, each once.

    ValueError if the file is not there, cannot be read, or describes something else than runs.
    """
    path, _, function = source.partition(":") if ".py:" in source else (source, "", "")
    if not Path(path).is_file():
        raise ValueError(f"{path} is not a file: a sweep is described by FILE.toml or FILE.py:FUNCTION")
    if path.endswith(".py") and not function:
        raise ValueError(f"{path} is a Python file: name the function that returns the runs, {path}:FUNCTION")
    runs = _called(Path(path), function) if function else _read(Path(path))
    return list({name_of(run): run for run in runs}.values())


def _called(path: Path, function: str) -> list[Run]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(getattr(module, function, None)):
        raise ValueError(f"{path} has no function {function!r}: nothing was started")
    runs = getattr(module, function)()
    if not isinstance(runs, Iterable) or not (runs := list(runs)) or not all(isinstance(run, Run) for run in runs):
        raise ValueError(f"{function} in {path} must return runs (labkit.config.Run), one or more: nothing was started")
    if any(run.folder for run in runs):
        raise ValueError(f"{function} in {path} gives runs a folder: the sweep gives each its own; nothing was started")
    return runs


def _read(path: Path) -> list[Run]:
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {in_one_line(error)}. Nothing was started") from error
    same, grids = told.pop("same", {}), told.pop("grid", [])
    study = told.pop("study", {})
    if told or not _are_tables(same, grids) or not isinstance(study, Mapping):
        raise ValueError(f"{path} must hold [[grid]] once or more, [same] and [study] if you like, and nothing else")
    return [run for axes in grids for run in grid(**{**same, **axes})]


def _are_tables(same: Any, grids: Any) -> bool:
    tables = isinstance(grids, list) and bool(grids) and all(isinstance(axes, Mapping) for axes in grids)
    return tables and isinstance(same, Mapping)
