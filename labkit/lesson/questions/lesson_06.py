"""What lesson 06 asks before it shows: which patch size is best when there is little time."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "06-budget": Question(
        "The ViT has been trained for only {steps} steps at p = {sizes}. The lowest mean test loss stands at",
        {"a": "the smallest patch", "b": "the largest patch", "c": "one in between"},
        {
            "a": Misconception(
                "a law without a budget",
                "The paper's curves fall towards small patches, but each of its points is a model that was trained for "
                "hundreds of epochs. What holds there need not hold after a few steps.",
            ),
            "b": Misconception(
                "small patches only cost at first",
                "A single token is learned fast, but there is nothing to mix: other patch sizes can pass it within a "
                "few steps.",
            ),
            "c": Misconception(
                "a middle way must be best",
                "Between two opposite effects there often is a best place in the middle. With so few steps one of the "
                "two can win everywhere.",
            ),
        },
        recorded="a",
    ),
}
