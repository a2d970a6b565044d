"""Exercises of lesson 00: counting tokens, turning work into seconds, the finest cut that can be held."""

from collections.abc import Callable

from labkit.grid import token_count
from labkit.lesson.exercises.check import Exercise, Mistake


def matmul_seconds(rows: int, inner: int, columns: int, rate: float) -> float:
    """Seconds of a (rows, inner) by (inner, columns) matrix product at `rate` FLOP/s, two FLOPs for a multiply-add."""
    return 2 * rows * inner * columns / rate


def finest(height: int, width: int, memory: int | float) -> int:
    """The smallest patch size that divides both sides and whose table of pairs of one head, in float32, takes no more
    than `memory` bytes. ValueError if there is none."""
    return _smallest(height, width, lambda p: 4 * token_count((height, width), p) ** 2 <= memory)


def _smallest(height: int, width: int, fits: Callable[[int], bool]) -> int:
    for p in range(1, min(height, width) + 1):
        if height % p == 0 and width % p == 0 and fits(p):
            return p
    raise ValueError(f"no patch size that divides {height} and {width} fits")


def _height_only(height: int, width: int, memory: int | float) -> int:
    cuts = (p for p in range(1, height + 1) if height % p == 0)
    return next(p for p in cuts if 4 * (height // p * (width // p)) ** 2 <= memory)


EXERCISES = (
    Exercise(
        "00-tokens",
        reach="near",
        hints=(
            "Count along one side first: how many patches stand in a row?",
            "There are as many rows of patches as there are patches in a row.",
            "Divide the side by the patch size with `//`, and take the square of that.",
        ),
        reference=token_count,
        inputs=((224, 16), (224, 1), (64, 8)),
        mistakes=(
            Mistake(
                lambda image, patch: image // patch,
                "You counted the patches along one side. An image has rows and columns of patches: their product "
                "counts.",
            ),
            Mistake(
                lambda image, patch: image**2 // patch,
                "You divided the pixels by p. A patch holds p rows of p pixels, so divide by its area.",
            ),
            Mistake(
                lambda image, patch: patch**2,
                "That is how many pixels one patch holds, not how many patches there are.",
            ),
        ),
        solved="Halve p and both the rows and the columns double: four times the tokens.",
    ),
    Exercise(
        "00-seconds",
        reach="near",
        hints=(
            "First the work: how many numbers does the result have, and what is summed for each of them?",
            "The result has `rows * columns` numbers; each is a sum of `inner` products.",
            "Two operations for each of these products make the work; divide it by the rate.",
        ),
        reference=matmul_seconds,
        inputs=((196, 64, 196, 1e11), (1000, 192, 3, 2e9)),
        mistakes=(
            Mistake(
                lambda rows, inner, columns, rate: rows * inner * columns / rate,
                "You counted one operation for each multiply-add. A multiplication and an addition are two: the "
                "rate was measured that way as well.",
            ),
            Mistake(
                lambda rows, inner, columns, rate: 2 * rows * columns / rate,
                "You counted one multiply-add for each number of the result. Each of them is a sum over `inner` "
                "products.",
            ),
            Mistake(
                lambda rows, inner, columns, rate: rate / (2 * rows * inner * columns),
                "You divided the rate by the work: that is how many such products fit into a second.",
            ),
        ),
        solved="Work over rate is the least time a machine can take; memory and launches come on top.",
    ),
    Exercise(
        "00-finest",
        reach="far",
        hints=(
            "Go through the patch sizes from the smallest on, and stop at the first that passes both conditions.",
            "A size divides both sides if `height % p` and `width % p` are zero; the tokens are rows times columns.",
            "The table has a number for each pair of tokens: 4 bytes times the square of the tokens, against `memory`.",
        ),
        reference=finest,
        inputs=((300, 448, 2e9), (32, 48, 10_000), (6, 6, 200)),
        mistakes=(
            Mistake(
                lambda height, width, memory: _smallest(
                    height, width, lambda p: 4 * token_count((height, width), p) <= memory
                ),
                "You asked for room for one number a token. The table has one for each *pair* of tokens.",
            ),
            Mistake(
                lambda height, width, memory: _smallest(
                    height, width, lambda p: token_count((height, width), p) ** 2 <= memory
                ),
                "You counted the numbers in the table as if each were a byte. In float32 each of them takes four.",
            ),
            Mistake(
                _height_only,
                "Your patches divide the height and not the width: a strip of pixels on one side would be dropped.",
            ),
        ),
        solved="Memory grows with the fourth power of 1 / p: sixteen times the memory buys one halving.",
    ),
)
