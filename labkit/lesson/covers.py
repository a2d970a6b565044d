"""A place under a cell whose content can change later: covered now, a figure and its words once a choice is made.

It is made of widgets, whose state the kernel keeps: a page that is loaded again shows what was shown last.
"""

import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import display

from labkit.lesson.plot import Plot
from labkit.lesson.status import Status


class Cover:
    """What one cell shows: `covered` words (Markdown) at first. `uncover` and `cover` change it, from a button's
    callback as well as from a cell."""

    def __init__(self, covered: str) -> None:
        self._covered = _as_html(covered)
        self._figure, self._words = widgets.VBox(), Status(value=self._covered)
        self._words.add_class("jp-RenderedHTMLCommon")  # tables as in JupyterLab's own Markdown
        display(widgets.VBox([self._figure, self._words]))

    def cover(self) -> None:
        """Show the covering words alone."""
        self._figure.children = ()
        self._words.value = self._covered

    def uncover(self, figure: go.Figure | None, words: str) -> None:
        """Show the figure, if there is one, and the words (Markdown) below it."""
        self._figure.children = () if figure is None else (Plot(figure),)
        self._words.value = _as_html(words)


def _as_html(words: str) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune  # slow to import, and a re-run has no covers

    return markdown2html_mistune(words)
