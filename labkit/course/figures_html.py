"""A plotly figure out of a notebook as a piece of a page: its slider moves without a kernel and without a network.

The figure stands in the page as JSON; the script `figures.js` draws it, in the page's own colours (light or dark) and
to its width.
"""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from labkit.figures.style import BEHIND, BLUE, GREEN, GRID, INK, MUTED, ORANGE, PURPLE, RED

MIME = "application/vnd.plotly.v1+json"
HEIGHT = 450  # pixels of a figure that names none
# What each colour of the house and of plotly's white template becomes on a dark page; the hue stays, so that words such
# as "the blue line" stay true. White that a figure asks for itself stays white: it may mean something.
DARK = {
    INK: "#e4e7e8",
    MUTED: "#8f9aa3",
    GRID: "#38424a",
    BLUE: "#4fa9e2",
    RED: "#f3853f",
    GREEN: "#2dbd93",
    PURPLE: "#dd97bd",
    ORANGE: "#f0b429",
    BEHIND: "rgba(20,24,27,.85)",
    "#2a3f5f": "#e4e7e8",
    "#ebf0f8": "#38424a",
    "#c8d4e3": "#4a555e",
    "#506784": "#8f9aa3",
    "#dfe8f3": "#38424a",
}


def figure_html(bundle: Mapping[str, Any], name: str) -> str:
    """The `<figure>` of one mime bundle; `name` is its id on the page. ValueError for a figure without words."""
    says = says_what(bundle)
    if not says:
        raise ValueError(
            "a figure has no words in layout.meta['says']: who cannot see it would not be told what it shows"
        )
    figure = {key: bundle[key] for key in ("data", "layout", "frames") if key in bundle}
    # No zoom by dragging unless the lesson asks for it: a finger that scrolls the page would zoom the figure instead.
    figure["layout"] = {"dragmode": False, "height": HEIGHT, **figure.get("layout", {})}
    data = json.dumps(figure, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<figure class="plot"><div class="frame"><div role="img" aria-label="{escape(says)}">'
        f'<div class="drawing" id="{name}" style="height:{figure["layout"]["height"]}px"></div></div></div>'
        f'<script type="application/json">{data}</script></figure>'
    )


def says_what(bundle: Mapping[str, Any]) -> str:
    """The sentence that says what the figure says, `layout.meta["says"]`; empty where there is none."""
    meta = bundle.get("layout", {}).get("meta")
    return str(meta.get("says") or "") if isinstance(meta, Mapping) else ""
