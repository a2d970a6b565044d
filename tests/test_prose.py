"""No result is typed into a lesson's prose: decimals and numbers with a unit come from a record or from the run."""

import re
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path.stem for path in ROOT.glob("notebooks/source/*.py"))

UNIT = (
    r"(?:ns|µs|us|ms|s|sec|seconds?|min|minutes?|h|hours?|days?"
    r"|[kKMGT]i?B|bytes?|[kMGTP]?FLOPs?(?:/s)?|px|GHz|°C)\b"
)
MEASURED = re.compile(rf"\d+[.,]\d+(?!\d*,\d{{3}})|\d[\d,]*(?:\s|-|\u00a0)*(?:{UNIT}|%|percent\b|per cent\b)")
# Names that hold digits, not results: addresses, papers, versions of a licence or of Python.
NAMES = re.compile(
    r"\]\([^)]*\)|https?://\S+|arXiv[: ]\d{4}\.\d{4,5}|CC BY \d\.\d|Python \d\.\d+|\d{1,3}(?:,\d{3})+(?![\d.])"
)


def typed_numbers(markdown: str) -> list[str]:
    """Decimals and numbers with a unit in prose: results go stale there, so they come from a record or a run."""
    return MEASURED.findall(NAMES.sub(lambda name: "0" if name[0][0].isdigit() else "", markdown))


@pytest.mark.parametrize("stem", SOURCES)
def test_no_result_is_typed_into_prose(stem: str):
    cells = jupytext.read(ROOT / f"notebooks/source/{stem}.py", fmt="py:percent").cells
    found = {cell.source[:60]: typed_numbers(cell.source) for cell in cells if cell.cell_type == "markdown"}
    assert {start: numbers for start, numbers in found.items() if numbers} == {}


@pytest.mark.parametrize(
    "text",
    [
        "accuracy 0.98",
        "a loss of 1.27 at p = 4",
        "in 30 s",
        "30-second calibration",
        "about 5 minutes",
        "36 %",
        "36%",
        "24 ms",
        "4 GB",
        "4GB",
        "12 GFLOP",
        "1,200 MB",
        "16 px",
        "3 hours",
        "$0.5$",
        "`1.5`",
        "50 percent",
    ],
)
def test_a_typed_result_is_found(text: str):
    assert typed_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "An image is worth 50,176 tokens",
        "arXiv:2502.03738",
        "[the paper](https://arxiv.org/abs/2502.03738)",
        "16 x 16 patches, p = 1, lesson 05",
        "## 3. Cut and glue",
        "3 seeds, then 1 more",
        "CC BY 4.0",
    ],
)
def test_what_is_no_result_is_let_through(text: str):
    assert not typed_numbers(text)
