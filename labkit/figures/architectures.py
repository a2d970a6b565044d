"""Figures of the two architectures: who takes from whom, which patches reach a token, seconds of a scan.

Letters: N tokens (or patches), t the token that takes, s the token that is taken from; H W pixels.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from labkit.figures.style import INK, MUTED, RED, SERIES, dressed, png

FAINTEST = 6  # decades below the strongest influence that still have a colour of their own
BARE = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True, "constrain": "domain"}


def mixing_figure(
    attended: Float[np.ndarray, "N N"], left: Float[np.ndarray, "N N"], *, rate: int | float, jump: int
) -> go.Figure:
    """Two maps side by side, row t takes from column s, each row over its largest: attention's weights, and what is
    `left` of each token in a state that fades with `rate`; white is exactly nothing. `jump` is the token with the large
    step. Used in lesson 04."""
    count = len(left)
    figure = go.Figure()
    for axis, weights in (("", attended), ("2", left)):
        rows = weights / weights.max(axis=1, keepdims=True)
        shown = [[round(float(one), 3) if one > 0 else None for one in row] for row in rows]
        figure.add_heatmap(z=shown, coloraxis="coloraxis", xaxis=f"x{axis}", yaxis=f"y{axis}", hoverongaps=False,
                           hovertemplate="token %{y} from token %{x}: %{z:.3f}<extra></extra>")  # fmt: skip
    across, down = [-0.5, count - 0.5], [count - 0.5, -0.5]
    figure.add_scatter(x=[*across, None, jump - 0.5, jump - 0.5], y=[jump - 0.5, jump - 0.5, None, *across],
                       xaxis="x2", yaxis="y2", mode="lines", line={"color": RED, "width": 1, "dash": "dot"},
                       hoverinfo="skip", showlegend=False)  # fmt: skip
    figure.update_layout(
        xaxis={"domain": [0.04, 0.49], "range": across, **BARE},
        yaxis={"domain": [0, 1], "range": down, "scaleanchor": "x", "title": "token t takes", **BARE},
        xaxis2={"domain": [0.55, 1], "range": across, "anchor": "y2", **BARE},
        yaxis2={"domain": [0, 1], "range": down, "anchor": "x2", "scaleanchor": "x2", **BARE},
        coloraxis=_colours([0, 1], [0, 0.5, 1], ["0", "half", "the row's largest"]),
        plot_bgcolor="white",
    )
    labels = [_below(0.265, "attention: from any token s"), _below(0.775, "state: from tokens s ≤ t")]
    last = left[-1][::-1] / left[-1].sum()
    reach = int((last.cumsum() < 0.9).sum()) + 1
    halved = math.log(2) / -rate
    title = f"<b>a = {rate:g}</b>: halved after {halved:.3g} unit steps"
    says = (
        "Two square maps, row t takes from column s. Attention's is filled everywhere. The state's is empty above the "
        f"diagonal and fades to the left of it; at a = {rate:g} a unit step keeps {math.exp(rate):.2f} of the state, "
        f"and nine tenths of what the state holds at the end come from the last {reach} of {count} tokens. At token "
        f"{jump}, the dotted lines, one large step fades all that came before."
    )
    return dressed(figure, title=title, says=says, height=460).update_layout(
        annotations=labels, margin={"l": 24, "r": 8, "t": 116, "b": 48}
    )


def influence_figure(
    pixels: UInt8[np.ndarray, "H W 3"], maps: Mapping[str, Float[np.ndarray, " N"]], token: int
) -> go.Figure:
    """The photograph with `token` marked, and up to five maps of the influence that each patch has on it, one a model,
    as shares of that model's strongest on a logarithmic scale; white is exactly nothing. Used in lesson 04."""
    side = math.isqrt(len(next(iter(maps.values()))))
    cell = len(pixels) / side
    row, column = divmod(token, side)
    left, top = column * cell, row * cell
    figure = go.Figure(go.Image(source=png(pixels), x0=0.5, y0=0.5, hoverinfo="skip"))
    figure.add_scatter(x=[left, left + cell, left + cell, left, left], y=[top, top, top + cell, top + cell, top],
                       mode="lines", line={"color": RED, "width": 3}, hoverinfo="skip", showlegend=False)  # fmt: skip
    axes = {"xaxis": {"range": [0, len(pixels)]}, "yaxis": {"range": [len(pixels), 0]}}
    labels, sentences = [_at(0, f"the photograph<br>token {token}")], []
    for k, (name, values) in enumerate(maps.items(), start=2):
        shares = values / values.max()
        shown = [round(math.log10(one), 2) if one > 0 else None for one in shares.tolist()]
        figure.add_heatmap(z=np.reshape(np.array(shown, dtype=object), (side, side)).tolist(), coloraxis="coloraxis",
                           xaxis=f"x{k}", yaxis=f"y{k}", name=name, hoverongaps=False,
                           hovertemplate="row %{y}, column %{x}: 10^%{z}<extra></extra>")  # fmt: skip
        axes |= {f"xaxis{k}": {"range": [-0.5, side - 0.5]}, f"yaxis{k}": {"range": [side - 0.5, -0.5]}}
        labels.append(_at(k - 1, f"{name}<br>{int((values > 0).sum())} of {len(values)}"))
        behind = values[token + 1 :].sum() / values.sum()
        sentences.append(f"{name}, {int((values > 0).sum())} of {len(values)} patches and {100 * behind:.2g} %")
    for k in range(1 + len(maps)):
        name = "" if k == 0 else str(k + 1)
        x, y = _place(k)
        axes[f"xaxis{name}"] |= {**BARE, "domain": [x, x + 0.3], "anchor": f"y{name}", "showline": True,
                                 "linecolor": MUTED, "mirror": True}  # fmt: skip
        axes[f"yaxis{name}"] |= {**BARE, "domain": [y, y + 0.4], "constraintoward": "bottom", "anchor": f"x{name}",
                                 "scaleanchor": f"x{name}", "showline": True, "linecolor": MUTED,
                                 "mirror": True}  # fmt: skip
    ticks = ["10⁻⁶ or less", "10⁻⁴", "10⁻²", "strongest"]
    figure.update_layout(**axes, coloraxis=_colours([-FAINTEST, 0], [-6, -4, -2, 0], ticks), plot_bgcolor="white")
    says = (
        f"A photograph with one patch marked, row {row}, column {column} of {side} × {side}, and a map of all patches "
        f"for each model: the brighter, the more the token's features move with that patch; white patches do not move "
        f"them at all. Patches with any influence, and the share of influence from behind the token: "
        f"{'; '.join(sentences)}."
    )
    title = f"<b>token {token}</b>: row {row}, column {column}. Who reaches it?"
    return dressed(figure, title=title, says=says, height=620).update_layout(
        annotations=labels, margin={"l": 8, "r": 8, "t": 116, "b": 24}
    )


def scans_figure(seconds: Mapping[str, Sequence[tuple[int, float]]], *, title: str) -> go.Figure:
    """Seconds over N for several forms of one computation, both axes logarithmic. Used in lesson 04."""
    figure, sentences = go.Figure(), []
    for (name, points), colour, dash, symbol in zip(
        seconds.items(), SERIES, ("solid", "dash", "dot"), ("circle", "diamond", "square"), strict=False
    ):
        free = _farthest(points, [other for other in seconds.values() if other is not points])
        figure.add_scatter(
            x=[n for n, _ in points], y=[1000 * time for _, time in points], name=name, mode="lines+markers+text",
            text=[name if k == free else "" for k in range(len(points))], textposition="top center",
            textfont={"color": colour},
            line={"color": colour, "dash": dash, "width": 2}, marker={"symbol": symbol, "size": 9}, showlegend=False,
            cliponaxis=False,
        )  # fmt: skip
        sentences.append(f"{name} {1000 * points[0][1]:.2g} to {1000 * points[-1][1]:.2g} ms")
    counts = [n for n, _ in next(iter(seconds.values()))]
    figure.update_xaxes(title="tokens N", type="log", tickvals=counts, ticktext=[f"{n:,}" for n in counts])
    figure.update_yaxes(title="milliseconds", type="log", dtick=1)
    says = (
        f"Time over the number of tokens, both axes logarithmic, from {counts[0]:,} to {counts[-1]:,} tokens: "
        f"{'; '.join(sentences)}."
    )
    return dressed(figure, title=title, says=says, height=400).update_layout(margin={"r": 36})


def _farthest(points: Sequence[tuple[int, float]], others: Sequence[Sequence[tuple[int, float]]]) -> int:
    """Where a line has the most room around it, for its name."""
    room = [
        min((abs(math.log(time / other[k][1])) for other in others), default=0) for k, (_, time) in enumerate(points)
    ]
    return room.index(max(room))


def _colours(span: Sequence[int | float], values: Sequence[int | float], text: Sequence[str]) -> dict:
    """One scale for all maps of a figure, its bar lying between title and maps."""
    bar = {"orientation": "h", "x": 0.5, "xanchor": "center", "y": 1.02, "yanchor": "bottom", "len": 0.8,
           "thickness": 10, "tickvals": values, "ticktext": text, "ticklabeloverflow": "allow",
           "tickfont": {"size": 11}}  # fmt: skip
    return {"colorscale": "Viridis", "cmin": span[0], "cmax": span[1], "colorbar": bar}


def _below(x: float, text: str) -> dict:
    place = {"xref": "paper", "yref": "paper", "x": x, "y": 0, "xanchor": "center", "yanchor": "top"}
    return {**place, "text": text, "showarrow": False, "font": {"size": 12, "color": INK}}


def _place(k: int) -> tuple[float, float]:
    """Corner of the k-th of six panels, three a row, from above."""
    return (k % 3) * 0.35, 0.6 if k < 3 else 0.08


def _at(k: int, text: str) -> dict:
    x, y = _place(k)
    return {**_below(x + 0.15, text), "y": y, "font": {"size": 11, "color": INK}}
