"""Putting figures, tables and sentences under a cell, with a person at the screen or without."""

import json
import re
import sys
from collections.abc import Callable, Sequence

import plotly.graph_objects as go
from IPython import get_ipython
from IPython.display import Markdown, display
from tqdm import tqdm

NUMBER = re.compile(r"([-+]?[\d,]*\.?\d+(e[-+]?\d+)?)?")


def somebody_is_there() -> bool:
    """Whether a front end with a person runs this cell. Headless runners (papermill, nbclient, nbconvert) send their
    cells with "allow_stdin" off, since nobody could answer a question; JupyterLab sends them with it on."""
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin", False))


def show(figure: go.Figure) -> None:
    """Show a plotly figure, and under it in words what it shows (`layout.meta["says"]`)."""
    plain, says = json.loads(figure.to_json()), figure.layout.meta["says"]
    display({"application/vnd.plotly.v1+json": plain, "text/plain": says}, raw=True)
    display(Markdown(f"*{says}*"))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a table; columns of numbers stand to the right, columns of words to the left."""
    display(Markdown(table_text(header, rows)))


def table_text(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The same table as Markdown text, such as a reveal shows beside its figure. Used from lesson 01 on."""
    columns = [[str(cell) for cell in column] for column in zip(*rows, strict=True)]
    sides = ["--:" if all(NUMBER.fullmatch(cell) for cell in column) else "---" for column in columns]
    lines = [header, sides, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def progress(title: str) -> Callable[[float, str], None]:
    """A progress bar as a function of (fraction done, what is being done), for work that takes more than a moment."""
    bar = tqdm(total=100, desc=title, file=sys.stdout, bar_format="{desc}: {percentage:3.0f}%|{bar:30}| {postfix}")

    def advance(fraction: float, doing: str) -> None:
        bar.update(round(100 * fraction) - bar.n)
        bar.set_postfix_str(doing)
        if fraction >= 1:
            bar.close()

    return advance
