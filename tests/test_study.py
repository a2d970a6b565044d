"""A study asks one thing, is refused where it could show nothing, and says no more than its runs show."""

import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from labkit.config import Run
from labkit.figures.findings import findings_figure
from labkit.stats import paired
from labkit.study import (
    FACTORS,
    READY,
    Study,
    answer_in_words,
    as_toml,
    carry_out,
    findings_of,
    foresee,
    limits,
    read_study,
    values_from,
    verdict_in_words,
    write_report,
)
from labkit.study import cost as cost_module
from labkit.study.drawing import scale_of
from labkit.study.report import PAIRED, as_html
from labkit.study.work import found_so_far
from labkit.sweep import described, name_of, read_lines
from labkit.sweep.prediction import Kind, Prediction

TINY = {"task": "digits", "image_size": 8, "width": 16, "depth": 1, "heads": 2, "steps": 3, "batch": 8}
PATCHES: dict[str, Any] = {"question": "Do smaller patches help?", "factor": "patch_size", "values": (8, 4)}


def study(**changes: Any) -> Study:
    return Study(**{**PATCHES, "same": {"steps": 9}, **changes})


def records(one: Study, loss: Callable[[Run], float]) -> list[dict[str, Any]]:
    """What a sweep would have written, with losses made up."""
    return [
        {
            "name": name_of(run), **run.settings(), "test_loss": loss(run), "test_accuracy": 0.5, "tokens": 4,
            "data": "made-up images", "train_flops": 10**6 * run.steps, "parameters": 1000, "seconds": 1.5,
            "time": "2026-01-02T03:04:05+00:00", "machine": "a <machine>", "versions": {"torch": "2"}, "code": "c0de",
            "commit": "abc",
        }
        for run in one.runs()
    ]  # fmt: skip


def scattered(run: Run) -> float:
    """Smaller patches are better by about 0.1; what a seed does to both is far larger."""
    return 2.0 + 3.0 * run.seed + 0.025 * run.patch_size + 0.001 * (run.seed * run.patch_size % 5)


# ---------------------------------------------------------------- the plan


def test_a_study_is_every_value_with_every_seed() -> None:
    one = study(models=("vit", "adventurer"), seeds=(0, 5))
    assert [(run.model, run.patch_size, run.seed) for run in one.runs()] == [
        (model, p, seed) for model in ("vit", "adventurer") for p in (8, 4) for seed in (0, 5)
    ]
    assert {run.steps for run in one.runs()} == {9}
    assert one.comparisons == 2
    both = study(factor="model", values=("vit", "adventurer"), models=("vit", "adventurer"))
    assert len(both.runs()) == 6
    assert both.comparisons == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": "  "}, "a question of 0 characters"),
        ({"factor": "colour"}, "factor 'colour' is unknown"),
        ({"values": (8,)}, r"1 value\(s\) of patch_size: it takes 2 to 8"),
        ({"values": (8, 8)}, "has a value twice"),
        ({"values": (8, "four")}, "'four' is not of type int"),
        ({"values": (8, True)}, "True is not of type int"),
        ({"models": ()}, "name one or more"),
        ({"models": ("resnet",)}, "model 'resnet' is unknown"),
        ({"seeds": ()}, "0 seeds: it takes 1 to 20"),
        ({"seeds": (1, 1)}, "each once: equal seeds are one run"),
        ({"same": {"patch_size": 4}}, "cannot both vary and stay the same"),
        ({"same": {"steps": (3, 4)}}, "only patch_size may vary"),
        ({"same": {"colour": 3}}, "colour: no setting that can stay the same"),
        ({"same": {"folder": "here"}}, "folder: no setting that can stay the same"),
        ({"factor": "model", "values": ("vit", "adventurer")}, "are not the values of the factor"),
        ({"factor": "flips", "values": ("never", "alternate")}, "flips belongs to the model 'adventurer'"),
    ],
)
def test_a_plan_that_would_show_nothing_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        study(**changes)


def test_what_cannot_be_built_is_refused_before_it_runs() -> None:
    one = Study(**{**PATCHES, "values": (8, 3)}, same=TINY)
    with pytest.raises(ValueError, match=r"8.*3"):
        one.check()
    Study(**PATCHES, same=TINY).check()
    with pytest.raises(ValueError, match="steps=0 must be 1 or more"):
        study(same={"steps": 0}).check()


@pytest.mark.parametrize("name", list(READY))
def test_each_ready_question_is_a_study(name: str) -> None:
    ready = READY[name]
    one = Study(question=ready.question, factor=ready.factor, values=ready.values, models=ready.models, same=ready.same)
    assert len(one.runs()) == 3 * len(ready.values) * (1 if ready.factor == "model" else len(ready.models))
    assert len({name_of(run) for run in one.runs()}) == len(one.runs())


def test_values_are_read_in_the_factors_type() -> None:
    assert values_from("16, 8;4,", "patch_size") == (16, 8, 4)
    assert values_from("1e-3, 3", "learning_rate") == (0.001, 3.0)
    assert values_from("true, False", "heading") == (True, False)
    for text, factor, message in [
        ("", "patch_size", "no value of patch_size"),
        ("4, x", "patch_size", "'x' is not a whole number"),
        ("4.5, 2", "patch_size", "'4.5' is not a whole number"),
        ("yes", "heading", "'yes' is not true or false"),
    ]:
        with pytest.raises(ValueError, match=message):
            values_from(text, factor)


def test_every_factor_is_a_setting_of_a_run() -> None:
    assert set(FACTORS) <= {*Run.__dataclass_fields__}


# ---------------------------------------------------------------- the file


HARD = 'Does "p" \\ matter,\n# or not? é \t \x7f'


@pytest.mark.parametrize(
    "one",
    [
        study(models=("vit", "adventurer"), seeds=(3, 1), same={"learning_rate": 1e-05, "compile": False}),
        study(question=HARD, factor="learning_rate", values=(1e-3, 3e-3), same={"clip": float("inf")}),
        study(factor="model", values=("vit", "adventurer"), models=("vit", "adventurer"), same={}),
        study(factor="heading", values=(True, False), models=("adventurer",)),
    ],
)
def test_a_file_holds_the_study_and_is_a_sweep(one: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(as_toml(one), encoding="utf-8")
    assert read_study(path) == one
    assert list(map(name_of, described(str(path)))) == list(map(name_of, one.runs()))
    assert tomllib.loads(as_toml(one))["study"]["question"] == one.question


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[study]", "[other]", r"must hold \[study\]"),
        ('question = "Do', 'quest = "Do', r"must hold \[study\]"),
        ('factor = "patch_size"', 'factor = "width"', "must hold.*one.*grid.*with model, seed and width"),
        ("[[grid]]", "[grid]", "must hold"),
        ("[study]", "[study", "cannot be read as a study"),
        ("[8, 4]", "[8, 8]", "has a value twice"),
    ],
)
def test_a_wrong_file_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(as_toml(study()).replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_study(path)


def test_a_sweep_reads_past_what_is_asked_and_past_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text("study = 3\n[[grid]]\nseed = [0]\n")
    with pytest.raises(ValueError, match="and nothing else"):
        described(str(path))


# ---------------------------------------------------------------- the price


def test_each_kind_is_measured_once_and_workers_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured: list[Run] = []

    def predict(runs: list[Run]) -> Prediction:
        measured.extend(runs)
        return Prediction({}, [Kind(runs, 2.0 if runs[0].patch_size == 8 else 10.0, 1.0)], 0.0)

    monkeypatch.setattr(cost_module, "predict", predict)
    known: dict[tuple, tuple[float, float]] = {}
    one = Study(**PATCHES, same=TINY, seeds=(0, 1))
    found = foresee(one, known=known, workers=2)
    each = [3 * 2.0 + 1.0] * 2 + [3 * 10.0 + 1.0] * 2
    assert (found.todo, found.workers, found.rough) == (4, 2, False)
    assert found.seconds == cost_module.START + sum(each) / 2
    assert sorted(found.prediction.seconds.values()) == each
    assert foresee(one, known=known, workers=4).seconds == cost_module.START + 31.0, "no less than the longest run"
    assert [run.patch_size for run in measured] == [8, 4], "seeds and a second look cost nothing"
    foresee(replace(one, same={**TINY, "steps": 5, "learning_rate": 0.1}), known=known)
    assert len(measured) == 2, "neither do steps and rates"
    with pytest.raises(ValueError, match=r"8.*3"):
        foresee(replace(one, values=(8, 3)), known=known)


def test_what_is_too_large_is_not_tried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_module, "predict", lambda runs: pytest.fail("it was tried out"))
    large = Study(**{**PATCHES, "values": (2, 1)}, same={"width": 4096, "depth": 12, "heads": 4})
    found = foresee(large, known={}, workers=1)
    assert found.rough
    assert found.seconds > 3600


# ---------------------------------------------------------------- what is shown


def test_pairs_of_seeds_show_what_strangers_would_not() -> None:
    one = study(seeds=(0, 1, 2))
    found = findings_of(one, records(one, scattered))
    (comparison,) = found.comparisons
    assert comparison.verdict == "yes"
    first, other = ([scattered(r) for r in one.runs() if r.patch_size == p] for p in (8, 4))
    assert comparison.difference[:3] == pytest.approx(paired(first, other)[:3])
    words = verdict_in_words(comparison)
    low, high = sorted((-comparison.difference.high, -comparison.difference.low))
    assert f"ViT: p = 4 is shown to be better than p = 8: its test loss is lower by {low:.3f} to {high:.3f}" in words
    assert answer_in_words(found) == (
        "Compared with p = 8, shown to be better: ViT p = 4; shown to be worse: none; not shown to differ: none."
    )
    turned = findings_of(one, records(one, lambda run: -scattered(run)))
    assert turned.comparisons[0].verdict == "no"
    assert "is shown to be worse" in verdict_in_words(turned.comparisons[0])


def test_comparisons_share_their_error() -> None:
    """A difference that a study of two values shows is not shown beside seven others."""
    gains = (0.0, 0.1, 0.02)
    few, many = study(values=(16, 8)), study(values=(16, 8, 4, 2, 1, 32, 64, 128))

    def loss(run: Run) -> float:
        return 2.0 - (gains[run.seed] + 0.06 if run.patch_size == 8 else 0.001 * run.seed * run.patch_size)

    alone, beside = (findings_of(one, records(one, loss)).comparisons[0] for one in (few, many))
    assert alone.difference.confidence == pytest.approx(0.95)
    assert beside.difference.confidence == pytest.approx(1 - 0.05 / 7)
    assert beside.difference.low < alone.difference.low
    assert beside.difference.high > alone.difference.high


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_one_seed_and_copies_show_nothing(seeds: tuple[int, ...]) -> None:
    one = study(seeds=seeds)
    found = findings_of(one, records(one, lambda run: 2.0 + run.patch_size))
    assert found.comparisons[0].verdict == "not shown"
    words = verdict_in_words(found.comparisons[0])
    assert "is not shown to differ" in words
    assert "there is no interval" in words
    assert "inf" not in words
    assert ("One seed has no spread" in " ".join(limits(found))) == (len(seeds) == 1)


def test_a_failed_run_takes_its_verdicts_with_it() -> None:
    """The seeds that are left are those that did not diverge: they would flatter the recipe."""
    one = study(values=(8, 4, 2))
    lines = records(one, scattered)
    lost = next(line["name"] for line in lines if line["patch_size"] == 4 and line["seed"] == 1)
    left = [line for line in lines if line["name"] != lost]
    found = findings_of(one, left, {lost: "Diverged: step 3", "of another study": "x"})
    assert [comparison.verdict for comparison in found.comparisons] == ["not shown", "yes"]
    assert found.comparisons[0].difference is None
    assert "1 of their 6 runs failed or did not finish" in verdict_in_words(found.comparisons[0])
    assert list(found.failed) == [lost]
    assert "1 run(s) failed" in limits(found)[0]
    assert findings_of(one, left).missing == 1
    assert "1 run(s) have not finished" in limits(findings_of(one, left))[0]


def test_only_the_studys_own_runs_count() -> None:
    one = study()
    lines = records(one, scattered)
    strangers = [{**line, "name": line["name"] + "x", "test_loss": 99.0} for line in lines]
    assert findings_of(one, lines + strangers) == findings_of(one, lines)


def test_limits_say_what_was_not_searched_and_what_is_unequal() -> None:
    one = study(models=("vit", "adventurer"))
    lines = records(one, scattered)
    lines[0]["train_flops"] *= 8
    lines[1]["tokens"] = 1
    said = " ".join(limits(findings_of(one, lines)))
    for part in ("not searched", "8.0 times the FLOPs", "one token", "made-up images", "9 steps", "at 97.5 %",
                 "no verdict was asked of one against the other"):  # fmt: skip
        assert part in said, part
    rates = study(factor="learning_rate", values=(1e-3, 3e-3))
    said = " ".join(limits(findings_of(rates, records(rates, scattered))))
    assert "compared on the test images" in said
    assert "not searched" not in said
    patience = study(factor="steps", values=(5, 50), same={})
    assert "5 to 50 steps" in " ".join(limits(findings_of(patience, records(patience, scattered))))


# ---------------------------------------------------------------- figure and report


def test_the_figure_shows_each_seed_and_says_so() -> None:
    one = study(models=("vit", "adventurer"))
    found = findings_of(one, records(one, scattered))
    figure = findings_figure(found)
    assert len(figure.data) == 4
    drawn = [list(trace.y) for trace in figure.data]
    vit, adventurer = found.places[:2], found.places[2:]
    assert drawn[0] == [loss for place in vit for loss in place.losses.values()]
    assert drawn[3] == [place.mean.mean for place in adventurer]
    assert list(figure.data[1].error_y.array) == [place.mean.high - place.mean.mean for place in vit]
    assert answer_in_words(found) in figure.layout.meta["says"]
    assert list(figure.layout.xaxis.ticktext) == ["p = 8", "p = 4"]
    single = replace(one, seeds=(0,))
    bare = findings_figure(findings_of(single, records(single, scattered)))
    assert list(bare.data[1].error_y.array) == [None, None]


class _Page(HTMLParser):
    """Every tag and attribute of a page, and whether its tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_stands_by_itself(tmp_path: Path) -> None:
    one = study(question="Is <script>alert(1)</script> | p & *q* better?", models=("vit", "adventurer"))
    found = findings_of(one, records(one, scattered))
    files = write_report(found, tmp_path / "report")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(path.name for path in files)
    text = files.html.read_text(encoding="utf-8")
    page = _Page(text)
    assert page.open == []
    assert {"svg", "table", "h1"} <= set(page.tags)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert [value for name, value in page.attributes if name in ("src", "href")] == []
    assert set(re.findall(r"https?://[^\"<\s]+", text)) == {"http://www.w3.org/2000/svg"}, "a name, which nobody asks"
    markdown = files.markdown.read_text(encoding="utf-8")
    assert "](figure.svg)" in markdown
    assert "<script>" not in text + markdown.replace("\\<script\\>", "")
    assert {line.count("|") - line.count("\\|") for line in markdown.splitlines() if line.startswith("|")} == {8}
    for place in found.places:
        assert f"{place.mean.mean:.3f}" in text
        assert f"{place.mean.mean:.3f}" in markdown
    first, other = found.places[:2]
    assert first.mean.low < other.mean.mean < first.mean.high, "what the report has a word for"
    assert found.comparisons[0].verdict != "not shown"
    told = [*limits(found), *map(verdict_in_words, found.comparisons), PAIRED]
    for shown in (text.replace("&#x27;", "'"), markdown.replace("\\", "")):
        assert [sentence for sentence in told if sentence not in shown] == []
        assert "seeds: 0, 1, 2" in shown
        assert "learning_rate 0.001" in shown
        assert "c0de" in shown
    assert read_study(files.plan) == one


def test_the_picture_is_to_scale(tmp_path: Path) -> None:
    one = study()
    found = findings_of(one, records(one, lambda run: 1.0 + 0.1 * run.patch_size + 0.05 * run.seed))
    tree = ET.parse(write_report(found, tmp_path).figure)
    circles = [float(c.get("cy")) for c in tree.iter("{http://www.w3.org/2000/svg}circle")]
    losses = [loss for place in found.places for loss in place.losses.values()]
    assert len(circles) == len(losses)
    words = [text.text for text in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"8", "4", "patch size p", "test loss (nats)"} <= set(words)
    slopes = [(circles[k] - circles[0]) / (losses[k] - losses[0]) for k in range(1, len(losses))]
    assert max(slopes) < 0, "a lower loss stands lower"
    assert max(slopes) - min(slopes) < 0.02 * abs(slopes[0])
    scale = scale_of(found.places)
    assert all(scale.low < end < scale.high for place in found.places for end in (*place.losses.values(),))


def test_a_report_of_nothing_is_refused_and_one_of_a_part_says_so(tmp_path: Path) -> None:
    one = study(seeds=(0,))
    with pytest.raises(ValueError, match=r"no run of this study has finished.*none was started"):
        write_report(findings_of(one, []), tmp_path)
    assert list(tmp_path.iterdir()) == []
    found = findings_of(one, records(one, scattered)[:1], {})
    text = as_html(found, write_report(found, tmp_path).figure.read_text())
    assert "1 of 2 runs finished" in text
    assert "no run" in text
    assert "inf" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


# ---------------------------------------------------------------- real runs


class _Enough(Exception):
    pass


def test_a_study_is_stopped_and_goes_on_in_a_folder_that_others_share(tmp_path: Path) -> None:
    one = Study(**PATCHES, same=TINY, seeds=(0, 1))
    predicted = foresee(one, known={}).prediction
    seen: list[int] = []

    def enough(now: Any) -> None:
        seen.append(now.done)
        assert 0 <= now.share <= 1
        assert now.total == 4
        if now.done:
            raise _Enough

    with pytest.raises(_Enough):
        carry_out(one, tmp_path, workers=1, predicted=predicted, progress=False, watch=enough)
    begun = found_so_far(one, tmp_path)
    assert 1 <= len(begun.records) < 4
    times = {line["name"]: line["time"] for line in begun.records}
    assert read_study(tmp_path / "study.toml") == one
    found = carry_out(one, tmp_path, workers=1, predicted=predicted, progress=False)
    assert len(found.records) == 4
    assert found.missing == 0
    assert {line["name"]: line["time"] for line in found.records}.items() >= times.items(), "nothing was done twice"
    assert found == findings_of(one, read_lines(tmp_path / "results.jsonl"))
    less = replace(one, seeds=(1,), question="With one seed?")
    assert foresee(less, tmp_path, known={}).todo == 0, "the runs are those of the other study"
