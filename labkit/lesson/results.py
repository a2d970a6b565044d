"""Numbers in sentences: taken from the run above or from recorded results, never typed.

`keep` leaves a lesson's results in the executed notebook, where `make record` collects them into data/recorded/; `say`
fills a sentence with results at hand, `say_recorded` with those recorded. So what a lesson quotes is what the lesson
itself computes, with the machine, versions and date written beside.
"""

import math
from typing import Any

from IPython.display import Markdown, display

from labkit.records import recorded

RESULT = "application/vnd.labkit.result+json"


def keep(**results: Any) -> None:
    """Leave results (plain numbers, words, lists, dicts) in the executed notebook, under their names. A number that is
    not finite is kept as null, which JSON can hold."""
    display({RESULT: _finite(results)}, raw=True)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def say(template: str, **values: Any) -> None:
    """Show a sentence with {names} filled in, formats allowed: say("{loss:.2f} nats", loss=1.234)."""
    display(Markdown(template.format(**values)))


def say_recorded(lesson: str, template: str) -> None:
    """The same from the results recorded for `lesson` ("05_train_one"), and on what machine and when they were taken.
    Says so if nothing is recorded yet."""
    try:
        record = recorded(lesson)
        text = template.format(**record["results"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        display(Markdown(f"*What you should see is not recorded: {error}*"))
        return
    source = f"*Recorded {record['time'][:10]} on {record['machine']}, torch {record['versions']['torch']}.*"
    display(Markdown(f"{text}\n\n{source}"))
