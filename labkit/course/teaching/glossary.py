"""What students should know beforehand, and the field's terms in the sense in which the lessons use them."""

PREREQUISITES = (
    "Python: functions, loops, lists, and reading an error message; some NumPy or PyTorch, as far as indexing a tensor "
    "and asking for its shape.",
    "Linear algebra: matrix products, transposes, a basis, what a projection is.",
    "Calculus: what a derivative is; logarithms, and that a power is a straight line on logarithmic axes.",
    "Statistics: mean, standard deviation, and the idea of a confidence interval.",
    "Machine learning: what a loss, a gradient step, a learning rate and a test set are. No knowledge of transformers "
    "or of state-space models is taken for granted.",
)

GLOSSARY = {
    "patch": "A small square of the image, p pixels high and wide; patches cover the image without overlap.",
    "patch size (p)": "The side of a patch in pixels. At p = 1 each pixel is a patch.",
    "token": "The vector that stands for one patch in the model: the patch's numbers after a linear map, with its "
    "position.",
    "embedding": "The linear map from the numbers of a patch to a token.",
    "sequence length (N)": "How many tokens an image gives. Halving p makes it four times as long.",
    "width (D)": "How many numbers a token holds.",
    "position": "What tells the model where in the image a token was; learned, or computed from sines and cosines.",
    "self-attention": "A layer in which each token takes a weighted mean of all tokens; the weights come from "
    "comparing pairs, so the work grows with the square of N.",
    "fused attention": "The same attention without ever holding the table of all pairs.",
    "state-space model": "A layer that reads tokens in order and keeps a state of fixed size; its work grows with N.",
    "scan": "The recurrence of a state-space layer: the state fades, takes in the next token, and is read.",
    "causal": "Seeing only what was read before.",
    "ViT": "Vision transformer: patches as tokens, blocks of self-attention and perceptrons.",
    "Adventurer": "The paper's model: patches as tokens, blocks of a state-space layer (Mamba-2) and perceptrons, with "
    "averages at the head of the sequence and flips of its direction.",
    "FLOPs and MACs": "Floating-point operations, and multiply-accumulates. One multiply-accumulate is two operations, "
    "but many papers call it one FLOP: ask which was counted.",
    "throughput and utilisation": "Operations per second that a machine does, and their share of what it could do.",
    "budget": "How much training a run gets: here its number of steps, or its FLOPs.",
    "power law": "A loss that falls by the same factor whenever p is halved: a straight line on logarithmic axes.",
    "exponent": "How fast one quantity grows or falls with another: the slope on logarithmic axes.",
    "offset": "A constant that is added to a power law: what would be left of the loss for the smallest patches.",
    "chi-square": "The squared distance of points from a fit, counted in their errors.",
    "extrapolation": "What a fit says where nothing was run.",
    "seed": "The number that all of a run's chance comes from: its first weights and its crops.",
    "confidence interval": "A range from a method that covers the true value as often as it promises.",
    "bootstrap": "Drawing anew, with replacement, from what was measured, to see how much a result would vary.",
    "paired difference": "The difference of two recipes at the same seed or on the same image; what both share falls "
    "out of it.",
    "shown / not shown": "The interval of a difference leaves out zero, or holds it. Not shown is not equal.",
    "front": "The settings that nothing cheaper beats.",
    "peak signal-to-noise ratio": "The mean squared error of a picture on a logarithmic scale; more is better.",
    "checkpoint": "All that it takes to go on with a run where it was.",
    "baseline": "A simple method that a model has to beat before its result says anything.",
    "confound": "Something that changed together with what is compared.",
}
