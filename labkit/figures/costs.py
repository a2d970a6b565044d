"""What a token costs, in pictures: curves over the number of tokens, the same over image sizes, and growth with each
halving of the patch.

Letters: p patch size, N tokens.
"""

from collections.abc import Mapping, Sequence
from math import log10

import plotly.graph_objects as go

from labkit.figures.style import BLUE, GREEN, INK, MUTED, ORANGE, RED, dressed
from labkit.grid import token_count

Curve = tuple[Sequence[int | float], Sequence[int | float]]
LOOKS = ((BLUE, "circle", "solid"), (RED, "diamond", "dash"), (GREEN, "square", "dot"), (ORANGE, "x", "dashdot"))


def scaling_figure(
    lines: Mapping[str, Curve], points: Mapping[str, Curve], *, quantity: str, title: str, says: str
) -> go.Figure:
    """Foreseen curves as lines and what was counted or measured as marks, over N, both axes logarithmic; `lines` and
    `points` go by the same names. Used in lesson 03."""
    figure = go.Figure()
    for (name, (x, y)), (colour, symbol, dash) in zip(lines.items(), LOOKS, strict=False):
        figure.add_scatter(x=list(x), y=list(y), mode="lines", name=name, line={"color": colour, "dash": dash})
        x, y = points[name]
        figure.add_scatter(x=list(x), y=list(y), mode="markers", name=f"{name}, measured", showlegend=False,
                           marker={"symbol": symbol, "size": 10, "color": colour})  # fmt: skip
    figure.update_xaxes(type="log", title="tokens N", tickvals=[49, 196, 784, 3136, 12544, 50176],
                        ticktext=["49", "196", "784", "3,136", "12,544", "50,176"])  # fmt: skip
    figure.update_yaxes(type="log", title=quantity, exponentformat="power", dtick=1)
    dressed(figure, title=title, says=says, height=440)
    return figure.update_layout(
        margin={"t": 92}, legend={"y": 1.02, "x": 0, "xanchor": "left"}, title={"y": 0.97, "yanchor": "top"}
    )


def image_sizes_figure(
    flops: Mapping[str, Mapping[tuple[int, int], int | float]], chosen: int, *, image_sizes: Sequence[int]
) -> go.Figure:
    """One panel for each image size: FLOPs of an image over p for each model, the `chosen` p marked and named. `flops`
    goes by model and then (image size, p). Used in lesson 03."""
    figure, axes, notes, words = go.Figure(), {}, [], []
    every = [value for curve in flops.values() for value in curve.values()]
    sizes = sorted({p for curve in flops.values() for _, p in curve}, reverse=True)
    for k, size in enumerate(image_sizes):
        here, told = ("" if k == 0 else str(k + 1)), []
        row, column = divmod(k, 2)
        for (model, curve), (colour, symbol, dash) in zip(flops.items(), LOOKS, strict=False):
            y = [curve.get((size, p)) for p in sizes]
            figure.add_scatter(x=list(range(len(sizes))), y=y, mode="lines", name=model, showlegend=k == 0,
                               line={"color": colour, "dash": dash}, xaxis=f"x{here}", yaxis=f"y{here}")  # fmt: skip
            value = curve.get((size, chosen))
            figure.add_scatter(x=[sizes.index(chosen)], y=[value], mode="markers", showlegend=False, name=model,
                               marker={"symbol": symbol, "size": 11, "color": colour}, xaxis=f"x{here}",
                               yaxis=f"y{here}")  # fmt: skip
            told.append(f"{model} {_giga(value)}" if value else f"{model}: p does not divide the image")
        fits = size % chosen == 0
        heading = f"{size} px, N = {token_count(size, chosen):,}" if fits else f"{size} px"
        left, bottom = 0.09 + 0.5 * column, 0.56 * (1 - row)
        axes[f"xaxis{here}"] = {"domain": [left, left + 0.4], "anchor": f"y{here}", "tickvals": list(range(len(sizes))),
                                "ticktext": [str(p) for p in sizes], "title": {"text": "p" if row else ""},
                                "range": [-0.4, len(sizes) - 0.6]}  # fmt: skip
        axes[f"yaxis{here}"] = {"domain": [bottom, bottom + 0.38], "anchor": f"x{here}", "type": "log", "dtick": 2,
                                "exponentformat": "power", "range": _decades(every)}  # fmt: skip
        place = {"x": left, "y": bottom + 0.385, "xref": "paper", "yref": "paper", "xanchor": "left"}
        look = {"yanchor": "bottom", "showarrow": False, "font": {"size": 12, "color": INK}}
        notes.append({"text": f"<b>{heading}</b>", **place, **look})
        words.append(f"{size} pixels: {', '.join(told)}")
    title = f"<b>p = {chosen}</b>: FLOPs of one image, forward"
    says = f"Four panels, one for each image size, of FLOPs over patch size. At p = {chosen}: {'; '.join(words)}."
    figure.update_layout(**axes, annotations=notes)
    dressed(figure, title=title, says=says, height=560)
    return figure.update_layout(
        margin={"t": 96, "l": 44, "r": 8}, title={"y": 0.975, "yanchor": "top"},
        legend={"x": 0, "xanchor": "left", "y": 1.05},
    )  # fmt: skip


def growth_figure(growth: Mapping[str, Mapping[str, float | None]], *, title: str, says: str) -> go.Figure:
    """By what factor a cost grows with each halving of p; one line of marks for each name, two names a model: what
    others found (full line, filled marks), then ours (dashed, open marks). Dashed in grey: 4, as the tokens, and 16, as
    their pairs. Used in lesson 03."""
    figure = go.Figure()
    steps = list(next(iter(growth.values())))
    for k, (name, factors) in enumerate(growth.items()):
        (colour, symbol, _), open_mark = LOOKS[k // 2], k % 2
        figure.add_scatter(
            x=steps,
            y=[factors.get(step) for step in steps],
            mode="lines+markers",
            name=name,
            line={"color": colour, "dash": "dash" if open_mark else "solid", "width": 1.5},
            marker={"symbol": symbol + ("-open" if open_mark else ""), "size": 11, "color": colour},
        )
    for level, text in ((4, "4: as the tokens"), (16, "16: as their pairs")):
        figure.add_hline(y=level, line={"color": MUTED, "dash": "dash", "width": 1})
        figure.add_annotation(text=text, x=0, xref="paper", xanchor="left", y=log10(level), yref="y", yanchor="bottom",
                              showarrow=False, font={"size": 11, "color": INK})  # fmt: skip
    figure.update_yaxes(type="log", title="grows by the factor", range=[0.15, 1.35], tickvals=[2, 4, 8, 16])
    figure.update_xaxes(title="halving of the patch")
    dressed(figure, title=title, says=says, height=440)
    return figure.update_layout(
        margin={"t": 110}, legend={"y": 1.02, "x": 0, "xanchor": "left"}, title={"y": 0.97, "yanchor": "top"}
    )


def _giga(flops: int | float) -> str:
    """FLOPs in words, three digits."""
    for unit, size in (("PFLOP", 1e15), ("TFLOP", 1e12), ("GFLOP", 1e9), ("MFLOP", 1e6)):
        if flops >= size:
            return f"{flops / size:.3g} {unit}"
    return f"{flops:.3g} FLOP"


def _decades(values: Sequence[int | float]) -> list[float]:
    return [log10(min(values)) - 0.3, log10(max(values)) + 0.3]
