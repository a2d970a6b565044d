"""Figures of equal compute: the same losses over steps, FLOPs and seconds, what one amount of compute buys at each
patch size, and fronts of what nothing cheaper beats.

Letters: p patch size, L loss in nats.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from labkit.figures.style import INK, MUTED, ORANGE, dressed, legend_under_title, patch_axis, told_size
from labkit.figures.surface import LOOKS, bars, loss_axis, panels, with_reach
from labkit.scaling import Losses, budgets, front, sizes
from labkit.stats import Interval, interval

PATCHES = (*LOOKS, (ORANGE, "triangle-up", "longdash"), (INK, "star", "solid"), (MUTED, "hexagon", "dash"))


class Point(NamedTuple):
    """Something with a price: its name, what it costs, its loss, and its interval where there is one."""

    name: str
    cost: int | float
    loss: float
    interval: Interval | None = None


def budget_figure(
    surfaces: Mapping[str, Losses], per_step: Mapping[str, Mapping[int, int | float]], measure: str, *, image_size: int
) -> go.Figure:
    """A panel for each model: mean loss over what its training took, a line for each p. `per_step` by model and p: what
    one step costs in that `measure`. Used in lesson 08."""
    figure, words = panels(list(surfaces)), []
    every = [value for losses in surfaces.values() for seeds in losses.values() for value in seeds.values()]
    paid = [per_step[model][p] * steps for model, losses in surfaces.items() for p, steps in losses]
    every_size = sorted({p for losses in surfaces.values() for p, _ in losses}, reverse=True)
    told_of: set[int] = set()
    for column, (model, losses) in enumerate(surfaces.items(), 1):
        told = []
        for p in sizes(losses):
            colour, symbol, dash = PATCHES[every_size.index(p) % len(PATCHES)]
            here = [steps for steps in budgets(losses) if (p, steps) in losses]
            found = [interval(list(losses[p, steps].values())) for steps in here]
            figure.add_scatter(x=[per_step[model][p] * steps for steps in here], y=[one.mean for one in found],
                               mode="lines+markers", name=f"p = {told_size(p, image_size)}",
                               showlegend=p not in told_of, legendgroup=str(p), line={"color": colour, "dash": dash},
                               marker={"symbol": symbol, "size": 9}, error_y=bars(found),
                               row=1, col=column)  # fmt: skip
            told_of.add(p)
            told.append(f"p = {p} ends at {found[-1].mean:.2f} after {per_step[model][p] * here[-1]:.3g}")
        words.append(f"{model}: {', '.join(told)}")
    figure.update_xaxes(type="log", title=measure, exponentformat="power", dtick=1,
                        range=[math.log10(min(paid) / 1.6), math.log10(max(paid) * 1.6)])  # fmt: skip
    loss_axis(figure, every, spare=0.06)
    says = (
        f"Test loss over {measure}, a panel for each model and a line for each patch size, with 95 % intervals over "
        f"seeds. {'; '.join(words)}."
    )
    dressed(figure, title=f"<b>over {measure}</b>", says=says, height=460)
    return legend_under_title(figure, y=1.08, top=104)


def equal_figure(
    bought: Mapping[str, Mapping[int, Interval | None]], *, measure: str, amount: str, spread: Sequence[float],
    image_size: int,
) -> go.Figure:  # fmt: skip
    """A panel for each model: the loss that one `amount` of compute buys, over p, a star at the lowest. `bought` by
    model and p, None where that amount was not run; `spread`: the smallest and the largest loss at any amount. Used in
    lesson 08."""
    figure, words = panels(list(bought)), []
    for column, (model, by_p) in enumerate(bought.items(), 1):
        colour, symbol, _ = LOOKS[column - 1]
        found = {p: one for p, one in by_p.items() if one is not None}
        place = {"row": 1, "col": column}
        figure.add_scatter(x=list(found), y=[one.mean for one in found.values()], mode="lines+markers", name=model,
                           line={"color": colour, "width": 3}, marker={"symbol": symbol, "size": 10},
                           error_y=bars(list(found.values())), showlegend=False, **place)  # fmt: skip
        best = [min(found, key=lambda p: found[p].mean)] if found else []
        figure.add_scatter(x=best, y=[found[p].mean for p in best], mode="markers", name="lowest", showlegend=False,
                           marker={"symbol": "star-open", "size": 22, "color": INK}, **place)  # fmt: skip
        told = ", ".join(f"p = {told_size(p, image_size)} {with_reach(one)}" for p, one in found.items())
        words.append(f"{model}: {told or 'nothing was run'}" + (f", lowest at p = {best[0]}" if best else ""))
    patch_axis(figure, image_size, range=[math.log10(22), math.log10(0.75)])
    loss_axis(figure, spread, spare=0.08)
    says = (
        f"Test loss over patch size, all trained for {amount} ({measure}), read off between the budgets that were run, "
        f"with 95 % intervals over seeds; a star marks the lowest mean. {'; '.join(words)}."
    )
    return dressed(figure, title=f"<b>{amount}</b>, whatever the patch", says=says, height=430)


def front_figure(
    groups: Mapping[str, Sequence[Point]], *, measure: str, quantity: str, title: str, flipped: bool = False
) -> go.Figure:
    """Points named by patch size over their cost, each group joined by a thin line, and the front of all of them:
    what nothing cheaper beats. `flipped` shows 100 minus the loss, an accuracy in percent. Used in lesson 08."""
    figure = go.Figure()
    every = [point for points in groups.values() for point in points]
    best = [every[k] for k in front([point.cost for point in every], [point.loss for point in every])]
    told = [100 - point.loss if flipped else point.loss for point in best]
    figure.add_scatter(x=[point.cost for point in best], y=told, mode="lines", name="front", line_shape="hv",
                       line={"color": INK, "width": 5}, opacity=0.25)  # fmt: skip
    for k, (name, points) in enumerate(groups.items()):
        colour, symbol, dash = PATCHES[k % len(PATCHES)]
        values = [100 - point.loss if flipped else point.loss for point in points]
        intervals = [point.interval for point in points]
        figure.add_scatter(x=[point.cost for point in points], y=values, mode="lines+markers+text", name=name,
                           text=[point.name for point in points], textfont={"size": 11},
                           textposition="bottom right" if flipped else "top right",
                           line={"color": colour, "width": 1, "dash": dash}, marker={"symbol": symbol, "size": 10},
                           error_y=bars([one for one in intervals if one is not None])
                           if intervals and all(intervals) else None)  # fmt: skip
    costs = [point.cost for point in every]
    figure.update_xaxes(type="log", title=measure, exponentformat="power", dtick=1,
                        range=[math.log10(min(costs) / 1.5), math.log10(max(costs) * 2)])  # fmt: skip
    shown = [100 - point.loss if flipped else point.loss for point in every]
    room = 0.1 * (max(shown) - min(shown))
    figure.update_yaxes(title=quantity, range=[min(shown) - room, max(shown) + room])
    names = [next(f"{name} p = {one.name}" for name, points in groups.items() if one in points) for one in best]
    there = ", ".join(name for name, points in groups.items() if points)
    says = (
        f"{quantity} over {measure}, a mark and a thin line for each of {there}. On the front, which nothing "
        f"cheaper beats, stand: {', '.join(f'{n} ({v:.3g})' for n, v in zip(names, told, strict=True))}."
    )
    dressed(figure, title=title, says=says, height=480)
    return legend_under_title(figure, y=1.02, top=100)
