"""What attention asks of a machine at each patch size: seconds and memory of one layer's two matrix products.

Letters: p patch size, N tokens, D width.
"""

from collections.abc import Sequence
from math import ceil, floor, log10

import plotly.graph_objects as go

from labkit.cost import attention_flops
from labkit.figures.style import BLUE, GRID, RED, dressed
from labkit.grid import token_count


def attention_cost_figure(
    patch_sizes: Sequence[int], chosen: int, *, image_size: int, dim: int, rate: float, memory: int
) -> go.Figure:
    """Left: seconds of one attention layer (width `dim`) at `rate` FLOP/s. Right: bytes of the N x N weights of one
    head in float32 against the machine's `memory` bytes. Both axes logarithmic. Used in lesson 00."""
    counts = {p: token_count(image_size, p) for p in patch_sizes}
    seconds = [attention_flops(n, dim) / rate for n in counts.values()]
    sizes = [4 * n**2 for n in counts.values()]
    names = [f"p = {p}" for p in counts]
    colours = [BLUE if p == chosen else GRID for p in counts]
    bars = {"orientation": "h", "y": names, "showlegend": False, "textposition": "outside", "cliponaxis": False}
    border = {"color": colours, "line": {"color": BLUE, "width": 1}}
    figure = go.Figure()
    figure.add_bar(x=seconds, text=[_time(s) for s in seconds], marker=border, name="time", **bars)
    figure.add_bar(
        x=sizes, text=[_bytes(b) for b in sizes], marker=border, name="memory", xaxis="x2", yaxis="y2", **bars
    )
    figure.add_scatter(x=[memory] * 2, y=[names[0], names[-1]], mode="lines", xaxis="x2", yaxis="y2", showlegend=False,
                       line={"color": RED, "width": 2, "dash": "dash"}, name="this machine's memory")  # fmt: skip
    figure.update_layout(
        xaxis={"type": "log", "domain": [0, 0.42], "title": "one layer, two products", **_decades(seconds)},
        xaxis2={"type": "log", "domain": [0.54, 0.96], "anchor": "y2", "title": "weights of one head (dashed: memory)",
                **_decades([*sizes, memory])},
        yaxis={"autorange": "reversed"},
        yaxis2={"anchor": "x2", "showticklabels": False, "autorange": "reversed"},
    )  # fmt: skip
    tokens, at = counts[chosen], list(counts).index(chosen)
    title = f"<b>p = {chosen}</b>: {tokens:,} tokens, {tokens**2:,} pairs: {_time(seconds[at])}, {_bytes(sizes[at])}"
    says = (
        f"At p = {chosen}, marked, one attention layer takes {_time(seconds[at])} on this machine and weights of one "
        f"head {_bytes(sizes[at])}. Bars on logarithmic axes for patch sizes {', '.join(map(str, counts))}: "
        f"{_time(seconds[0])} to {_time(seconds[-1])}, and {_bytes(sizes[0])} to {_bytes(sizes[-1])} beside this "
        f"machine's {_bytes(memory)} as a dashed line."
    )
    return dressed(figure, title=title, says=says, height=380)


def _decades(values: Sequence[int | float]) -> dict:
    """Whole decades, with room for the text at the end of the longest bar; the text says what ticks would."""
    low, high = floor(log10(min(values))) - 1, ceil(log10(max(values))) + 2
    return {"range": [low, high], "showticklabels": False, "showgrid": True}


def _time(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _bytes(count: int | float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"
