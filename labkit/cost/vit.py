"""What a ViT costs, from its shape.

Letters: N tokens (with a class token, if any), D width, H heads, P numbers in a patch, K classes; L blocks.
"""

from labkit.cost.shapes import Shape

MLP_RATIO = 4
BACKENDS = ("fused", "math", "flash")  # of attention, the default first


def parameters(shape: Shape) -> int:
    """Embedding, positions, class token, blocks, last norm, head."""
    d = shape.width
    block = 4 * d * d + 4 * d + 2 * MLP_RATIO * d * d + (MLP_RATIO + 1) * d + 4 * d
    places = shape.length * d if shape.learned_positions else 0
    ends = (shape.embedding_numbers + 1) * d + places + shape.class_token * d + 2 * d + (d + 1) * shape.classes
    return ends + shape.depth * block


def attention_flops(tokens: int, dim: int) -> int:
    """FLOPs of the two products in one attention layer, q k^T and weights v, all heads: 4 N^2 D. Used in lesson 00."""
    return 4 * tokens**2 * dim


def model_flops(shape: Shape) -> int:
    """Two for each multiply-add of the matrix products. Left out: norms, softmax, GELU, additions."""
    n, d = shape.length, shape.width
    linear = 2 * n * d * (4 * d + 2 * MLP_RATIO * d)
    ends = 2 * shape.embedded * shape.patch_numbers * d + 2 * d * shape.classes
    return ends + shape.depth * (linear + attention_flops(n, d))


def executed_flops(shape: Shape, backend: str = "fused") -> int:
    """Every backend of attention computes the same two products, so the same as `model_flops`."""
    return model_flops(shape)


def kept_bytes(shape: Shape, backend: str = "fused", *, number: int = 4) -> int:
    """Bytes that one image leaves for the backward pass, `number` bytes each: in a block 16 numbers of width D for each
    token (before and after both norms 4, q k v 3, mixed 1, and the MLP's hidden units before and after GELU 8), the
    norms' statistics 4; and of the softmax one number for each token and head, or, in the definition (`math`), for
    each pair of tokens."""
    n, d = shape.length, shape.width
    softmax = shape.heads * n * (n if backend == "math" else 1)
    block = 16 * n * d + 4 * n + softmax
    return number * (shape.cut_numbers + shape.depth * block + 2 * n * d + 2 * n)


def peak_bytes(shape: Shape, backend: str = "fused", *, number: int = 4) -> int:
    """Bytes held at once in a forward pass without gradients, beyond weights and image: in the MLP 8 numbers of width
    D for the hidden units before and after GELU, and 4 on the residual path and around it. The definition of attention
    (`math`) holds two tables of all pairs at once, and that soon is more. A narrow model on large patches holds most
    where it cuts them."""
    n, d = shape.length, shape.width
    cut = shape.cut_numbers + shape.tokens * d
    mlp = 12 * n * d
    pairs = 6 * n * d + 2 * shape.heads * n * n if backend == "math" else 0
    return number * max(cut, mlp, pairs)
