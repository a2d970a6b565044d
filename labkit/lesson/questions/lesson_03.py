"""What lesson 03 asks before it shows: what a halving costs in time and memory."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "03-halve": Question(
        "By about what factor does the time of a forward pass grow, for the ViT and for the state-space model?",
        {
            "a": "both about fourfold",
            "b": "the ViT much more than fourfold, the state-space model about fourfold",
            "c": "both about sixteenfold",
            "d": "the ViT twofold, the state-space model fourfold",
        },
        {
            "a": Misconception(
                "forgets the pairs",
                "That holds for what is done to each token by itself. Attention also has its pairs.",
            ),
            "c": Misconception(
                "pairs everywhere",
                "A state-space layer makes no pairs: each token meets a state of fixed size.",
            ),
            "d": Misconception(
                "counts one side only",
                "Two is how the tokens grow along one side of the image; the image has two.",
            ),
        },
        recorded="c",
    ),
    "03-memory": Question(
        "By about what factor does the memory of a forward pass grow in a ViT with fused attention?",
        {"a": "fourfold", "b": "sixteenfold", "c": "it does not grow"},
        {
            "b": Misconception(
                "what is computed must be held",
                "That is how the table of pairs grows, and fused attention never holds it.",
            ),
            "c": Misconception(
                "fused means free",
                "The table is gone, but the tokens themselves, their queries, keys, values and hidden units are not.",
            ),
        },
        recorded="b",
    ),
}
