"""A plotly figure out of a notebook as a piece of a page: its slider moves without a kernel and without a network."""

from collections.abc import Mapping
from html import escape
from typing import Any

import plotly.io as pio

MIME = "application/vnd.plotly.v1+json"
# No buttons above the figure, and no zoom by dragging unless the lesson asks for it: on a phone a finger that scrolls
# the page would zoom the figure instead.
CONFIG = {"responsive": True, "displayModeBar": False, "doubleClick": "reset"}


def figure_html(bundle: Mapping[str, Any], name: str) -> str:
    """The `<figure>` of one mime bundle; `name` is its id on the page. The script is loaded once, by the page."""
    figure = {key: bundle[key] for key in ("data", "layout", "frames") if key in bundle}
    figure["layout"] = {"dragmode": False, **figure.get("layout", {})}
    inner = pio.to_html(
        figure,
        config=CONFIG,
        include_plotlyjs=False,
        include_mathjax=False,
        full_html=False,
        auto_play=False,
        default_height=f"{figure['layout'].get('height', 450)}px",
        validate=False,
        div_id=name,
    )
    says = escape(says_what(bundle) or "Figure without a description")
    return f'<figure class="plot"><div role="img" aria-label="{says}">{inner}</div></figure>'


def says_what(bundle: Mapping[str, Any]) -> str:
    """The sentence that says what the figure says: `layout.meta["says"]`, or else the title's text."""
    layout = bundle.get("layout", {})
    meta, title = layout.get("meta"), layout.get("title")
    says = meta.get("says") if isinstance(meta, Mapping) else None
    return says or (title.get("text", "") if isinstance(title, Mapping) else title or "")
