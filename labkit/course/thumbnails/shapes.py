"""The strokes that the drawings are made of, in units of 1/100 of a drawing's height; classes carry the colours."""

from collections.abc import Iterable

Point = tuple[int | float, int | float]


def square(x: int | float, y: int | float, side: int | float, shade: int | float = 1) -> str:
    """A filled square with its upper left corner at (x, y); `shade` is its opacity, 0 to 1."""
    return f'<rect x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" rx="1" opacity="{shade:.2f}"/>'


def frame(x: int | float, y: int | float, width: int | float, height: int | float) -> str:
    """An empty box."""
    return f'<rect class="line soft" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2"/>'


def line(points: Iterable[Point], kind: str = "") -> str:
    """Points joined; `kind` is a class more: "soft", "second" or "dashed"."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{f"line {kind}".strip()}" points="{path}"/>'


def dot(x: int | float, y: int | float, kind: str = "") -> str:
    """A point of a plot."""
    return f'<circle{f" class={chr(34)}{kind}{chr(34)}" if kind else ""} cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def interval(x: int | float, y: int | float, half: int | float, kind: str = "") -> str:
    """A point with its error bar, `half` to each side."""
    ends = (line([(x - 3, end), (x + 3, end)], kind) for end in (y - half, y + half))
    return line([(x, y - half), (x, y + half)], kind) + "".join(ends) + dot(x, y, kind)


def axes() -> str:
    """The two axes of a plot."""
    return line([(22, 10), (22, 86), (146, 86)], "soft")


def nested(x: int | float, y: int | float, size: int | float, smallest: int | float = 5) -> str:
    """A square cut in four, its last quarter cut again."""
    half = size / 2
    drawn = "".join(
        square(x + dx + 0.5, y + dy + 0.5, half - 1, 0.95 - 0.2 * i)
        for i, (dx, dy) in enumerate([(0, 0), (half, 0), (0, half)])
    )
    rest = (x + half, y + half)
    return drawn + (
        nested(*rest, half, smallest) if half > smallest else square(rest[0] + 0.5, rest[1] + 0.5, half - 1)
    )
