"""A slider with two lives and one function.

`figure_for(value)` is pure. Live, an ipywidgets slider moves a FigureWidget; without a kernel the same figures stand in
one plotly figure as frames under plotly's own slider. A test moves every slider of every lesson over every value and
compares the two.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import Markdown, display

from labkit.lesson.show import show, somebody_is_there

Value = int | float | str
AT_ONCE = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate", "transition": {"duration": 0}}


class Slider:
    """One control, `name`, over `values`, that changes one figure. All figures must have the same traces in the same
    order; ValueError otherwise, since a frame could not replace what it does not name. Built in lesson 01."""

    def __init__(
        self, name: str, values: Sequence[Value], figure_for: Callable[[Any], go.Figure], *, start: Value | None = None
    ) -> None:
        self.name, self.values, self._figure_for = name, list(values), figure_for
        self.start = self.values[0] if start is None else start
        if self.start not in self.values:
            raise ValueError(f"slider {name!r} cannot start at {start!r}: its values are {self.values}")
        self._figures: dict[Value, go.Figure] = {}

    def figure(self, value: Value) -> go.Figure:
        """The figure for one value, computed once."""
        if value not in self._figures:
            figure = self._figure_for(value)
            kinds = [trace.type for trace in figure.data]
            for other in self._figures.values():
                if [trace.type for trace in other.data] != kinds:
                    raise ValueError(f"slider {self.name!r}: at {value!r} the figure has other traces than elsewhere")
            self._figures[value] = figure
        return self._figures[value]

    def show(self) -> None:
        """Show the live control where a person can move it, else the frames."""
        if somebody_is_there():
            display(self.live())
            display(Markdown(f"*{self.figure(self.start).layout.meta['says']}*"))
        else:
            show(self.frames())

    def live(self) -> widgets.VBox:
        """The control above a FigureWidget; its first child's `value` moves the second."""
        control = widgets.SelectionSlider(
            options=[(str(value), value) for value in self.values],
            value=self.start,
            description=self.name,
            style={"description_width": "initial"},
            layout={"width": "100%", "max_width": "560px"},
        )
        view = go.FigureWidget(self.figure(self.start))

        def moved(change: dict[str, Any]) -> None:
            new = self.figure(change["new"])
            with view.batch_update():
                for old_trace, trace in zip(view.data, new.data, strict=True):
                    old_trace.update(trace.to_plotly_json(), overwrite=True)
                view.layout = new.layout

        control.observe(moved, "value")
        return widgets.VBox([control, view])

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
        figure.update_layout(sliders=[self._rail()], margin={"b": 110}, height=(figure.layout.height or 450) + 70)
        return figure

    def _rail(self) -> dict[str, Any]:
        steps = [{"method": "animate", "label": str(value), "args": [[str(value)], AT_ONCE]} for value in self.values]
        return {
            "active": self.values.index(self.start),
            "currentvalue": {"prefix": f"{self.name} = ", "font": {"size": 14}},
            "pad": {"t": 44, "b": 6},
            "steps": steps,
        }


def as_json(figure: go.Figure) -> dict[str, Any]:
    """A figure as plain JSON."""
    return json.loads(figure.to_json())
