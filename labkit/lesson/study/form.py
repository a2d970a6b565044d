"""The form of a study: what it will take while one changes it, buttons to run and to stop it, and what it shows."""

import shutil
import tempfile
import weakref
from collections.abc import MutableMapping
from html import escape
from pathlib import Path

import ipywidgets as widgets
from IPython.display import display

from labkit.lesson.keys import with_own_keys
from labkit.lesson.results import say
from labkit.lesson.show import somebody_is_there, table
from labkit.lesson.study.background import Background
from labkit.lesson.study.fields import Fields
from labkit.study import (
    Findings,
    Foreseen,
    Study,
    answer_in_words,
    carry_out,
    foresee,
    limits,
    verdict_in_words,
    write_report,
)
from labkit.study.drawing import as_svg
from labkit.study.report import Report
from labkit.sweep import Progress
from labkit.wording import in_one_line

HERE = Path("studies")  # beside the notebook, for a person


class StudyForm:
    """A form that begins with `study`. Runs and reports are kept in the folder `kept_in`; where it is empty, in
    "studies" beside the notebook, or without a person in a folder that goes with the kernel. Used in lesson 11."""

    def __init__(self, study: Study, kept_in: str = "") -> None:
        self.folder = Path(kept_in).expanduser() if kept_in else HERE
        if not kept_in and not somebody_is_there():
            self.folder = Path(tempfile.mkdtemp(prefix="labkit-study-"))
            self.forget = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._known: MutableMapping[tuple, tuple[float, float]] = {}
        self.fields = Fields(study, self.refresh)
        self.price, self.status, self.shown = widgets.HTML(), widgets.HTML(), widgets.VBox()
        self.run = widgets.Button(description="Run", button_style="primary", icon="play")
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.bar = widgets.FloatProgress(min=0.0, max=1.0, layout={"width": "100%", "max_width": "720px"})
        self.run.on_click(lambda _: self.start())
        self.background = Background()
        self.stop.on_click(lambda _: self.background.stop())
        buttons = widgets.HBox([self.run, self.stop])
        self.box = with_own_keys([self.fields.box, self.price, buttons, self.bar, self.status, self.shown])

    @property
    def study(self) -> Study:
        """What stands in the form. ValueError, in words, for what is no study."""
        return self.fields.study()

    def show(self) -> None:
        """Show the form where a person can fill it in, else its plan; and in both cases what it will take."""
        if somebody_is_there():
            display(self.box)
            self.refresh()
            return
        study = self.study
        rows = [("question", study.question), ("what varies", study.factor), ("values", _listed(study.values)),
                ("architecture", _listed(study.models)), ("seeds", _listed(study.seeds)),
                *((name, str(value)) for name, value in study.same.items())]  # fmt: skip
        table(("in the form", ""), rows)
        say("{price}", price=price_in_words(self.foreseen()))

    def foreseen(self) -> Foreseen:
        """What is still to do of the study in the form, and how long it will take."""
        return foresee(self.study, self.folder, known=self._known)

    def findings(self) -> Findings:
        """Train what is missing of the study in the form, and say what was found. ValueError while the form's own
        button is at it: two sweeps would train the same runs."""
        if self.background.running:
            raise ValueError("the study in the form is running: wait until it is done, or press Stop; then run this "
                             "cell again")  # fmt: skip
        return carry_out(self.study, self.folder, predicted=self.foreseen().prediction)

    def report(self, found: Findings) -> Report:
        """Write the report of a study into its own folder under this form's."""
        return write_report(found, self.folder / "reports" / found.study.name)

    def refresh(self) -> None:
        """Say what the study in the fields will take, or what is wrong with it."""
        self.run.disabled = True
        self.price.value = "Measuring some steps of each kind of run ..."
        try:
            self.price.value = escape(price_in_words(self.foreseen()))
        except Exception as error:  # whatever it is, a person waits for a word
            self.price.value = f"<b>This cannot be run yet:</b> {escape(in_one_line(error))}"
            return
        self.run.disabled = self.background.running

    def start(self) -> None:
        """Run the study in the background, so that the buttons and other cells go on answering."""
        if self.background.running:  # the button was pressed twice
            return
        try:
            study, prediction = self.study, self.foreseen().prediction
        except Exception as error:
            self._ended(in_one_line(error))
            return
        self._busy(True)
        self.bar.value, self.status.value, self.shown.children = 0.0, "Starting ...", ()
        self.background.start(
            lambda watch: carry_out(study, self.folder, predicted=prediction, progress=False, watch=watch),
            watch=self._watch,
            done=self._found,
            stopped=lambda: self._ended("Stopped. What has finished is kept; Run goes on from there."),
            failed=lambda error: self._ended(f"It ended with an error: {in_one_line(error)}"),
        )

    def _watch(self, now: Progress) -> None:
        self.bar.value = now.share
        failed = f", {now.failed} failed" if now.failed else ""
        self.status.value = f"{now.done} of {now.total} runs{failed}"

    def _found(self, found: Findings) -> None:
        words = [verdict_in_words(one) for one in found.comparisons] + [
            f"{name} failed: {error}" for name, error in found.failed.items()
        ]
        if not found.records:
            self._ended("No run has finished. " + " ".join(words))
            return
        files = self.report(found)
        limited = f"<details><summary>What this does not say</summary>{_items(limits(found))}</details>"
        where = f"<p>Report: <code>{escape(str(files.html))}</code></p>"
        self.shown.children = (
            widgets.HTML(as_svg(found, says=answer_in_words(found))),
            widgets.HTML(_items(words) + limited + where),
        )
        failed = f", {len(found.failed)} failed; Run tries them again" if found.failed else ""
        self._ended(f"Done: {len(found.records)} of {len(found.study.runs())} runs{failed}.")

    def _ended(self, words: str) -> None:
        self.status.value = escape(words)
        self._busy(False)
        self.refresh()

    def _busy(self, busy: bool) -> None:
        self.run.disabled, self.stop.disabled = busy, not busy
        self.fields.lock(busy)


def price_in_words(foreseen: Foreseen) -> str:
    """What is to do and how long it will take, in one sentence."""
    if not foreseen.todo:
        return "Every run of this study has finished: there is nothing left to train."
    seconds = foreseen.seconds
    lasting = f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes" if seconds < 5400 else (
        f"{seconds / 3600:.1f} hours"
    )  # fmt: skip
    rough = "; some runs are too large to be tried out, so this is rough" if foreseen.rough else ""
    return f"{foreseen.todo} runs to do, about {lasting} on {foreseen.workers} of this machine's cores{rough}."


def _items(sentences: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(in_one_line(one))}</li>' for one in sentences)}</ul>"


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))
