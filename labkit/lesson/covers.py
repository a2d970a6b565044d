"""A place under a cell whose content can change later: covered now, a figure and its words once a choice is made."""

from typing import Any

import plotly.graph_objects as go
from IPython.display import DisplayHandle, Markdown

from labkit.lesson.show import bundle_of


class Cover:
    """The outputs of one cell: `covered` words at first. `uncover` and `cover` change them, from a button's callback as
    well as from a cell."""

    def __init__(self, covered: str) -> None:
        self._covered, self._places = covered, [DisplayHandle(), DisplayHandle()]
        for place, words in zip(self._places, (covered, ""), strict=True):
            place.display(Markdown(words))

    def cover(self) -> None:
        """Show the covering words alone."""
        self._put(Markdown(self._covered), Markdown(""))

    def uncover(self, figure: go.Figure | None, words: str) -> None:
        """Show the figure, if there is one, and the words (Markdown) below it."""
        self._put(Markdown("") if figure is None else bundle_of(figure), Markdown(words))

    def _put(self, *contents: Any) -> None:
        for place, content in zip(self._places, contents, strict=True):
            place.update(content, raw=isinstance(content, dict))
