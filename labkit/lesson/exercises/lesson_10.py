"""Exercises of lesson 10: reading on from a state, joining two readers, what has to be carried, GPU-hours."""

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


def joined(first: float, second: float, keep: float, length: int) -> float:
    """The last state of the whole, from those of two pieces that were read from zero, the second `length` long."""
    return keep**length * first + second


def carried(inner: int, state: int, taps: int) -> int:
    """Numbers that a mixer carries from piece to piece: the state, and the inputs of the convolution that its next
    window still needs."""
    return inner * state + (taps - 1) * (inner + 2 * state)


def gpu_hours(flops_per_image: int | float, images: int | float, peak: int | float, utilisation: int | float) -> float:
    """Hours of an epoch of training: three forwards an image, at a share of the peak rate."""
    return 3 * flops_per_image * images / (peak * utilisation) / 3600


EXERCISES = (
    Exercise(
        "10-continue",
        reach="near",
        hints=(
            "Nothing begins at zero here: the first number finds what earlier ones have left.",
            "In a loop over `x`, multiply the state by `keep`, add the number, and note the result in a list.",
            "Return the list and, after a comma, the state that you end with.",
        ),
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
        "10-join",
        reach="far",
        hints=(
            "What would have become of the first reader's state while the second piece was read?",
            "It would have faded once for each number of the second piece, and nothing else.",
            "The recurrence is linear: the second reader's state is added, and `length` fadings are a power of `keep`.",
        ),
        reference=joined,
        inputs=((3.0, 5.0, 0.5, 3), (10.0, -1.0, 0.9, 4), (2.0, 0.5, 0.25, 1)),
        mistakes=(
            Mistake(
                lambda first, second, keep, length: first + second,
                "You added the states as they are. While the second piece was read, the first would have faded.",
            ),
            Mistake(
                lambda first, second, keep, length: keep * first + second,
                "The first state fades at each number of the second piece, not once for the whole piece.",
            ),
            Mistake(
                lambda first, second, keep, length: first + keep**length * second,
                "You let the later state fade. Nothing was read after it; the earlier one is older.",
            ),
        ),
        solved="So pieces need not wait for each other: this is how a scan is shared out on a graphics card.",
    ),
    Exercise(
        "10-carry",
        reach="near",
        hints=(
            "Two things look back, the scan and the convolution: what has the next piece to know of each?",
            "Of the scan its state, `inner * state` numbers; of the convolution the inputs of a few tokens, in "
            "every channel.",
            "One tap falls on the new token, so the tokens are `taps - 1`, with `inner + 2 * state` channels each.",
        ),
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
        reach="near",
        hints=(
            "Work over rate is time. How much work is an epoch of training?",
            "A backward pass costs two forward passes, so each image counts three times.",
            "The rate is the peak times the utilisation; what comes out are seconds, and an hour has `3600` of them.",
        ),
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
