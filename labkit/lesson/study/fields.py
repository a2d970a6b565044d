"""The fields of a study's form, filled from a study and read back as one."""

import tomllib
from collections.abc import Callable
from dataclasses import fields as fields_of
from typing import Any

import ipywidgets as widgets

from labkit.config import Run
from labkit.study import FACTORS, READY, Study, values_from
from labkit.study.factors import MODEL_WORDS

OWN = "in my own words"
SHOWN = ("patch_size", "steps", "learning_rate")  # what stays the same and has a field of its own
SUGGESTED = {ready.factor: ready.values for ready in reversed(READY.values())}  # values to begin with
WIDE = {"style": {"description_width": "150px"}, "layout": {"width": "100%", "max_width": "720px"}}
NARROW = {"style": {"description_width": "150px"}, "layout": {"width": "300px"}}


class Fields:
    """All fields, in `box`; `changed` is called when a person has changed one of them. Used in lesson 11."""

    def __init__(self, study: Study, changed: Callable[[], None]) -> None:
        self._changed, self._quiet = changed, False
        late = {"continuous_update": False}  # a value counts when its field is left
        questions = [(ready.question, name) for name, ready in READY.items()]
        self.question = widgets.Dropdown(options=[*questions, (OWN, "")], description="question", **WIDE)
        self.words = widgets.Text(description=OWN, **late, **WIDE)
        self.factor = widgets.Dropdown(options=[(f.words, name) for name, f in FACTORS.items()],
                                       description="what varies", **NARROW)  # fmt: skip
        self.values = widgets.Text(description="its values", placeholder="16, 8, 4", **late, **WIDE)
        both = [((model,), words) for model, words in MODEL_WORDS.items()]
        self.models = widgets.Dropdown(options=[*((words, one) for one, words in both), ("both", tuple(MODEL_WORDS))],
                                       description="architecture", **NARROW)  # fmt: skip
        self.patch_size = widgets.IntText(description="patch size p", **late, **NARROW)
        self.steps = widgets.IntText(description="training steps", **late, **NARROW)
        self.learning_rate = widgets.FloatText(description="learning rate", **late, **NARROW)
        self.seeds = widgets.IntText(description="seeds", **late, **NARROW)
        self.others = widgets.Text(description="other settings", placeholder="width = 32, depth = 2", **late,
                                   **WIDE)  # fmt: skip
        self.every = [self.question, self.words, self.factor, self.values, self.models, self.patch_size, self.steps,
                      self.learning_rate, self.seeds, self.others]  # fmt: skip
        self.box = widgets.VBox(self.every)
        self.fill(study)
        for one in self.every:
            one.observe(self._told, "value")

    def fill(self, study: Study) -> None:
        """Show a study, as far as there are fields for it: its seeds count from 0."""
        same, usual = dict(study.same), Run()
        ready = next((name for name, one in READY.items() if one.question == study.question), "")
        self.question.value, self.words.value = ready, study.question
        self.factor.value = study.factor
        self.values.value = _listed(study.values)
        self.models.value = study.models if study.models in dict(self.models.options).values() else tuple(MODEL_WORDS)
        for name in SHOWN:
            getattr(self, name).value = same.pop(name, getattr(usual, name))
        self.seeds.value = len(study.seeds)
        self.others.value = ", ".join(f"{name} = {_written(value)}" for name, value in same.items())
        self._enable()

    def study(self) -> Study:
        """What stands in the fields. ValueError, in words, for what is no study."""
        factor = self.factor.value
        values = values_from(self.values.value, factor)
        same = {name: getattr(self, name).value for name in SHOWN if name != factor}
        ready = READY.get(self.question.value)
        return Study(
            question=self.words.value if ready is None else ready.question,
            factor=factor,
            values=values,
            models=values if factor == "model" else self.models.value,
            seeds=tuple(range(self.seeds.value)),
            same={**same, **settings_from(self.others.value)},
        )

    def lock(self, locked: bool) -> None:
        """While a study runs, its plan stands."""
        self._enable()
        for one in self.every:
            one.disabled = locked or one.disabled

    def _told(self, change: dict[str, Any]) -> None:
        if self._quiet:
            return
        self._quiet = True  # what follows from a change is no change of its own
        try:
            self._follow(change["owner"])
        finally:
            self._quiet = False
        self._changed()

    def _follow(self, owner: widgets.Widget) -> None:
        """A ready question brings its plan; another factor brings values to begin with, and makes the question one's
        own."""
        ready = READY.get(self.question.value)
        if owner is self.question and ready is not None:
            self.words.value, self.factor.value = ready.question, ready.factor
            self.values.value, self.models.value = _listed(ready.values), ready.models
            for name, value in ready.same.items():
                getattr(self, name).value = value
        elif owner is self.factor:
            self.values.value = _listed(SUGGESTED.get(self.factor.value, ()))
            belongs = FACTORS[self.factor.value].model
            self.models.value = (belongs,) if belongs else self.models.value
            self.question.value = self.question.value if ready and ready.factor == self.factor.value else ""
        self._enable()

    def _enable(self) -> None:
        """What has no effect cannot be filled in."""
        factor = self.factor.value
        for one in self.every:
            one.disabled = False
        self.words.disabled = self.question.value != ""
        self.models.disabled = factor == "model" or FACTORS[factor].model is not None
        for name in SHOWN:
            getattr(self, name).disabled = name == factor


def settings_from(text: str) -> dict[str, Any]:
    """Settings that a person wrote: "width = 32, depth = 2". ValueError for what has no name or no value."""
    found: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.replace(";", ",").split(","))):
        name, sign, word = (piece.strip() for piece in part.partition("="))
        if not (name and sign and word):
            raise ValueError(f"other settings: {part!r} is not NAME = VALUE, so it would have no effect")
        if name in SHOWN or name == "seed" or name in found:
            raise ValueError(f"other settings: {name} is set twice or has a field of its own; only one could count")
        try:
            found[name] = tomllib.loads(f"value = {word}")["value"]
        except tomllib.TOMLDecodeError:
            found[name] = word
    if unknown := [name for name in found if name not in {one.name for one in fields_of(Run)}]:
        raise ValueError(f"other settings: a run has no {', '.join(unknown)}, so it would have no effect")
    return found


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join(map(_written, values))


def _written(value: Any) -> str:
    """A value as the fields are read."""
    return str(value).lower() if isinstance(value, bool) else str(value)
