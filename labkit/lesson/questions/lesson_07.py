"""What lesson 07 asks before it shows: straight lines, left-out points, learning rates."""

from labkit.lesson.questions.question import Misconception, Question

QUESTIONS = {
    "07-offset": Question(
        "A made-up loss falls like 1 / (1 + h) with the number h of halvings of p, which is no power of p, with an "
        "offset or without. Somebody takes a constant c off, chosen by eye, and plots what is left over p on "
        "logarithmic axes. How straight can five points be made to look?",
        {
            "a": "not straight: only a power law is a straight line there",
            "b": "as straight as the paper's classification panels with their best c, or straighter",
            "c": "straight only with a c below zero",
        },
        {
            "a": Misconception(
                "straight means power law",
                "With c fixed beforehand that is so. But c is chosen after looking, and just below the smallest loss "
                "it stretches the last points as far as one likes.",
            ),
            "b": Misconception(
                "a free number fits everything",
                "One number to choose and few points: it would take a curve that bends the other way to resist.",
            ),
            "c": Misconception(
                "looks on the wrong side of zero",
                "A c below zero bends the curve further; one just below the smallest loss stretches its end.",
            ),
        },
        recorded="a",
    ),
    "07-left-out": Question(
        "Three laws are fitted to all points of a panel but the last, and asked for the loss that was left out. Over "
        "the paper's classification panels, which of them is off by least, on average?",
        {"a": "the power law", "b": "the power law with an offset", "c": "the straight line in ln p"},
        {
            "a": Misconception(
                "the same share for ever",
                "Without an offset each halving takes off the same share, for ever. The panels fall fast at first "
                "and slowly in the end.",
            ),
            "b": Misconception(
                "an offset is always safer",
                "The offset lets the curve flatten, as the panels do. But it is read from the points before the last, "
                "and can flatten too early.",
            ),
            "c": Misconception(
                "the same amount for ever",
                "A straight line takes off the same amount with each halving, and would pass through zero some day.",
            ),
        },
        recorded="a",
    ),
    "07-rate": Question(
        "ViT and Adventurer, {steps} steps each, at five learning rates. As the patches get smaller, the best rate",
        {
            "a": "is not shown to move",
            "b": "moves down, for one architecture or both",
            "c": "moves up, for one or both",
            "d": "moves down for one and up for the other",
        },
        {
            "a": Misconception(
                "the recipe carries over",
                "Width, depth and batch are the same for all p, so it could be; but the sequence is longer and the "
                "gradient of the embedding another.",
            ),
            "b": Misconception(
                "more tokens, more trouble",
                "More tokens make some training runs touchier; it need not show where steps are few.",
            ),
            "c": Misconception(
                "small inputs, large steps",
                "Patches of few pixels make for small inputs to the embedding, but norms take that out again.",
            ),
            "d": Misconception(
                "another mixer, another recipe",
                "Attention and the scan differ, but optimiser, width, norms and task are the same for both.",
            ),
        },
        recorded="b",
    ),
}
