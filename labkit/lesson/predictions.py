"""Say first what you expect: a choice among answers, of which the wrong ones are named misconceptions.

The choice is made before the run and compared with what came out after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from IPython.display import Markdown, display


@dataclass(frozen=True)
class Prediction:
    """A choice that was made: `reveal` compares it with the outcome."""

    options: Mapping[str, str]
    why_not: Mapping[str, str]
    choice: str

    def reveal(self, truth: str, evidence: str) -> None:
        """Say whether the choice came out, what did, and for a wrong choice the thought behind it that misleads."""
        said = f"You said **{self.options[self.choice]}**."
        if self.choice == truth:
            display(Markdown(f"{said} So it is: {evidence}"))
        else:
            thought = self.why_not.get(self.choice, "")
            display(Markdown(f"{said} It is **{self.options[truth]}**: {evidence} {thought}"))


def predict(
    name: str, question: str, *, choice: str, why_not: Mapping[str, str] | None = None, **options: str
) -> Prediction:
    """Ask `question` (called `name` among the lesson's checks) with answers a, b, c, ... and note the `choice`.
    ValueError for a choice that is not there."""
    if choice not in options:
        raise ValueError(
            f"choice {choice!r} of {name!r} is not among the answers {', '.join(options)}: pick one of them"
        )
    answers = "\n".join(f"- **{key}**: {text}" for key, text in options.items())
    display(Markdown(f"{question}\n\n{answers}\n\nYour choice: **{choice}**"))
    return Prediction(options, why_not or {}, choice)
