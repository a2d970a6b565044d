"""The figure of a study: test losses over what varied, each seed and their mean, model by model."""

import math

import plotly.graph_objects as go

from labkit.figures.style import BLUE, RED, dressed
from labkit.study import Findings, Place, answer_in_words
from labkit.study.factors import FACTORS

LOOKS = ((BLUE, "circle-open", "diamond"), (RED, "square-open", "cross"))


def findings_figure(found: Findings, *, title: str | None = None) -> go.Figure:
    """A point for each seed, beside them the mean with its 95 % interval over seeds; values stand side by side in the
    order of the plan. Used in lesson 11."""
    figure, study, words = go.Figure(), found.study, []
    groups = [found.places[k : k + len(study.values)] for k in range(0, len(found.places), len(study.values))]
    for m, places in enumerate(groups):
        (colour, seed_symbol, mean_symbol), middle = LOOKS[m % len(LOOKS)], (m - (len(groups) - 1) / 2) * 0.34
        name = f"{places[0].model}, " if places[0].model else ""
        seeds = [(k + middle - 0.06, loss) for k, place in enumerate(places) for loss in place.losses.values()]
        figure.add_scatter(x=[x for x, _ in seeds], y=[loss for _, loss in seeds], mode="markers",
                           name=f"{name}each seed",
                           marker={"symbol": seed_symbol, "size": 9, "color": colour})  # fmt: skip
        figure.add_scatter(x=[k + middle + 0.06 for k in range(len(places))],
                           y=[place.mean.mean if place.mean else None for place in places],
                           error_y={"type": "data", "array": [_reach(place) for place in places], "width": 7},
                           mode="markers", name=f"{name}mean and 95 % interval",
                           marker={"symbol": mean_symbol, "size": 11, "color": colour})  # fmt: skip
        words += [f"{name}{_place_in_words(place)}" for place in places]
    figure.update_xaxes(title=FACTORS[study.factor].words, tickvals=list(range(len(study.values))),
                        ticktext=[place.label for place in groups[0]],
                        range=[-0.6, len(study.values) - 0.4])  # fmt: skip
    figure.update_yaxes(title="test loss (nats)")
    says = (
        f"Test loss of each seed and, beside them, their mean with a 95 % interval. What varies: "
        f"{FACTORS[study.factor].words}. {'; '.join(words)}. {answer_in_words(found)}"
    )
    dressed(figure, title=study.question if title is None else title, says=says)
    return figure.update_layout(showlegend=len(groups) > 1)


def _reach(place: Place) -> float | None:
    """Half the interval; None where there is none."""
    if place.mean is None or math.isinf(place.mean.low):
        return None
    return place.mean.high - place.mean.mean


def _place_in_words(place: Place) -> str:
    if place.mean is None:
        return f"{place.label}: no run"
    reach = _reach(place)
    return f"{place.label}: mean {place.mean.mean:.3f}" + ("" if reach is None else f" ± {reach:.3f}")
