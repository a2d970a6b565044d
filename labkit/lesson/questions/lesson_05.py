"""What lesson 05 asks before it shows: whether a smaller patch helps this soon, for two architectures."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "05-predict": Question(
        "ViTs with p = 16 (the whole crop is one token) and p = {small}, {steps} steps, {seeds} seeds each. The "
        "smaller patch",
        {"a": "is shown to be worse", "b": "is not shown to differ", "c": "is shown to be better"},
        {
            "a": Misconception(
                "long is hard",
                "Longer sequences are harder to learn, and at very short budgets that can win.",
            ),
            "b": Misconception(
                "few seeds show nothing",
                "Few seeds make wide intervals, but a large difference is shown all the same.",
            ),
            "c": Misconception(
                "finer is always better",
                "Finer tokens carry no more information, and with few steps or few seeds they may not show a gain.",
            ),
        },
        recorded="c",
    ),
    "05-other": Question(
        "Adventurer with p = 16 and p = {small}, {steps} steps, {seeds} seeds each. The smaller patch",
        {"a": "is shown to be worse", "b": "is not shown to differ", "c": "is shown to be better"},
        {
            "a": Misconception(
                "a reader forgets",
                "A layer that reads in order has a longer way to remember; fading is learned, and need not be fast.",
            ),
            "b": Misconception(
                "attention does it all",
                "It would be so if the gain came from attention, or with too few steps or seeds to see one.",
            ),
            "c": Misconception(
                "finer is always better",
                "What a layer could gain from finer tokens takes steps to learn, and seeds to be shown.",
            ),
        },
        recorded="a",
    ),
}
