"""What lesson 00 asks before it shows: what pairs of tokens cost."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "00-predict": Question(
        "Halve the patch size. By what factor does the number of **pairs** of tokens grow?",
        {"a": "twofold", "b": "fourfold", "c": "sixteenfold", "d": "it depends on the image"},
        {
            "a": Misconception(
                "counts one side only",
                "One side of the grid has twice as many patches, and the grid has two sides.",
            ),
            "b": Misconception(
                "counts tokens, not pairs",
                "That is how the number of tokens grows; each of them then looks at all the others.",
            ),
            "d": Misconception(
                "content counts tokens",
                "The content of the image does not enter: only its size and the patch size count tokens.",
            ),
        },
        recorded="b",
    ),
}
