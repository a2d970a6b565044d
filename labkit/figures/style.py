"""One look for all figures: colours that colour-blind readers tell apart (Okabe & Ito, 2008), one font, one frame.

A figure carries in `layout.meta["says"]` a sentence that says what it shows: the text alternative of the web pages.
"""

import base64
import io
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import UInt8
from PIL import Image

INK, MUTED, GRID = "#1b1f24", "#9aa3ad", "#e3e6ea"
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"
SERIES = (BLUE, RED, GREEN, PURPLE, ORANGE)
BEHIND = "rgba(255,255,255,.85)"  # of words that stand over lines and marks
SIZES = (64, 32, 16, 8, 4, 2, 1)  # patch sizes that stand at an axis
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def dressed(figure: go.Figure, *, title: str, says: str, height: int = 420) -> go.Figure:
    """The figure in the house's look, with its title and its text alternative."""
    figure.update_layout(
        template="plotly_white",
        title={"text": title, "x": 0.0, "xref": "paper", "xanchor": "left", "font": {"size": 16}},
        font={"family": FONT, "size": 13, "color": INK},
        margin={"l": 56, "r": 16, "t": 64, "b": 48},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1.0, "xanchor": "right"},
        height=height,
        meta={"says": says},
    )
    return figure


def legend_under_title(figure: go.Figure, *, y: float, top: int) -> go.Figure:
    """The legend on the left, `y` of the plot's height up, in a margin of `top` pixels that holds the title too."""
    return figure.update_layout(legend={"y": y, "x": 0, "xanchor": "left"}, margin={"t": top},
                                title={"y": 0.97, "yanchor": "top"})  # fmt: skip


def told_size(p: int, image_size: int) -> str:
    """A patch size, and where it leaves one token, with nothing to mix, a word of that."""
    return f"{p} (one token)" if p == image_size else str(p)


def patch_axis(figure: go.Figure, image_size: int, **more: Any) -> None:
    """Patch sizes along every x axis, logarithmic, the largest on the left unless `more` gives a range."""
    alone = f" ({image_size}: one token)" if image_size in SIZES else ""
    figure.update_xaxes(type="log", tickvals=SIZES, ticktext=[str(p) for p in SIZES], title=f"patch size p{alone}",
                        **(more or {"autorange": "reversed"}))  # fmt: skip


def png(pixels: UInt8[np.ndarray, "H W 3"]) -> str:
    """Pixels as a PNG in a data URI: far smaller in a page than the numbers."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def enlarged(pixels: UInt8[np.ndarray, "H W 3"], factor: int) -> UInt8[np.ndarray, "h w 3"]:
    """Each pixel as a square of factor x factor equal ones."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
