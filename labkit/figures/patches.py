"""A photograph under the knife: its grid of patches, a window close up, and the tokens as a strip.

Letters: H W pixels of the photograph (square here), p patch size, N tokens.
"""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import UInt8

from labkit.figures.style import INK, RED, dressed, enlarged, png
from labkit.grid import grid_of

WINDOW = 32  # pixels of the close-up: the largest patch size
TOKENS = 7  # in the strip: as many as a row has at the largest patch size
CELL, GAP = 48, 6  # of the strip, in the strip's own pixels
FINEST = 4  # the smallest patch whose grid is still drawn on the whole photograph


def patch_figure(pixels: UInt8[np.ndarray, "H W 3"], patch_size: int, *, window: tuple[int, int]) -> go.Figure:
    """The whole photograph with its grid, the window (row, column of its corner, in pixels) close up, and the window's
    row of tokens as a strip. Used in lesson 01."""
    size = len(pixels)
    rows, columns = grid_of(size, patch_size)
    top, left = window
    figure = go.Figure()
    figure.add_image(source=png(pixels), x0=0.5, y0=0.5, hoverinfo="skip", name="photograph")
    step = patch_size if patch_size >= FINEST else size
    figure.add_scatter(**_grid(size, size, step), line={"width": 0.7, "color": "rgba(255,255,255,.75)"})
    figure.add_scatter(**_frame(top, left, WINDOW), line={"width": 3, "color": RED})
    close = pixels[top : top + WINDOW, left : left + WINDOW]
    figure.add_image(source=png(enlarged(close, 8)), x0=1 / 16, y0=1 / 16, dx=1 / 8, dy=1 / 8, xaxis="x2", yaxis="y2")
    figure.add_scatter(**_grid(WINDOW, WINDOW, patch_size), xaxis="x2", yaxis="y2", line={"width": 1, "color": "white"})
    strip = png(token_strip(pixels, patch_size, row=top, column=left))
    figure.add_image(source=strip, x0=0.5, y0=0.5, xaxis="x3", yaxis="y3", hoverinfo="skip", name="tokens")
    figure.update_traces(selector={"type": "scatter"}, mode="lines", hoverinfo="skip", showlegend=False)
    figure.update_traces(selector={"type": "image"}, hoverinfo="skip")
    _axes(figure, size)
    tokens, numbers = rows * columns, 3 * patch_size**2
    title = f"<b>p = {patch_size}</b>: {rows} × {columns} = <b>N = {tokens:,} tokens</b> of {numbers:,} numbers each"
    says = (
        "A photograph cut by a grid; a square frame marks a window that is shown close up beside it, and below it "
        f"seven tokens of its row, side by side. At p = {patch_size} there are {tokens:,} tokens of {numbers:,} "
        "numbers."
    )
    figure.update_layout(annotations=_labels())
    return dressed(figure, title=title, says=says, height=460)


def token_strip(
    pixels: UInt8[np.ndarray, "H W 3"], patch_size: int, *, row: int, column: int, count: int = TOKENS
) -> UInt8[np.ndarray, "h w 3"]:
    """`count` tokens of the row of patches that holds pixel `row`, from the patch at pixel `column` on (or as far left
    as it takes; fewer where the row has fewer), each drawn as large as the others on white."""
    columns = len(pixels[0]) // patch_size
    first = max(0, min(column // patch_size, columns - count))
    top = row // patch_size * patch_size
    strip = np.full((CELL, count * (CELL + GAP) - GAP, 3), 255, dtype=np.uint8)
    for k in range(min(count, columns)):
        left = (first + k) * patch_size
        patch = pixels[top : top + patch_size, left : left + patch_size]
        nearest = np.arange(CELL) * patch_size // CELL
        strip[:, k * (CELL + GAP) : k * (CELL + GAP) + CELL] = patch[nearest][:, nearest]
    return strip


def strips_figure(pictures: Mapping[str, UInt8[np.ndarray, "H W 3"]], patch_size: int) -> go.Figure:
    """Seven tokens from the middle row of several photographs, one strip each. Used in lesson 01."""
    strips = []
    for pixels in pictures.values():
        strip = token_strip(pixels, patch_size, row=len(pixels) // 2, column=len(pixels) // 4)
        strips += [strip, np.full((3 * GAP, *strip.shape[1:]), 255, dtype=np.uint8)]
    sheet = np.concatenate(strips[:-1])
    figure = go.Figure(go.Image(source=png(sheet), hoverinfo="skip"))
    centres = [k * (CELL + 3 * GAP) + CELL / 2 for k in range(len(pictures))]
    bare = {"showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(range=[0, sheet.shape[1]], showticklabels=False, **bare)
    figure.update_yaxes(range=[len(sheet), 0], tickvals=centres, ticktext=list(pictures), scaleanchor="x", **bare)
    title = f"<b>p = {patch_size}</b>: seven tokens from the middle of each photograph"
    says = (
        f"{len(pictures)} rows of seven tokens, one row for each of {', '.join(pictures)}. At p = {patch_size} a token "
        f"shows {f'{patch_size} × {patch_size} pixels' if patch_size > 1 else 'one pixel, a single colour'}."
    )
    dressed(figure, title=title, says=says, height=100 + 72 * len(pictures))
    return figure.update_layout(margin={"l": 150})


def _grid(height: int, width: int, step: int) -> dict[str, list]:
    """Grid lines every `step` pixels as one broken line."""
    x, y = [], []
    for at in range(0, width + 1, step):
        x += [at, at, None]
        y += [0, height, None]
    for at in range(0, height + 1, step):
        x += [0, width, None]
        y += [at, at, None]
    return {"x": x, "y": y}


def _frame(top: int, left: int, side: int) -> dict[str, list]:
    return {"x": [left, left + side, left + side, left, left], "y": [top, top, top + side, top + side, top]}


def _axes(figure: go.Figure, size: int) -> None:
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True, "constrain": "domain"}
    length = TOKENS * (CELL + GAP) - GAP
    figure.update_layout(
        xaxis={"domain": [0, 0.52], "range": [0, size], **bare},
        yaxis={"domain": [0, 1], "range": [size, 0], "scaleanchor": "x", **bare},
        xaxis2={"domain": [0.58, 1], "range": [0, WINDOW], "anchor": "y2", **bare},
        yaxis2={"domain": [0.36, 1], "range": [WINDOW, 0], "anchor": "x2", "scaleanchor": "x2", **bare},
        xaxis3={"domain": [0.56, 1], "range": [0, length], "anchor": "y3", **bare},
        yaxis3={"domain": [0, 0.2], "range": [CELL, 0], "anchor": "x3", "scaleanchor": "x3", **bare},
    )


def _labels() -> list[dict]:
    base = {"xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": 12, "color": INK}}
    return [
        {**base, "x": 0.79, "y": 0.36, "xanchor": "center", "yanchor": "top", "text": "the marked window, close up"},
        {
            **base,
            "x": 0.78,
            "y": 0.0,
            "xanchor": "center",
            "yanchor": "top",
            "text": "seven tokens of its row, one by one",
        },
    ]
