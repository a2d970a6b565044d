"""A question that is asked before its answer is shown, and the misconceptions that lead to its wrong answers."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Misconception(NamedTuple):
    """What may have led to an answer that did not come out: a short `name`, and the `thought` with what it overlooks,
    in sentences."""

    name: str
    thought: str


@dataclass(frozen=True)
class Question:
    """`options` by letter; `why_not` names the misconception behind each answer that may not come out. `text` may hold
    {names} that the lesson fills in. `recorded` is the choice that a run without anybody at the screen takes: where it
    can be, one that people often make and that does not come out, so that the pages show how it is answered.

    ValueError where a letter is no option, or more than one option has no misconception."""

    text: str
    options: dict[str, str]
    why_not: dict[str, Misconception] = field(default_factory=dict)
    recorded: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if unknown := {self.recorded, *self.why_not} - self.options.keys():
            raise ValueError(
                f"{', '.join(sorted(unknown))} of {self.text!r} is not among the answers: nobody can choose it"
            )
        if len(bare := [letter for letter in self.options if letter not in self.why_not]) > 1:
            raise ValueError(
                f"{', '.join(bare)} of {self.text!r} have no misconception: at most one answer comes out, and who "
                "chose another would learn nothing about it"
            )
