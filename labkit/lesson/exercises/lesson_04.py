"""Exercises of lesson 04: attention, the scan, its mask forwards and backwards, and the parameters of a block."""

from dataclasses import replace

import torch
from torch import Tensor

from labkit.cost import parameter_count, published
from labkit.lesson.exercises.check import Exercise, Mistake
from labkit.ops.attention import attention_weights
from labkit.ops.ssd import decays, ssd


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention of one head: q and k (N, d), v (N, e), to (N, e)."""
    return attention_weights(q[None, None], k[None, None])[0, 0] @ v


def scan(x: Tensor, dt: Tensor, a: float, b: Tensor, c: Tensor) -> Tensor:
    """The recurrence of one head: x (N, d), dt (N,), a rate, b and c (N, S), to y (N, d)."""
    rates = torch.tensor([a], dtype=dt.dtype)
    return ssd(x[None, :, None], dt[None, :, None], rates, b[None, :, None], c[None, :, None], backend="loop")[0, :, 0]


def mask(dt: Tensor, a: float) -> Tensor:
    """What is left at token t (row) of what came in at token s (column), (N, N)."""
    return decays(dt * a)


def backward_mask(dt: Tensor, a: float) -> Tensor:
    """The mask of a block that reads from the last token to the first, rows and columns in the tokens' own order."""
    return mask(dt.flip(0), a).flip(0, 1)


def block_parameters(width: int) -> int:
    """Numbers that one more block of a ViT trains."""
    shape = replace(published("vit", "tiny"), width=width, heads=1)
    return parameter_count(replace(shape, depth=2)) - parameter_count(replace(shape, depth=1))


def _softmax_over_queries(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.T / q.shape[1] ** 0.5).softmax(dim=0) @ v


def _decay_without_step(x: Tensor, dt: Tensor, a: float, b: Tensor, c: Tensor) -> Tensor:
    """A unit step fades; the step size only writes."""
    return scan(dt[:, None] * x, torch.ones_like(dt), a, b, c)


def _read_before_written(x: Tensor, dt: Tensor, a: float, b: Tensor, c: Tensor) -> Tensor:
    """y_t from the state before token t: its own share missing, the rest not yet faded."""
    weights = (c @ b.T) * mask(dt, a).roll(1, dims=0) * dt
    return weights.tril(-1) @ x


def _own_step_as_well(dt: Tensor, a: float) -> Tensor:
    return mask(dt, a) * torch.exp(a * dt)


def _not_cut_off(dt: Tensor, a: float) -> Tensor:
    passed = dt.cumsum(0)
    return torch.exp(a * (passed[:, None] - passed[None, :]))


def _pair(tokens: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(tokens)
    q, k, v = 2 * torch.randn(3, tokens, width, generator=random)
    return q, k, v


def _head(tokens: int, width: int, state: int, rate: float) -> tuple[Tensor, Tensor, float, Tensor, Tensor]:
    random = torch.Generator().manual_seed(tokens)
    x, dt = torch.randn(tokens, width, generator=random), 0.2 + torch.rand(tokens, generator=random)
    b, c = torch.randn(2, tokens, state, generator=random)
    return x, dt, rate, b, c


EXERCISES = (
    Exercise(
        "04-attention",
        reach="near",
        hints=(
            "Go from the inside out: first the scores, then the weights, then the mean of the values.",
            "All scores at once are `q @ k.T`, divided by the root of d.",
            "Softmax along each row (`dim=1`) makes weights of them; the weights times `v` are the answer.",
        ),
        reference=attend,
        inputs=(_pair(5, 4), _pair(3, 9)),
        mistakes=(
            Mistake(
                lambda q, k, v: (q @ k.T).softmax(dim=1) @ v,
                "The scores are not scaled. A sum of d products grows with the root of d, and without dividing by it "
                "the softmax of a wide head soon picks one token and ignores the rest.",
            ),
            Mistake(
                _softmax_over_queries,
                "Your softmax runs down the columns. Each query, a row, shares out one unit of attention among the "
                "keys, so it is the rows that must sum to one.",
            ),
            Mistake(
                lambda q, k, v: (q @ k.T / q.shape[1]).softmax(dim=1) @ v,
                "You divided by d. The spread of a sum of d products grows with the root of d, so that is what to "
                "divide by; dividing by d makes all tokens look alike.",
            ),
        ),
        solved="Every token asked every token, and nothing in it knows which came first.",
        tolerance=1e-5,
    ),
    Exercise(
        "04-scan",
        reach="near",
        hints=(
            "Write the loop as it is told, for each token: fade, write, read.",
            "The state begins as zeros of shape (S, d). What token t writes is an outer product, of `b[t]` and `x[t]`.",
            "Fade by `torch.exp(dt[t] * a)`, write `dt[t]` times the outer product, read `h.T @ c[t]`; stack "
            "all that was read.",
        ),
        reference=scan,
        inputs=(_head(6, 3, 2, -0.5), _head(4, 1, 5, -1.5)),
        mistakes=(
            Mistake(
                lambda x, dt, a, b, c: scan(x / dt[:, None], dt, a, b, c),
                "The state fades as it should, but writing forgot its step size: a token with a large step must also "
                "write more.",
            ),
            Mistake(
                _decay_without_step,
                "Your state fades by the same factor at each token. The step size of the token belongs into the "
                "exponent: a large step forgets more.",
            ),
            Mistake(
                _read_before_written,
                "You read the state before the token was written into it, so no token sees itself. First fade and "
                "write, then read.",
            ),
        ),
        solved="One state, however many tokens went before: that is why it is linear in N.",
        tolerance=1e-5,
    ),
    Exercise(
        "04-mask",
        reach="near",
        hints=(
            "What token s wrote fades with each step after its own, up to that of the token which reads.",
            "Sum the steps from the start: those from s to t are the sum at t minus the sum at s.",
            "As a table the difference is `sums[:, None] - sums[None, :]`; `.tril()` sets to zero what lies "
            "above the diagonal.",
        ),
        reference=mask,
        inputs=((torch.tensor([1.0, 2.0, 0.5, 1.5]), -0.5), (torch.tensor([0.3, 0.1, 0.7]), -2.0)),
        mistakes=(
            Mistake(
                _own_step_as_well,
                "Your decay starts with the step of token s itself. What s writes is not faded by its own step, only "
                "by those after it; so the diagonal is one.",
            ),
            Mistake(
                _not_cut_off,
                "Above the diagonal your mask is larger than one: tokens would be read before they came, grown instead "
                "of faded. It has to be zero there.",
            ),
            Mistake(
                lambda dt, a: mask(dt, a).T,
                "Rows and columns are exchanged: the row is the token that reads, the column the one that was written.",
            ),
        ),
        solved="The recurrence has become a table: all its pairs at once, no loop.",
        tolerance=1e-5,
    ),
    Exercise(
        "04-backward",
        reach="far",
        hints=(
            "A block that reads backwards sees an ordinary sequence, only in another order.",
            "Turn the steps round with `.flip(0)`, and take the mask of that sequence.",
            "Its rows and columns stand in the order of reading: turn both round, and tokens are in their own places.",
        ),
        reference=backward_mask,
        inputs=((torch.tensor([1.0, 2.0, 0.5, 1.5]), -0.5), (torch.tensor([0.3, 0.1, 0.7]), -2.0)),
        mistakes=(
            Mistake(
                lambda dt, a: mask(dt, a).T,
                "You exchanged rows and columns of the forward mask. Then tokens fade with the steps of those read "
                "*before* them; reading backwards, other tokens come after.",
            ),
            Mistake(
                lambda dt, a: mask(dt, a).flip(0, 1),
                "You turned the mask and not the steps. Each token brings its own step along, whatever the order.",
            ),
            Mistake(
                lambda dt, a: mask(dt.flip(0), a).flip(0),
                "Only the rows are back in place. The columns, the tokens that were written, have to be turned too.",
            ),
        ),
        solved="Zero below the diagonal now: beside a forward block, nobody is left unseen.",
        tolerance=1e-5,
    ),
    Exercise(
        "04-parameters",
        reach="near",
        hints=(
            "Go down the list, and count for each entry its weights and its biases.",
            "A linear map from A to B has `A * B` weights and `B` biases; a norm has two numbers for each of the D.",
            "Add up two norms, four maps of D × D, one of D × 4D with 4D biases, one of 4D × D with D biases.",
        ),
        reference=block_parameters,
        inputs=((192,), (768,), (5,)),
        mistakes=(
            Mistake(
                lambda width: 12 * width**2 + 4 * width,
                "The weights are right, but the biases of the linear maps are missing: each map adds one number for "
                "each of its outputs.",
            ),
            Mistake(
                lambda width: 11 * width**2 + 12 * width,
                "One map is missing. Queries, keys and values are three; a fourth brings the heads back together.",
            ),
            Mistake(
                lambda width: 12 * width**2 + 9 * width,
                "You left out the two norms. Each scales and shifts every one of the D numbers.",
            ),
        ),
        solved="Nothing in it depends on the number of tokens: a block is as large at p = 1 as at p = 16.",
    ),
)
