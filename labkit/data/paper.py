"""What the paper prints (Wang et al., "Scaling Laws in Patchification", 2025, arXiv 2502.03738), table by table, as
numbers to compare with. Never a result of this lab."""

import csv

from labkit.records import REPOSITORY

TABLES = {
    6: "cost at 224 pixels: memory of one image (ViT-Base, without weights), GPU-hours of one epoch of ImageNet, as if "
    "on one A100; the ViTs were trained up to 4,096 tokens only: their hours at p = 2 and 1 are the paper's estimates",
}


def paper_table(number: int) -> list[dict[str, float]]:
    """The rows of a table, as data/paper/table_<number>.csv holds them. ValueError for a table that is not here. Used
    in lesson 03."""
    if number not in TABLES:
        raise ValueError(f"table {number} of the paper is not here; there are {', '.join(map(str, TABLES))}")
    path = REPOSITORY / "data" / "paper" / f"table_{number}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
