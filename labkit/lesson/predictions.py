"""Say first what you expect: a choice among answers, of which the wrong ones are named misconceptions.

With a person at the screen `predict` shows buttons, and what `reveal` would show stays covered until one is pressed;
then the figure appears with the answer drawn in, and beside it what came out. Choices are kept on this machine and can
be made again. A run without anybody takes the choice that is recorded with the question, and stores nothing.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import Markdown, display

from labkit.figures.answers import Said, with_answer
from labkit.lesson import choices
from labkit.lesson.covers import Cover
from labkit.lesson.keys import with_own_keys
from labkit.lesson.questions import QUESTIONS, Question
from labkit.lesson.show import show, somebody_is_there
from labkit.lesson.status import Status
from labkit.wording import capitalised

COVERED = "**Covered.** Choose an answer under *{question}* above; then this is shown, with your answer drawn in."
_ASKED: dict[str, "Prediction"] = {}  # of a person, by question: who asks again must find what waits for the answer


class Prediction:
    """A question that was asked as `asked`, and the choice made on it (None: not yet). What was revealed last is shown
    anew at each choice."""

    def __init__(self, name: str, asked: str, *, recorded: bool) -> None:
        self.name, self.asked, self.recorded = name, asked, recorded
        self.question = _question(name)
        self.choice: str | None = self.question.recorded if recorded else None
        self._show_again: Callable[[], None] | None = None

    def choose(self, choice: str | None) -> None:
        """Make the choice, or take it back (None), and show or cover what waits for it. ValueError for one that is not
        there."""
        if choice is not None and choice not in self.question.options:
            letters = ", ".join(self.question.options)
            raise ValueError(f"choice {choice!r} of {self.name!r} is not among the answers {letters}: pick one of them")
        self.choice = choice
        if self._show_again is not None:
            self._show_again()

    def reveal(
        self,
        truth: str,
        evidence: str,
        figure: go.Figure | None = None,
        said: Mapping[str, Said] | None = None,
        *,
        also: Sequence[str] = (),
    ) -> None:
        """Show the figure with the choice drawn in as `said` says for each option, then whether it came out, and for a
        wrong choice the misconception; below, `also`: tables and sentences that hold the answer (Markdown). All of it
        is covered until there is a choice. ValueError for a truth that is no option, a figure without `said` for each
        option, or `said` without a figure."""
        _check_reveal(self.name, self.question, truth, figure, said)
        if self.recorded:
            if figure is not None:
                show(with_answer(figure, said[self.choice], whose="the recorded answer"))
            for words in (self.verdict(truth, evidence), *also):
                display(Markdown(words))
            return
        cover = Cover(COVERED.format(question=_first_words(self.asked)))

        def show_again() -> None:
            if self.choice is None:
                cover.cover()
                return
            drawn = None if figure is None else with_answer(figure, said[self.choice])
            says = [] if drawn is None else [f"*{drawn.layout.meta['says']}*"]
            words = [*says, self.verdict(truth, evidence) + self._came_out(truth), *also]
            cover.uncover(drawn, "\n\n".join(words))

        self._show_again = show_again
        if self.choice is not None:
            show_again()

    def verdict(self, truth: str, evidence: str) -> str:
        """Whether the choice came out and what did, with the misconception behind a wrong one (Markdown)."""
        options, who = self.question.options, "The recorded answer was" if self.recorded else "You said"
        if self.choice == truth:
            return f"✓ {who} **{options[truth]}**, and that came out: {evidence}"
        wrong = f"✗ {who} **{options[self.choice]}**. What came out: **{options[truth]}**. {capitalised(evidence)}"
        if self.choice not in self.question.why_not:
            return wrong
        name, thought = self.question.why_not[self.choice]
        return f"{wrong}\n\nThe thought behind it may be: ***{name}***. {thought}"

    def _came_out(self, truth: str) -> str:
        """Store what came out beside a choice that a person made; in words what went wrong with that."""
        wrong = choices.note(self.name, choice=self.choice, asked=self.asked, came_out=truth)
        return f"\n\n*{wrong}*" if wrong else ""


def predict(name: str, /, **values: object) -> Prediction:
    """Ask question `name`, {names} in it filled with `values`: buttons where a person can press them (one of them
    pressed already if this same question was answered before), else the recorded choice. Who asks the same again gets
    the same prediction, and with it what waits to be revealed. ValueError for a question that is not there, and for
    values that it does not take or lacks."""
    asked = _filled(name, _question(name).text, values)
    display(Markdown(asked))
    if not somebody_is_there():
        prediction = Prediction(name, asked, recorded=True)
        display(Markdown(_recorded(prediction)))
        return prediction
    prediction = _ASKED.get(name)
    if prediction is None or prediction.asked != asked:
        prediction = _ASKED[name] = Prediction(name, asked, recorded=False)
    display(control(prediction))
    return prediction


def control(prediction: Prediction) -> widgets.VBox:
    """The answers with a button each, what was chosen, and a button to choose again. A choice stored for the same
    question counts at once."""
    stored, wrong = choices.choices()
    before = stored.get(prediction.name, {})
    buttons = {letter: _button(letter, text) for letter, text in prediction.question.options.items()}
    said, again = Status(), widgets.Button(description="choose again", layout={"width": "auto"})

    def chosen(letter: str | None, note: str) -> None:
        prediction.choose(letter)
        for one, button in buttons.items():
            button.disabled = letter not in (None, one)  # the pressed one keeps the keyboard's focus
            button.button_style, button.icon = ("primary", "check") if one == letter else ("", "")
        words = "Choose an answer." if letter is None else f"You said <b>{html.escape(letter)}</b>."
        said.value = f"{words} {html.escape(note, quote=False)}".strip()

    def pressed(letter: str) -> Callable[[Any], None]:
        return lambda _: chosen(letter, choices.note(prediction.name, choice=letter, asked=prediction.asked))

    for letter, button in buttons.items():
        button.on_click(pressed(letter))
    again.on_click(lambda _: chosen(None, choices.forget(prediction.name)))
    same = before.get("asked") == prediction.asked and before.get("choice") in prediction.question.options
    chosen(before["choice"] if same else None, f"{wrong} {'(Your choice from before.)' if same else ''}".strip())
    rows = [
        widgets.HBox([buttons[letter], widgets.HTML(html.escape(text, quote=False))], layout={"align_items": "center"})
        for letter, text in prediction.question.options.items()
    ]
    return with_own_keys([*rows, widgets.HBox([said, again], layout={"align_items": "center"})])


def forget_predictions() -> None:
    """Forget every choice made on this machine, with files of them that were put aside as damaged, and say how many
    there were."""
    count, damaged = choices.forget_all()
    aside = f", and {damaged} damaged {'file' if damaged == 1 else 'files'}" if damaged else ""
    told = f"{count} {'choice' if count == 1 else 'choices'}{aside}"
    display(Markdown(f"Forgotten: {told}. Lessons ask again when they run."))


def _button(letter: str, text: str) -> widgets.Button:
    return widgets.Button(description=letter, tooltip=f"{letter}: {text}", layout={"width": "56px"})


def _recorded(prediction: Prediction) -> str:
    """The answers and the recorded choice, as a run without a person shows them."""
    answers = "\n".join(f"- **{letter}**: {text}" for letter, text in prediction.question.options.items())
    return f"{answers}\n\nNobody was asked here. The recorded answer, right or wrong, is **{prediction.choice}**."


def _check_reveal(
    name: str, question: Question, truth: str, figure: go.Figure | None, said: Mapping[str, Said] | None
) -> None:
    if truth not in question.options:
        letters = ", ".join(question.options)
        raise ValueError(f"{truth!r} came out of {name!r}, but the answers are {letters}: nobody could have said it")
    if (figure is None) != (said is None):
        raise ValueError(f"{name!r} has a figure or answers to draw, but not both: nothing could be drawn in")
    if said is not None and (missing := question.options.keys() - said.keys()):
        raise ValueError(
            f"{name!r} has nothing to draw for {', '.join(sorted(missing))}: who chose it would see no answer"
        )


def _filled(name: str, text: str, values: Mapping[str, object]) -> str:
    """The question with its {names} filled in; ValueError unless the values are just those that it takes."""
    takes = dict.fromkeys(field for _, field, _, _ in Formatter().parse(text) if field)
    if takes.keys() == values.keys():
        return text.format(**values)
    given = ", ".join(f"{one}={value!r}" for one, value in values.items()) or "nothing"
    wrong = [f"{one} would stay open" for one in takes if one not in values]
    wrong += [f"{one} would be dropped" for one in values if one not in takes]
    rule = f"takes {', '.join(takes)}" if takes else "takes no values"
    raise ValueError(f"{name!r} was asked with {given}, but {rule}: {' and '.join(wrong)}")


def _first_words(asked: str) -> str:
    """The beginning of a question, plain, to find it again by."""
    words = asked.replace("*", "").split()
    return " ".join(words[:6]) + (" ..." if len(words) > 6 else "")


def _question(name: str) -> Question:
    if name not in QUESTIONS:
        raise ValueError(f"there is no question {name!r}; there are {', '.join(QUESTIONS)}")
    return QUESTIONS[name]
