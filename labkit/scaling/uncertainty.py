"""Two uncertainties of a measured loss, kept apart because they answer different questions.

*Over seeds*: would another training of the same recipe, tested on the same images, give another loss? Over *images*:
would these same trained models have another loss on other photographs of the same kind? More seeds do nothing for the
second, more photographs nothing for the first. Added into one bar they cannot be told apart again, and the bar belongs
to neither question. When models are compared on the same test images, most of the second one falls out of the
difference, so a wide bar over images does not mean that the comparison is uncertain.

Letters: S seeds, K blocks (the test crops of one photograph are a block: they hang together), n points.
"""

from typing import NamedTuple

import numpy as np

from labkit import stats
from labkit.scaling.draws import Spread, redrawn
from labkit.scaling.extrapolation import solved
from labkit.scaling.fits import kept_coordinates
from labkit.scaling.laws import law_of
from labkit.scaling.points import Numbers, points, table
from labkit.stats import Interval


class Uncertainty(NamedTuple):
    """One number with two intervals: for other seeds on the same images, for other images under the same models."""

    over_seeds: Interval
    over_images: Interval


def over_seeds(losses: Numbers, *, confidence: float = 0.95) -> Interval:
    """Interval of the mean of losses (S, K) over training seeds, on the test set as it is: Student's t over S means.

    Unbounded for one seed. ValueError when losses are no such table, or one is not finite and above 0. Used in
    lesson 07.
    """
    return stats.interval(table("losses", losses, ("seeds", "blocks")).mean(axis=1), confidence=confidence)


def over_images(losses: Numbers, *, confidence: float = 0.95, draws: int = 10_000, seed: int = 0) -> Interval:
    """Interval of the mean of losses (S, K) over test blocks, with the models as they are: blocks drawn with
    replacement, each with the losses of all seeds. Few blocks are widened as in labkit.scaling.draws, so that it is
    the interval that `of_parameter` has too, and wider than stats.block_interval.

    Unbounded for one block. ValueError as `over_seeds`. Used in lesson 07.
    """
    blocks = table("losses", losses, ("seeds", "blocks")).mean(axis=0)[:, None]
    found = redrawn(blocks, lambda rows: rows, paired=True, draws=draws, seed=seed, confidence=confidence)
    return _interval(found, blocks.mean(), len(blocks), confidence, f"bootstrap of the test blocks, {draws} draws")


def of_loss(losses: Numbers, *, confidence: float = 0.95) -> Uncertainty:
    """Both intervals of the mean of losses (S, K). ValueError as `over_seeds`. Used in lesson 07."""
    return Uncertainty(over_seeds(losses, confidence=confidence), over_images(losses, confidence=confidence))


def of_parameter(
    law: str,
    x: Numbers,
    losses: Numbers,
    *,
    parameter: str = "b",
    errors: Numbers | None = None,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Uncertainty:
    """Both intervals of a parameter, the exponent b if no other is named, of a law fitted to the mean losses at x (n,).

    `losses` (n, S, K): for each x the losses of S seeds in K test blocks. Over seeds, the seeds of each x are drawn by
    themselves; over images, one draw of blocks counts for all x, which were tested on the same images: a difficult
    photograph lifts the whole curve and moves the exponent little. The mean of both is the parameter fitted to all
    losses. Few seeds and blocks are widened as in labkit.scaling.draws. Errors, for the means at each x, as in `fit`.

    ValueError as `fit`, for losses that are no such table, and a parameter that the law lacks. Used in lesson 07.
    """
    rule, losses = law_of(law), table("losses", losses, ("x", "seeds", "blocks"))
    if parameter not in rule.parameters:
        raise ValueError(f"parameter {parameter!r} is not one of {', '.join(rule.parameters)}, which {law} has")
    curve = points(x, losses.mean(axis=(1, 2)), errors=errors)
    kept_coordinates(rule, curve, None)

    def computed(rows: np.ndarray) -> np.ndarray:
        return rule.value(parameter, solved(rule, curve, rows)[parameter])[:, None]

    def interval(values: np.ndarray, *, paired: bool, method: str) -> Interval:
        found = redrawn(values, computed, paired=paired, draws=draws, seed=seed, confidence=confidence)
        return _interval(found, computed(curve.y[None])[0, 0], len(values), confidence, method)

    return Uncertainty(
        over_seeds=interval(losses.mean(axis=2).T, paired=False, method="bootstrap of the seeds at each x"),
        over_images=interval(losses.mean(axis=1).T, paired=True, method="bootstrap of the test blocks"),
    )


def _interval(found: Spread, middle: float, n: int, confidence: float, method: str) -> Interval:
    """The spread of one number as an interval around `middle`."""
    return Interval(float(middle), float(found.low[0]), float(found.high[0]), n, confidence, found.unbounded or method)
