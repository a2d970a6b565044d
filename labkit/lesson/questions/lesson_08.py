"""What lesson 08 asks before it shows: what one amount of compute buys, and whether to cut finer or to widen."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "08-equal": Question(
        "Each patch size gets as many FLOPs as the ViT with p = 4 takes for {steps} steps: larger patches take more "
        "steps, smaller ones fewer. Of p = {sizes}, which were run at such a cost, the lowest loss has",
        {"a": "the smallest patch", "b": "the largest patch", "c": "one in between"},
        {
            "a": Misconception(
                "equal steps in mind",
                "At equal steps a smaller patch gets many times the compute. At equal compute it gets a fraction of "
                "the steps.",
            ),
            "b": Misconception(
                "more steps always help more",
                "More steps help until there is nothing left to learn from a single token. There a finer cut has the "
                "better use for the compute.",
            ),
            "c": Misconception(
                "a middle way must be best",
                "So it is where both effects are at work. At very small or very large amounts one of them wins.",
            ),
        },
        recorded="a",
    ),
    "08-buy": Question(
        "The paper's Adventurer-Tiny with p = 16 at 224 pixels could become better in two ways that cost nearly the "
        "same: patches of half the size (Tiny, p = 8), or twice the width (Small, p = 16). Which one is more accurate?",
        {
            "a": "the finer one: Tiny with p = 8",
            "b": "the wider one: Small with p = 16",
            "c": "neither: they differ by no more than the noise of the test set",
        },
        {
            "a": Misconception(
                "what the title says",
                "A finer cut does help, and it is this paper's subject. That something helps does not make it the best "
                "use of the same compute.",
            ),
            "b": Misconception(
                "width beats everything",
                "Twice the width makes four times the work in the linear layers, as four times the tokens do. Which of "
                "the two pays more depends on where one stands.",
            ),
            "c": Misconception(
                "FLOPs are all that counts",
                "Equal compute need not make equal models: what it is spent on matters.",
            ),
        },
        recorded="a",
    ),
}
