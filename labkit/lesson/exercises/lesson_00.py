"""Exercises of lesson 00: counting tokens, and turning work into seconds."""

from labkit.grid import token_count
from labkit.lesson.exercises.check import Exercise, Mistake


def matmul_seconds(rows: int, inner: int, columns: int, rate: float) -> float:
    """Seconds of a (rows, inner) by (inner, columns) matrix product at `rate` FLOP/s, two FLOPs for a multiply-add."""
    return 2 * rows * inner * columns / rate


EXERCISES = (
    Exercise(
        "00-tokens",
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
)
