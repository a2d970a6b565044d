"""What a study's runs show: test losses with intervals, paired differences, and a verdict that may be "not shown".

Runs with the same seed see the same training images in the same order, so recipes are compared seed by seed. Each
verdict takes its share of the 5 % (Bonferroni): all of them together are wrong in at most one study of twenty.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from labkit.stats import Interval, Verdict, better, interval, paired
from labkit.study.factors import MODEL_WORDS, Value, told
from labkit.study.plan import Study
from labkit.sweep import grid, name_of

CONFIDENCE = 0.95  # of all verdicts together


class Place(NamedTuple):
    """One value of the factor in one model: test losses (nats) and accuracies by seed, and the record of one run."""

    model: str
    value: Value
    label: str
    losses: dict[int, float]
    accuracies: dict[int, float]
    record: Mapping[str, Any] | None

    @property
    def mean(self) -> Interval | None:
        """The mean test loss and its own 95 % interval over seeds; None without a run."""
        return interval(list(self.losses.values())) if self.losses else None


class Comparison(NamedTuple):
    """`other` against the study's first value in one model. `difference` (nats) is other minus first over pairs of
    seeds; None where runs are missing, and `why` says so. "yes": other is shown to be better."""

    first: Place
    other: Place
    difference: Interval | None
    verdict: Verdict
    why: str


class Findings(NamedTuple):
    """All of it, with the records it comes from and the errors of runs that failed, by name."""

    study: Study
    places: list[Place]
    comparisons: list[Comparison]
    records: list[Mapping[str, Any]]
    failed: dict[str, str]

    @property
    def missing(self) -> int:
        """How many runs of the plan have neither finished nor failed."""
        return len(self.study.runs()) - len(self.records) - len(self.failed)


def findings_of(study: Study, lines: Sequence[Mapping[str, Any]], failed: Mapping[str, str] | None = None) -> Findings:
    """What the records of finished runs say about the study; records of other runs are left aside. Used in lesson
    11."""
    by_name = {line["name"]: line for line in lines}
    names = [name_of(run) for run in study.runs()]
    places = [_place(study, model, value, by_name) for model in study.axis for value in study.values]
    comparisons = [
        _compared(study, next(one for one in places if one.model == place.model), place)
        for place in places
        if place.value != study.values[0]
    ]
    mine = [by_name[name] for name in names if name in by_name]
    errors = {name: error for name, error in (failed or {}).items() if name in names and name not in by_name}
    return Findings(study, places, comparisons, mine, errors)


def _place(study: Study, model: str, value: Value, by_name: Mapping[str, Mapping[str, Any]]) -> Place:
    axes = {**study.same, "model": model, study.factor: value}
    runs = {seed: grid(**{**axes, "seed": seed})[0] for seed in study.seeds}
    found = {seed: by_name[name_of(run)] for seed, run in runs.items() if name_of(run) in by_name}
    return Place(
        model=MODEL_WORDS.get(model, model),
        value=value,
        label=told(study.factor, value),
        losses={seed: line["test_loss"] for seed, line in found.items()},
        accuracies={seed: line["test_accuracy"] for seed, line in found.items()},
        record=next(iter(found.values()), None),
    )


def _compared(study: Study, first: Place, other: Place) -> Comparison:
    lacking = 2 * len(study.seeds) - len(first.losses) - len(other.losses)
    if lacking:
        why = f"{lacking} of their {2 * len(study.seeds)} runs failed or did not finish"
        return Comparison(first, other, None, "not shown", why)
    confidence = 1 - (1 - CONFIDENCE) / study.comparisons
    a, b = list(first.losses.values()), list(other.losses.values())
    difference = paired(a, b, confidence=confidence)
    verdict = better(b, a, paired=True, confidence=confidence)
    why = "" if difference.method == "paired t" else difference.method
    return Comparison(first, other, difference, verdict, why)
