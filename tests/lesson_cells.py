"""Running a lesson's cells inside the test's own process, so that its sliders can be moved and its output read.

A lesson runs once in a process, unanswered as students find it, whichever test asks first; conftest.py keeps the tests
of one lesson together in one of them.
"""

import ast
import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
import plotly.graph_objects as go
import pytest
from IPython.display import Markdown

from labkit.course.solutions import cut_solutions
from labkit.lesson import study
from labkit.lesson.exercises import Exercise
from labkit.lesson.predictions import Prediction
from labkit.lesson.sliders import Slider

SOURCES = sorted((Path(__file__).parent.parent / "notebooks" / "source").glob("*.py"))
STEMS = [path.stem for path in SOURCES]
SMALL = {  # parameters that make a lesson short without changing what it does
    "00_start_here": {"calibration_seconds": 0.5, "image_size": 64},
    "01_an_image_is_a_sequence": {"image_size": 96},
    "02_what_a_patch_loses": {"image_size": 96, "steps": 4, "seeds": 2},
    "03_what_a_token_costs": {"calibration_seconds": 0.5, "largest_tokens": 784, "final_tokens": 1024},
    "04_two_architectures": {"image_size": 112, "depth": 4},
    "05_train_one": {"patch_size": 8, "steps": 4, "seeds": 2, "baseline_crops": 500},
    "06_scaling_runs": {"steps": 4, "seeds": 2, "draws": 60},
    "07_is_it_a_law": {"sets": 60, "draws": 60},
    "08_equal_compute": {},
    "10_fifty_thousand_tokens": {"patch_size": 8, "attention_seconds": 0.1},
    "11_your_own_study": {"steps": 3, "seeds": 2},
}


def code_of(stem: str, **parameters: Any) -> str:
    """All code of a lesson's source, with parameters replaced."""
    return "\n".join(cells_of(stem, **parameters))


def cells_of(stem: str, **parameters: Any) -> list[str]:
    """The code cells of a lesson's source; after that of the parameters, those that are replaced."""
    notebook = jupytext.read(next(path for path in SOURCES if path.stem == stem))
    parts = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        parts.append(cell.source)
        if "parameters" in cell.metadata.get("tags", []):
            assigned = {node.targets[0].id for node in ast.parse(cell.source).body}
            assert parameters.keys() <= assigned
            parts += [f"{name} = {value!r}" for name, value in parameters.items()]
    return parts


class Asked(NamedTuple):
    """A question as it was asked."""

    name: str
    text: str


class Revealed(NamedTuple):
    """What was to be covered."""

    name: str
    evidence: str
    figure: go.Figure | None


class Shown(NamedTuple):
    """Words, and the figure (plain JSON) that they belong to."""

    words: str
    figure: dict[str, Any] | None = None


Event = Asked | Revealed | Shown


class Run(NamedTuple):
    """What cells asked, showed and revealed, in that order; the sliders among it; files that were left behind."""

    events: list[Event]
    sliders: list[Slider]
    left: list[str]


@cache
def run_of(stem: str) -> Run:
    """What the student edition of a lesson does with small parameters."""
    return run([cut_solutions(source) for source in cells_of(stem, **SMALL[stem])], stem)


def run(cells: Sequence[str], name: str) -> Run:
    """Run cells one after the other, in an empty folder."""
    space: dict[str, Any] = {"__name__": name}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _recorded() as recorded:
        for k, source in enumerate(cells):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(source, f"{name}, cell {k}", "exec"), space)
            if printed.getvalue():
                recorded.events.append(Shown(printed.getvalue()))
        recorded.left.extend(path.name for path in Path(folder).iterdir())
    return recorded


@contextlib.contextmanager
def _recorded() -> Iterator[Run]:
    """What lessons do meanwhile. What a reveal shows is left out, what a solved exercise says is told as well."""
    events, sliders, _ = recorded = Run([], [], [])

    def display(*things: Any, raw: bool = False, **_: Any) -> None:
        for thing in things:
            if isinstance(thing, Markdown):
                events.append(Shown(thing.data))
            elif raw and (figure := thing.get("application/vnd.plotly.v1+json")):
                events.append(Shown(thing["text/plain"] + str(figure["layout"].get("title")), figure))

    made, revealed, shown, checked = Prediction.__init__, Prediction.reveal, Slider.show, Exercise.check

    def asked(prediction: Prediction, name: str, text: str, *, recorded: bool) -> None:
        made(prediction, name, text, recorded=recorded)
        events.append(Asked(name, text))

    def reveal(prediction: Prediction, truth: str, evidence: str, figure: Any = None, *said: Any, **also: Any) -> None:
        before = len(events)
        revealed(prediction, truth, evidence, figure, *said, **also)
        del events[before:]
        events.append(Revealed(prediction.name, evidence, figure))

    def show(slider: Slider) -> None:
        sliders.append(slider)
        shown(slider)

    def check(exercise: Exercise, yours: Any) -> tuple[str, str]:
        events.append(Shown(exercise.solved))
        return checked(exercise, yours)

    with pytest.MonkeyPatch.context() as patch:
        assert study.__name__ in sys.modules  # what a lesson imports late would not be patched
        for name, module in list(sys.modules.items()):
            if name.startswith("labkit.lesson") and hasattr(module, "display"):
                patch.setattr(module, "display", display)
        patch.setattr("IPython.display.display", display)
        patch.setattr(Prediction, "__init__", asked)
        patch.setattr(Prediction, "reveal", reveal)
        patch.setattr(Slider, "show", show)
        patch.setattr(Exercise, "check", check)
        yield recorded
