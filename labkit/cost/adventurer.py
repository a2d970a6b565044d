"""What an Adventurer costs, from its shape.

Letters: N tokens (with a class token, if any), M = N + 1 tokens in the mixer (the heading average), D width, E = 2 D
inner width, H heads of 64 numbers, S state size, Q tokens in a chunk, P numbers in a patch, K classes; L blocks.
"""

from labkit.cost.shapes import Shape

BACKENDS = ("chunked", "loop", "quadratic")  # of the scan, the default first
MLP_RATIO, EXPAND, HEAD, TAPS, CHUNK = 2.5, 2, 64, 4, 64


def _widths(shape: Shape) -> tuple[int, int, int, int, int]:
    """E, the channels of the convolution, H, what the first projection gives, and the hidden width of the MLP."""
    inner = EXPAND * shape.width
    convolved = inner + 2 * shape.state
    heads = inner // min(HEAD, inner)
    return inner, convolved, heads, inner + convolved + heads, int(MLP_RATIO * shape.width)


def _chunks(tokens: int, chunk: int = CHUNK) -> tuple[int, int]:
    """Q, no longer than the sequence, and how many chunks it takes."""
    chunk = min(chunk, tokens)
    return chunk, -(-tokens // chunk)


def parameters(shape: Shape) -> int:
    """Embedding, positions, class token, blocks, last norm, head."""
    d = shape.width
    inner, convolved, heads, projected, hidden = _widths(shape)
    mixer = d * projected + (TAPS + 1) * convolved + 3 * heads + inner + inner * d
    block = mixer + 2 * d + 3 * d * hidden + 2 * hidden + d
    places = shape.length * d if shape.learned_positions else 0
    ends = (shape.patch_numbers + 1) * d + places + shape.class_token * d + d + (d + 1) * shape.classes
    return ends + shape.depth * block


def _linear_flops(shape: Shape) -> int:
    """All that is the same in every form of the scan: projections, convolution, MLP, embedding, head."""
    d, mixed = shape.width, shape.length + 1
    inner, convolved, _, projected, hidden = _widths(shape)
    block = 2 * mixed * (d * projected + TAPS * convolved + inner * d) + 2 * shape.length * 3 * d * hidden
    ends = 2 * shape.tokens * shape.patch_numbers * d + 2 * d * shape.classes
    return ends + shape.depth * block


def scan_flops(tokens: int, inner: int, state: int) -> int:
    """FLOPs of the recurrence itself, whatever computes it: each of the E x S numbers of the state takes three
    multiply-adds a token (fade, write, read): 6 M E S. Built in lesson 03."""
    return 6 * tokens * inner * state


def model_flops(shape: Shape) -> int:
    """Two for each multiply-add, the scan in its recurrent form: independent of chunk and backend. Left out: norms,
    gates, step sizes, additions."""
    return _linear_flops(shape) + shape.depth * scan_flops(shape.length + 1, EXPAND * shape.width, shape.state)


def executed_flops(shape: Shape, backend: str = "chunked") -> int:
    """Matrix products that `backend` really computes. The loop fades and writes its state element by element, and only
    its reading counts as a product; the others spend more products to need fewer steps."""
    mixed, inner = shape.length + 1, EXPAND * shape.width
    return _linear_flops(shape) + shape.depth * scan_products(mixed, inner, shape.state, backend)


def scan_products(tokens: int, inner: int, state: int, backend: str, chunk: int = CHUNK) -> int:
    """Matrix FLOPs of one scan in each of its forms. ValueError for an unknown one. Used in lesson 03."""
    if backend == "loop":
        return 2 * tokens * inner * state
    if backend == "quadratic":
        return 2 * tokens**2 * (state + inner)
    if backend != "chunked":
        raise ValueError(f"backend {backend!r} of the scan has no formula: there are loop, quadratic, chunked")
    chunk, chunks = _chunks(tokens, chunk)
    inside = 2 * chunks * chunk**2 * (state + inner)
    return inside + (4 * chunks * chunk * inner * state if chunks > 1 else 0)


def kept_bytes(shape: Shape, backend: str = "chunked", *, number: int = 4) -> int:
    """Bytes that one image leaves for the backward pass in the chunked form, `number` bytes each. ValueError for the
    other forms, which have no formula here: `labkit.cost.counting` counts them."""
    _only_chunked(backend)
    d, n, mixed = shape.width, shape.length, shape.length + 1
    inner, convolved, _, projected, hidden = _widths(shape)
    norms = 5 * n * d + 2 * n
    around = mixed * (d + projected + 2 * convolved) + (mixed + TAPS - 1) * convolved
    gate = 5 * mixed * inner + mixed
    block = norms + around + gate + _kept_by_scan(shape) + 4 * n * hidden
    return number * (shape.cut_numbers + shape.depth * block + 3 * n * d + n)


def _kept_by_scan(shape: Shape) -> int:
    """Step sizes and rates; b and c; in each chunk the products c b, the decays and their product; what is told to the
    state, by head. With more than one chunk also what each tells and takes, and its states."""
    inner, _, heads, _, _ = _widths(shape)
    state, mixed = shape.state, shape.length + 1
    chunk, chunks = _chunks(mixed)
    padded = chunks * chunk
    inside = padded * (2 * state + chunk + 2 * chunk * heads + inner) + chunk * chunk // 4  # the mask: one byte each
    between = padded * (2 * heads + 3 * inner) + chunks * heads + (2 * chunks - 1) * state * inner
    return 2 * mixed * heads + 2 * heads + inside + (between if chunks > 1 else 0)


def peak_bytes(shape: Shape, backend: str = "chunked", *, number: int = 4) -> int:
    """Bytes held at once in a forward pass without gradients, beyond weights and image: the most of a few moments, in
    the decays of the chunks, at the sum over earlier chunks, at the gate, in the MLP, and where patches are cut.
    Within a few percent of the count. ValueError as `kept_bytes`."""
    _only_chunked(backend)
    d, n, mixed = shape.width, shape.length, shape.length + 1
    inner, convolved, heads, projected, hidden = _widths(shape)
    state = shape.state
    chunk, chunks = _chunks(mixed)
    padded = chunks * chunk
    mixer = 3 * n * d + mixed * (d + projected + convolved + heads)
    told = padded * (inner + heads + 2 * state)
    pairs = padded * chunk * heads
    decays = told + 3 * pairs + padded * (chunk + heads) + chunk * chunk // 4
    products = told + pairs + 2 * padded * inner
    earlier = told + padded * (3 * inner + 3 * heads) + (3 * chunks + 1) * state * inner + chunks * heads
    gate = 4 * mixed * inner + mixed
    moments = [decays, products, gate, earlier if chunks > 1 else 0]
    cut = shape.cut_numbers + shape.tokens * d
    return number * max(mixer + max(moments), 4 * n * d + 3 * n * hidden, cut)


def _only_chunked(backend: str) -> None:
    if backend != "chunked":
        raise ValueError(f"backend {backend!r} of the scan has no memory formula: chunked has; count the others")
