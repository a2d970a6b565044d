"""What a model makes of an image, as pictures: its features as colours, and what reading in pieces costs.

Letters: H W the grid of tokens, D width.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from labkit.figures.style import BLUE, INK, RED, dressed, png

BARE = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True, "constrain": "domain"}


def as_colours(features: Float[np.ndarray, "H W D"]) -> tuple[UInt8[np.ndarray, "H W 3"], float]:
    """The three directions in which the tokens vary most (principal components) as red, green and blue, each from its
    2nd to its 98th percentile; and the share of the variance that they hold. Used in lesson 10."""
    flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
    flat = flat - flat.mean(axis=0)
    variances, directions = np.linalg.eigh(flat.T @ flat)
    largest = directions[:, ::-1][:, :3]
    largest = largest * np.where(largest.sum(axis=0) < 0, -1, 1)  # a direction has no sign of its own
    along = np.pad(flat @ largest, ((0, 0), (0, 3 - largest.shape[1])))
    low, high = np.percentile(along, [2, 98], axis=0)
    colours = np.clip((along - low) / np.maximum(high - low, 1e-12), 0, 1)
    share = variances[::-1][:3].sum() / max(variances.sum(), 1e-300)
    return (255 * colours).round().astype(np.uint8).reshape(*features.shape[:2], 3), float(share)


def features_figure(
    pixels: UInt8[np.ndarray, "h w 3"], colours: UInt8[np.ndarray, "H W 3"], *, block: int, share: float, weights: str
) -> go.Figure:
    """The photograph beside the features after `block` blocks (0: as they enter the first one), one coloured cell a
    token. `share` of the variance is in the colours; `weights` says whose they are. Used in lesson 10."""
    figure = go.Figure()
    rows, columns = colours.shape[:2]
    for axis, picture in (("", pixels), ("2", colours)):
        figure.add_image(
            source=png(picture),
            x0=picture.shape[1] ** -1 / 2,
            y0=picture.shape[0] ** -1 / 2,
            dx=1 / picture.shape[1],
            dy=1 / picture.shape[0],
            xaxis=f"x{axis}",
            yaxis=f"y{axis}",
            hoverinfo="skip",
        )
    figure.update_layout(
        xaxis={"domain": [0, 0.48], "range": [0, 1], **BARE},
        yaxis={"domain": [0, 1], "range": [1, 0], "scaleanchor": "x", **BARE},
        xaxis2={"domain": [0.52, 1], "range": [0, 1], "anchor": "y2", **BARE},
        yaxis2={"domain": [0, 1], "range": [1, 0], "anchor": "x2", "scaleanchor": "x2", **BARE},
    )
    where = "before the first block" if block == 0 else f"after {block} block{'s' * (block > 1)}"
    title = f"<b>{rows * columns:,} tokens</b> {where}"
    says = (
        f"The photograph, and beside it the {rows} × {columns} tokens {where} in colours: the three directions in "
        f"which they vary most, {100 * share:.0f} % of their variance. The weights are {weights}."
    )
    return dressed(figure, title=title, says=says, height=420).update_layout(margin={"l": 8, "r": 8, "t": 64, "b": 16})


def pieces_figure(
    tiles: Sequence[int], seconds: Sequence[float], megabytes: Sequence[float], *, tokens: int
) -> go.Figure:
    """Seconds and memory of one pass over the tokens read at a time; the last tile holds all. Used in lesson 10."""
    names = [f"{tile:,}" for tile in tiles[:-1]] + ["all"]
    figure = go.Figure()
    for axis, values, colour, unit in (("", seconds, BLUE, "s"), ("2", megabytes, RED, "MB")):
        figure.add_bar(
            x=names, y=list(values), xaxis=f"x{axis}", yaxis=f"y{axis}", marker_color=colour, showlegend=False,
            text=[f"{value:.3g} {unit}" for value in values], textposition="outside", cliponaxis=False,
            hovertemplate="%{x} tokens at a time: %{y:.3g} " + unit + "<extra></extra>",
        )  # fmt: skip
    axis = {"type": "category", "title": "tokens at a time", "fixedrange": True}
    figure.update_layout(
        xaxis={"domain": [0, 0.44], **axis},
        yaxis={"title": "seconds", "rangemode": "tozero", "fixedrange": True},
        xaxis2={"domain": [0.56, 1], "anchor": "y2", **axis},
        yaxis2={"title": "MB held at once", "rangemode": "tozero", "anchor": "x2", "fixedrange": True},
    )
    said = (f"{name}: {s:.3g} s, {m:.3g} MB" for name, s, m in zip(names, seconds, megabytes, strict=True))
    says = f"One pass over {tokens:,} tokens, by how many are read at a time. " + "; ".join(said) + "."
    return dressed(figure, title=f"<b>{tokens:,} tokens</b> in pieces", says=says, height=400)


def seconds_figure(parts: Mapping[str, float], *, title: str) -> go.Figure:
    """Where the seconds of a pass go, one bar a kind of operation, the longest on top. Used in lesson 10."""
    names, values = list(parts)[::-1], list(parts.values())[::-1]
    total = sum(values)
    figure = go.Figure()
    figure.add_bar(
        x=values, y=names, orientation="h", marker_color=BLUE, text=[f"{100 * one / total:.0f} %" for one in values],
        textposition="outside", cliponaxis=False, hovertemplate="%{y}: %{x:.2f} s<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="seconds", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(fixedrange=True, automargin=True, tickfont={"color": INK})
    told = "; ".join(f"{name} {seconds:.2f} s ({100 * seconds / total:.0f} %)" for name, seconds in parts.items())
    return dressed(figure, title=title, says=f"Seconds by kind of operation: {told}.", height=360)
