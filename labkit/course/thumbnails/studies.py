"""Drawings of the lessons that train, compare and fit."""

from math import exp, sin

from labkit.course.thumbnails.shapes import axes, dot, frame, interval, line, square


def training() -> str:
    """Two losses that fall, each ending in a point with its interval."""
    steps = [i / 30 for i in range(31)]
    large = [(22 + 92 * t, 18 + 34 * (1 - exp(-4 * t)) + 1.2 * sin(40 * t)) for t in steps]
    small = [(22 + 92 * t, 18 + 56 * (1 - exp(-3 * t)) + 1.2 * sin(37 * t)) for t in steps]
    ends = interval(130, 52, 7, "second") + interval(130, 72, 6)
    return axes() + line(large, "second dashed") + line(small) + ends


def grid_of_runs() -> str:
    """A grid of runs, some done, some to come, and what the first ones give."""
    runs = [square(10 + 12 * x, 20 + 12 * y, 10, 0.9 if 5 * y + x < 17 else 0.2) for y in range(5) for x in range(5)]
    points = [(92, 28, 5), (110, 44, 6), (128, 56, 5), (146, 64, 7)]
    return "".join(runs) + line([(82, 14), (82, 86), (154, 86)], "soft") + "".join(interval(*one) for one in points)


def law() -> str:
    """Points that a straight line misses and a line with an offset meets."""
    places = [32 + 24 * i for i in range(5)]
    curve = [(x, 78 - 60 * exp(-(x - 32) / 34)) for x in range(32, 147, 3)]
    points = [dot(x, 78 - 60 * exp(-(x - 32) / 34)) for x in places]
    return axes() + line([(26, 26), (142, 88)], "second dashed") + line(curve) + "".join(points)


def equal_compute() -> str:
    """Three budgets: at each one a patch size that does best, and how it moves."""
    drawn = axes()
    for bottom, best, kind in ((34, 56, "soft"), (54, 76, "second"), (74, 98, "")):
        valley = [(best + dx, bottom - 0.03 * dx * dx) for dx in range(-25, 26, 5)]
        drawn += line(valley, kind) + dot(best, bottom, kind)
    return drawn + line([(49, 27), (105, 81)], "soft dashed")


def pixels() -> str:
    """A field of single pixels, read row by row, one piece at a time."""
    drawn = []
    for row in range(16):
        for column in range(26):
            piece = row * 26 + column
            shade = 0.95 if 156 <= piece < 234 else 0.55 if piece < 156 else 0.18
            drawn.append(square(15 + 5 * column, 10 + 5 * row, 4, shade))
    return "".join(drawn)


def own_study() -> str:
    """A page with a figure of one's own and lines still to be written."""
    page = frame(42, 6, 76, 88) + line([(52, 18), (96, 18)], "soft")
    figure = line([(52, 28), (52, 62), (108, 62)], "soft")
    points = interval(64, 40, 5) + interval(80, 47, 6, "second") + interval(96, 52, 5)
    written = (
        line([(52, 72), (108, 72)], "soft") + line([(52, 80), (108, 80)], "soft") + line([(52, 88), (84, 88)], "soft")
    )
    return page + figure + points + written
