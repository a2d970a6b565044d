"""What lesson 04 asks before it shows: what a reader in order can see."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "04-identity": Question(
        "The scan is linear in x. Feed it the **identity matrix**: token s is a one in place s and zeros elsewhere. "
        "What comes out is a table with a row for each token t and a column for each token s. It is",
        {
            "a": "the identity matrix again",
            "b": "zero below the diagonal",
            "c": "zero above the diagonal",
            "d": "nowhere zero, as the weights of attention",
        },
        {
            "a": Misconception(
                "tokens stay by themselves",
                "Tokens are mixed: a later token finds the earlier ones in the state.",
            ),
            "b": Misconception(
                "reads rows for columns",
                "Row t is what token t takes. Right of the diagonal stand tokens that come after it.",
            ),
            "d": Misconception(
                "every mixer is attention",
                "Attention sees all tokens at once; the state holds only what was read before.",
            ),
        },
        recorded="d",
    ),
    "04-causal": Question(
        "A stack of blocks reads a photograph from the first patch to the last, each block in the same order, without "
        "any other device. A token in the middle: how many of the patches **behind** it have any influence on it?",
        {"a": "none, whatever the depth", "b": "more with each block", "c": "all, from the second block on"},
        {
            "b": Misconception(
                "depth widens the view, as in convolutions",
                "So it is with convolutions, whose windows reach to both sides. Here each block reaches only back, "
                "and back of back is still back.",
            ),
            "c": Misconception(
                "mixed once, seen for ever",
                "The second block reads tokens that have been mixed, but each of them with earlier ones only.",
            ),
        },
        recorded="b",
    ),
    "04-order": Question(
        "Tokens are shuffled together with their positions, as in the lesson on sequences, where the ViT did not "
        "notice. The answer of the Adventurer",
        {"a": "stays the same", "b": "changes"},
        {
            "a": Misconception(
                "positions say it all",
                "Positions travel, but the state is filled in another order: when one token is read, others have "
                "faded than before.",
            ),
            "b": Misconception(
                "what can change does change",
                "The state is filled in another order, but a layer that hardly fades or mixes would not show it.",
            ),
        },
        recorded="a",
    ),
    "04-table": Question(
        "Adventurer-Base from p = 16 to p = 1, the image as large as before. The number of its parameters",
        {"a": "falls", "b": "stays the same", "c": "grows"},
        {
            "a": Misconception(
                "sees the embedding only",
                "The embedding of a patch does shrink, but something else is needed once for each token.",
            ),
            "b": Misconception(
                "sees the blocks only",
                "The blocks do not change, but a learned position is a vector for each place, and there are more of "
                "them.",
            ),
            "c": Misconception(
                "sees the positions only",
                "The table of positions grows with the number of tokens; the embedding of a patch shrinks.",
            ),
        },
        recorded="b",
    ),
}
