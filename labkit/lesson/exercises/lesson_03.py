"""Exercises of lesson 03: the FLOPs of a block, where pairs outweigh the rest, what is kept, an exponent."""

import math

from labkit.cost.vit import attention_flops
from labkit.lesson.exercises.check import Exercise, Mistake


def block_flops(tokens: int, dim: int) -> int:
    """Model FLOPs of one ViT block: four projections of D x D, an MLP of 4 D hidden units, and attention's pairs."""
    return 2 * tokens * 12 * dim**2 + attention_flops(tokens, dim)


def balance(dim: int) -> int:
    """Tokens at which attention's pairs cost as much as all linear layers of the block."""
    return 6 * dim


def heavier(dim: int, inner: int, state: int) -> int:
    """The first number of tokens at which keys and values of all of them are more numbers than a state of
    `inner` times `state`."""
    return inner * state // (2 * dim) + 1


def exponent(n_small: int, t_small: float, n_large: int, t_large: float) -> float:
    """k of t = c n^k through two points."""
    return math.log(t_large / t_small) / math.log(n_large / n_small)


EXERCISES = (
    Exercise(
        "03-block",
        reach="near",
        hints=(
            "There are two kinds of work: what is done to each token by itself, and what is done to pairs of tokens.",
            "A linear map of A × B takes `2 * A * B` FLOPs for each token. Four are D × D, one is D × 4D, one 4D × D.",
            "A product over pairs makes N × N sums of D products each, two FLOPs a product; there are two such "
            "products.",
        ),
        reference=block_flops,
        inputs=((196, 192), (784, 768), (1, 64)),
        mistakes=(
            Mistake(
                lambda n, d: 12 * n * d**2 + 2 * n**2 * d,
                "You counted multiply-adds. Each of them is two operations, a multiplication and an addition.",
            ),
            Mistake(
                lambda n, d: 24 * n * d**2,
                "The linear layers are all there. What is missing are attention's own two products, over all pairs of "
                "tokens.",
            ),
            Mistake(
                lambda n, d: 24 * n * d**2 + 2 * n**2 * d,
                "Attention makes two products over the pairs: queries with keys, and then weights with values.",
            ),
        ),
        solved="The first term grows with the tokens, the second with their square.",
    ),
    Exercise(
        "03-balance",
        reach="near",
        hints=(
            "Write down the two costs of the last exercise, and set them equal.",
            "The linear layers cost `24 * N * D * D`, the pairs `4 * N * N * D`.",
            "Cancel what stands on both sides, N once and D once, and see what is left for N.",
        ),
        reference=balance,
        inputs=((192,), (768,), (64,)),
        mistakes=(
            Mistake(
                lambda d: 12 * d,
                "Each pair costs two products, not one: 24 N D D against 4 N N D, in which N and D can be cancelled.",
            ),
            Mistake(
                lambda d: 6 * d * d,
                "One D too many: it stands on both sides, 24 N D D = 4 N N D, and cancels once.",
            ),
            Mistake(
                lambda d: 2 * d,
                "You balanced the pairs against the four projections alone. The MLP has twice as much again.",
            ),
        ),
        solved="Below it a block is mostly linear layers, and halving the patch costs about four times as much; far "
        "above it sixteen times.",
    ),
    Exercise(
        "03-heavier",
        reach="far",
        hints=(
            "What must attention keep of each token that went by, and what does the state hold in all?",
            "A key and a value are kept of each token, as wide as the token; the state has `inner * state` numbers.",
            "Divide the one by the other, in whole numbers, and go one token beyond.",
        ),
        reference=heavier,
        inputs=((192, 384, 64), (768, 1536, 16), (100, 150, 3)),
        mistakes=(
            Mistake(
                lambda dim, inner, state: inner * state // dim + 1,
                "You kept one vector for each token. The next query asks the keys and then takes of the values: two.",
            ),
            Mistake(
                lambda dim, inner, state: math.isqrt(inner * state) + 1,
                "You counted the table of all pairs. One new token needs one row of it, and nobody has to keep that.",
            ),
            Mistake(
                lambda dim, inner, state: inner * state // (2 * dim),
                "With so many tokens keys and values are at most as many numbers as the state. The next token makes "
                "them more.",
            ),
        ),
        solved="Beyond it every token makes attention's memory larger; the state stays, and has to forget.",
    ),
    Exercise(
        "03-exponent",
        reach="near",
        hints=(
            "On logarithmic axes the two points lie on a straight line: what is its slope?",
            "A slope is what it goes up over what it goes along; on these axes both are differences of logarithms.",
            "A difference of logarithms is the logarithm of a ratio: `math.log` of the times' ratio over that "
            "of the tokens'.",
        ),
        reference=exponent,
        inputs=((100, 1.0, 400, 16.0), (196, 0.02, 784, 0.08), (1000, 3.0, 1500, 5.2)),
        mistakes=(
            Mistake(
                lambda n_small, t_small, n_large, t_large: (t_large / t_small) / (n_large / n_small),
                "That is the ratio of the ratios. An exponent is a slope on logarithmic axes: the ratio of their "
                "logarithms.",
            ),
            Mistake(
                lambda n_small, t_small, n_large, t_large: math.log(n_large / n_small) / math.log(t_large / t_small),
                "Upside down: how steeply time rises with tokens, not tokens with time.",
            ),
            Mistake(
                lambda n_small, t_small, n_large, t_large: (t_large - t_small) / (n_large - n_small),
                "That is seconds for one token more, the slope on ordinary axes.",
            ),
        ),
        solved="Two points always have an exponent; whether one fits several is what the interval says.",
    ),
)
