"""The gates that keep a lesson honest, in one table: what each refuses, and that it lets a good lesson through.

`fixtures/gates/01_line.py` is a lesson in which nothing is wrong. Each row plants one fault, in the source (old text,
new text) or in the editions built from it, and names the words with which its gate refuses it.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jupytext
import nbformat
import pytest
from nbformat.v4 import new_output
from test_prose import typed_numbers
from test_repository import cells_with_outputs
from test_sliders import differences

from labkit.course.editions import build
from labkit.course.rerun import rerun
from labkit.lesson.sliders import Slider

SOURCE = Path(__file__).parent / "fixtures" / "gates" / "01_line.py"
FRESH = "figure = go.Figure(go.Scatter(x=[0, 1], y=[0, n]))"
SHARED = f"shared = globals().setdefault('shared', {FRESH[9:]})\n    figure = shared.update_traces(y=[0, n])"


class Refused(Exception):
    """A gate does not let a lesson through."""


def sliders_moved(notebooks: Path) -> None:
    """Run the lesson in this process and move every slider over every value, live and as frames."""
    code = [cell.source for cell in jupytext.read(notebooks / "source" / SOURCE.name).cells if cell.cell_type == "code"]
    shown: list[Slider] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Slider, "show", lambda slider: shown.append(slider))
        exec(compile("\n".join(code), SOURCE.stem, "exec"), {"__name__": SOURCE.stem})
    try:
        differing = [value for slider in shown for value in differences(slider)]
    except AssertionError as error:
        raise Refused("live and frame differ in their words") from error
    if differing:
        raise Refused(f"live and frame differ at {differing}")


def run_through(notebooks: Path) -> None:
    """Run the lesson as `make rerun` does."""
    build(notebooks=notebooks)
    (entry,) = rerun(notebooks=notebooks, out=notebooks.parent / "site")["lessons"]
    if entry["status"] != "passed":
        raise Refused(f"{entry['status']}: {entry['error']['message']}")


def prose_read(notebooks: Path) -> None:
    """Read the Markdown cells."""
    cells = jupytext.read(notebooks / "source" / SOURCE.name).cells
    if found := [one for cell in cells if cell.cell_type == "markdown" for one in typed_numbers(cell.source)]:
        raise Refused(f"typed into prose: {found}")


def editions_compared(notebooks: Path) -> None:
    """Compare the editions with their source."""
    build(check=True, notebooks=notebooks)


def outputs_looked_for(notebooks: Path) -> None:
    """Look for outputs in the editions."""
    if found := cells_with_outputs(notebooks / "01_line.ipynb"):
        raise Refused(f"outputs in {found}")


def sources_read(notebooks: Path) -> None:
    """Build the editions anew."""
    build(notebooks=notebooks)


def change_the_title(notebooks: Path) -> None:
    """An edition edited by hand."""
    path = notebooks / "01_line.ipynb"
    path.write_text(path.read_text().replace("# A line", "# Another line"))


def leave_outputs(notebooks: Path) -> None:
    """An edition saved after it was run."""
    path = notebooks / "01_line.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].outputs = [new_output("stream", text="left behind")]
    nbformat.write(notebook, path)


class Gate(NamedTuple):
    """The fault that is planted, what looks for it, and the words of its refusal."""

    fault: tuple[str, str] | Callable[[Path], None]
    look: Callable[[Path], None]
    words: str


GATES = {
    "lesson raises": Gate(("slider.show()", "slider.show()\n1 / 0"), run_through, "failed: division by zero"),
    "callback raises": Gate(
        (FRESH, f"{FRESH}\n    if n == 3:\n        raise RuntimeError('broken at 3')"), sliders_moved, "broken at 3"
    ),
    "live and frame differ": Gate((FRESH, SHARED), sliders_moved, "live and frame differ"),
    "unread parameter": Gate(("steps + 1", "4"), sources_read, "no cell reads the parameter steps"),
    "decimal in Markdown": Gate(("ends higher", "ends at 1.5"), prose_read, "typed into prose"),
    "number with unit in Markdown": Gate(("ends higher", "ends after 30 s"), prose_read, "typed into prose"),
    "objective without a check": Gate((", check: 01-line}", "}"), sources_read, "an objective without check"),
    "objective whose check is in no cell": Gate(
        ("the check 01-line", "checked"), sources_read, "nothing would test it"
    ),
    "edition differs from its source": Gate(change_the_title, editions_compared, "not what the source says"),
    "outputs committed": Gate(leave_outputs, outputs_looked_for, r"outputs in \['l01-c003'\]"),
    "figure without text alternative": Gate((", meta={", "); ({"), sliders_moved, "no words in layout.meta"),
}


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """The good lesson with its editions."""
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    shutil.copy(SOURCE, tmp_path / "notebooks" / "source")
    build(notebooks=tmp_path / "notebooks")
    return tmp_path / "notebooks"


@pytest.mark.parametrize("name", GATES)
def test_the_gate_refuses_its_fault(name: str, notebooks: Path) -> None:
    gate = GATES[name]
    if isinstance(gate.fault, tuple):
        path = notebooks / "source" / SOURCE.name
        old, new = gate.fault
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
    else:
        gate.fault(notebooks)
    with pytest.raises((Refused, ValueError, RuntimeError), match=gate.words):
        gate.look(notebooks)


@pytest.mark.parametrize("look", dict.fromkeys(gate.look for gate in GATES.values()), ids=lambda look: look.__name__)
def test_a_good_lesson_is_let_through(look: Callable[[Path], None], notebooks: Path) -> None:
    look(notebooks)
