"""One look for all figures: colours that colour-blind readers tell apart (Okabe & Ito, 2008), one font, one frame.

A figure carries in `layout.meta["says"]` a sentence that says what it shows: the text alternative of the web pages.
"""

import base64
import io

import numpy as np
import plotly.graph_objects as go
from jaxtyping import UInt8
from PIL import Image

INK, MUTED, GRID = "#1b1f24", "#9aa3ad", "#e3e6ea"
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"
SERIES = (BLUE, RED, GREEN, PURPLE, ORANGE)
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


def png(pixels: UInt8[np.ndarray, "H W 3"]) -> str:
    """Pixels as a PNG in a data URI: far smaller in a page than the numbers."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def enlarged(pixels: UInt8[np.ndarray, "H W 3"], factor: int) -> UInt8[np.ndarray, "h w 3"]:
    """Each pixel as a square of factor x factor equal ones."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
