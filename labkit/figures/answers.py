"""An answer drawn into the figure that judges it: what a choice would have looked like, dashed, with its name on it.

`outcome_figure` draws outcomes that have no figure of their own. Letters: p patch size, N tokens.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

import plotly.graph_objects as go

from labkit.figures.style import BEHIND, INK, SERIES, dressed
from labkit.wording import capitalised

Value = int | float | str
Numbers = Sequence[int | float]
Series = tuple[Sequence[Value], Numbers] | tuple[Sequence[Value], Numbers, Numbers, Numbers]
MARKS = ("circle", "diamond", "square", "triangle-up", "x")
AWAY = 42  # pixels from a point to the label that belongs to it


@dataclass(frozen=True)
class Said:
    """What an answer looks like in a figure: a line through the points (`x`, `y`), in the figure's own units, and in a
    few `words` what it says. `at` is the point that carries the label; `axes` are those of the panel that is meant.

    ValueError if there is no point, or `x` and `y` differ in length."""

    words: str
    x: Sequence[Value]
    y: Sequence[Value]
    at: int = -1
    axes: tuple[str, str] = ("x", "y")

    def __post_init__(self) -> None:
        if not self.x or len(self.x) != len(self.y):
            raise ValueError(
                f"{self.words!r} has {len(self.x)} x and {len(self.y)} y: it takes one or more points with one of "
                "each, or there is nothing to draw"
            )


def with_answer(figure: go.Figure, said: Said, *, whose: str = "your answer") -> go.Figure:
    """A copy of the figure with the answer drawn in: dashed, open stars, a label that says `whose` it is and what it
    means; the figure's words (`layout.meta["says"]`) say it too. ValueError for a panel that the figure does not have.
    Used in lesson 00."""
    panels = {(getattr(trace, "xaxis", None) or "x", getattr(trace, "yaxis", None) or "y") for trace in figure.data}
    if said.axes not in panels:
        raise ValueError(f"{said.words!r} is meant for the panel {said.axes}, but the figure has {sorted(panels)} only")
    drawn = go.Figure(figure)
    drawn.add_scatter(
        x=list(said.x), y=list(said.y), xaxis=said.axes[0], yaxis=said.axes[1], mode="lines+markers",
        name=f"{whose}: {said.words}", showlegend=False, line={"color": INK, "width": 2.5, "dash": "dash"},
        marker={"symbol": "star-open", "size": 13, "color": INK, "line": {"width": 2}},
    )  # fmt: skip
    for axis, values in zip(said.axes, (said.x, said.y), strict=True):
        _widen(drawn.layout[_key(axis)], values)
    drawn.add_annotation(**_label(figure, said, whose))
    drawn.layout.meta = {
        **figure.layout.meta,
        "says": f"{figure.layout.meta['says']} Drawn in, dashed with open stars, {whose}: {said.words}.",
    }
    return drawn


def outcome_figure(
    series: Mapping[str, Series], *, x: str, y: str, title: str, log: str = "", joined: bool = True
) -> go.Figure:
    """Outcomes as marks over `x` (numbers, or words for categories), `joined` by lines or not, with intervals where a
    series is (x, y, low, high). `log` names the logarithmic axes: "", "x", "y" or "xy". The words give each value.
    Used in lesson 00."""
    figure, told = go.Figure(), []
    for k, (name, (at, values, *ends)) in enumerate(series.items()):
        colour = SERIES[k % len(SERIES)]
        figure.add_scatter(
            x=list(at), y=list(values), name=name, mode="lines+markers" if joined else "markers",
            line={"color": colour, "width": 2}, marker={"symbol": MARKS[k % len(MARKS)], "size": 11, "color": colour},
            error_y=_bars(values, *ends) if ends else None,
        )  # fmt: skip
        told.append(f"{name}: {_told(at, values)}")
    for letter, words in (("x", x), ("y", y)):
        axis = figure.layout[f"{letter}axis"]
        axis.title, axis.type = words, "log" if letter in log else None
    if "y" in log:
        figure.update_yaxes(exponentformat="power", dtick=1)
    categories = list(dict.fromkeys(one for at, *_ in series.values() for one in at if isinstance(one, str)))
    if categories:
        figure.update_xaxes(tickvals=categories, ticktext=["<br>".join(wrap(one, 16)) for one in categories])
    if "x" in log:
        places = sorted({one for at, *_ in series.values() for one in at})
        figure.update_xaxes(tickvals=places, ticktext=[_number(one) for one in places])
    figure.update_layout(showlegend=len(series) > 1)
    says = f"{capitalised(y)} over {x}{' (logarithmic axes)' if log == 'xy' else ''}. {'. '.join(told)}."
    dressed(figure, title=title, says=says)
    return figure.update_layout(
        margin={"t": 92, "l": 72}, legend={"y": 1.02, "x": 0, "xanchor": "left"}, title={"y": 0.96, "yanchor": "top"}
    )


def _bars(values: Sequence[int | float], low: Sequence, high: Sequence) -> dict:
    """Plotly's error bars from the ends of intervals."""
    return {
        "type": "data", "width": 6,
        "array": [end - value for end, value in zip(high, values, strict=True)],
        "arrayminus": [value - end for end, value in zip(low, values, strict=True)],
    }  # fmt: skip


def _told(at: Sequence[Value], values: Sequence[int | float]) -> str:
    """Each value in words; of many the first, the middle and the last."""
    pairs = list(zip(at, values, strict=True))
    if len(pairs) > 9:
        pairs = [pairs[0], pairs[len(pairs) // 2], pairs[-1]]
    return ", ".join(f"{_number(value)} at {_number(one)}" for one, value in pairs)


def _number(value: Value) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def _key(axis: str) -> str:
    """The name that a layout has for a trace's axis: "x2" is "xaxis2"."""
    return f"{axis[0]}axis{axis[1:]}"


def _widen(axis: go.layout.XAxis | go.layout.YAxis, values: Sequence[Value]) -> None:
    """Let an axis of fixed range reach the values, with a twentieth to spare."""
    if axis.range is None or any(isinstance(value, str) for value in values):
        return
    first, last = axis.range
    inside = [math.log10(value) if axis.type == "log" else value for value in values]
    if all(min(first, last) <= value <= max(first, last) for value in inside):
        return
    spare = 0.05 * abs(last - first)
    low, high = min(first, last, min(inside) - spare), max(first, last, max(inside) + spare)
    axis.range = (low, high) if first <= last else (high, low)


def _label(figure: go.Figure, said: Said, whose: str) -> dict:
    """The answer's name beside one of its points, on the side where the figure has more room."""
    x, y = said.x[said.at], said.y[said.at]
    layout, (across, up) = figure.layout, said.axes
    place_x = _placed(x, layout[_key(across)].type)
    place_y = _placed(y, layout[_key(up)].type)
    left = said.at in (-1, len(said.x) - 1) and len(said.x) > 1
    return {
        "text": f"<b>{whose}</b>:<br>{said.words}", "x": place_x, "y": place_y, "xref": across, "yref": up,
        "showarrow": True, "arrowhead": 0, "arrowcolor": INK, "font": {"size": 12, "color": INK},
        "bgcolor": BEHIND, "xanchor": "right" if left else "left" if len(said.x) > 1 else "center",
        "ax": -18 if left else 18, "ay": AWAY if _high(figure, said) else -AWAY,
    }  # fmt: skip


def _placed(value: Value, kind: str | None) -> Value:
    """Annotations stand at the logarithm where an axis is logarithmic; traces do not."""
    return math.log10(value) if kind == "log" and not isinstance(value, str) else value


def _high(figure: go.Figure, said: Said) -> bool:
    """Whether the labelled point lies in the upper half of what the panel shows, so that the label goes below it."""
    shown = [
        value
        for trace in figure.data
        if (trace.yaxis or "y") == said.axes[1] and trace.type in ("scatter", "bar")
        for value in trace.y
        if isinstance(value, int | float)
    ]
    every = [value for value in (*shown, *said.y) if not isinstance(value, str)]
    return not every or said.y[said.at] > (max(every) + min(every)) / 2
