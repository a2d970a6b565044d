"""Exercises of lesson 10: reading on from a state, what has to be carried, an epoch in GPU-hours."""

from collections.abc import Sequence

from labkit.lesson.exercises.check import Exercise, Mistake


def continued(x: Sequence[float], keep: float, state: float) -> tuple[list[float], float]:
    """The states h = keep h + x after each number of x, beginning with `state`; and the last of them."""
    states = []
    for one in x:
        state = keep * state + one
        states.append(state)
    return states, state


def _from_zero(x: Sequence[float], keep: float, state: float) -> tuple[list[float], float]:
    return continued(x, keep, 0.0)


def _state_added(x: Sequence[float], keep: float, state: float) -> tuple[list[float], float]:
    states = [one + state for one in _from_zero(x, keep, state)[0]]
    return states, states[-1]


def _nothing_left(x: Sequence[float], keep: float, state: float) -> tuple[list[float], float]:
    return continued(x, keep, state)[0], state


def carried(inner: int, state: int, taps: int) -> int:
    """Numbers that a mixer carries from piece to piece: the state, and the inputs of the convolution that its next
    window still needs."""
    return inner * state + (taps - 1) * (inner + 2 * state)


def gpu_hours(flops_per_image: float, images: float, peak: float, utilisation: float) -> float:
    """Hours of an epoch of training: three forwards an image, at a share of the peak rate."""
    return 3 * flops_per_image * images / (peak * utilisation) / 3600


EXERCISES = (
    Exercise(
        "10-continue",
        reference=continued,
        inputs=(([1.0, 2.0, 3.0], 0.5, 0.0), ([1.0, -1.0], 0.9, 10.0), ([4.0], 0.25, 8.0)),
        mistakes=(
            Mistake(
                _from_zero,
                "You start from zero. Then each piece forgets all that was read before it, and only the first piece "
                "has the right answer.",
            ),
            Mistake(
                _state_added,
                "The state that is handed over fades like everything else: multiply it by `keep` at each step.",
            ),
            Mistake(
                _nothing_left,
                "The answers are right, but you hand on the state that you were given. The next piece needs the one "
                "that you end with.",
            ),
        ),
        solved="Whoever reads on from your last state cannot tell that the sequence was ever cut.",
    ),
    Exercise(
        "10-carry",
        reference=carried,
        inputs=((512, 64, 4), (1536, 64, 4), (128, 16, 2)),
        mistakes=(
            Mistake(
                lambda inner, state, taps: inner * state,
                "That is the state of the scan. The convolution looks back too: it needs the inputs of a few tokens.",
            ),
            Mistake(
                lambda inner, state, taps: inner * state + taps * (inner + 2 * state),
                "One tap falls on the new token itself; only the others look back.",
            ),
            Mistake(
                lambda inner, state, taps: inner * state + (taps - 1) * inner,
                "Not only x goes through the convolution; b and c do as well, S channels each.",
            ),
        ),
        solved="However long the sequence is, this is all that the next piece has to know of it.",
    ),
    Exercise(
        "10-hours",
        reference=gpu_hours,
        inputs=((1e12, 1e6, 3e14, 0.5), (1.6e13, 1.28e6, 3.12e14, 0.3), (4e10, 5e4, 1e14, 1.0)),
        mistakes=(
            Mistake(
                lambda flops, images, peak, share: flops * images / (peak * share) / 3600,
                "That is the forward pass. Training also goes backward, which costs two forwards more.",
            ),
            Mistake(
                lambda flops, images, peak, share: 3 * flops * images / (peak * share),
                "These are seconds. An hour has 3,600 of them.",
            ),
            Mistake(
                lambda flops, images, peak, share: 3 * flops * images * share / peak / 3600,
                "At half the rate it takes twice as long: divide by the utilisation.",
            ),
        ),
        solved="Everything about the hardware is in two numbers, and the second of them is where engineers live.",
    ),
)
