"""What lesson 11 asks before it shows: how much a study will show, and what may be said of it."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "11-predict": Question(
        "The study that stands in the form, with {seeds} seeds: how many of its comparisons will be *shown*, in either "
        "direction?",
        {"a": "none", "b": "some, but not all", "c": "all of them"},
        {
            "a": Misconception(
                "few seeds show nothing",
                "Few seeds make wide intervals; a large difference is shown all the same, if seeds agree on it.",
            ),
            "b": Misconception(
                "the middle is safe",
                "It takes differences of unlike size, or recipes whose seeds scatter unlike.",
            ),
            "c": Misconception(
                "a difference in the means is enough",
                "With few seeds the interval is wide, and it gets wider with each further comparison that shares the "
                "error.",
            ),
        },
        recorded="a",
    ),
    "11-claim": Question(
        "In a study at p = 16 and p = 4, with one learning rate and few steps, the smaller patch is shown to be "
        "better. Which sentence may stand in its report?",
        {
            "a": "Smaller patches are better.",
            "b": "On these photographs, after these steps at this rate, p = 4 had the lower test loss.",
            "c": "p = 4 is better because its model sees finer detail.",
            "d": "p = 4 will still be better after more steps.",
        },
        {
            "a": Misconception(
                "one study speaks for all",
                "Other patch sizes, tasks and budgets were not run, and another task may order them otherwise.",
            ),
            "c": Misconception(
                "a difference names its cause",
                "Finer patches bring more tokens and more compute as well; the study does not tell these apart.",
            ),
            "d": Misconception(
                "curves go on as they began",
                "No longer run was made. Curves cross, and where they do is a question of its own.",
            ),
        },
        recorded="a",
    ),
}
