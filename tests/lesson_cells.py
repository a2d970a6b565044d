"""Running a lesson's cells inside the test's own process, so that its sliders can be moved and its output read."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jupytext
import pytest

from labkit.lesson.sliders import Slider

SOURCES = sorted((Path(__file__).parent.parent / "notebooks" / "source").glob("*.py"))
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


@contextmanager
def sliders_of(stem: str) -> Iterator[list[Slider]]:
    """Run the lesson; gives every slider it shows."""
    shown: list[Slider] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Slider, "show", lambda slider: shown.append(slider))
        exec(compile(code_of(stem, **SMALL[stem]), stem, "exec"), {"__name__": stem})
        yield shown
