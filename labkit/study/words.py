"""Findings in sentences: what is shown, what is not, and what the result does not say."""

import math

from labkit.stats import Verdict
from labkit.study.factors import FACTORS
from labkit.study.findings import CONFIDENCE, Comparison, Findings
from labkit.wording import first_few

WORDS: dict[Verdict, str] = {
    "yes": "shown to be better",
    "no": "shown to be worse",
    "not shown": "not shown to differ",
}


def verdict_in_words(one: Comparison) -> str:
    """One comparison, never in stronger words than it allows. Used in lesson 11."""
    who = f"{one.first.model}: " if one.first.model else ""
    pair = f"{who}{one.other.label}"
    if one.difference is None:
        return f"{pair} is not shown to differ from {one.first.label}: {one.why}."
    low, high = one.difference.low, one.difference.high
    if one.verdict == "not shown":
        reason = f"there is no interval ({one.why})" if math.isinf(low) else (
            f"other minus first lies between {low:+.3f} and {high:+.3f} nats, so zero is not excluded"
        )  # fmt: skip
        return f"{pair} is not shown to differ from {one.first.label}: {reason}."
    word, change = ("better", "lower") if one.verdict == "yes" else ("worse", "higher")
    ends = sorted((abs(low), abs(high)))
    return (
        f"{pair} is shown to be {word} than {one.first.label}: its test loss is {change} by {ends[0]:.3f} to "
        f"{ends[1]:.3f} nats ({one.difference.n} pairs of seeds)."
    )


def answer_in_words(found: Findings) -> str:
    """What the verdicts are, all of them in one sentence. Used in lesson 11."""
    lists = {verdict: _named(found, verdict) for verdict in WORDS}
    said = "; ".join(f"{WORDS[verdict]}: {', '.join(names) or 'none'}" for verdict, names in lists.items())
    return f"Compared with {found.places[0].label}, {said}."


def limits(found: Findings) -> list[str]:
    """What a reader of the result must not take from it, one sentence or two each. Used in lesson 11."""
    study, records = found.study, found.records
    said = [*_of_runs(found), _of_seeds(len(study.seeds)), _of_budget(found), _of_rate(found)]
    if any(one.verdict == "not shown" for one in found.comparisons):
        said.append("Not shown to differ is not the same as equal.")
    if records:
        said.append(f"The task is one: {records[0]['data']}. Other images may answer otherwise.")
        said += _of_cost(found)
    if any(line["tokens"] == 1 for line in records):
        said.append("Where a patch is as large as the image there is one token and nothing is mixed.")
    if study.comparisons > 1:
        level = 100 * (1 - (1 - CONFIDENCE) / study.comparisons)
        said.append(
            f"{study.comparisons} comparisons were planned, each at {level:.1f} %, so that all verdicts together hold "
            f"at {100 * CONFIDENCE:.0f} %. Plans that are changed after looking promise less."
        )
    if len(study.axis) > 1:
        said.append("Each architecture is compared with itself: no verdict was asked of one against the other.")
    return said


def _of_runs(found: Findings) -> list[str]:
    said = []
    if found.failed:
        said.append(
            f"{len(found.failed)} run(s) failed: {first_few(list(found.failed))}. What they touch has no verdict."
        )
    if found.missing:
        said.append(f"{found.missing} run(s) have not finished. What they touch has no verdict.")
    return said


def _of_seeds(count: int) -> str:
    if count == 1:
        return "One seed has no spread: nothing can be shown with it."
    return (
        f"{count} seeds say how much training varies, not how other images would come out; with few of them "
        "intervals are wide."
    )


def _of_budget(found: Findings) -> str:
    steps = {run.steps for run in found.study.runs()}
    told = f"{min(steps):,}" if len(steps) == 1 else f"{min(steps):,} to {max(steps):,}"
    return f"Runs took {told} steps. The order may change with more steps or fewer."


def _of_rate(found: Findings) -> str:
    if found.study.factor == "learning_rate":
        return "Rates were compared on the test images: the best of them looks a little better here than elsewhere."
    rate = found.study.settings()["learning_rate"]
    return f"One learning rate, {rate:g}, served all runs and was not searched; another may suit some of them better."


def _of_cost(found: Findings) -> list[str]:
    said, words = [], FACTORS[found.study.factor].words
    flops = [line["train_flops"] for line in found.records]
    if max(flops) > 1.05 * min(flops):
        said.append(
            f"Runs are not equally dear: the dearest took {max(flops) / min(flops):.1f} times the FLOPs of the "
            f"cheapest. A gain may come from compute and not from the {words}."
        )
    sizes = [line["parameters"] for line in found.records]
    if max(sizes) > 1.05 * min(sizes):
        said.append(f"Models differ in size, from {min(sizes):,} to {max(sizes):,} parameters.")
    return said


def _named(found: Findings, verdict: Verdict) -> list[str]:
    others = [one.other for one in found.comparisons if one.verdict == verdict]
    return [f"{other.model} {other.label}".strip() for other in others]
