"""Exercises of lesson 03: the FLOPs of a block, where pairs outweigh the rest, an exponent from two measurements."""

import math

from labkit.cost.vit import attention_flops
from labkit.lesson.exercises.check import Exercise, Mistake


def block_flops(tokens: int, dim: int) -> int:
    """Model FLOPs of one ViT block: four projections of D x D, an MLP of 4 D hidden units, and attention's pairs."""
    return 2 * tokens * 12 * dim**2 + attention_flops(tokens, dim)


def balance(dim: int) -> int:
    """Tokens at which attention's pairs cost as much as all linear layers of the block."""
    return 6 * dim


def exponent(n_small: int, t_small: float, n_large: int, t_large: float) -> float:
    """k of t = c n^k through two points."""
    return math.log(t_large / t_small) / math.log(n_large / n_small)


EXERCISES = (
    Exercise(
        "03-block",
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
        "03-exponent",
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
