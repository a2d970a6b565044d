"""Figures of training: loss over steps, results over seeds, accuracy class by class."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from labkit.figures.style import BLUE, INK, MUTED, ORANGE, RED, SERIES, dressed
from labkit.stats import interval

Curve = Sequence[Mapping[str, int | float]]


def curves_figure(curves: Mapping[str, Curve], chosen: str, *, chance: float) -> go.Figure:
    """Training and validation loss (nats) over steps; the `chosen` run in colour, the others in grey behind it.
    `chance` is the loss of a model that knows nothing. Used in lesson 05."""
    figure = go.Figure()
    for name in sorted(curves, key=lambda name: name == chosen):
        colour, width = (BLUE, 3) if name == chosen else (MUTED, 1.2)
        figure.add_scatter(
            x=[point["step"] for point in curves[name]], y=[point["train_loss"] for point in curves[name]],
            name=name, mode="lines", line={"color": colour, "width": width}, showlegend=False,
        )  # fmt: skip
    looks = [point for point in curves[chosen] if "validation_loss" in point]
    figure.add_scatter(
        x=[point["step"] for point in looks], y=[point["validation_loss"] for point in looks],
        name="validation", mode="lines+markers", line={"color": RED, "dash": "dot"}, marker={"symbol": "diamond"},
        showlegend=False,
    )  # fmt: skip
    last = max(point["step"] for curve in curves.values() for point in curve)
    losses = [point["train_loss"] for curve in curves.values() for point in curve]
    figure.add_scatter(x=[0, last], y=[chance] * 2, mode="lines", line={"color": INK, "width": 1, "dash": "dash"},
                       name="knows nothing", showlegend=False)  # fmt: skip
    figure.update_xaxes(title="training step", range=[0, last * 1.02])
    figure.update_yaxes(title="loss (nats)", range=[0.96 * min(losses), 1.04 * max(chance, *losses)])
    end, seen = curves[chosen][-1]["train_loss"], looks[-1]["validation_loss"]
    says = (
        f"Loss over training steps. {chosen} ends at {end:.2f} on training crops (solid line) and {seen:.2f} on "
        f"validation crops (dotted line with diamonds); the dashed line at {chance:.2f} is a model that knows nothing. "
        "The other runs stand behind it in grey."
    )
    return dressed(
        figure, title=f"<b>{chosen}</b>: training ends at {end:.2f}, validation at {seen:.2f} nats", says=says
    )


def seeds_figure(results: Mapping[str, Sequence[float]], *, quantity: str, title: str) -> go.Figure:
    """One point for each seed, the mean and its t-interval beside them. Used in lesson 05."""
    figure, sentences = go.Figure(), []
    for k, (name, values) in enumerate(results.items()):
        colour = SERIES[k % len(SERIES)]
        figure.add_scatter(x=[k] * len(values), y=list(values), mode="markers", name=f"{name}, each seed",
                           marker={"symbol": "circle-open", "size": 9, "color": colour})  # fmt: skip
        found = interval(values)
        if found.low == -math.inf:
            sentences.append(f"{name}: mean {found.mean:.3f}, no interval ({found.method})")
            continue
        figure.add_scatter(x=[k + 0.15], y=[found.mean], mode="markers", name=f"{name}, mean and 95 % interval",
                           error_y={"type": "data", "array": [found.high - found.mean], "width": 8},
                           marker={"symbol": "diamond", "size": 11, "color": colour})  # fmt: skip
        sentences.append(f"{name}: mean {found.mean:.3f}, 95 % interval {found.low:.3f} to {found.high:.3f}")
    figure.update_xaxes(tickvals=[k + 0.07 for k in range(len(results))], ticktext=list(results),
                        range=[-0.5, len(results) - 0.35])  # fmt: skip
    figure.update_yaxes(title=quantity)
    says = f"{quantity} of each seed (circles) and their mean with a 95 % interval (diamonds). {'. '.join(sentences)}."
    return dressed(figure, title=title, says=says).update_layout(showlegend=False)


def classes_figure(accuracy: Mapping[str, Mapping[str, float]], *, title: str) -> go.Figure:
    """Test accuracy (0 to 1) class by class, one bar for each run. Used in lesson 05."""
    figure = go.Figure()
    runs = list(accuracy)
    classes = sorted(accuracy[runs[0]], key=lambda name: accuracy[runs[-1]][name])
    for name, colour, pattern in zip(runs, (ORANGE, BLUE), ("/", ""), strict=False):
        figure.add_bar(y=classes, x=[accuracy[name][one] for one in classes], name=name, orientation="h",
                       marker={"color": colour, "pattern": {"shape": pattern}})  # fmt: skip
    figure.update_xaxes(title="test accuracy (share of crops)", range=[0, 1])
    spans = [f"{name} from {min(accuracy[name].values()):.2f} to {max(accuracy[name].values()):.2f}" for name in runs]
    says = f"Horizontal bars of test accuracy for each photograph. It spans, for {'; for '.join(spans)}."
    return dressed(figure, title=title, says=says, height=520).update_layout(margin={"l": 160}, barmode="group")
