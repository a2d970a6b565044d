"""What was predicted so far, in one table: question by question, what was said, what came out, the thought between."""

import html

from IPython.display import Markdown, display

from labkit.lesson import choices
from labkit.lesson.questions import QUESTIONS
from labkit.lesson.show import somebody_is_there, table


def predictions_so_far() -> None:
    """Show every choice made on this machine, in the order of the lessons, and how many came out. Where nobody is at
    the screen there are none, and it says so. Used in lesson 11."""
    stored, wrong = choices.choices() if somebody_is_there() else ({}, "")
    asked = {name: stored[name] for name in QUESTIONS if name in stored}
    rows = [_row(name, entry) for name, entry in asked.items() if entry["choice"] in QUESTIONS[name].options]
    if wrong:
        display(Markdown(f"*{html.escape(wrong, quote=False)}*"))
    if not rows:
        display(Markdown("No predictions are stored on this machine yet: each lesson asks before it shows."))
        return
    table(("lesson", "question", "you said", "came out", "the thought behind it may be"), rows)
    known = [entry for entry in asked.values() if "came_out" in entry]
    right = sum(entry["choice"] == entry["came_out"] for entry in known)
    display(
        Markdown(
            f"{right} of {len(known)} predictions came out as you said; {len(QUESTIONS) - len(rows)} questions of the "
            "course wait for an answer. `forget_predictions()` drops them all."
        )
    )


def _row(name: str, entry: dict[str, str]) -> tuple[str, ...]:
    question, choice, truth = QUESTIONS[name], entry["choice"], entry.get("came_out", "")
    came_out = question.options.get(truth, "not seen yet")
    thought = question.why_not[choice].name if truth not in ("", choice) and choice in question.why_not else ""
    words = (name[:2], entry["asked"], question.options[choice], came_out, thought)
    return tuple(html.escape(one, quote=False).replace("|", "\\|").replace("\n", " ") for one in words)
