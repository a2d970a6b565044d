"""Loss over patch size and budget: what each halving of the patch brings, and from which budget on it is shown to pay.

Runs with the same seed see the same crops in the same order, whatever their patch size: differences are paired by seed.
Letters: p patch size, S training steps, L test loss in nats.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from labkit import stats
from labkit.stats import Interval, Verdict

Losses = Mapping[tuple[int, int], Mapping[int, float]]  # by (p, steps), then by seed


class Halving(NamedTuple):
    """From patches of `larger` pixels to half of that. `gains`: the fall of the loss, L(larger) - L(smaller), at each
    budget that both were trained for; `verdicts`: is the smaller patch shown to be better there?"""

    larger: int
    smaller: int
    gains: dict[int, Interval]
    verdicts: dict[int, Verdict]

    @property
    def pays_from(self) -> int | None:
        """The smallest budget from which on the halving is shown to help at every budget that was run; None if it is
        not shown at the largest."""
        found = None
        for steps in sorted(self.verdicts, reverse=True):
            if self.verdicts[steps] != "yes":
                break
            found = steps
        return found


def losses_of(lines: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], dict[int, float]]:
    """The losses of recorded runs of one model, by (p, steps) and seed, large patches and short budgets first.
    ValueError if two records share all three: they differ in something that is not looked at. Used in lesson 06."""
    found: dict[tuple[int, int], dict[int, float]] = {}
    for line in sorted(lines, key=lambda line: (-line["patch_size"], line["steps"], line["seed"])):
        place = line["patch_size"], line["steps"]
        seeds = found.setdefault(place, {})
        if line["seed"] in seeds:
            raise ValueError(
                f"two records for p = {place[0]}, {place[1]} steps, seed {line['seed']}: they differ in something "
                "else, and one of them would be lost"
            )
        seeds[line["seed"]] = line["test_loss"]
    return found


def sizes(losses: Losses) -> list[int]:
    """All patch sizes, from the largest down."""
    return sorted({p for p, _ in losses}, reverse=True)


def budgets(losses: Losses) -> list[int]:
    """All numbers of steps, from the smallest up."""
    return sorted({steps for _, steps in losses})


def gain(larger: Mapping[int, float], smaller: Mapping[int, float]) -> Interval:
    """Interval of L(larger) - L(smaller) over the seeds that both have; positive if the smaller patch is better.
    ValueError if they share no seed. Used in lesson 06."""
    return stats.paired(*_matched(smaller, larger))


def halvings(losses: Losses) -> list[Halving]:
    """Each patch size and half of it, from the largest down, at every budget that both were trained for.
    ValueError as `gain`. Used in lesson 06."""
    found = []
    for larger in sizes(losses):
        smaller = larger // 2 if larger % 2 == 0 else 0
        both = [steps for steps in budgets(losses) if (larger, steps) in losses and (smaller, steps) in losses]
        pairs = {steps: (losses[larger, steps], losses[smaller, steps]) for steps in both}
        if both:
            gains = {steps: gain(*pair) for steps, pair in pairs.items()}
            verdicts = {steps: shown(*pair) for steps, pair in pairs.items()}
            found.append(Halving(larger, smaller, gains, verdicts))
    return found


def shown(larger: Mapping[int, float], smaller: Mapping[int, float]) -> Verdict:
    """Is the smaller patch shown to be better, over the seeds that both have? ValueError as `gain`."""
    return stats.better(*_matched(smaller, larger), paired=True)


def _matched(a: Mapping[int, float], b: Mapping[int, float]) -> tuple[list[float], list[float]]:
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        raise ValueError(f"seeds {sorted(a)} and {sorted(b)} have none in common: there is nothing to pair")
    return [a[seed] for seed in seeds], [b[seed] for seed in seeds]
