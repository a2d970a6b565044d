"""What lesson 02 asks before it shows: what must be lost, equal numbers, what training keeps."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "02-predict": Question(
        "A ViT-Tiny turns each colour patch into D = 192 numbers by one linear map. Up to which patch size can such a "
        "map keep every pixel, in exact arithmetic?",
        {"a": "p = 1 only", "b": "p = 8", "c": "p = 13", "d": "p = 16"},
        {
            "a": Misconception(
                "one token, one pixel",
                "Several pixels fit into one token, as long as it has a number for each of theirs.",
            ),
            "c": Misconception(
                "forgets the three colours",
                "A pixel of a colour photograph holds three numbers, not one.",
            ),
            "d": Misconception(
                "what is usual loses nothing",
                "That is the usual patch size, and it holds several times as many numbers as the token.",
            ),
        },
        recorded="c",
    ),
    "02-equal": Question(
        "Each picture may keep equally many numbers in all: few tokens with many numbers, or many tokens with few "
        "each. Coded as well as a linear map can, other photographs than those it was fitted on come back best with",
        {"a": "small patches (p = 2)", "b": "neither: it is not shown to differ", "c": "large patches (p = 16)"},
        {
            "a": Misconception(
                "smaller is always finer",
                "Small patches follow detail, but neighbouring patches resemble each other, and a code that looks at "
                "one at a time has to say the same thing again and again.",
            ),
            "b": Misconception(
                "equal numbers, equal loss",
                "The count of numbers is the same; what they can be chosen to describe is not.",
            ),
            "c": Misconception(
                "a better basis costs nothing",
                "A large patch has a better basis to choose from, but a longer one to learn from few photographs.",
            ),
        },
        recorded="a",
    ),
    "02-trained": Question(
        "The embedding of a small ViT turns a grey patch of 16 × 16 pixels into 64 numbers, so it must drop most of "
        "them. After a short training, a linear decoder gets back from these 64 numbers, compared with the start,",
        {"a": "less of the pixels", "b": "as much: it is not shown to differ", "c": "more of the pixels"},
        {
            "a": Misconception(
                "training only discards",
                "Training may drop what the task does not need; but it can also turn towards directions in which "
                "patches vary, and random ones mostly miss these.",
            ),
            "b": Misconception(
                "short training changes nothing",
                "A short training moves the weights only a little; several seeds can still agree on the direction.",
            ),
            "c": Misconception(
                "training aims at pixels",
                "Nothing in the task asks for the pixels back; only what tells photographs apart is rewarded.",
            ),
        },
        recorded="a",
    ),
}
