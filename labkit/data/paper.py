"""What the paper prints (Wang et al., "Scaling Laws in Patchification", ICML 2025, PMLR 267:65278-65290, arXiv
2502.03738), table by table, and the points of its Figure 1, read off the published picture: numbers to compare with.
Never a result of this lab. Files and sources: data/README.md. Letters: p patch size, L loss.
"""

import csv
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from labkit.records import REPOSITORY

TABLES = {
    1: "accuracy on ImageNet of DeiT-Base and Adventurer-Base, top-1 in percent",
    2: "segmentation of ADE20K, mean intersection over union in percent; where the decoder is none, one linear layer",
    3: "COCO, Cascade Mask R-CNN after 12 epochs: average precision of boxes and masks in percent, also at overlaps of "
    "50 and 75 percent alone",
    4: "accuracy on ImageNet of four sizes of Adventurer, top-1 in percent",
    5: "accuracy on ImageNet at one number of tokens, top-1 in percent: by extending (patches of 16 pixels, tokens "
    "interpolated after the embedding) or by scaling (smaller patches)",
    6: "cost at 224 pixels: memory of one image (ViT-Base, without weights), GPU-hours of one epoch of ImageNet, as if "
    "on one A100; the ViTs were trained up to 4,096 tokens only: their hours at p = 2 and 1 are the paper's estimates",
    7: "the models: width, width inside the perceptron, blocks, millions of parameters at p = 16",
}
WORDS = {"model", "size", "decoder", "way"}  # the columns that hold no numbers


class Panel(NamedTuple):
    """One panel of Figure 1: test loss L over p, from the largest p down. `uncertainties` are two standard deviations
    of the reading, not of runs. `offset`: the least and the largest c with which an axis of log(L - c) has the printed
    ticks; from 0 on where a plain log axis has them too."""

    name: str
    title: str
    task: str
    patch_sizes: list[int]
    losses: list[float]
    uncertainties: list[float]
    offset: tuple[float, float]


def paper_table(number: int) -> list[dict[str, float | str]]:
    """The rows of a table, as data/paper/table_<number>.csv holds them: `model`, `size`, `decoder` and `way` in words,
    all else as numbers, `input` in pixels a side. ValueError for a table that is not here. Used in lessons 03, 07 and
    10."""
    if number not in TABLES:
        raise ValueError(f"table {number} of the paper is not here; there are {', '.join(map(str, TABLES))}")
    return [
        {name: value if name in WORDS else float(value) for name, value in row.items()}
        for row in _rows(f"table_{number}")
    ]


def paper_panels() -> list[Panel]:
    """The nine panels of Figure 1, a to i, as data/paper/figure_1.csv holds them: losses read off the picture. Used
    in lesson 07."""
    panels = []
    for name, rows in groupby(_rows("figure_1"), key=itemgetter("panel")):
        points = list(rows)
        first = points[0]
        panel = Panel(
            name=name,
            title=f"{first['model']}, {first['input']} pixels" if first["model"] else first["task"],
            task=first["task"],
            patch_sizes=[int(point["patch_size"]) for point in points],
            losses=[float(point["loss"]) for point in points],
            uncertainties=[float(point["uncertainty"]) for point in points],
            offset=(float(first["axis_offset_low"]), float(first["axis_offset_high"])),
        )
        panels.append(panel)
    return panels


def _rows(name: str) -> list[dict[str, str]]:
    path = REPOSITORY / "data" / "paper" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
