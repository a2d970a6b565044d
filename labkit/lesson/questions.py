"""What lessons ask before they show: each question, its answers, and the thought that leads to each wrong one."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """`options` by letter; `why_not` says, for an answer that did not come out, what may have led to it. `text` may
    hold {names} that the lesson fills in."""

    text: str
    options: dict[str, str]
    why_not: dict[str, str] = field(default_factory=dict)


QUESTIONS = {
    "00-predict": Question(
        "Halve the patch size. By what factor does the number of **pairs** of tokens grow?",
        {"a": "twofold", "b": "fourfold", "c": "sixteenfold", "d": "it depends on the image"},
        {
            "a": "One side of the grid has twice as many patches, and the grid has two sides.",
            "b": "That is how the number of tokens grows; each of them then looks at all the others.",
            "d": "The content of the image does not enter: only its size and the patch size count tokens.",
        },
    ),
    "01-predict": Question(
        "The photograph is resized to a square and cut at p = 1, one pixel a token. Compared with p = 16, the "
        "tokens are",
        {
            "a": "16 times as many",
            "b": "as many, but smaller",
            "c": "256 times as many",
            "d": "fewer, because a pixel holds less",
        },
        {
            "a": "That holds along one side of the grid; the grid has two.",
            "b": "A smaller patch covers less of the image, so it takes more of them to cover it all.",
            "d": "What a token holds says nothing about how many it takes to cover the image.",
        },
    ),
    "01-order": Question(
        "Positions have been added to the tokens. Now the tokens are shuffled, positions and all. The answer of the "
        "ViT",
        {"a": "stays the same", "b": "changes a little", "c": "becomes nonsense"},
        {
            "b": "Attention sums over all tokens, and a sum does not care about the order of its terms.",
            "c": "That would take tokens that lose their places. Here each token carries its place with it.",
        },
    ),
    "02-predict": Question(
        "A ViT-Tiny turns each colour patch into D = 192 numbers by one linear map. Up to which patch size can such a "
        "map keep every pixel, in exact arithmetic?",
        {"a": "p = 1 only", "b": "p = 8", "c": "p = 13", "d": "p = 16"},
        {
            "a": "Several pixels fit into one token, as long as it has a number for each of theirs.",
            "c": "A pixel of a colour photograph holds three numbers, not one.",
            "d": "That is the usual patch size, and it holds several times as many numbers as the token.",
        },
    ),
    "02-equal": Question(
        "Each picture may keep equally many numbers in all: few tokens with many numbers, or many tokens with few "
        "each. Coded as well as a linear map can, other photographs than those it was fitted on come back best with",
        {"a": "small patches (p = 2)", "b": "neither: it is not shown to differ", "c": "large patches (p = 16)"},
        {
            "a": "Small patches follow detail, but neighbouring patches resemble each other, and a code that looks at "
            "one at a time has to say the same thing again and again.",
            "b": "The count of numbers is the same; what they can be chosen to describe is not.",
            "c": "A large patch has a better basis to choose from, but a longer one to learn from few photographs.",
        },
    ),
    "02-trained": Question(
        "The embedding of a small ViT turns a grey patch of 16 × 16 pixels into 64 numbers, so it must drop most of "
        "them. After a short training, a linear decoder gets back from these 64 numbers, compared with the start,",
        {"a": "less of the pixels", "b": "as much: it is not shown to differ", "c": "more of the pixels"},
        {
            "a": "Training may drop what the task does not need; but it can also turn towards directions in which "
            "patches vary, and random ones mostly miss these.",
            "b": "A short training moves the weights only a little; several seeds can still agree on the direction.",
            "c": "Nothing in the task asks for the pixels back; only what tells photographs apart is rewarded.",
        },
    ),
    "03-halve": Question(
        "By about what factor does the time of a forward pass grow, for the ViT and for the state-space model?",
        {
            "a": "both about fourfold",
            "b": "the ViT much more than fourfold, the state-space model about fourfold",
            "c": "both about sixteenfold",
            "d": "the ViT twofold, the state-space model fourfold",
        },
        {
            "a": "That holds for what is done to each token by itself. Attention also has its pairs.",
            "c": "A state-space layer makes no pairs: each token meets a state of fixed size.",
            "d": "Two is how the tokens grow along one side of the image; the image has two.",
        },
    ),
    "03-memory": Question(
        "By about what factor does the memory of a forward pass grow in a ViT with fused attention?",
        {"a": "fourfold", "b": "sixteenfold", "c": "it does not grow"},
        {
            "b": "That is how the table of pairs grows, and fused attention never holds it.",
            "c": "The table is gone, but the tokens themselves, their queries, keys, values and hidden units are not.",
        },
    ),
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
            "a": "Tokens are mixed: a later token finds the earlier ones in the state.",
            "b": "Row t is what token t takes. Right of the diagonal stand tokens that come after it.",
            "d": "Attention sees all tokens at once; the state holds only what was read before.",
        },
    ),
    "04-causal": Question(
        "A stack of blocks reads a photograph from the first patch to the last, each block in the same order, without "
        "any other device. A token in the middle: how many of the patches **behind** it have any influence on it?",
        {"a": "none, whatever the depth", "b": "more with each block", "c": "all, from the second block on"},
        {
            "b": "So it is with convolutions, whose windows reach to both sides. Here each block reaches only back, "
            "and back of back is still back.",
            "c": "The second block reads tokens that have been mixed, but each of them with earlier ones only.",
        },
    ),
    "04-order": Question(
        "Tokens are shuffled together with their positions, as in the lesson on sequences, where the ViT did not "
        "notice. The answer of the Adventurer",
        {"a": "stays the same", "b": "changes"},
        {
            "a": "Positions travel, but the state is filled in another order: when one token is read, others have "
            "faded than before.",
            "b": "The state is filled in another order, but a layer that hardly fades or mixes would not show it.",
        },
    ),
    "04-table": Question(
        "Adventurer-Base from p = 16 to p = 1, the image as large as before. The number of its parameters",
        {"a": "falls", "b": "stays the same", "c": "grows"},
        {
            "a": "The embedding of a patch does shrink, but something else is needed once for each token.",
            "b": "The blocks do not change, but a learned position is a vector for each place, and there are more of "
            "them.",
            "c": "The table of positions grows with the number of tokens; the embedding of a patch shrinks.",
        },
    ),
    "05-predict": Question(
        "ViTs with p = 16 (the whole crop is one token) and p = {small}, {steps} steps, {seeds} seeds each. The "
        "smaller patch",
        {"a": "is shown to be worse", "b": "is not shown to differ", "c": "is shown to be better"},
        {
            "a": "Longer sequences are harder to learn, and at very short budgets that can win.",
            "b": "Few seeds make wide intervals, but a large difference is shown all the same.",
            "c": "Finer tokens carry no more information, and with few steps or few seeds they may not show a gain.",
        },
    ),
    "05-other": Question(
        "Adventurer with p = 16 and p = {small}, {steps} steps, {seeds} seeds each. The smaller patch",
        {"a": "is shown to be worse", "b": "is not shown to differ", "c": "is shown to be better"},
        {
            "a": "A layer that reads in order has a longer way to remember; fading is learned, and need not be fast.",
            "b": "It would be so if the gain came from attention, or with too few steps or seeds to see one.",
            "c": "What a layer could gain from finer tokens takes steps to learn, and seeds to be shown.",
        },
    ),
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
            "a": "With c fixed beforehand that is so. But c is chosen after looking, and just below the smallest loss "
            "it stretches the last points as far as one likes.",
            "b": "One number to choose and few points: it would take a curve that bends the other way to resist.",
            "c": "A c below zero bends the curve further; one just below the smallest loss stretches its end.",
        },
    ),
    "07-left-out": Question(
        "Three laws are fitted to all points of a panel but the last, and asked for the loss that was left out. Over "
        "the paper's classification panels, which of them is off by least, on average?",
        {"a": "the power law", "b": "the power law with an offset", "c": "the straight line in ln p"},
        {
            "a": "Without an offset each halving takes off the same share, for ever. The panels fall fast at first "
            "and slowly in the end.",
            "b": "The offset lets the curve flatten, as the panels do. But it is read from the points before the last, "
            "and can flatten too early.",
            "c": "A straight line takes off the same amount with each halving, and would pass through zero some day.",
        },
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
            "a": "Width, depth and batch are the same for all p, so it could be; but the sequence is longer and the "
            "gradient of the embedding another.",
            "b": "More tokens make some training runs touchier; it need not show where steps are few.",
            "c": "Patches of few pixels make for small inputs to the embedding, but norms take that out again.",
            "d": "Attention and the scan differ, but optimiser, width, norms and task are the same for both.",
        },
    ),
    "10-pieces": Question(
        "An Adventurer reads {tokens} tokens, once all together and once {tile} at a time. Read in pieces, the answer "
        "is",
        {
            "a": "the same but for rounding, with less memory",
            "b": "the same but for rounding, with as much memory",
            "c": "a different one, with less memory",
        },
        {
            "b": "The tokens themselves are held in any case. Most of the memory is for what is computed on the way, "
            "and that is needed for one piece at a time.",
            "c": "It would be, if a piece began anew. But it goes on from the state that the piece before has left.",
        },
    ),
    "10-vit": Question(
        "A ViT-Tiny reads the same {tokens} tokens of the photograph. Compared with Adventurer-Tiny it takes",
        {"a": "about as long", "b": "a few times as long", "c": "ten times as long or more"},
        {
            "a": "Token by token Adventurer-Tiny has the dearer linear layers, as it is wider. But the ViT also "
            "computes with pairs of tokens, and those grow with the square of the tokens.",
            "b": "So it is at some length in between: pairs grow with the square of the tokens, all else with the "
            "tokens themselves.",
            "c": "So it is where pairs have outgrown everything else; with fewer tokens they have not.",
        },
    ),
}
