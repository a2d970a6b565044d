"""The form reads back what it shows, says what is wrong and what it costs, runs once, stops, and leaves the keys be."""

import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from labkit.lesson.keys import BOX, with_own_keys
from labkit.lesson.study import StudyForm, price_in_words, show_report
from labkit.lesson.study import form as form_module
from labkit.lesson.study import preview as preview_module
from labkit.lesson.study.background import Background
from labkit.lesson.study.fields import OWN, Fields, settings_from
from labkit.study import READY, Foreseen, Study, findings_of
from labkit.sweep import Prediction, name_of
from labkit.sweep.engine import Progress

TINY = {"task": "digits", "image_size": 8, "width": 16, "depth": 1, "heads": 2, "batch": 8}
LONGEST = 240.0  # seconds that a test waits for a thread


def tiny(**changes: Any) -> Study:
    return Study(**{"question": "Do smaller patches help?", "factor": "patch_size", "values": (8, 4), "seeds": (0, 1),
                    "same": {"steps": 3, "learning_rate": 0.003, **TINY}, **changes})  # fmt: skip


def record(run: Any) -> dict[str, Any]:
    return {
        "name": name_of(run), **run.settings(), "test_loss": 1.0 + 0.1 * run.patch_size + 0.01 * run.seed**2,
        "test_accuracy": 0.5, "tokens": 4, "data": "made-up images", "train_flops": 10**6, "parameters": 1000,
        "seconds": 1.5, "time": "2026-01-02T03:04:05+00:00", "machine": "m", "versions": {"torch": "2"},
        "code": "c0de", "commit": "abc",
    }  # fmt: skip


def priced(study: Study, folder: Path, *, known: dict) -> Foreseen:
    """What the study will take, without measuring anything."""
    study.check()
    return Foreseen(len(study.runs()), 12.0, 2, False, Prediction({name_of(run): 1.0 for run in study.runs()}, [], 0.0))


@pytest.fixture
def form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StudyForm]:
    """A form whose prices are made up, and which is not left behind at work."""
    monkeypatch.setattr(form_module, "foresee", priced)
    made = StudyForm(tiny(), str(tmp_path))
    made.refresh()
    yield made
    made.background.stop()
    made.background.wait(LONGEST)


# ---------------------------------------------------------------- fields


@pytest.mark.parametrize(
    "study",
    [
        tiny(),
        tiny(models=("vit", "adventurer"), question=READY["both_architectures"].question, same={"steps": 9}),
        tiny(factor="model", values=("vit", "adventurer"), models=("vit", "adventurer"), same={"patch_size": 2}),
        tiny(factor="steps", values=(5, 50), same={"patch_size": 2, "positions": "none", "compile": False}),
        tiny(factor="heading", values=(True, False), models=("adventurer",), same={}),
    ],
    ids=lambda study: study.factor,
)
def test_the_form_gives_back_what_it_shows(study: Study) -> None:
    fields = Fields(study, lambda: None)
    usual = {"patch_size": 4, "steps": 150, "learning_rate": 1e-3}
    same = {**{name: value for name, value in usual.items() if name != study.factor}, **study.same}
    assert fields.study() == Study(question=study.question, factor=study.factor, values=study.values,
                                   models=study.models, seeds=study.seeds, same=same)  # fmt: skip


@pytest.mark.parametrize("name", list(READY))
def test_a_ready_question_brings_its_plan(name: str) -> None:
    told: list[None] = []
    fields = Fields(tiny(question="Mine?", same={}), lambda: told.append(None))
    fields.question.value = name
    ready, study = READY[name], fields.study()
    assert len(told) <= 1, "one choice is one change"
    assert (study.question, study.factor, study.values) == (ready.question, ready.factor, ready.values)
    assert study.models == ready.models
    assert {**study.same, **ready.same} == study.same
    study.check()


def test_own_words_and_another_factor() -> None:
    fields = Fields(tiny(question=READY["smaller_patches"].question, same={}), lambda: None)
    assert fields.words.disabled
    fields.factor.value = "flips"
    assert fields.question.value == "", "the ready question no longer fits"
    assert not fields.words.disabled
    assert fields.study().models == ("adventurer",)
    assert fields.models.disabled
    fields.words.value = "Do flips matter?"
    assert fields.study().question == "Do flips matter?"
    fields.factor.value = "patch_size"
    assert fields.patch_size.disabled
    assert not fields.models.disabled
    assert OWN in dict(fields.question.options)


def test_other_settings_are_read_or_refused() -> None:
    assert settings_from("width = 32, positions=sincos; compile = false, weight_decay=1e-2") == {
        "width": 32, "positions": "sincos", "compile": False, "weight_decay": 0.01,
    }  # fmt: skip
    for text, message in [
        ("width", "'width' is not NAME = VALUE"),
        ("width =", "is not NAME = VALUE"),
        ("colour = 3", "a run has no colour"),
        ("steps = 3", "steps is set twice or has a field of its own"),
        ("width = 3, width = 4", "width is set twice"),
    ]:
        with pytest.raises(ValueError, match=message):
            settings_from(text)


# ---------------------------------------------------------------- the form


def test_the_price_or_the_fault_is_said_with_every_change(form: StudyForm) -> None:
    assert form.price.value == "4 runs to do, about 12 seconds on 2 of this machine&#x27;s cores."
    assert not form.run.disabled
    form.fields.values.value = "8, 3"
    assert "This cannot be run yet" in form.price.value
    assert "3" in form.price.value
    assert form.run.disabled
    form.fields.values.value = "8, <b>"
    assert "&lt;b&gt;" in form.price.value, "what a person writes is no markup"
    form.fields.values.value = "8, 4, 2"
    assert "6 runs" in form.price.value
    assert not form.run.disabled


def test_prices_in_words() -> None:
    def words(seconds: float, **changes: Any) -> str:
        return price_in_words(Foreseen(9, seconds, 2, False, Prediction({}, [], 0.0))._replace(**changes))

    assert "about 80 seconds" in words(80.0)
    assert "about 3 minutes" in words(180.0)
    assert "about 2.0 hours" in words(7200.0)
    assert "rough" in words(80.0, rough=True)
    assert "nothing left to train" in words(0.0, todo=0)


def pretend(monkeypatch: pytest.MonkeyPatch, work: Callable[..., Any]) -> None:
    """Let `work` stand for the training."""
    monkeypatch.setattr(form_module, "carry_out", work)


def test_run_shows_figure_verdicts_and_report(form: StudyForm, monkeypatch: pytest.MonkeyPatch) -> None:
    study = form.study
    names = [name_of(run) for run in study.runs()]

    def work(study: Study, folder: Path, *, watch: Callable[[Progress], None], **_: Any) -> Any:
        assert form.run.disabled
        assert form.fields.steps.disabled
        assert not form.stop.disabled
        form.start()  # a second press
        watch(Progress(0.5, 2, 1, 4))
        return findings_of(study, [record(run) for run in study.runs()[:-1]], {names[-1]: "Diverged: <step 3>"})

    pretend(monkeypatch, work)
    form.run.click()
    form.background.wait(LONGEST)
    assert form.bar.value == 0.5
    assert form.status.value.startswith("Done: 3 of 4 runs, 1 failed; Run tries them again")
    picture, words = form.shown.children
    assert picture.value.count("<circle") == 3
    assert "is not shown to differ" in words.value
    assert "Diverged: &lt;step 3&gt;" in words.value
    assert (form.folder / "reports" / study.name / "report.html").exists()
    assert not form.run.disabled
    assert form.stop.disabled
    assert not form.fields.steps.disabled


def test_stop_stops_and_the_form_can_run_again(form: StudyForm, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def work(study: Study, folder: Path, *, watch: Callable[[Progress], None], **_: Any) -> Any:
        begun.set()
        for _again in range(10_000):
            watch(Progress(0.1, 0, 0, 4))
            threading.Event().wait(0.01)
        pytest.fail("nobody stopped it")

    pretend(monkeypatch, work)
    form.run.click()
    assert begun.wait(LONGEST)
    with pytest.raises(ValueError, match="the study in the form is running"):
        form.findings()
    form.stop.click()
    form.background.wait(LONGEST)
    assert "Stopped. What has finished is kept" in form.status.value
    assert not form.run.disabled

    def whole(study: Study, folder: Path, *, watch: Callable[[Progress], None], **_: Any) -> Any:
        watch(Progress(1.0, 4, 0, 4))  # that somebody stopped the work before counts no more
        return findings_of(study, [record(run) for run in study.runs()])

    pretend(monkeypatch, whole)
    form.run.click()
    form.background.wait(LONGEST)
    assert "Done: 4 of 4 runs." in form.status.value


def test_an_error_is_said_in_words(form: StudyForm, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: Any, **__: Any) -> Any:
        raise ValueError("another sweep is at work in <here>")

    pretend(monkeypatch, work)
    form.run.click()
    form.background.wait(LONGEST)
    assert form.status.value == "It ended with an error: another sweep is at work in &lt;here&gt;"
    pretend(monkeypatch, lambda study, folder, **_: findings_of(study, []))
    form.run.click()
    form.background.wait(LONGEST)
    assert "No run has finished" in form.status.value
    assert form.shown.children == ()


def test_an_error_at_the_very_end_is_said_too() -> None:
    said: list[str] = []
    background = Background()
    background.start(
        lambda tell: 1, watch=print, done=lambda found: 1 / 0, stopped=lambda: None,
        failed=lambda error: said.append(str(error)),
    )  # fmt: skip
    background.wait(LONGEST)
    assert said == ["division by zero"]
    assert not background.running


def test_without_a_person_the_plan_is_told_and_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(form_module, "foresee", priced)
    monkeypatch.chdir(tmp_path)
    shown: list[str] = []
    for module in ("show", "results"):
        monkeypatch.setattr(import_module(f"labkit.lesson.{module}"), "display", lambda text: shown.append(text.data))
    made = StudyForm(tiny())
    made.show()
    assert "| values | 8, 4 |" in shown[0]
    assert "| width | 16 |" in shown[0]
    assert "4 runs to do" in shown[1]
    scratch = made.folder
    assert scratch.exists()
    assert scratch.parent != tmp_path
    assert made.forget.atexit, "the folder goes with the kernel"
    made.forget()
    assert not scratch.exists()
    assert list(tmp_path.iterdir()) == []
    assert StudyForm(tiny(), "kept").folder == Path("kept")
    monkeypatch.setattr(form_module, "somebody_is_there", lambda: True)
    assert StudyForm(tiny()).folder == Path("studies")


def test_the_box_keeps_its_keys() -> None:
    """The script looks for the class that the box has; a browser does the rest."""
    text = widgets.Text()
    box = with_own_keys([text])
    assert BOX in box._dom_classes
    assert box.children[0] is text
    script = box.children[1]._esm
    assert f'closest(".{BOX}")' in script
    assert "stopPropagation" in script


def test_a_report_is_shown_in_a_frame_that_runs_nothing(form: StudyForm, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(preview_module, "display", lambda bundle, raw: shown.append(bundle))
    study = form.study
    files = form.report(findings_of(study, [record(run) for run in study.runs()]))
    show_report(files)
    html = shown[0]["text/html"]
    assert html.startswith('<iframe title="the report" sandbox srcdoc="')
    assert html.count('"') == 6, "quotes of the page do not end its frame"
    assert shown[0]["text/plain"] == files.markdown.read_text()
