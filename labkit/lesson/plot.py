"""A plotly figure as a widget of its own: small, so that it is there at once, and drawn anew when it is told to.

plotly's own FigureWidget sends all of plotly.js with every figure, and a page that takes more than two seconds to read
it leaves the figure empty. Here a kernel sends it with its first figure alone.
"""

import json
from pathlib import Path
from typing import Any

import anywidget
import plotly.graph_objects as go
import traitlets
from plotly.offline import get_plotlyjs


class Plot(anywidget.AnyWidget):
    """Shows `figure`, plain JSON with `data` and `layout`; the words in `layout.meta["says"]` are read out for it.
    Used by every slider."""

    _esm = Path(__file__).with_name("plot.js")
    figure = traitlets.Dict().tag(sync=True)
    library = traitlets.Unicode().tag(sync=True)
    _sent = False

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(figure=as_json(figure), library="" if Plot._sent else get_plotlyjs())
        Plot._sent = True
        self.on_msg(self._asked)

    def draw(self, figure: go.Figure) -> None:
        """Show another figure from now on."""
        self.figure = as_json(figure)

    def _asked(self, widget: "Plot", content: dict[str, Any], buffers: list[memoryview]) -> None:
        if content.get("kind") == "library":
            self.send({"kind": "library", "text": get_plotlyjs()})


def as_json(figure: go.Figure) -> dict[str, Any]:
    """A figure as plain JSON."""
    return json.loads(figure.to_json())
