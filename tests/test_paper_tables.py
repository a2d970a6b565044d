"""The paper's numbers: each cell as printed or read off, no row more and none fewer, and what must hold among them.

The copy below was typed in the paper's own layout, apart from the files in data/paper. A dash: not run.
"""

import csv
import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from labkit.cost import parameter_count, published
from labkit.data.paper import TABLES, Panel, paper_panels, paper_table
from labkit.models.published.hub import PUBLISHED

FOLDER = Path(__file__).parents[1] / "data" / "paper"

TABLE_1 = """
DeiT-Base        64   68.2  76.9  80.1  80.8  81.3
DeiT-Base        128  78.1  81.0  82.3  82.9  -
Adventurer-Base  64   69.2  77.2  80.0  80.5  80.9
Adventurer-Base  128  79.0  81.5  81.8  82.2  82.4
Adventurer-Base  224  82.6  83.9  84.3  84.5  84.6
"""
LONGEST = {64: 4_096, 128: 16_384, 224: 50_176}  # the length at p = 1, as table 1 prints it

TABLE_2 = """
Adventurer-Tiny  UperNet   17  16  41.3
Adventurer-Tiny  none      12  16  40.0
Adventurer-Tiny  none      12   8  41.6
Adventurer-Tiny  none      13   4  42.1
Adventurer-Tiny  none      13   2  42.5
Adventurer-Base  UperNet  112  16  45.7
Adventurer-Base  none      99  16  44.0
Adventurer-Base  none      99   8  45.5
Adventurer-Base  none     100   4  46.3
Adventurer-Base  none     100   2  46.8
"""

TABLE_3 = """
Adventurer-Tiny  32  44.7  63.3  48.6  38.4  60.4  41.4
Adventurer-Tiny  16  46.5  65.2  50.4  40.3  62.2  43.5
Adventurer-Tiny   8  48.0  66.7  51.8  41.7  63.6  45.0
Adventurer-Tiny   4  48.5  67.1  52.3  42.2  64.1  45.4
Adventurer-Tiny   2  48.7  67.3  52.4  42.4  64.3  45.7
Adventurer-Base  64  44.1  62.8  48.0  38.3  60.1  41.8
Adventurer-Base  32  46.4  65.0  50.3  40.6  62.5  43.1
Adventurer-Base  16  48.4  67.2  52.4  42.0  64.8  45.0
Adventurer-Base   8  49.5  67.9  53.3  42.9  65.5  46.1
Adventurer-Base   4  50.3  68.5  54.0  43.4  66.0  46.6
"""
PRECISIONS = "ap_box ap_box_50 ap_box_75 ap_mask ap_mask_50 ap_mask_75"

TABLE_4 = """
Adventurer-Tiny   128  72.6  78.5  80.4  80.6  80.7
Adventurer-Small  128  77.6  80.5  80.9  81.2  81.4
Adventurer-Base   128  79.0  81.5  81.8  82.2  82.4
Adventurer-Large  128  79.8  82.2  82.6  82.9  83.1
Adventurer-Tiny   224  78.2  80.9  81.3  81.7  81.9
Adventurer-Small  224  81.8  83.0  83.5  83.7  83.8
Adventurer-Base   224  82.6  83.9  84.3  84.5  84.6
"""

# in brackets what the paper prints there: the gain over the first row
TABLE_5 = """
DeiT-Base        128      64  78.1         78.1
DeiT-Base        128     256  78.2 (+0.1)  81.0 (+2.9)
DeiT-Base        128   1,024  78.2 (+0.1)  82.3 (+4.2)
Adventurer-Base  224     196  82.6         82.6
Adventurer-Base  224     784  82.7 (+0.1)  83.9 (+1.3)
Adventurer-Base  224   3,136  82.8 (+0.2)  84.3 (+1.7)
Adventurer-Base  224  12,544  82.8 (+0.2)  84.5 (+1.9)
"""

TABLE_6 = """
16     196      62    0.36    0.45
 8     784     252    1.86    1.76
 4   3,136   1,024    9.79    6.86
 2  12,544   4,057   80.06   27.45
 1  50,176  16,118  967.99  115.08
"""

TABLE_7 = """
DeiT        Tiny    192    768  12    5
DeiT        Small   384  1,536  12   22
DeiT        Base    768  3,072  12   86
DeiT        Large  1024  4,096  24  304
DeiT        Huge   1280  5,120  32  631
Adventurer  Tiny    256    640  12   12
Adventurer  Small   512  1,280  12   44
Adventurer  Base    768  1,920  12   99
Adventurer  Large  1024  2,560  24  346
Adventurer  Huge   1280  3,200  32  759
"""

# losses at p = 32 16 8 4 2 1, two standard deviations of the reading where they are not .001; offset of the axis
FIGURE_1 = """
a  -           1.123±.006  .925±.002  .867±.001  .840±.001  .815±.001   0.799-0.803
b  -           .942±.002   .872       .849       .834       .813        0.778-0.789
c  -           .719±.002   .677       .653       .645       .635        0.628-0.631
d  .337        .331        .326       .321       .314       -           0-0.30
e  .232        .218        .206       .192       .180       -           0-0.135
f  .243        .225        .220       .202       .188       -           0-0.093
g  1.007±.004  .877±.002   .835       .820       .806       -           0.794-0.797
h  -           .901±.002   .835       .811       .802       .789        0.783-0.785
i  -           .856±.005   .740±.002  .726       .699       .695        0.691-0.693
"""
PANELS = {  # model and input as the captions name them; those of d to f name neither
    "a": ("DeiT-Base", "64", "ImageNet classification"),
    "b": ("Adventurer-Base", "128", "ImageNet classification"),
    "c": ("Adventurer-Base", "224", "ImageNet classification"),
    "d": ("", "", "ADE20K semantic segmentation"),
    "e": ("", "", "COCO object detection"),
    "f": ("", "", "COCO instance segmentation"),
    "g": ("DeiT-Base", "128", "ImageNet classification"),
    "h": ("Adventurer-Large", "128", "ImageNet classification"),
    "i": ("Adventurer-Tiny", "224", "ImageNet classification"),
}
SLOPES = {  # dlnL / dlnp at each halving, as noted when the figure was read
    "a": ".28 .093 .045 .044",
    "c": ".087 .052 .018 .023",
    "e": ".090 .082 .102 .093",
}

Row = dict[str, float | str]


def lines(text: str) -> list[list[str]]:
    """The words of each line; commas in numbers and what stands in brackets are left out."""
    words = (line.replace(",", "").split() for line in text.strip().splitlines())
    return [[word for word in line if not word.startswith("(")] for line in words]


def rows(text: str, words: str, numbers: str) -> list[Row]:
    """One row a line; the columns of words come first."""
    names, first = f"{words} {numbers}".split(), len(words.split())
    return [dict(zip(names, [*line[:first], *map(float, line[first:])], strict=True)) for line in lines(text)]


def halved(text: str) -> list[Row]:
    """One row a cell that was run, with p = 16, 8, 4, 2, 1 across."""
    return [
        {"model": model, "input": float(pixels), "patch_size": p, "top1": float(cell)}
        for model, pixels, *cells in lines(text)
        for p, cell in zip((16, 8, 4, 2, 1), cells, strict=True)
        if cell != "-"
    ]


def both_ways(text: str) -> list[Row]:
    """Two rows a line: by extending, by scaling."""
    return [
        {"model": model, "input": float(pixels), "tokens": float(tokens), "way": way, "top1": float(cell)}
        for model, pixels, tokens, *cells in lines(text)
        for way, cell in zip(("extending", "scaling"), cells, strict=True)
    ]


PRINTED = {
    1: [{**row, "tokens": (row["input"] / row["patch_size"]) ** 2} for row in halved(TABLE_1)],
    2: rows(TABLE_2, "model decoder", "params_millions patch_size miou"),
    3: rows(TABLE_3, "model", f"patch_size {PRECISIONS}"),
    4: halved(TABLE_4),
    5: both_ways(TABLE_5),
    6: rows(TABLE_6, "", "patch_size tokens memory_mb vit_base_gpu_hours adventurer_base_gpu_hours"),
    7: rows(TABLE_7, "model size", "width mlp blocks params_millions"),
}


# ---------------------------------------------------------------- the cells


@pytest.mark.parametrize("number", PRINTED)
def test_every_cell_is_as_printed(number: int):
    assert paper_table(number) == PRINTED[number]


def test_each_table_is_there_and_no_other_file():
    assert list(TABLES) == list(PRINTED)
    assert sorted(path.name for path in FOLDER.iterdir()) == ["figure_1.csv", *(f"table_{n}.csv" for n in PRINTED)]


def test_the_panels_are_in_order():
    assert [panel.name for panel in paper_panels()] == list(PANELS)


@pytest.mark.parametrize("panel", paper_panels(), ids=lambda panel: panel.name)
def test_every_point_is_as_read_off(panel: Panel):
    ((*cells, offset),) = (words for name, *words in lines(FIGURE_1) if name == panel.name)
    points = [(p, *cell.split("±")) for p, cell in zip((32, 16, 8, 4, 2, 1), cells, strict=True) if cell != "-"]
    assert panel.patch_sizes == [p for p, *_ in points]
    assert panel.losses == [float(loss) for _, loss, *_ in points]
    assert panel.uncertainties == [float(told[0]) if told else 0.001 for _, _, *told in points]
    assert panel.offset == tuple(map(float, offset.split("-")))


def test_a_panel_is_named_by_its_model_or_by_its_task():
    for panel in paper_panels():
        model, pixels, task = PANELS[panel.name]
        assert panel.task == task
        assert panel.title == (f"{model}, {pixels} pixels" if model else task)


def test_every_row_of_figure_1_says_the_same_of_its_panel():
    """The reader takes what belongs to the whole panel from its first row."""
    with (FOLDER / "figure_1.csv").open(encoding="utf-8", newline="") as file:
        points = list(csv.DictReader(file))
    shared = ("panel", "axis_offset_low", "axis_offset_high")
    assert len({tuple(point[name] for name in shared) for point in points}) == len(PANELS)
    for point in points:
        model, pixels, task = PANELS[point["panel"]]
        tokens = (int(pixels) // int(point["patch_size"])) ** 2 if pixels else ""
        assert [point[name] for name in ("model", "input", "task", "tokens")] == [model, pixels, task, str(tokens)]


# ---------------------------------------------------------------- the reader


@pytest.mark.parametrize("number", PRINTED)
def test_words_stay_words_and_all_else_is_a_number(number: int):
    for row in paper_table(number):
        words = row.keys() & {"model", "size", "decoder", "way"}
        assert {name: type(value) for name, value in row.items()} == {
            name: str if name in words else float for name in row
        }


@pytest.mark.parametrize("number", [0, 8])
def test_a_table_that_is_not_there_is_refused(number: int):
    with pytest.raises(ValueError, match=f"table {number} of the paper is not here; there are 1, 2, 3, 4, 5, 6, 7$"):
        paper_table(number)


# ---------------------------------------------------------------- what must hold among them


def test_tokens_are_the_patches_of_the_image():
    for row in paper_table(1):
        assert row["tokens"] == (row["input"] / row["patch_size"]) ** 2
        assert row["patch_size"] > 1 or row["tokens"] == LONGEST[row["input"]]
    assert [row["tokens"] for row in paper_table(6)] == [(224 / row["patch_size"]) ** 2 for row in paper_table(6)]


def test_table_4_repeats_table_1():
    base = [row for row in paper_table(4) if row["model"] == "Adventurer-Base"]
    once = [row for row in paper_table(1) if row["model"] == "Adventurer-Base" and row["input"] > 64]
    assert base == [{name: value for name, value in row.items() if name != "tokens"} for row in once]


def test_scaling_in_table_5_repeats_table_1():
    names = ("model", "input", "tokens")
    once = {tuple(row[name] for name in names): row["top1"] for row in paper_table(1)}
    scaled = [row for row in paper_table(5) if row["way"] == "scaling"]
    assert [row["top1"] for row in scaled] == [once[tuple(row[name] for name in names)] for row in scaled]


def test_gains_in_table_5_are_those_that_it_prints():
    gains = [re.findall(r"\((.*?)\)", line) or ("0", "0") for line in TABLE_5.strip().splitlines()]
    start = {}
    found = [row["top1"] - start.setdefault((row["model"], row["way"]), row["top1"]) for row in paper_table(5)]
    assert found == pytest.approx([float(gain) for line in gains for gain in line])


def test_what_was_released_has_the_accuracy_of_the_tables():
    found = set()
    for row in paper_table(1) + paper_table(4):
        name = f"{row['model'].lower().replace('-', '_')}_patch{row['patch_size']:.0f}_{row['input']:.0f}"
        if name in PUBLISHED:
            found.add(name)
            assert PUBLISHED[name].top1 == row["top1"], name
    assert len(found) == 11  # the others have a size or an input that no table holds


@pytest.mark.parametrize(
    ("number", "same", "scores"),
    [
        (1, ("model", "input"), "top1"),
        (2, ("model", "decoder"), "miou"),
        (3, ("model",), PRECISIONS),
        (4, ("model", "input"), "top1"),
    ],
)
def test_each_score_rises_as_patches_shrink(number: int, same: tuple[str, ...], scores: str):
    pairs = [pair for pair in pairwise(paper_table(number)) if len({tuple(row[n] for n in same) for row in pair}) == 1]
    assert pairs
    for before, row in pairs:
        assert before["patch_size"] == 2 * row["patch_size"]
        assert [name for name in scores.split() if before[name] >= row[name]] == []


@pytest.mark.parametrize("row", paper_table(7), ids=lambda row: f"{row['model']}-{row['size']}")
def test_table_7_describes_the_models_of_the_lab(row: Row):
    """Width, perceptron, blocks and the millions of parameters, which the paper rounds or cuts off. The huge ones, of
    which no weights were released, come to other numbers by the formula that fits their smaller siblings."""
    model, ratio = {"DeiT": ("vit", 4), "Adventurer": ("adventurer", 2.5)}[row["model"]]
    width = int(row["width"])
    shape = replace(published(model, "base"), width=width, depth=int(row["blocks"]), heads=width // 64)
    assert row["mlp"] == ratio * width
    millions = parameter_count(shape) / 1e6
    if row["size"] == "Huge":
        assert (round(millions, 1), row["params_millions"]) == {"vit": (632.2, 631), "adventurer": (718.0, 759)}[model]
    else:
        assert shape == published(model, row["size"].lower())
        assert row["params_millions"] in (round(millions), int(millions))


@pytest.mark.parametrize("panel", paper_panels(), ids=lambda panel: panel.name)
def test_losses_fall_with_the_patch_and_stay_above_the_offset(panel: Panel):
    assert len(panel.patch_sizes) == len(panel.losses) == len(panel.uncertainties) == 5
    assert all(before == 2 * p for before, p in pairwise(panel.patch_sizes))
    assert all(before > loss for before, loss in pairwise(panel.losses))
    assert min(panel.uncertainties) > 0
    low, high = panel.offset
    assert 0 <= low < high < min(panel.losses)


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_those_of_the_reading(name: str):
    (losses,) = (panel.losses for panel in paper_panels() if panel.name == name)
    slopes = [math.log2(before / loss) for before, loss in pairwise(losses)]  # p halves each time
    assert slopes == pytest.approx([float(slope) for slope in SLOPES[name].split()], abs=1e-3)
