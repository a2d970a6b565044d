"""A lesson's parameters: what each one may be, and the values that one run takes.

The header of a lesson gives type, range or choices, and the value for the full profile; the cell tagged `parameters`
gives the values of the quick profile. Everything is checked here before anything starts, because papermill only warns
about a wrong name and passes any value on.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from nbformat import NotebookNode

Value: TypeAlias = int | float | str | bool

KINDS: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
KEYS = {"type", "choices", "low", "high", "full", "about"}
PROFILES = ("quick", "full")


@dataclass(frozen=True)
class Parameter:
    """One parameter. `default` is its value in the quick profile, `full` the one in the full profile."""

    name: str
    kind: str
    default: Value
    full: Value
    choices: tuple[Value, ...]
    low: int | float | None
    high: int | float | None
    about: str

    def accept(self, value: object) -> Value:
        """The value in the declared type (text is read as that type), or a ValueError that names the rule."""
        value = self._in_type(self._parse(value) if isinstance(value, str) else value)
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} = {value!r} is not one of {', '.join(map(repr, self.choices))}")
        if self.low is not None and not self.low <= value <= self.high:
            raise ValueError(f"{self.name} = {value!r} is outside its range, {self.low} to {self.high}")
        return value

    def _parse(self, text: str) -> object:
        try:
            if self.kind == "bool":
                return {"true": True, "false": False}[text.lower()]
            return KINDS[self.kind](text)
        except (ValueError, KeyError):
            return text

    def _in_type(self, value: object) -> Value:
        if self.kind == "float" and type(value) is int:
            value = float(value)
        if type(value) is not KINDS[self.kind]:
            raise ValueError(f"{self.name} = {value!r} is of type {type(value).__name__}, not {self.kind}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{self.name} = {value!r} is not a finite number")
        return value


def read_parameter(name: str, entry: object, default: Value) -> Parameter:
    """One entry of the header's `parameters` mapping, checked together with its value in the parameters cell."""
    if not isinstance(entry, Mapping) or entry.get("type") not in KINDS:
        raise ValueError(f"parameter {name} needs a type, one of {', '.join(KINDS)}: its values could not be checked")
    if unknown := set(entry) - KEYS:
        raise ValueError(f"parameter {name} has the unknown keys {sorted(unknown)}: they would have no effect")
    if not isinstance(entry.get("about"), str):
        raise ValueError(f"parameter {name} has no sentence `about`: the reader could not tell what it does")
    _check_limits(name, entry)
    open_ended = Parameter(name, entry["type"], default, default, (), None, None, entry["about"])
    limited = replace(
        open_ended,
        choices=tuple(open_ended.accept(choice) for choice in entry.get("choices", ())),
        low=open_ended.accept(entry["low"]) if "low" in entry else None,
        high=open_ended.accept(entry["high"]) if "high" in entry else None,
    )
    return replace(limited, default=limited.accept(default), full=limited.accept(entry.get("full", default)))


def _check_limits(name: str, entry: Mapping[str, object]) -> None:
    ranged, numeric = "low" in entry or "high" in entry, entry["type"] in ("int", "float")
    if ranged and not (numeric and "low" in entry and "high" in entry):
        raise ValueError(f"parameter {name}: low and high come together, and only for an int or a float")
    if numeric and ranged == bool(entry.get("choices")):
        raise ValueError(f"parameter {name} needs either choices or low and high: any number would be let through")
    if ranged and entry["low"] > entry["high"]:
        raise ValueError(f"parameter {name}: low {entry['low']} is above high {entry['high']}: no value would fit")


def assigned(notebook: NotebookNode) -> dict[str, Value]:
    """The plain assignments of the cell tagged `parameters`, in their order."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(
            f"{len(cells)} cells are tagged `parameters`, exactly one must be: papermill writes the values of a run "
            "behind that cell, and without it the lesson could not be re-run with other values"
        )
    values: dict[str, Value] = {}
    for node in ast.parse(cells[0].source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else node
        target = target.target if isinstance(target, ast.AnnAssign) else target
        try:
            values[target.id] = ast.literal_eval(node.value)
        except (AttributeError, TypeError, ValueError):
            raise ValueError(
                f"the parameters cell holds `{ast.unparse(node)}`, and only `name = value` with a plain value may "
                "stand there: a re-run could not replace it"
            ) from None
    return values


def resolve(
    parameters: Mapping[str, Parameter], *, profile: str = "quick", overrides: Mapping[str, object] | None = None
) -> dict[str, Value]:
    """All values of one run of one lesson: the profile's, and over them the overrides."""
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r} is not one of {', '.join(PROFILES)}: nothing was run")
    overrides = overrides or {}
    if unknown := [name for name in overrides if name not in parameters]:
        raise ValueError(f"no parameter is called {', '.join(unknown)}; there are: {', '.join(parameters) or 'none'}")
    values = {name: one.full if profile == "full" else one.default for name, one in parameters.items()}
    return values | {name: parameters[name].accept(value) for name, value in overrides.items()}
