"""Findings as a small picture in SVG: it stands in a report by itself, asks for no script and no other host, and
prints."""

from html import escape
from typing import NamedTuple

from labkit.study.factors import FACTORS, short
from labkit.study.findings import Findings, Place

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 62, 12, 30, 46
COLOURS = ("#0072b2", "#d55e00")  # of the first and the second model (Okabe & Ito, 2008)
INK, GRID = "#1b1f24", "#d5d9de"
TICKS = 5


class Scale(NamedTuple):
    """Losses between `low` and `high` on the height of the picture."""

    low: float
    high: float

    def y(self, loss: int | float) -> float:
        """Pixels from the top."""
        inside = min(max(loss, self.low), self.high)
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - inside) / (self.high - self.low)


def as_svg(found: Findings, *, says: str) -> str:
    """Test loss (nats) over the factor's values: a circle for each seed, beside them the mean with its 95 % interval.
    `says` is the text for those who do not see it. Used in lesson 11."""
    scale, parts = scale_of(found.places), []
    for k in range(TICKS):
        loss = scale.low + (scale.high - scale.low) * k / (TICKS - 1)
        y = scale.y(loss)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{loss:.2f}", anchor="end"))
    values, models = found.study.values, found.study.axis
    step = (WIDTH - LEFT - RIGHT) / len(values)
    for k, value in enumerate(values):
        centre = LEFT + step * (k + 0.5)
        here = [place for place in found.places if place.value == value]
        parts.append(_text(centre, HEIGHT - BOTTOM + 18, short(value)))
        for m, place in enumerate(here):
            x = centre + (m - (len(models) - 1) / 2) * step / 3
            parts += _place(place, x, scale, COLOURS[m % len(COLOURS)])
    if len(models) > 1:
        names = [place.model for place in found.places if place.value == values[0]]
        for m, name in enumerate(names):
            parts.append(_text(LEFT + 130 * (m + 1.4), 18, f"{'●◆'[m % 2]} {name}", colour=COLOURS[m % len(COLOURS)]))
    parts.append(_text(LEFT - 54, 18, "test loss (nats)", anchor="start"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, FACTORS[found.study.factor].words))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>{escape(says)}</title>{"".join(parts)}</svg>'
    )


def scale_of(places: list[Place]) -> Scale:
    """Room for all losses and their intervals; very wide intervals are cut off at twice the spread of the losses."""
    losses = [loss for place in places for loss in place.losses.values()] or [0.0, 1.0]
    low, high = min(losses), max(losses)
    room = max(high - low, 0.02 * abs(high), 1e-6)
    ends = [end for place in places if place.mean for end in (place.mean.low, place.mean.high)]
    low = max(min([low, *ends]), low - room)
    high = min(max([high, *ends]), high + room)
    return Scale(low - 0.06 * room, high + 0.06 * room)


def _place(place: Place, x: int | float, scale: Scale, colour: str) -> list[str]:
    parts = [
        f'<circle cx="{x - 7:.1f}" cy="{scale.y(loss):.1f}" r="4" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        for loss in place.losses.values()
    ]
    if place.mean is None:
        return [*parts, _text(x, HEIGHT - BOTTOM - 6, "no run", colour=colour)]
    mean, y = place.mean, scale.y(place.mean.mean)
    if mean.low > float("-inf"):
        top, bottom = scale.y(mean.high), scale.y(mean.low)
        parts.append(
            f'<path d="M{x + 2:.1f} {top:.1f}h10m-5 0V{bottom:.1f}m-5 0h10" fill="none" stroke="{colour}" '
            f'stroke-width="2"/>'
        )
    parts.append(f'<path d="M{x + 7:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" fill="{colour}"/>')
    return parts


def _text(x: int | float, y: int | float, words: str, *, anchor: str = "middle", colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
