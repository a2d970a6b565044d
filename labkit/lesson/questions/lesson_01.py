"""What lesson 01 asks before it shows: how many tokens, and what their order means."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
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
            "a": Misconception(
                "counts one side only",
                "That holds along one side of the grid; the grid has two.",
            ),
            "b": Misconception(
                "forgets that the image stays covered",
                "A smaller patch covers less of the image, so it takes more of them to cover it all.",
            ),
            "d": Misconception(
                "mixes up size and number of tokens",
                "What a token holds says nothing about how many it takes to cover the image.",
            ),
        },
        recorded="a",
    ),
    "01-order": Question(
        "Positions have been added to the tokens. Now the tokens are shuffled, positions and all. The answer of the "
        "ViT",
        {"a": "stays the same", "b": "changes a little", "c": "becomes nonsense"},
        {
            "b": Misconception(
                "order leaks in a little",
                "Attention sums over all tokens, and a sum does not care about the order of its terms.",
            ),
            "c": Misconception(
                "place in the list, place in the image",
                "That would take tokens that lose their places. Here each token carries its place with it.",
            ),
        },
        recorded="c",
    ),
}
