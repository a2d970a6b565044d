"""Figures of linear codes: a photograph after coding, error over width, the directions of a code, singular values.

Letters: H W pixels, C channels, p patch size, P = C p p numbers in a patch, K directions, D width.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8

from labkit.figures.style import BLUE, INK, MUTED, RED, dressed, enlarged, png

AMPLIFIED = 4  # how much differences are enlarged before they are shown around middle grey
HIGHEST = 55  # dB: above it a difference is far below what an eye sees, and curves would run off to infinity
CELL, GAP = 64, 8  # of the sheet of directions, in its own pixels
COLUMNS = 8  # directions side by side


def reconstruction_figure(
    original: UInt8[np.ndarray, "H W 3"],
    reconstruction: Float[np.ndarray, "H W 3"],
    *,
    patch_size: int,
    width: int,
    psnr: int | float,
    ssim: int | float,
) -> go.Figure:
    """A photograph after coding, large; beside it the original and the difference, enlarged around middle grey. What
    lies outside 0 to 255 is cut off for showing only. `psnr` (dB) and `ssim` are told in the title. Used in lesson
    02."""
    numbers = 3 * patch_size**2
    difference = 128 + AMPLIFIED * (reconstruction - original.astype(np.float64))
    figure = go.Figure()
    for axis, pixels in (("", _shown(reconstruction)), ("2", original), ("3", _shown(difference))):
        figure.add_image(source=png(pixels), x0=0.5, y0=0.5, xaxis=f"x{axis}", yaxis=f"y{axis}", hoverinfo="skip")
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True, "constrain": "domain"}
    across, down = [0, original.shape[1]], [original.shape[0], 0]
    figure.update_layout(
        xaxis={"domain": [0, 0.62], "range": across, **bare},
        yaxis={"domain": [0, 1], "range": down, "scaleanchor": "x", **bare},
        xaxis2={"domain": [0.66, 1], "range": across, "anchor": "y2", **bare},
        yaxis2={"domain": [0.54, 1], "range": down, "anchor": "x2", "scaleanchor": "x2", **bare},
        xaxis3={"domain": [0.66, 1], "range": across, "anchor": "y3", **bare},
        yaxis3={"domain": [0, 0.46], "range": down, "anchor": "x3", "scaleanchor": "x3", **bare},
        annotations=[
            _below(0.31, 0.0, "after the code"),
            _below(0.83, 0.54, "original"),
            _below(0.83, 0.0, f"difference × {AMPLIFIED}"),
        ],
    )
    lost = max(0, numbers - width)
    if lost:
        title = f"<b>p = {patch_size}</b>: {width} of {numbers} numbers, {psnr:.1f} dB, SSIM {ssim:.2f}"
        says = (
            f"The photograph after coding each patch of {patch_size} × {patch_size} pixels with {width} of its "
            f"{numbers} numbers, the original, and the difference enlarged. The error is {psnr:.1f} dB, the structural "
            f"similarity {ssim:.2f}."
        )
    else:
        title = f"<b>p = {patch_size}</b>: {numbers} numbers, nothing lost"
        says = (
            f"The photograph after coding at p = {patch_size}, the original, and the difference, which is an even "
            f"grey: {width} numbers are enough for the {numbers} of a patch, so nothing is lost."
        )
    return dressed(figure, title=title, says=says, height=440)


def widths_figure(
    curves: Mapping[int, Sequence[tuple[int | float, ...]]], chosen: int, *, marked: int, pictures: int
) -> go.Figure:
    """PSNR (dB) over width, one curve for each patch size with points (width, mean, low, high); the `chosen` one in
    colour with its interval over `pictures` photographs. The diamond stands at width `marked`, or at the last width
    below the one where nothing is lost. Used in lesson 02."""
    figure = go.Figure()
    for p in sorted(curves, key=lambda p: (p == chosen, p)):
        points = [point for point in curves[p] if point[1] <= HIGHEST]
        colour, size = (BLUE, 3) if p == chosen else (MUTED, 1.2)
        figure.add_scatter(
            x=[point[0] for point in points], y=[point[1] for point in points], mode="lines+text",
            text=[""] * (len(points) - 1) + [f"p = {p}"], textposition="top center", textfont={"color": colour},
            name=f"p = {p}", line={"color": colour, "width": size}, showlegend=False,
        )  # fmt: skip
    points = [point for point in curves[chosen] if point[1] <= HIGHEST]
    figure.add_scatter(
        x=[point[0] for point in points + points[::-1]],
        y=[point[3] for point in points] + [point[2] for point in points[::-1]],
        mode="lines", fill="toself", fillcolor="rgba(0,114,178,.15)", line={"width": 0}, hoverinfo="skip",
        name="95 % interval", showlegend=False,
    )  # fmt: skip
    at, mean, low, high = max((point for point in points if point[0] <= marked), key=lambda point: point[0])
    figure.add_scatter(
        x=[at], y=[mean], mode="markers", marker={"symbol": "diamond", "size": 12, "color": RED},
        name=f"d = {at}", showlegend=False,
    )  # fmt: skip
    last = math.log10(max(point[0] for curve in curves.values() for point in curve))
    figure.update_xaxes(title="width d (numbers for each patch)", type="log", dtick=1, range=[-0.05, last + 0.2])
    figure.update_yaxes(title="PSNR (dB), mean", range=[10, HIGHEST + 5])
    says = (
        "PSNR over the width of the code, rising, one curve for each patch size; the chosen one in colour with its "
        f"interval, the others in grey. At p = {chosen} and d = {at} it is {mean:.1f} dB ({low:.1f} to "
        f"{high:.1f} over {pictures} photographs); from d = {3 * chosen**2} on nothing is lost."
    )
    title = f"<b>p = {chosen}</b>: {mean:.1f} dB at d = {at}, nothing lost from d = {3 * chosen**2}"
    return dressed(figure, title=title, says=says)


def directions_figure(
    sheets: Mapping[str, Float[np.ndarray, "K P"]], *, patch_size: int, channels: int, title: str, says: str
) -> go.Figure:
    """What the numbers of a code measure: each direction drawn as a patch around middle grey, its largest number at
    full contrast, up to 16 of each sheet. Used in lesson 02."""
    rows = []
    for directions in sheets.values():
        rows += [_sheet(directions[: 2 * COLUMNS], patch_size, channels), _white(3 * GAP)]
    picture = np.concatenate(rows[:-1])
    figure = go.Figure(go.Image(source=png(picture), x0=0.5, y0=0.5, hoverinfo="skip"))
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True, "constrain": "domain"}
    figure.update_xaxes(range=[0, picture.shape[1]], **bare)
    figure.update_yaxes(range=[len(picture), 0], scaleanchor="x", **bare)
    tall = 2 * CELL + 4 * GAP
    figure.update_layout(
        annotations=[
            {"x": 0, "y": k * tall, "xref": "x", "yref": "y", "text": name, "showarrow": False, "xanchor": "left",
             "yanchor": "bottom", "font": {"size": 12, "color": INK}}
            for k, name in enumerate(sheets) if name
        ]
    )  # fmt: skip
    return dressed(figure, title=title, says=says, height=130 + 150 * len(sheets))


def singular_figure(values: Mapping[str, Sequence[Sequence[int | float]]], *, patch_size: int, width: int) -> go.Figure:
    """Singular values of an embedding over the largest one, by size, one line for each run; `values` holds the
    untrained runs, then the trained ones. Used in lesson 02."""
    figure, sentences = go.Figure(), []
    for (name, runs), colour, dash in zip(values.items(), (MUTED, BLUE), ("dot", "solid"), strict=True):
        shares = [[one / sizes[0] for one in sizes] for sizes in runs]
        for share in shares:
            figure.add_scatter(x=list(range(1, len(share) + 1)), y=share, mode="lines", name=name, showlegend=False,
                               line={"color": colour, "dash": dash, "width": 2})  # fmt: skip
        ends = [share[-1] for share in shares]
        sentences.append(f"{name} the smallest is {min(ends):.2g} to {max(ends):.2g} of the largest")
    figure.update_xaxes(title="singular value, by size", range=[0, max(len(one) for runs in values.values()
                        for one in runs) + 1])  # fmt: skip
    figure.update_yaxes(title="share of the largest", type="log", range=[-3.2, 0.1], dtick=1)
    numbers = patch_size**2
    lost = max(0, numbers - width)
    words = f"{lost} of {numbers} directions lost" if lost else f"all {numbers} directions kept"
    says = (
        f"Singular values of the embedding at p = {patch_size} and width {width}, dotted before and solid after "
        f"training, one line a seed: {'; '.join(sentences)}. Of the {numbers} directions of a patch, {lost} are lost."
    )
    return dressed(figure, title=f"<b>p = {patch_size}</b>, width {width}: {words}", says=says)


def _shown(values: Float[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _below(x: float, y: float, text: str) -> dict:
    place = {"xref": "paper", "yref": "paper", "x": x, "y": y, "xanchor": "center", "yanchor": "top"}
    return {**place, "text": text, "showarrow": False, "font": {"size": 12, "color": INK}}


def _white(height: int) -> UInt8[np.ndarray, "h w 3"]:
    return np.full((height, COLUMNS * (CELL + GAP) - GAP, 3), 255, dtype=np.uint8)


def _sheet(directions: Float[np.ndarray, "K P"], patch_size: int, channels: int) -> UInt8[np.ndarray, "h w 3"]:
    """Up to two rows of directions as patches, white where there are none."""
    sheet = _white(2 * CELL + GAP)
    for k, direction in enumerate(directions):
        patch = direction.reshape(channels, patch_size, patch_size).transpose(1, 2, 0)
        patch = _shown(np.broadcast_to(128 + 127 * patch / np.abs(patch).max(), (patch_size, patch_size, 3)))
        top, left = (k // COLUMNS) * (CELL + GAP), (k % COLUMNS) * (CELL + GAP)
        sheet[top : top + CELL, left : left + CELL] = enlarged(patch, CELL // patch_size)
    return sheet
