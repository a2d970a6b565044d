"""What lessons ask before they show: each question, its answers, and the thought that leads to each wrong one."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """`options` by letter; `why_not` says, for an answer that did not come out, what may have led to it. `text` may
    hold {names} that the lesson fills in."""

    text: str
    options: dict[str, str]
    why_not: dict[str, str] = field(default_factory=dict)


QUESTIONS = {
    "00-predict": Question(
        "Halve the patch size. By what factor does the number of **pairs** of tokens grow?",
        {"a": "twofold", "b": "fourfold", "c": "sixteenfold", "d": "it depends on the image"},
        {
            "a": "One side of the grid has twice as many patches, and the grid has two sides.",
            "b": "That is how the number of tokens grows; each of them then looks at all the others.",
            "d": "The content of the image does not enter: only its size and the patch size count tokens.",
        },
    ),
    "01-predict": Question(
        "The photograph is resized to a square and cut at p = 1, one pixel a token. Compared with p = 16, the "
        "tokens are",
        {
            "a": "16 times as many",
            "b": "as many, but smaller",
            "c": "256 times as many",
            "d": "fewer, because a pixel holds less",
        },
        {
            "a": "That holds along one side of the grid; the grid has two.",
            "b": "A smaller patch covers less of the image, so it takes more of them to cover it all.",
            "d": "What a token holds says nothing about how many it takes to cover the image.",
        },
    ),
    "01-order": Question(
        "Positions have been added to the tokens. Now the tokens are shuffled, positions and all. The answer of the "
        "ViT",
        {"a": "stays the same", "b": "changes a little", "c": "becomes nonsense"},
        {
            "b": "Attention sums over all tokens, and a sum does not care about the order of its terms.",
            "c": "That would take tokens that lose their places. Here each token carries its place with it.",
        },
    ),
    "05-predict": Question(
        "ViTs with p = 16 (the whole crop is one token) and p = {small}, {steps} steps, {seeds} seeds each. The "
        "smaller patch",
        {"a": "is shown to be worse", "b": "is not shown to differ", "c": "is shown to be better"},
        {
            "a": "Longer sequences are harder to learn, and at very short budgets that can win.",
            "b": "Few seeds make wide intervals, but a large difference is shown all the same.",
            "c": "Finer tokens carry no more information, and with few steps or few seeds they may not show a gain.",
        },
    ),
}
