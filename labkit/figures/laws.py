"""Figures of scaling laws: what an offset does to a curve, fits with their residuals, the profile of an offset,
extrapolations beside the truth, losses over learning rates.

Letters: p patch size, L loss, c the offset of a law.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from labkit.data.paper import Panel
from labkit.figures.style import BLUE, GREEN, INK, MUTED, RED, SIZES, dressed, legend_under_title, patch_axis, told_size
from labkit.scaling import Band, Fit, Profile, straightness
from labkit.stats import interval

LOOKS = {"power": (GREEN, "dot", "square"), "shifted power": (BLUE, "solid", "circle"),
         "log-linear": (RED, "dash", "diamond")}  # fmt: skip


def offset_figure(panels: Sequence[Panel], share: float) -> go.Figure:
    """One small panel for each curve: L - c over p on logarithmic axes, for c = `share` of the curve's smallest loss,
    and the straight line that fits best. Used in lesson 07."""
    figure = make_subplots(rows=3, cols=3, horizontal_spacing=0.05, vertical_spacing=0.13,
                           subplot_titles=[" "] * 9)  # fmt: skip
    words = []
    for k, panel in enumerate(panels):
        row, column = divmod(k, 3)
        offset = share * min(panel.losses)
        x, y = np.array(panel.patch_sizes), np.array(panel.losses) - offset
        slope, level = np.polyfit(np.log(x), np.log(y), 1)
        straight = straightness(panel.patch_sizes, panel.losses, offset=offset)
        place = {"row": row + 1, "col": column + 1}
        line = np.exp(level + slope * np.log(x))
        figure.add_scatter(x=x, y=line, mode="lines", line={"color": MUTED, "width": 2}, showlegend=False,
                           name="straight line", **place)  # fmt: skip
        figure.add_scatter(x=x, y=y, mode="markers", marker={"color": BLUE, "size": 8}, showlegend=False,
                           name=panel.title, **place)  # fmt: skip
        figure.layout.annotations[k].text = f"<b>{panel.name}</b> {straight:.3f}"
        figure.update_yaxes(type="log", range=_padded(np.concatenate([y, line])), showticklabels=False, **place)
        words.append(f"{panel.name} {straight:.3f}")
    figure.update_annotations(font_size=13)
    figure.update_xaxes(type="log", tickvals=SIZES, ticktext=[str(p) for p in SIZES], autorange="reversed")
    figure.update_xaxes(title="patch size p", row=3, col=2)
    says = (
        f"Nine curves of the paper on logarithmic axes after c, {share:.1%} of each curve's smallest loss, was taken "
        f"off, with the straight line through each. How straight (R²): {', '.join(words)}."
    )
    return dressed(
        figure, title=f"<b>c = {share:.1%}</b> of the smallest loss: R² of each panel", says=says, height=560
    )


def fits_figure(panel: Panel, fits: Mapping[str, Fit]) -> go.Figure:
    """Above, losses with two standard deviations of their reading and the curve of each law over p; below, what each
    law leaves, in standard deviations. Used in lesson 07."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.09)
    x = np.array(panel.patch_sizes, dtype=float)
    fine = np.geomspace(x.min(), x.max(), 60)
    words = []
    for name, found in fits.items():
        colour, dash, symbol = LOOKS[name]
        figure.add_scatter(x=fine, y=found.predict(fine), mode="lines", name=name, line={"color": colour, "dash": dash},
                           row=1, col=1)  # fmt: skip
        figure.add_scatter(x=x, y=found.standardised, mode="lines+markers", name=name, showlegend=False,
                           line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 9},
                           row=2, col=1)  # fmt: skip
        words.append(f"{name} {found.chi_square:,.0f} with {found.degrees_of_freedom}")
    figure.add_scatter(x=x, y=panel.losses, mode="markers", name="read off", marker={"color": INK, "size": 8},
                       error_y={"type": "data", "array": list(panel.uncertainties)}, row=1, col=1)  # fmt: skip
    largest = max(np.abs(found.standardised).max() for found in fits.values())
    figure.update_xaxes(type="log", tickvals=SIZES, ticktext=[str(p) for p in SIZES],
                        range=[math.log10(x.max() * 1.2), math.log10(x.min() / 1.2)])  # fmt: skip
    figure.update_xaxes(title="patch size p", row=2, col=1)
    figure.update_yaxes(title="loss L", range=_around(panel.losses), row=1, col=1)
    figure.update_yaxes(title="residual / sd", range=[-1.15 * largest, 1.15 * largest], zerolinecolor=INK, row=2, col=1)
    says = (
        f"Panel {panel.name}, {panel.title}: losses over patch size with the curves of three laws, and below what each "
        f"leaves in standard deviations of the reading. Chi-square with degrees of freedom: {', '.join(words)}."
    )
    dressed(figure, title=f"<b>{panel.name}</b>: {panel.title}", says=says, height=520)
    return legend_under_title(figure, y=1.01, top=88)


def profile_figure(profiles: Mapping[str, tuple[Profile, float]], *, title: str) -> go.Figure:
    """How far chi-square rises when c is held at a share of the smallest loss, a line for each curve; below the dashed
    line lie the values that the points do not exclude. `profiles` holds a profile and that smallest loss. ValueError
    for more curves than can be told apart. Used in lesson 07."""
    figure, words = go.Figure(), []
    kinds = ((BLUE, "solid"), (RED, "dash"), (GREEN, "dot"), (INK, "dashdot"))
    if len(profiles) > len(kinds):
        raise ValueError(f"{len(profiles)} profiles in one figure: {len(kinds)} at most can be told apart")
    looks = zip(kinds, profiles.items(), strict=False)
    for (colour, dash), (name, (found, smallest)) in looks:
        figure.add_scatter(x=100 * found.values / smallest, y=found.rise, mode="lines", name=name,
                           line={"color": colour, "dash": dash})  # fmt: skip
        low, high = (100 * end / smallest for end in (found.interval.low, found.interval.high))
        words.append(f"{name}: {low:.3g} % to {high:.3g} %")
    limit = next(iter(profiles.values()))[0].threshold
    figure.add_scatter(x=[0, 100], y=[limit] * 2, mode="lines", line={"color": MUTED, "dash": "dash"}, name="95 %")
    figure.update_xaxes(title="c, % of the smallest loss", range=[0, 101])
    figure.update_yaxes(title="rise of chi-square", range=[0, 3 * limit])
    says = f"Profiles of the offset c. Not excluded at 95 percent, as shares of the smallest loss: {'; '.join(words)}."
    dressed(figure, title=title, says=says, height=400)
    return legend_under_title(figure, y=1.01, top=88)


def extrapolation_figure(
    losses: Mapping[str, Mapping[int, Sequence[float]]],
    bands: Mapping[str, Mapping[str, Band]],
    *,
    title: str,
    image_size: int,
) -> go.Figure:
    """A panel for each model: the losses of each seed over p, all but the last p fitted, and for each law its band at
    the last one. `losses` goes by model and p, `bands` by model and law. Used in lesson 07."""
    figure = make_subplots(rows=1, cols=len(losses), subplot_titles=list(losses), horizontal_spacing=0.12)
    words = []
    for column, (model, seeds) in enumerate(losses.items(), start=1):
        place, last = {"row": 1, "col": column}, min(seeds)
        for p, values in seeds.items():
            figure.add_scatter(x=[p] * len(values), y=list(values), mode="markers", showlegend=False,
                               name="left out" if p == last else "fitted",
                               marker={"color": INK, "size": 9, "symbol": "star" if p == last else "circle-open"},
                               **place)  # fmt: skip
        for k, (law, found) in enumerate(bands[model].items()):
            colour, _, symbol = LOOKS[law]
            x = last * 0.94 ** (k + 1)
            figure.add_scatter(x=[x], y=found.median, mode="markers", name=law, showlegend=column == 1,
                               marker={"color": colour, "symbol": symbol, "size": 10},
                               error_y={"type": "data", "symmetric": False, "array": found.high - found.median,
                                        "arrayminus": found.median - found.low, "width": 5}, **place)  # fmt: skip
            words.append(f"{model}, {law}: {found.low[0]:.3f} to {found.high[0]:.3f}")
    patch_axis(figure, image_size)
    figure.update_yaxes(title="test loss (nats)", row=1, col=1)
    says = (
        "Test losses of each seed over patch size (circles: fitted, stars: left out) and beside the stars what each "
        f"law foresees, with a 95 percent band over seeds. {'; '.join(words)}."
    )
    dressed(figure, title=title, says=says, height=420)
    return legend_under_title(figure, y=1.1, top=100)


def rates_figure(
    search: Mapping[str, Mapping[int, Mapping[float, Sequence[float]]]], chosen: int, *, image_size: int
) -> go.Figure:
    """A panel for each model: validation loss over the learning rate, a point for each seed, the `chosen` patch size in
    colour, the means of the others in grey. `search` goes by model, p and rate. Used in lesson 07."""
    figure = make_subplots(rows=1, cols=len(search), subplot_titles=list(search), horizontal_spacing=0.1,
                           shared_yaxes=True)  # fmt: skip
    words, short, every = [], [], []
    for column, (model, sizes) in enumerate(search.items(), start=1):
        place = {"row": 1, "col": column}
        for p, rates in sizes.items():
            means = [float(np.mean(values)) for values in rates.values()]
            every += [one for values in rates.values() for one in values]
            figure.add_scatter(x=list(rates), y=means, mode="lines", showlegend=False,
                               name=f"p = {told_size(p, image_size)}",
                               line={"color": BLUE if p == chosen else MUTED, "width": 3 if p == chosen else 1.2},
                               **place)  # fmt: skip
        mine = sizes[chosen]
        best = min(mine, key=lambda rate: float(np.mean(mine[rate])))
        seeds = [(rate, value) for rate, values in mine.items() for value in values]
        figure.add_scatter(x=[rate for rate, _ in seeds], y=[value for _, value in seeds], mode="markers",
                           marker={"color": BLUE, "symbol": "circle-open", "size": 8},
                           showlegend=False, name="each seed", **place)  # fmt: skip
        figure.add_scatter(x=[best], y=[float(np.mean(mine[best]))], mode="markers", showlegend=False, name="best",
                           marker={"color": RED, "symbol": "star", "size": 15}, **place)  # fmt: skip
        words.append(f"{model} is best at {best:g} with {_with_interval(mine[best])}")
        short.append(f"{best:g} ({model})")
    figure.update_xaxes(type="log", title="learning rate", exponentformat="power", dtick=1)
    figure.update_yaxes(range=[0.95 * min(every), 1.03 * max(every)])
    figure.update_yaxes(title="validation loss (nats)", row=1, col=1)
    says = (
        f"Validation loss over the learning rate at p = {told_size(chosen, image_size)} (circles: each seed, star: the "
        f"best rate), the other patch sizes in grey. At p = {chosen} {'; '.join(words)}."
    )
    return dressed(
        figure, title=f"<b>p = {told_size(chosen, image_size)}</b>: best rate {', '.join(short)}", says=says, height=420
    )


def _with_interval(values: Sequence[float]) -> str:
    found = interval(values)
    return f"{found.mean:.2f} ± {found.high - found.mean:.2f} nats" if math.isfinite(found.low) else f"{found.mean:.2f}"


def _padded(values: np.ndarray) -> list[float]:
    """The range of a logarithmic axis with some room."""
    low, high = math.log10(values.min()), math.log10(values.max())
    room = 0.12 * (high - low) + 1e-6
    return [low - room, high + room]


def _around(values: Sequence[float]) -> list[float]:
    room = 0.12 * (max(values) - min(values))
    return [min(values) - room, max(values) + room]
