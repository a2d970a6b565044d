"""Say first what you expect: a choice among answers, of which the wrong ones are named misconceptions.

The choice is made before the run and compared with what came out after it. Who has not chosen yet is told so, and the
lesson goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import EllipsisType

from IPython.display import Markdown, display

from labkit.lesson.questions import QUESTIONS, Question


@dataclass(frozen=True)
class Prediction:
    """A choice that was made (None: not yet): `reveal` compares it with the outcome."""

    options: Mapping[str, str]
    why_not: Mapping[str, str]
    choice: str | None

    def reveal(self, truth: str, evidence: str) -> None:
        """Say whether the choice came out, what did, and for a wrong choice the thought that may have led to it."""
        if self.choice is None:
            text = f"You had not chosen. It is **{self.options[truth]}**: {evidence}"
        elif self.choice == truth:
            text = f"You said **{self.options[truth]}**, and so it is: {evidence}"
        else:
            said, thought = self.options[self.choice], self.why_not.get(self.choice, "")
            text = f"You said **{said}**. It is **{self.options[truth]}**: {evidence} {thought}"
        display(Markdown(text))


def ask(name: str, **values: object) -> None:
    """Show question `name` and its answers, {names} in it filled with `values`. ValueError for a question that is not
    there."""
    question = _question(name)
    answers = "\n".join(f"- **{key}**: {text}" for key, text in question.options.items())
    how = "Put the letter of your answer, in quotes, in place of the dots in the next cell."
    display(Markdown(f"{question.text.format(**values)}\n\n{answers}\n\n{how}"))


def predict(name: str, choice: str | EllipsisType) -> Prediction:
    """Note the `choice` on question `name`; `...` means not chosen yet. ValueError for one that is not there."""
    question = _question(name)
    if choice is not ... and choice not in question.options:
        letters = ", ".join(question.options)
        raise ValueError(f"choice {choice!r} of {name!r} is not among the answers {letters}: pick one of them")
    chosen = "not made yet" if choice is ... else f"**{choice}**, {question.options[choice]}"
    display(Markdown(f"Your choice: {chosen}."))
    return Prediction(question.options, question.why_not, None if choice is ... else choice)


def _question(name: str) -> Question:
    if name not in QUESTIONS:
        raise ValueError(f"there is no question {name!r}; there are {', '.join(QUESTIONS)}")
    return QUESTIONS[name]
