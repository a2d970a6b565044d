"""Drawings of the lessons that look at images, tokens and models."""

from math import exp, hypot

from labkit.course.thumbnails.shapes import axes, frame, line, square


def start() -> str:
    """One image in one, four and sixteen patches."""
    images = []
    for k, cuts in enumerate((1, 2, 4)):
        side = 40 / cuts
        images += [
            square(8 + 52 * k + side * column + 0.5, 30 + side * row + 0.5, side - 1, _disc(row, column, cuts))
            for row in range(cuts)
            for column in range(cuts)
        ]
    return "".join(images)


def sequence() -> str:
    """An image in nine patches, and the same nine in a row below it."""
    shades = [0.95, 0.75, 0.4, 0.7, 0.9, 0.55, 0.3, 0.6, 0.85]
    image = [square(53 + 18 * (i % 3), 8 + 18 * (i // 3), 17, shade) for i, shade in enumerate(shades)]
    row = [square(10 + 16 * i, 76, 13, shade) for i, shade in enumerate(shades)]
    return "".join(image + row) + line([(80, 63), (80, 71)], "soft")


def loss_of_a_patch() -> str:
    """A disc in small patches, and what is left of it in large ones."""
    fine = [square(12 + 7.5 * x, 20 + 7.5 * y, 7, _disc(y, x, 8)) for y in range(8) for x in range(8)]
    coarse = [square(88 + 30 * x, 20 + 30 * y, 29, 0.55 + 0.1 * (x + y)) for y in range(2) for x in range(2)]
    return "".join(fine + coarse) + line([(76, 50), (84, 50)], "soft")


def cost() -> str:
    """One cost that grows with the square of the tokens, one in proportion to them."""
    steps = [i / 20 for i in range(21)]
    pairs = [(22 + 118 * t, 84 - 72 * t**2.2) for t in steps]
    states = [(22 + 118 * t, 82 - 30 * t) for t in steps]
    return axes() + line(pairs) + line(states, "second dashed")


def two_architectures() -> str:
    """Who takes from whom: all pairs, and the fading lower triangle of a reader in order."""
    cells = range(6)
    pairs = [square(12 + 11 * x, 17 + 11 * y, 10, 0.35 + 0.6 * exp(-hypot(x - 4, y - 1))) for y in cells for x in cells]
    fading = [square(84 + 11 * x, 17 + 11 * y, 10, 0.95 * exp(-0.4 * (y - x))) for y in cells for x in cells if x <= y]
    return "".join(pairs) + frame(84, 17, 65, 65) + "".join(fading)


def _disc(row: int, column: int, cuts: int) -> float:
    """How dark the patch is of an image that shows a soft disc."""
    away = hypot((row + 0.5) / cuts - 0.5, (column + 0.5) / cuts - 0.5)
    return 0.7 if cuts == 1 else max(0.15, 0.95 - 1.5 * away**1.4)
