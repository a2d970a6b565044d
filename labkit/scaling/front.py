"""What is worth its price: losses at equal cost, the front of those that nothing cheaper beats, and the noise of a test
set.

Cost is whatever is paid: model FLOPs of training, seconds, FLOPs of an image. Letters: L loss, C cost.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from labkit import stats
from labkit.scaling.surface import shown


def front(costs: Sequence[int | float], losses: Sequence[float]) -> list[int]:
    """The Pareto front: indices of the points that none at the same or a lower cost beats or equals, cheapest first. Of
    points that agree in both, the first. ValueError for lists of other lengths and costs that are not above 0.

    Built in lesson 08.
    """
    _checked(costs, losses)
    found: list[int] = []
    for k in sorted(range(len(costs)), key=lambda k: (costs[k], losses[k])):
        if not found or losses[k] < losses[found[-1]]:
            found.append(k)
    return found


def beaten_by(costs: Sequence[int | float], losses: Sequence[Mapping[int, float]]) -> list[int | None]:
    """For each point the index of one that costs no more and is *shown* to be better (paired over the seeds that both
    have), the best of those; None where there is none. `losses` by seed. ValueError as `front`."""
    means = [stats.mean(list(one.values())) for one in losses]
    _checked(costs, means)

    def beats(j: int, k: int) -> bool:
        if costs[j] > costs[k] or j == k or losses[j].keys().isdisjoint(losses[k]):
            return False
        return shown(losses[k], losses[j]) == "yes"

    every = range(len(costs))
    better = [[j for j in every if beats(j, k)] for k in every]
    return [min(some, key=lambda j: means[j]) if some else None for some in better]


def at_cost(costs: Sequence[int | float], losses: Sequence[float], cost: int | float) -> float | None:
    """The loss that `cost` buys, on straight lines over ln C between the points (costs growing); None outside them:
    nothing was run there. ValueError as `front`, and for costs that do not grow. Built in lesson 08."""
    _checked(costs, losses)
    if any(a >= b for a, b in pairwise(costs)):
        raise ValueError(f"costs {list(costs)} do not grow from point to point: there is no line to read off")
    if not costs[0] <= cost <= costs[-1]:
        return None
    return float(np.interp(math.log(cost), np.log(costs), losses))


def noise_of_accuracy(percent: int | float, images: int) -> float:
    """Standard error of an accuracy, in percentage points, on so many independent test images: 100 sqrt(a (1 - a) / n).
    It says how the number would move with other images, not with another seed. ValueError for a percentage outside 0
    to 100 and less than one image. Built in lesson 08."""
    if not 0 <= percent <= 100 or images < 1:
        raise ValueError(f"{percent} percent of {images} images: an accuracy lies between 0 and 100, of 1 or more")
    share = percent / 100
    return 100 * math.sqrt(share * (1 - share) / images)


def noise_of_difference(before: int | float, after: int | float, images: int) -> float:
    """Standard error of the difference of two accuracies, in percentage points, each on so many independent images: the
    squares of both errors add up. On the same images, where two models often err together, it is too large rather than
    too small. ValueError as `noise_of_accuracy`. Built in lesson 08."""
    return math.hypot(noise_of_accuracy(before, images), noise_of_accuracy(after, images))


def _checked(costs: Sequence[int | float], losses: Sequence[float]) -> None:
    if len(costs) != len(losses) or not costs:
        raise ValueError(f"{len(costs)} costs and {len(losses)} losses: a point takes one of each, and one is needed")
    if min(costs) <= 0:
        raise ValueError(f"cost {min(costs)} is not above 0: what costs nothing has no place on a logarithmic axis")
