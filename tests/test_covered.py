"""What a prediction asks for is nowhere to be seen between its question and its reveal, as far as a machine can tell.

Each lesson is read, and run with small parameters. What cells show between a question and its answer (figures at every
position of a slider, words, tables, progress bars) must not hold the numbers of the answer.
"""

import ast
import base64
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jupytext
import numpy as np
import pytest
from lesson_cells import SOURCES, STEMS, Asked, Event, Revealed, Shown, run, run_of

SHOWS = {"answer", "display", "hints", "print", "progress", "say", "say_recorded", "show", "table", "train"}
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
SMALL_COUNT = 100  # whole numbers below say nothing: patch sizes, blocks, seeds


class Told(NamedTuple):
    """A number as it is written: its size, and half a unit of its last digit."""

    size: float
    half: float

    def matches(self, other: float, half: float = 0.0) -> bool:
        return abs(self.size - abs(other)) <= 1.0001 * max(self.half, half)


# ---------------------------------------------------------------- the text of the lessons


def beside(source: str) -> list[str]:
    """What the cell of a reveal shows beside it."""
    tree = ast.parse(source)
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    faults = [ast.unparse(one) for one in calls if _name(one) in SHOWS]
    if sum(_name(one) == "reveal" for one in calls) != 1:
        faults.append("not one reveal")
    last = tree.body[-1]  # a notebook shows the value of the last line
    if isinstance(last, ast.Expr) and not (isinstance(last.value, ast.Call) and _name(last.value) == "reveal"):
        faults.append(ast.unparse(last))
    return faults


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@pytest.mark.parametrize("stem", STEMS)
def test_a_reveal_shows_nothing_beside_what_it_covers_and_is_folded(stem: str) -> None:
    cells = jupytext.read(next(path for path in SOURCES if path.stem == stem)).cells
    reveals = [one for one in cells if one.cell_type == "code" and ".reveal(" in one.source]
    assert reveals
    for cell in reveals:
        assert beside(cell.source) == []
        assert cell.metadata.get("tags", []) == ["collapse"]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("asked.reveal('a', 'it did')", []),
        ("x = 1\nasked.reveal('a', 'it did', also=[table_text(rows)])", []),
        ("table(('p',), rows)\nasked.reveal('a', 'it did')", ["table(('p',), rows)"]),
        ("if x:\n    say('{x}', x=x)\nelse:\n    asked.reveal('a', 'it did')", ["say('{x}', x=x)"]),
        ("Slider('p', sizes, draw).show()\nasked.reveal('a', 'it did')", ["Slider('p', sizes, draw).show()"]),
        ("asked.reveal('a', 'it did')\nlosses", ["losses"]),
        ("asked.reveal('a', 'it did')\nother.reveal('b', 'so did this')", ["not one reveal"]),
    ],
)
def test_what_stands_beside_a_reveal_is_found(source: str, fault: list[str]) -> None:
    assert beside(source) == fault


# ---------------------------------------------------------------- the lessons as they run


def numbers_in(text: str) -> list[Told]:
    """The numbers in a text that say something: small counts and single digits do not."""
    found = []
    for one in NUMBER.findall(text):
        digits, _, power = one.lstrip("+-").replace(",", "").partition("e")
        decimals = digits.partition(".")[2]
        size = float(digits) * 10.0 ** int(power or 0)
        if size and (decimals or power or size >= SMALL_COUNT):
            found.append(Told(size, 0.5 * 10.0 ** (int(power or 0) - len(decimals))))
    return found


def drawn_in(figure: dict[str, Any]) -> list[float]:
    """The numbers that a figure, or any frame of it, draws over its x axis."""
    traces = [*figure.get("data", ()), *(one for frame in figure.get("frames", ()) for one in frame.get("data", ()))]
    values = []
    for trace in traces:
        y = trace.get("y", ())
        if isinstance(y, dict):
            y = np.frombuffer(base64.b64decode(y["bdata"]), dtype=y["dtype"]).tolist()
        values += [abs(float(one)) for one in y if isinstance(one, int | float) and not isinstance(one, bool)]
    return [one for one in values if one and (one != round(one) or one >= SMALL_COUNT)]


def leaks(events: Sequence[Event]) -> list[str]:
    """For each question whose answer could be seen before it was revealed, what was seen."""
    found = []
    for k, event in enumerate(events):
        if not isinstance(event, Revealed):
            continue
        start = max(n for n, one in enumerate(events[:k]) if isinstance(one, Asked) and one.name == event.name)
        known = [one for shown in events[:start] for one in _numbers(shown)] + numbers_in(events[start].text)
        between = [one for one in events[start:k] if isinstance(one, Shown)]
        seen = [one for shown in between for one in _numbers(shown)]
        drawn = {one for shown in between for one in drawn_in(shown.figure or {})}
        told = [one for one in numbers_in(event.evidence) if not _among(one, known)]
        if told and all(_among(one, seen) for one in told):
            found.append(f"{event.name}: its evidence ({event.evidence})")
        values = set(drawn_in(event.figure.to_plotly_json())) if event.figure is not None else set()
        values = {one for one in values if not _among(Told(one, 0.0), known)}
        if same := values & drawn:
            found.append(f"{event.name}: {sorted(same)[:3]} of its figure are drawn before")
        if len(values) > 1 and all(_among(Told(one, 0.0), seen) for one in values):
            found.append(f"{event.name}: all {len(values)} numbers of its figure are told before")
    return found


def _numbers(event: Event) -> list[Told]:
    return numbers_in(event.words) if isinstance(event, Shown) else []


def _among(number: Told, others: Sequence[Told]) -> bool:
    return any(number.matches(one.size, one.half) for one in others)


@pytest.mark.parametrize("stem", STEMS)
def test_nothing_gives_an_answer_away(stem: str) -> None:
    events = run_of(stem).events
    asked = [one.name for one in events if isinstance(one, Asked)]
    assert asked == [one.name for one in events if isinstance(one, Revealed)] != []
    assert leaks(events) == []


GIVEN = """
from labkit.figures.answers import Said, outcome_figure
from labkit.lesson import Slider, predict, say, show, table
losses = {"loss": ((16, 8), (2.0713, 1.4421))}
figure = outcome_figure(losses, x="p", y="loss", title="Losses")
said = {letter: Said("this", [16], [2.0]) for letter in "abcd"}
"""
ASK, REVEAL = "asked = predict('00-predict')", "asked.reveal('c', 'the loss falls from 2.07 to 1.44.', figure, said)"


@pytest.mark.parametrize(
    ("between", "found"),
    [
        ("say('The loss is a number, such as 2.07 or 3.55.')", 0),
        ("say('It falls from {a:.3f} to {b:.3f}.', a=2.0713, b=1.4421)", 2),
        ("table(('p', 'loss'), [(p, f'{x:.2e}') for p, x in zip(*losses['loss'])])", 2),
        ("print(*losses['loss'][1])", 2),
        ("show(figure)", 3),
        ("Slider('p', (1, 2), lambda p: figure if p > 1 else outcome_figure({'loss': ((1,), (1.0,))}, x='p', y='loss', "
         "title='L')).show()", 3),
    ],
)  # fmt: skip
def test_an_answer_that_is_given_away_is_found(between: str, found: int) -> None:
    assert len(leaks(run([GIVEN, ASK, between, REVEAL], "planted").events)) == found
    assert leaks(run([GIVEN, between, ASK, REVEAL], "planted").events) == [], "what was known before is no answer"
