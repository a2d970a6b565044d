"""A slider with two lives and one function.

`figure_for(value)` is pure. Live, an ipywidgets slider moves a plot; without a kernel the same figures stand in
one plotly figure as frames under plotly's own slider. A test moves every slider of every lesson over every value and
compares the two.
"""

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import Markdown, display

from labkit.lesson.keys import with_own_keys
from labkit.lesson.plot import Plot, as_json
from labkit.lesson.show import show, somebody_is_there
from labkit.lesson.status import Status
from labkit.wording import in_one_line

Value = int | float | str
AT_ONCE = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate", "transition": {"duration": 0}}


class Slider:
    """One control, `name`, over `values`, that changes one figure. All figures must have the same traces with the same
    keys, and words; ValueError otherwise, since a frame could not replace what it does not name. Used from lesson 00
    on."""

    def __init__(
        self, name: str, values: Sequence[Value], figure_for: Callable[[Any], go.Figure], *, start: Value | None = None
    ) -> None:
        self.name, self.values, self._figure_for = name, list(values), figure_for
        labels = [str(value) for value in self.values]
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(f"slider {name!r} has the values {self.values}: it takes one or more, each written once")
        self.start = self.values[0] if start is None else start
        if self.start not in self.values:
            raise ValueError(f"slider {name!r} cannot start at {start!r}: its values are {self.values}")
        self._figures: dict[Value, go.Figure] = {}
        self._form: tuple[list[list[str]], list[str]] | None = None  # what all figures have in common
        self._redraw: list[Callable[[], None]] = []  # one for each live view

    def renew(self, figure_for: Callable[[Any], go.Figure]) -> None:
        """Show the figures of another function from now on, such as those of another picture. Live controls stay where
        they are, and their figures are drawn anew; with an error all stays as it was. ValueError for a figure that has
        other traces or keys than before."""
        before = self._figure_for, self._figures
        self._figure_for, self._figures = figure_for, {}
        try:
            for redraw in self._redraw:
                redraw()
        except BaseException:  # a stop by hand as well
            self._figure_for, self._figures = before
            for redraw in self._redraw:
                redraw()
            raise

    def figure(self, value: Value) -> go.Figure:
        """The figure for one value, computed once."""
        if value not in self._figures:
            figure = self._figure_for(value)
            if not (figure.layout.meta or {}).get("says"):
                raise ValueError(f"slider {self.name!r}: at {value!r} the figure has no words in layout.meta['says']")
            self._form = self._form or _shape(figure)
            if self._form != _shape(figure):
                raise ValueError(f"slider {self.name!r}: at {value!r} the figure has other traces or keys")
            self._figures[value] = figure
        return self._figures[value]

    def says(self, value: Value) -> str:
        """What the figure for one value shows, in words."""
        return self.figure(value).layout.meta["says"]

    def show(self) -> None:
        """Show the live control where a person can move it, else the frames with all their words below."""
        if somebody_is_there():
            display(self.live())
            return
        show(self.frames())
        words = "\n".join(f"- **{self.name} = {value}**: {self.says(value)}" for value in self.values)
        title = "In words, for every value of the slider"
        display(Markdown(f"<details><summary>{title}</summary>\n\n{words}\n\n</details>"))

    def live(self) -> widgets.VBox:
        """The control above a plot and its words; the control's `value` moves both. While a figure is computed
        for the first time the words say so; if that fails or is stopped, the control goes back to the value whose
        figure is shown, the words say why, and the error goes on."""
        control = widgets.SelectionSlider(
            options=[(str(value), value) for value in self.values],
            value=self.start,
            description=self.name,
            style={"description_width": "initial"},
            layout={"width": "100%", "max_width": "560px"},
        )
        view, words = Plot(self.figure(self.start)), Status(value=_as_html(self.says(self.start)))
        shown = self.start

        def moved(change: dict[str, Any]) -> None:
            nonlocal shown
            value = change["new"]
            if value == shown:  # on its way back
                return
            try:
                if value not in self._figures:
                    words.value = _as_html(f"{self.name} = {value}: being computed ... (Kernel, Interrupt stops it)")
                view.draw(self.figure(value))
            except (Exception, KeyboardInterrupt) as error:
                view.draw(self.figure(shown))
                control.value = shown
                words.value = f"{_why(error, f'{self.name} = {value}')} {_as_html(self.says(shown))}"
                raise
            shown = value
            words.value = _as_html(self.says(value))

        def redraw() -> None:
            view.draw(self.figure(shown))
            words.value = _as_html(self.says(shown))

        control.observe(moved, "value")
        self._redraw.append(redraw)
        return with_own_keys([control, view, words])

    def frames(self) -> go.Figure:
        """All figures in one, with plotly's own slider; traces and layout keys that never change stand there once."""
        every = [as_json(self.figure(value)) for value in self.values]
        traces = [
            k for k in range(len(every[0]["data"])) if any(one["data"][k] != every[0]["data"][k] for one in every)
        ]
        keys = {key for one in every for key in one["layout"]}
        keys = sorted(
            key for key in keys if any(one["layout"].get(key) != every[0]["layout"].get(key) for one in every)
        )
        frames = [
            go.Frame(
                name=str(value),
                data=[one["data"][k] for k in traces],
                traces=traces,
                layout={key: one["layout"][key] for key in keys},
            )
            for value, one in zip(self.values, every, strict=True)
        ]
        figure = go.Figure(self.figure(self.start))
        figure.frames = frames
        figure.layout.meta = {"says": f"A slider over {self.name}, at {self.start}. {self.says(self.start)}"}
        figure.update_layout(sliders=[self._rail()], margin={"b": 110}, height=(figure.layout.height or 450) + 70)
        return figure

    def _rail(self) -> dict[str, Any]:
        steps = [{"method": "animate", "label": str(value), "args": [[str(value)], AT_ONCE]} for value in self.values]
        beyond = max(0, 4 * len(str(self.values[-1])) - 16)  # half the last label's width; the margin holds a number
        return {
            "active": self.values.index(self.start),
            "currentvalue": {"prefix": f"{self.name} = ", "font": {"size": 14}},
            "pad": {"t": 44, "b": 6, "r": beyond},
            "steps": steps,
        }


def _shape(figure: go.Figure) -> tuple[list[list[str]], list[str]]:
    """What must be the same at every value: each trace's keys, and the layout's."""
    plain = as_json(figure)
    return [sorted(trace) for trace in plain["data"]], sorted(plain["layout"])


def _as_html(words: str) -> str:
    """A figure's words, slanted, as they stand."""
    return f"<em>{html.escape(words, quote=False)}</em>"


def _why(error: BaseException, at: str) -> str:
    """Why there is no figure for what was asked, as HTML."""
    if isinstance(error, KeyboardInterrupt):
        words = f"{at} was stopped; this is still the figure from before."
    else:
        why = in_one_line(f"{type(error).__name__}: {error}")
        words = f"{at} cannot be shown ({why}); this is still the figure from before."
    return f"<b>{html.escape(words, quote=False)}</b>"
