"""What an Adventurer costs on a CPU, from its shape.

The chunked scan reads a long sequence in pieces that fit the cache, a class token as a piece of its own; the other
forms read it whole. Blocks flip as in the released code.

Letters: N tokens (with a class token, if any), M tokens in the mixer (N + 1 with the heading average), T of them in a
piece, D width, E = 2 D inner width, C = E + 2 S channels of the convolution, H heads of 64 numbers, S state size, Q
tokens in a chunk, Z chunks in a piece, P numbers in a patch, K classes; L blocks.
"""

from typing import NamedTuple

from labkit.cost.shapes import Shape

BACKENDS = ("chunked", "loop", "quadratic")  # of the scan, the default first
MLP_RATIO, EXPAND, HEAD, TAPS, CHUNK, TILE = 2.5, 2, 64, 4, 64, 2**20


def _widths(shape: Shape) -> tuple[int, int, int, int, int]:
    """E, C, H, what the first projection gives, and the hidden width of the MLP."""
    inner = EXPAND * shape.width
    convolved = inner + 2 * shape.state
    heads = inner // min(HEAD, inner)
    return inner, convolved, heads, inner + convolved + heads, int(MLP_RATIO * shape.width)


class _Piece(NamedTuple):
    """T tokens that a scan reads at once, in Z chunks of Q tokens; the piece before had `before` tokens (0: there was
    none), and there is `more` to come or not."""

    tokens: int
    chunks: int
    length: int
    before: int
    more: bool

    @classmethod
    def of(cls, tokens: int, *, before: int = 0, more: bool = False, chunk: int = CHUNK) -> "_Piece":
        """Chunks of equal length, as near to `chunk` as can be."""
        chunks = max(1, (tokens + chunk // 2) // chunk)
        return cls(tokens, chunks, -(-tokens // chunks), before, more)

    @property
    def padded(self) -> int:
        """Tokens with those that fill the last chunk."""
        return self.chunks * self.length

    @property
    def seen(self) -> int:
        """Tokens with those of the piece before that the convolution sees."""
        return self.tokens + (TAPS - 1 if self.before else 0)

    @property
    def begun(self) -> int:
        """Chunks that begin with a state."""
        return self.chunks - (not self.before)

    @property
    def left(self) -> int:
        """Chunks that leave a state to the next."""
        return self.chunks - (not self.more)

    @property
    def states(self) -> int:
        """States that are held: what the piece before has left, and what chunks leave."""
        return self.left + (self.before > 0)


def _pieces(shape: Shape) -> list[_Piece]:
    """The M tokens in the order of reading: whole if a tile holds them; else tile by tile, then the class token."""
    tile = max(2, TILE // (EXPAND * shape.width) // CHUNK) * CHUNK
    patches = shape.tokens + shape.heading
    sizes = [min(tile, patches - start) for start in range(0, patches, tile)] + [1] * shape.class_token
    if sum(sizes) <= tile:
        sizes = [sum(sizes)]
    last = len(sizes) - 1
    return [_Piece.of(size, before=sizes[k - 1] if k else 0, more=k < last) for k, size in enumerate(sizes)]


def _flipped(shape: Shape) -> int:
    """How many blocks read backwards: the third and the fourth."""
    return min(max(shape.depth - 2, 0), 2)


def parameters(shape: Shape) -> int:
    """Embedding, positions, class token, blocks, last norm, head."""
    d = shape.width
    inner, convolved, heads, projected, hidden = _widths(shape)
    mixer = d * projected + (TAPS + 1) * convolved + 3 * heads + inner + inner * d
    block = mixer + 2 * d + 3 * d * hidden + 2 * hidden + d
    places = shape.length * d if shape.learned_positions else 0
    ends = (shape.embedding_numbers + 1) * d + places + shape.class_token * d + d + (d + 1) * shape.classes
    return ends + shape.depth * block


def _linear_flops(shape: Shape) -> int:
    """All that is the same in every form of the scan: projections, MLP, embedding, head."""
    d, mixed = shape.width, shape.mixed
    inner, _, _, projected, hidden = _widths(shape)
    block = 2 * mixed * (d * projected + inner * d) + 2 * shape.length * 3 * d * hidden
    ends = 2 * shape.embedded * shape.patch_numbers * d + 2 * d * shape.classes
    return ends + shape.depth * block


def scan_flops(tokens: int, inner: int, state: int) -> int:
    """FLOPs of the recurrence itself, whatever computes it: each of the E x S numbers of the state takes three
    multiply-adds a token (fade, write, read): 6 M E S. Built in lesson 03."""
    return 6 * tokens * inner * state


def model_flops(shape: Shape) -> int:
    """Two for each multiply-add, the scan in its recurrent form: independent of chunk and backend. Left out: norms,
    gates, step sizes, additions."""
    mixed, (inner, convolved, *_) = shape.mixed, _widths(shape)
    block = scan_flops(mixed, inner, shape.state) + 2 * mixed * TAPS * convolved
    return _linear_flops(shape) + shape.depth * block


def executed_flops(shape: Shape, backend: str = "chunked") -> int:
    """Matrix products that `backend` really computes. The convolution is none: it goes element by element. So do the
    steps in which the loop fades and writes its state, and only its reading is a product; the other forms spend more
    products to need fewer steps."""
    inner, state = EXPAND * shape.width, shape.state
    if backend == "chunked":
        scan = sum(_products(piece, inner, state) for piece in _pieces(shape))
    else:
        scan = scan_products(shape.mixed, inner, state, backend)
    return _linear_flops(shape) + shape.depth * scan


def scan_products(tokens: int, inner: int, state: int, backend: str, chunk: int = CHUNK) -> int:
    """Matrix FLOPs of one scan of a whole sequence in each of its forms. ValueError for an unknown one. Used in lesson
    03."""
    if backend == "loop":
        return 2 * tokens * inner * state
    if backend == "quadratic":
        return 2 * tokens**2 * (state + inner)
    if backend != "chunked":
        raise ValueError(f"backend {backend!r} of the scan has no formula: there are loop, quadratic, chunked")
    return _products(_Piece.of(tokens, chunk=chunk), inner, state)


def _products(piece: _Piece, inner: int, state: int) -> int:
    """The pairs in each chunk; what is written into states that chunks leave, and read from those they begin with."""
    pairs = 2 * piece.padded * piece.length * (state + inner)
    return pairs + 2 * (piece.begun + piece.left) * piece.length * inner * state


def kept_bytes(shape: Shape, backend: str = "chunked", *, number: int = 4) -> int:
    """Bytes that one image leaves for the backward pass in the chunked form, `number` bytes each. ValueError for the
    other forms, which have no formula here: `labkit.cost.counting` counts them."""
    _only_chunked(backend)
    d, n, pieces, hidden = shape.width, shape.length, _pieces(shape), _widths(shape)[-1]
    around = 3 * n * d + 2 * n + 3 * n * hidden
    blocks = shape.depth * (around + sum(_kept_by_mixer(shape, piece) for piece in pieces))
    if len(pieces) > 1:  # the average takes a norm of its own, of the tokens as they were before a flip
        blocks += shape.depth * n + _flipped(shape) * n * d
    last = n * d + n + (n * d if shape.class_token else d)
    return number * (shape.cut_numbers + blocks + last)


def _kept_by_mixer(shape: Shape, piece: _Piece) -> int:
    """What is projected, the step sizes before softplus, z, y after gate and norm; the C channels before and after the
    convolution, and its taps; x, b, c, y, step sizes, rates and states of the scan."""
    inner, channels, heads, _, _ = _widths(shape)
    gate = piece.tokens * (shape.width + heads + 2 * inner + 1)
    convolution = (2 * piece.seen + TAPS) * channels
    scan = piece.padded * (channels + inner + heads) + 2 * heads + piece.states * shape.state * inner
    return gate + convolution + scan


def peak_bytes(shape: Shape, backend: str = "chunked", *, number: int = 4) -> int:
    """Bytes held at once in a forward pass without gradients, beyond weights and image: two copies of the tokens and
    the scan of a piece; or, where pieces are a small part, the last norm; or where patches are cut. Within a percent
    of the count. ValueError as `kept_bytes`."""
    _only_chunked(backend)
    d, n = shape.width, shape.length
    mixers = max(_held_around_scan(shape, piece) + _held_by_scan(shape, piece) for piece in _pieces(shape))
    cut = shape.cut_numbers + shape.tokens * d
    return number * max(2 * n * d + mixers, 3 * n * d + n, cut)


def _held_around_scan(shape: Shape, piece: _Piece) -> int:
    """Left by the piece before: its tokens, the last inputs of its convolution, a state. Then what is projected, z, the
    step sizes, and the C channels before the convolution and after it; twice where a chunk is filled up. A flip makes a
    copy."""
    inner, channels, heads, _, _ = _widths(shape)
    flips = _flipped(shape) > 0
    before = piece.before * shape.width + (piece.before > 0) * ((TAPS - 1) * channels + shape.state * inner)
    filled = piece.padded if piece.padded > piece.tokens else 0
    given = piece.tokens * heads + filled * (channels + heads)
    return before + piece.tokens * ((1 + flips) * shape.width + inner) + 2 * piece.seen * channels + given


def _held_by_scan(shape: Shape, piece: _Piece) -> int:
    """Throughout: sums of step sizes, dt x, scores and decays. Beside them the most of a few moments: where decays meet
    scores, at y, where states are written, and where they are read."""
    inner, _, heads, _, _ = _widths(shape)
    y, sums, one = piece.padded * inner, piece.padded * heads, shape.state * inner
    pairs = sums * piece.length
    moments = [pairs + y, 2 * y]
    if piece.left:
        moments += [2 * y + max(sums, piece.left * one)]
    if piece.states:
        read = max(piece.chunks - 1, 1) * piece.length * inner
        moments += [y + piece.left * one + max(read + sums, piece.more * one)]
    return sums + y + piece.padded * piece.length + pairs + max(moments)


def _only_chunked(backend: str) -> None:
    if backend != "chunked":
        raise ValueError(f"backend {backend!r} of the scan has no memory formula: chunked has; count the others")
