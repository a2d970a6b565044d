"""What a study is: a question, one thing that varies, what stays the same, the seeds. Checked before anything runs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import torch

from labkit.config import PLACE, Run, choose
from labkit.models import MODELS, build
from labkit.study.factors import FACTORS, Value
from labkit.sweep import grid, name_of
from labkit.tasks import task_of
from labkit.wording import in_one_line

MOST_VALUES, MOST_SEEDS, LONGEST = 8, 20, 300  # what a figure and a page can hold; characters of a question
OWN = ("seed", "model", "folder", "checkpoint_every")  # said elsewhere in a study, or by the sweep


@dataclass(frozen=True, kw_only=True)
class Study:
    """`factor` takes each of `values`, for each of `models`, with each of `seeds`; `same` holds all other settings
    that differ from the usual. The first value is what the others are compared with. With the factor "model" the
    values are the models.

    ValueError for a plan that cannot be carried out or would show nothing; `check` also builds every model, on paper.
    Used in lesson 11.
    """

    question: str
    factor: str
    values: tuple[Value, ...]
    models: tuple[str, ...] = ("vit",)
    seeds: tuple[int, ...] = (0, 1, 2)
    same: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "question", in_one_line(self.question))
        if not 0 < len(self.question) <= LONGEST:
            raise ValueError(
                f"a question of {len(self.question)} characters: it takes 1 to {LONGEST}, or nobody could read what "
                "was asked"
            )
        choose("factor", self.factor, FACTORS)
        self._check_values()
        self._check_models()
        self._check_seeds()
        self._check_same()

    @property
    def axis(self) -> tuple[str, ...]:
        """The models that findings are told apart by: one entry where the models are what varies."""
        return ("",) if self.factor == "model" else self.models

    @property
    def comparisons(self) -> int:
        """How many verdicts the study gives: each value but the first with the first, for each model."""
        return len(self.axis) * (len(self.values) - 1)

    @property
    def name(self) -> str:
        """A name for the study's files: what varies, and eight digits that stand for question and runs."""
        told = json.dumps([self.question, list(map(name_of, self.runs()))])
        return f"{self.factor}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"

    def runs(self) -> list[Run]:
        """All runs, model by model, value by value, seed by seed. ValueError for a setting that no run takes."""
        axes = {"model": self.models, self.factor: self.values, "seed": self.seeds}
        return grid(**{**self.same, **axes})

    def check(self) -> None:
        """Build each kind of model without its numbers. ValueError for what cannot be built, such as a patch size that
        does not divide the image."""
        for run in self.runs():
            if run.seed == self.seeds[0]:
                task = task_of(run)
                with torch.device("meta"):
                    build(run, channels=task.channels, classes=len(task.classes))

    def _check_values(self) -> None:
        kind = FACTORS[self.factor].kind
        if kind is float:
            object.__setattr__(self, "values", tuple(float(v) if type(v) is int else v for v in self.values))
        if wrong := [value for value in self.values if type(value) is not kind]:
            raise ValueError(f"{self.factor}: {wrong[0]!r} is not of type {kind.__name__}, so no run could take it")
        if len(set(self.values)) < len(self.values):
            raise ValueError(f"{self.factor} has a value twice ({_listed(self.values)}): a run would be counted as two")
        if not 2 <= len(self.values) <= MOST_VALUES:
            raise ValueError(
                f"{len(self.values)} value(s) of {self.factor}: it takes 2 to {MOST_VALUES}; with fewer there is "
                "nothing to compare, with more no figure that can be read"
            )

    def _check_models(self) -> None:
        for model in self.models:
            choose("model", model, MODELS)
        if not self.models or len(set(self.models)) < len(self.models):
            raise ValueError(f"models ({_listed(self.models)}): name one or more, each once, or nothing would be shown")
        if self.factor == "model" and self.models != self.values:
            raise ValueError(
                f"models ({_listed(self.models)}) are not the values of the factor ({_listed(self.values)}): the "
                "architecture varies, so they must be"
            )
        owner = FACTORS[self.factor].model
        if owner is not None and self.models != (owner,):
            raise ValueError(
                f"{self.factor} belongs to the model {owner!r} and would have no effect in {_listed(self.models)}: "
                f"study {owner!r} alone"
            )

    def _check_seeds(self) -> None:
        if any(type(seed) is not int for seed in self.seeds) or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds ({_listed(self.seeds)}) must be whole numbers, each once: equal seeds are one run")
        if not 1 <= len(self.seeds) <= MOST_SEEDS:
            raise ValueError(f"{len(self.seeds)} seeds: it takes 1 to {MOST_SEEDS}, and 2 or more to show anything")

    def _check_same(self) -> None:
        if self.factor in self.same:
            raise ValueError(f"{self.factor} cannot both vary and stay the same: leave it out of what stays the same")
        known = [one.name for one in fields(Run) if one.name not in OWN]
        if unknown := [name for name in self.same if name not in known]:
            raise ValueError(f"{_listed(unknown)}: no setting that can stay the same; there are {', '.join(known)}")
        if several := [name for name, value in self.same.items() if isinstance(value, list | tuple)]:
            raise ValueError(f"{_listed(several)}: has several values, but only {self.factor} may vary in this study")

    def settings(self) -> dict[str, Any]:
        """What all runs share and what decides their numbers: each setting that is the same in every run."""
        recipes = [run.recipe() for run in self.runs()]
        shared = {name for name in recipes[0] if all(one.get(name) == recipes[0][name] for one in recipes)}
        silent = {name for name in shared if recipes[0][name] is None}
        return {name: value for name, value in recipes[0].items() if name in shared - silent - {*PLACE, "seed"}}


def _listed(values: object) -> str:
    return ", ".join(map(str, values))
