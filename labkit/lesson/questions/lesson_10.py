"""What lesson 10 asks before it shows: reading in pieces, and what a ViT would take."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "10-pieces": Question(
        "An Adventurer reads {tokens} tokens, once all together and once {tile} at a time. Read in pieces, the answer "
        "is",
        {
            "a": "the same but for rounding, with less memory",
            "b": "the same but for rounding, with as much memory",
            "c": "a different one, with less memory",
        },
        {
            "b": Misconception(
                "the tokens are all the memory",
                "The tokens themselves are held in any case. Most of the memory is for what is computed on the way, "
                "and that is needed for one piece at a time.",
            ),
            "c": Misconception(
                "every piece begins anew",
                "It would be, if a piece began anew. But it goes on from the state that the piece before has left.",
            ),
        },
        recorded="c",
    ),
    "10-vit": Question(
        "A ViT-Tiny reads the same {tokens} tokens of the photograph. Compared with Adventurer-Tiny it takes",
        {"a": "about as long", "b": "a few times as long", "c": "ten times as long or more"},
        {
            "a": Misconception(
                "forgets the pairs",
                "Token by token Adventurer-Tiny has the dearer linear layers, as it is wider. But the ViT also "
                "computes with pairs of tokens, and those grow with the square of the tokens.",
            ),
            "b": Misconception(
                "pairs weigh little",
                "So it is at some length in between: pairs grow with the square of the tokens, all else with the "
                "tokens themselves.",
            ),
            "c": Misconception(
                "pairs weigh everything",
                "So it is where pairs have outgrown everything else; with fewer tokens they have not.",
            ),
        },
        recorded="b",
    ),
}
