"""Figures of loss over patch size and budget: a cut through the surface at one budget, what each halving brings, and
what controls change.

Letters: p patch size, L loss in nats.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from labkit.figures.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    PURPLE,
    RED,
    dressed,
    legend_under_title,
    patch_axis,
    told_size,
)
from labkit.scaling import Halving, Losses, budgets, sizes
from labkit.stats import Interval, interval, mean

SHOWN = {"yes": "shown to help", "no": "shown to harm", "not shown": "not shown to help or to harm"}
LOOKS = ((BLUE, "circle", "solid"), (RED, "diamond", "dash"), (GREEN, "square", "dot"), (PURPLE, "x", "dashdot"))


def surface_figure(surfaces: Mapping[str, Losses], steps: int, *, image_size: int) -> go.Figure:
    """A panel for each model: mean loss over p after `steps` steps with the interval over seeds, each seed as a small
    circle, the other budgets in grey. `surfaces` by model. Used in lesson 06."""
    figure = panels(list(surfaces))
    every = [value for losses in surfaces.values() for seeds in losses.values() for value in seeds.values()]
    every += ends([interval(list(seeds.values())) for losses in surfaces.values() for seeds in losses.values()])
    words = []
    for column, ((model, losses), (colour, symbol, _)) in enumerate(zip(surfaces.items(), LOOKS, strict=False), 1):
        place = {"row": 1, "col": column}
        for budget in sorted({b for one in surfaces.values() for b in budgets(one)}):
            here = [p for p in sizes(losses) if (p, budget) in losses and budget != steps]
            figure.add_scatter(x=here, y=[mean(list(losses[p, budget].values())) for p in here], mode="lines+markers",
                               line={"color": MUTED, "width": 1.2}, marker={"size": 4}, name=f"{budget:,} steps",
                               showlegend=False, **place)  # fmt: skip
        here = [p for p in sizes(losses) if (p, steps) in losses]
        seeds = [(p, value) for p in here for value in losses[p, steps].values()]
        figure.add_scatter(x=[p for p, _ in seeds], y=[value for _, value in seeds], mode="markers", showlegend=False,
                           marker={"symbol": "circle-open", "size": 6, "color": colour}, name="each seed",
                           **place)  # fmt: skip
        found = {p: interval(list(losses[p, steps].values())) for p in here}
        figure.add_scatter(x=here, y=[found[p].mean for p in here], mode="lines+markers", showlegend=False,
                           line={"color": colour, "width": 3}, marker={"symbol": symbol, "size": 10}, name=model,
                           error_y=bars(list(found.values())), **place)  # fmt: skip
        told = ", ".join(f"p = {told_size(p, image_size)} {with_reach(found[p])}" for p in here)
        words.append(f"{model}: {told or 'nothing was run'}")
    patch_axis(figure, image_size)
    loss_axis(figure, every, spare=0.06)
    says = (
        f"Test loss over patch size after {steps:,} steps, a panel for each model: the mean over seeds with its "
        f"95 % interval, each seed as a small circle, other budgets in grey. {'; '.join(words)}."
    )
    return dressed(figure, title=f"<b>{steps:,} steps</b>: test loss over patch size", says=says, height=430)


def halvings_figure(found: Mapping[str, Sequence[Halving]]) -> go.Figure:
    """A panel for each model: what each halving of the patch takes off the loss, over the budget, with intervals.
    Above zero the smaller patch is better. Used in lesson 06."""
    figure, words = panels(list(found)), []
    every = [0.0, *ends([gain for some in found.values() for one in some for gain in one.gains.values()])]
    steps = [budget for some in found.values() for one in some for budget in one.gains]
    span = max(every) - min(every)
    every_size = sorted({one.larger for some in found.values() for one in some}, reverse=True)
    told_of: set[int] = set()
    for column, (model, some) in enumerate(found.items(), 1):
        place, told = {"row": 1, "col": column}, []
        figure.add_scatter(x=[min(steps) / 1.4, max(steps) * 1.4], y=[0, 0], mode="lines", showlegend=False,
                           line={"color": INK, "width": 1}, name="no gain", **place)  # fmt: skip
        for one in some:
            k = every_size.index(one.larger)
            colour, symbol, dash = LOOKS[k % len(LOOKS)]
            moved = 1.06 ** (k - (len(every_size) - 1) / 2)  # so that bars stand side by side
            gains = list(one.gains.values())
            figure.add_scatter(x=[budget * moved for budget in one.gains], y=[gain.mean for gain in gains],
                               mode="lines+markers", name=f"{one.larger} to {one.smaller}",
                               showlegend=one.larger not in told_of,
                               legendgroup=str(one.larger), line={"color": colour, "dash": dash},
                               marker={"symbol": symbol, "size": 9}, error_y=bars(gains), **place)  # fmt: skip
            last = max(one.verdicts)
            pays = (
                f"pays from {one.pays_from:,} steps on"
                if one.pays_from
                else f"{SHOWN[one.verdicts[last]]} at {last:,} steps"
            )
            told_of.add(one.larger)
            told.append(f"{one.larger} to {one.smaller} {pays}")
        words.append(f"{model}: {', '.join(told)}")
    ticks = sorted(set(steps))
    figure.update_xaxes(type="log", title="training steps", tickvals=ticks, ticktext=[f"{tick:,}" for tick in ticks],
                        range=[math.log10(min(ticks) / 1.4), math.log10(max(ticks) * 1.4)])  # fmt: skip
    figure.update_yaxes(range=[min(every) - 0.05 * span, max(every) + 0.05 * span])
    figure.update_yaxes(title="gain: L(p) - L(p/2), nats", row=1, col=1)
    says = (
        "What each halving of the patch takes off the test loss, over the number of training steps, with 95 % "
        f"intervals over seeds; above zero the smaller patch is better. {'; '.join(words)}."
    )
    dressed(figure, title="What each halving brings, over the budget", says=says, height=440)
    return legend_under_title(figure, y=1.08, top=104)


def controls_figure(
    changes: Mapping[str, Mapping[str, Interval]], *, title: str, quantity: str, spread: Sequence[float] = ()
) -> go.Figure:
    """Dots with intervals, a row for each control and a mark for each model: how far the loss moves from the run
    without the control. `changes` by control, then by model; the scale holds `spread` as well, so that several such
    figures can share one. Used in lesson 06."""
    figure, words = go.Figure(), []
    rows = list(changes)
    models = list(dict.fromkeys(model for one in changes.values() for model in one))
    every = [0.0, *spread, *ends([found for one in changes.values() for found in one.values()])]
    for k, model in enumerate(models):
        colour, symbol, _ = LOOKS[k]
        here = [name for name in rows if model in changes[name]]
        found = [changes[name][model] for name in here]
        figure.add_scatter(x=[one.mean for one in found], mode="markers", name=model,
                           y=[len(rows) - rows.index(name) + 0.14 * (0.5 - k) for name in here],
                           marker={"symbol": symbol, "size": 10, "color": colour},
                           error_x=bars(found))  # fmt: skip
        words.append(
            f"{model}: {', '.join(f'{n} {with_reach(f, sign=True)}' for n, f in zip(here, found, strict=True))}"
        )
    room = 0.05 * (max(every) - min(every))
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    figure.update_xaxes(title=quantity, range=[min(every) - room, max(every) + room])
    figure.update_yaxes(tickvals=[len(rows) - k for k in range(len(rows))], ticktext=rows, range=[0.4, len(rows) + 0.6])
    says = f"{quantity}, with 95 % intervals over seeds; right of zero the loss is higher. {'; '.join(words)}."
    dressed(figure, title=title, says=says, height=150 + 44 * len(rows))
    return legend_under_title(figure.update_layout(margin={"l": 210}), y=1.01, top=84)


def panels(names: Sequence[str]) -> go.Figure:
    """One panel beside the other, on one scale of losses."""
    return make_subplots(
        rows=1, cols=len(names), subplot_titles=list(names), shared_yaxes=True, horizontal_spacing=0.05
    )


def loss_axis(figure: go.Figure, losses: Sequence[float], *, spare: float) -> None:
    """Let the scale of all panels hold all losses, with that share of their span to spare, and name it once."""
    room = spare * (max(losses) - min(losses))
    figure.update_yaxes(range=[min(losses) - room, max(losses) + room])
    figure.update_yaxes(title="test loss (nats)", row=1, col=1)


def bars(found: Sequence[Interval]) -> dict[str, Any]:
    """Error bars for intervals; none where an interval has no ends."""
    reach = [one.high - one.mean if math.isfinite(one.high) else None for one in found]
    return {"type": "data", "array": reach, "width": 4, "thickness": 1.4}


def ends(found: Sequence[Interval]) -> list[float]:
    """The ends of all intervals, the mean where one has none: what a scale must hold."""
    pairs = [(one.low, one.high) if math.isfinite(one.high) else (one.mean, one.mean) for one in found]
    return [end for pair in pairs for end in pair]


def with_reach(found: Interval, *, sign: bool = False) -> str:
    """A mean and how far its interval reaches."""
    middle = f"{found.mean:+.3f}" if sign else f"{found.mean:.3f}"
    return f"{middle} ± {found.high - found.mean:.3f}" if math.isfinite(found.high) else f"{middle} (one seed)"
