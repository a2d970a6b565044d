"""What is read piece by piece, kept in less memory or computed in fewer passes is the same: value and gradient."""

import itertools
import random
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from labkit.config import Run
from labkit.cost.counting import _Watch
from labkit.heads import Classify, ClassifyToken
from labkit.models import MODELS, adventurer, build
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT
from labkit.nn.gate import gated
from labkit.nn.mamba2 import Carry, Mamba2
from labkit.nn.norm import GatedRMSNorm, RMSNorm
from labkit.ops.chunks import chunks_of
from labkit.ops.convolution import causal_convolution
from labkit.ops.ssd import ssd_loop
from labkit.ops.ssd_chunked import ssd_continued
from labkit.tokenizers import Patches

EXACT = {"rtol": 1e-9, "atol": 1e-10}
Draw = random.Random(0)


def gradients(function: Callable, given: list[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
    out = function(*given)
    torch.manual_seed(1)
    return out, torch.autograd.grad((out * torch.randn(out.shape, dtype=out.dtype)).sum(), given, allow_unused=True)


def assert_same(fast: Callable, plain: Callable, given: list[Tensor]) -> None:
    """Value and gradient by every input, in float64."""
    found, expected = gradients(fast, given), gradients(plain, given)
    torch.testing.assert_close(found[0], expected[0], **EXACT)
    for number, (one, other) in enumerate(zip(found[1], expected[1], strict=True)):
        torch.testing.assert_close(one, other, **EXACT, msg=lambda text, number=number: f"input {number}: {text}")


def doubles(*shapes: tuple[int, ...]) -> list[Tensor]:
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


# ---------------------------------------------------------------- norm and convolution


@pytest.mark.parametrize("shape", [(3, 5, 8), (1, 1, 1), (7, 4), (2, 3, 4, 6)])
def test_the_norm_is_its_definition(shape: tuple[int, ...]) -> None:
    def plain(x: Tensor, weight: Tensor) -> Tensor:
        return x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight

    def fast(x: Tensor, weight: Tensor) -> Tensor:
        norm = RMSNorm(shape[-1], eps=1e-5, dtype=torch.float64)
        return torch.func.functional_call(norm, {"weight": weight}, (x,))

    assert_same(fast, plain, doubles(shape, shape[-1:]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_norm_sums_in_float32(dtype: torch.dtype) -> None:
    """As torch's own; a sum of a thousand squares in half precision would be far off, or infinite."""
    x = (30 * torch.randn(4, 1024)).to(dtype)
    ours, theirs = (kind(1024, eps=1e-5, dtype=dtype)(x) for kind in (RMSNorm, nn.RMSNorm))
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs, rtol=3 * torch.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("shape", [(3, 5, 8), (1, 1, 1), (7, 4), (2, 3, 4, 6)])
def test_gates_are_their_definition(shape: tuple[int, ...]) -> None:
    def plain(x: Tensor, gate: Tensor) -> Tensor:
        return x * gate / (1 + (-gate).exp())

    def plain_norm(x: Tensor, gate: Tensor, weight: Tensor) -> Tensor:
        opened = plain(x, gate)
        return opened / (opened.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight

    def fast_norm(x: Tensor, gate: Tensor, weight: Tensor) -> Tensor:
        norm = GatedRMSNorm(shape[-1], eps=1e-5, dtype=torch.float64)
        return torch.func.functional_call(norm, {"weight": weight}, (x, gate))

    given = doubles(shape, shape, shape[-1:])
    before = [one.detach().clone() for one in given]
    assert_same(gated, plain, given[:2])
    assert_same(fast_norm, plain_norm, given)
    assert all(map(torch.equal, given, before)), "what came in is left alone"


def test_a_gated_norm_is_as_exact_as_its_weight() -> None:
    """Under mixed precision x and gate are in half precision, the weight and the answer are not."""
    x, gate = (torch.randn(4, 1024).bfloat16() for _ in range(2))
    ours = GatedRMSNorm(1024, eps=1e-5)(x, gate)
    assert ours.dtype == torch.float32
    theirs = nn.RMSNorm(1024, eps=1e-5)((F.silu(gate) * x).float())
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("tokens", "taps"), list(itertools.product((1, 2, 3, 4, 5, 9), (1, 2, 4, 7))))
def test_the_convolution_is_torchs(tokens: int, taps: int) -> None:
    def plain(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv1d(F.pad(x.mT, (taps - 1, 0)), weight[:, None], bias, groups=len(bias)).mT

    assert_same(causal_convolution, plain, doubles((2, tokens, 3), (3, taps), (3,)))


# ---------------------------------------------------------------- the scan, continued


def scan_inputs(tokens: int, heads: int, d: int, groups: int, state: int) -> list[Tensor]:
    """x, dt, a, b, c, skip and a first state."""
    x, b, c, skip, first = doubles(
        (2, tokens, heads, d), (2, tokens, groups, state), (2, tokens, groups, state), (heads,),
        (2, groups, state, heads // groups * d),
    )  # fmt: skip
    dt = torch.rand(2, tokens, heads, dtype=torch.float64).pow(3).requires_grad_()
    a = (-16 * torch.rand(heads, dtype=torch.float64)).requires_grad_()
    return [x, dt, a, b, c, skip, first]


def stepped(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, state: Tensor) -> Tensor:
    """The recurrence from a first state, and the last state behind it: what `ssd_continued` stands for."""
    images, tokens, heads, d = x.shape
    groups, size = b.shape[2:]
    state = state.view(images, groups, size, heads // groups, d).transpose(2, 3).flatten(1, 2)  # (B H S d)
    b, c = (part.repeat_interleave(heads // groups, dim=2) for part in (b, c))
    outputs = []
    for t in range(tokens):
        state = (dt[:, t] * a).exp()[..., None, None] * state
        state = state + b[:, t, :, :, None] * (dt[:, t, :, None] * x[:, t])[:, :, None, :]
        outputs.append((c[:, t, :, :, None] * state).sum(2) + skip[:, None] * x[:, t])
    last = state.view(images, groups, -1, size, d).transpose(2, 3).flatten(1)
    return torch.cat([torch.stack(outputs, 1).flatten(1), last], dim=1)


@pytest.mark.parametrize("shape", [(1, 2, 3, 1, 5), (7, 4, 2, 2, 3), (13, 2, 3, 1, 4), (13, 6, 1, 3, 2)], ids=str)
@pytest.mark.parametrize("chunk", [1, 2, 5, 64])
def test_a_scan_goes_on_from_a_state(shape: tuple[int, ...], chunk: int) -> None:
    def fast(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, first: Tensor) -> Tensor:
        y, last = ssd_continued(x, dt, a, b, c, skip=skip, state=first, chunk=chunk)
        return torch.cat([y.flatten(1), last.flatten(1)], dim=1)

    assert_same(fast, stepped, scan_inputs(*shape))


def test_random_cuts_of_a_scan() -> None:
    """Anywhere, any number of them, with groups: value and gradient of the definition."""
    for _ in range(40):
        tokens, groups, share = Draw.randint(1, 40), Draw.choice([1, 1, 2]), Draw.choice([1, 2])
        given = scan_inputs(tokens, groups * share, Draw.randint(1, 3), groups, Draw.randint(1, 4))[:5]
        cuts = sorted(Draw.sample(range(1, tokens), Draw.randint(0, min(5, tokens - 1))))
        chunk = Draw.choice([1, 3, 8])

        def pieces(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, cuts=cuts, chunk=chunk) -> Tensor:
            state, new = None, []
            ends = [*cuts, x.shape[1]]
            for start, stop in zip([0, *cuts], ends, strict=True):
                part = [one[:, start:stop] for one in (x, dt, b, c)]
                more = stop < ends[-1]
                y, state = ssd_continued(part[0], part[1], a, *part[2:], state=state, chunk=chunk, more=more)
                new.append(y)
            assert state is None
            return torch.cat(new, dim=1)

        assert_same(pieces, ssd_loop, given)


def test_chunks_are_equal_and_near_the_length_asked_for() -> None:
    for tokens, chunk in itertools.product(range(1, 400), (1, 7, 64)):
        chunks, length = chunks_of(tokens, chunk)
        assert chunks * length >= tokens > chunks * (length - 1)
        assert length <= 1.5 * chunk
        assert chunks == 1 or length >= 2 * chunk / 3 - 1
    with pytest.raises(ValueError, match="chunk 0 must hold 1 token or more"):
        chunks_of(5, 0)


# ---------------------------------------------------------------- mixer and model in pieces


def test_a_mixer_goes_on_where_it_stopped() -> None:
    """Pieces down to single tokens, shorter than the convolution is wide; also with a single tap."""
    for taps in (1, 2, 4):
        mixer = Mamba2(8, state=4, head_dim=8, taps=taps).double()
        (tokens,) = doubles((2, 23, 8))
        for sizes in ([1] * 23, [2, 1, 20], [10, 13], [22, 1]):

            def pieces(tokens: Tensor, mixer=mixer, sizes=sizes) -> Tensor:
                carry, new = None, []
                for piece in tokens.split(sizes, dim=1):
                    mixed, carry = mixer.continued(piece, carry)
                    new.append(mixed)
                assert isinstance(carry, Carry)
                return torch.cat(new, dim=1)

            assert_same(pieces, mixer, [tokens])


@pytest.mark.parametrize("backend", ["loop", "quadratic"])
def test_definitions_read_a_sequence_as_a_whole(backend: str) -> None:
    mixer = Mamba2(8, state=4, head_dim=8, backend=backend)
    with pytest.raises(ValueError, match=f"backend '{backend}' reads a sequence in one piece"):
        mixer.continued(torch.randn(1, 3, 8))
    with pytest.raises(ValueError, match=f"tile 8 with backend '{backend}'.*only the chunked scan goes on"):
        Adventurer(Patches(4, 1, 8), Classify(8, 2), depth=1, tile=8, backend=backend)


@pytest.mark.parametrize("tile", [1, 0, -5])
def test_a_tile_too_small_is_refused(tile: int) -> None:
    with pytest.raises(ValueError, match=f"tile {tile} .*pieces hold 2 tokens or more"):
        Adventurer(Patches(4, 1, 8), Classify(8, 2), depth=1, tile=tile)


# images' sides, and tiles that they fit, nearly fit or exceed several times
CUTS = {(1, 1): [2, None], (3, 5): [2, 3, 16, 17, None], (1, 37): [3, 18, 19, 38]}


@pytest.mark.parametrize("place", [None, "last"])
@pytest.mark.parametrize(("heading", "flips"), [(True, "alternate"), (True, "never"), (False, "alternate")])
def test_any_tile_gives_the_answer_of_the_whole(heading: bool, flips: str, place: str | None) -> None:
    """Against the loop over single tokens, value and gradient of every weight, two images at a time; and the same
    without gradients, where tokens are overwritten."""
    for side, tiles in CUTS.items():
        same = {"depth": 3, "flips": flips, "heading": heading, "state": 4}
        head = ClassifyToken(16, 3, place=place) if place else Classify(16, 3)
        whole = Adventurer(Patches(side, 1, 16), head, backend="loop", **same).double()
        images = torch.randn(2, 3, *side, dtype=torch.float64)
        expected = gradients_of(whole, images)
        for tile, recompute in itertools.product(tiles, (False, True)):
            pieces = Adventurer(Patches(side, 1, 16), head, tile=tile, recompute=recompute, **same).double()
            pieces.load_state_dict(whole.state_dict())
            for name, one in gradients_of(pieces, images).items():
                told = f"{name}, tile {tile}, recompute {recompute}"
                torch.testing.assert_close(one, expected[name], **EXACT, msg=lambda text, told=told: f"{told}: {text}")
            with torch.no_grad():
                torch.testing.assert_close(pieces(images), expected["answer"], **EXACT)


def gradients_of(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The answer, and the gradient of every weight."""
    answer, weights = model(images), dict(model.named_parameters())
    grads = torch.autograd.grad(answer.square().sum(), list(weights.values()))
    return {"answer": answer, **dict(zip(weights, grads, strict=True))}


def test_pieces_are_taken_where_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long sequences in pieces of a tile, heading average included; short images as many at a time as share one."""
    seen = []
    plain = Mamba2.continued

    def watched(self: Mamba2, tokens: Tensor, carry: Carry | None = None, *, more: bool = True):
        seen.append((*tokens.shape[:2], more))
        return plain(self, tokens, carry, more=more)

    monkeypatch.setattr(Mamba2, "continued", watched)
    for side, images, expected in [
        ((1, 40), 1, [(1, 16, True), (1, 16, True), (1, 9, False)]),
        ((1, 15), 2, [(1, 16, False), (1, 16, False)]),
        ((1, 5), 7, [(3, 6, False), (3, 6, False), (1, 6, False)]),
    ]:
        seen.clear()
        Adventurer(Patches(side, 1, 8), Classify(8, 2), depth=1, tile=16)(torch.randn(images, 3, *side))
        assert seen == expected
    seen.clear()
    Adventurer(Patches((1, 40), 1, 8), ClassifyToken(8, 2, place="last"), depth=1, tile=16)(torch.randn(1, 3, 1, 40))
    assert seen == [(1, 16, True), (1, 16, True), (1, 9, True), (1, 1, False)]


def test_without_asking_a_tile_fits_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wider the model, the fewer tokens at a time, in whole chunks; the definitions take all at once."""

    def tile(width: int, **settings: str) -> int | None:
        block = Adventurer(Patches(2, 1, width), Classify(width, 2), depth=1, **settings).blocks[0]
        return block.tile_for(torch.zeros(1, 4, width))

    assert [tile(width) for width in (64, 256, 768)] == [8192, 2048, 640]
    assert tile(64, backend="loop") is None
    monkeypatch.setattr(adventurer, "TILE", 1)
    assert tile(64) == 128, "two chunks at the least"


def test_tokens_of_the_caller_are_left_alone() -> None:
    model = Adventurer(Patches(4, 1, 8), Classify(8, 2), depth=2, tile=4)
    tokens = torch.randn(2, 16, 8)
    before = tokens.clone()
    with torch.no_grad():
        mixed = model.mix(tokens)
    assert torch.equal(tokens, before)
    torch.testing.assert_close(mixed, model.mix(tokens))


def test_progress_watches_over_the_blocks() -> None:
    seen = []

    def progress(blocks: nn.ModuleList):
        for block in blocks:
            yield block
            seen.append(block)

    model = Adventurer(Patches(4, 1, 8), Classify(8, 2), depth=3)
    for grad in (True, False):
        seen.clear()
        with torch.set_grad_enabled(grad):
            mixed = model.mix(torch.randn(1, 16, 8), progress=progress)
        assert seen == list(model.blocks)
        assert mixed.requires_grad is grad


@pytest.mark.parametrize("taps", [1, 2, 4])
def test_a_carry_holds_no_more_than_it_must(taps: int) -> None:
    """The inputs that the convolution will see again, in memory of their own, however many pieces came before."""
    mixer, carry = Mamba2(8, state=4, taps=taps), None
    for tokens in (1, 1, 30):
        _, carry = mixer.continued(torch.randn(1, tokens, 8), carry)
    assert carry.recent.shape[1] == taps - 1
    assert carry.recent.untyped_storage().nbytes() == 4 * (taps - 1) * (mixer.inner + 2 * 4)


def test_a_state_of_other_images_is_refused() -> None:
    given = [part.detach() for part in scan_inputs(5, 2, 3, 1, 4)]
    with pytest.raises((ValueError, TypeCheckError), match=r"\(1, 1, 4, 6\) must be \(2, 1, 4, 6\)|B"):
        ssd_continued(*given[:5], state=given[6][:1])
    with pytest.raises(ValueError, match=r"none empty"):
        Mamba2(8, state=4)(torch.zeros(1, 0, 8))


# ---------------------------------------------------------------- recomputation


@pytest.mark.parametrize("model", list(MODELS))
def test_recomputing_trains_to_the_same_weights(model: str) -> None:
    """Bit by bit: what is computed twice is computed alike."""
    run = Run(model=model, patch_size=2, width=32, depth=2)
    images, ends = torch.randn(3, 1, 16, 16), []
    for recompute in (False, True, 1):
        torch.manual_seed(0)
        built = build(Run(**{**vars(run), "recompute": recompute}), channels=1, classes=4)
        built(images).square().sum().backward()
        ends.append([weight.grad for weight in built.parameters()])
    assert all(torch.equal(one, other) for end in ends[1:] for one, other in zip(ends[0], end, strict=True))


@pytest.mark.parametrize("model", [ViT, Adventurer])
def test_a_number_recomputes_so_many_blocks(model: type[nn.Module]) -> None:
    """The more of them, the less is kept, by as much for each block."""
    options, kept = {"heads": 2} if model is ViT else {"flips": "alternate"}, []
    for recompute in (0, 1, 2, 4, True):
        built = model(Patches(8, 1, 32), Classify(32, 2), depth=4, recompute=recompute, **options)
        images = torch.randn(1, 3, 8, 8)
        with _Watch([*built.parameters(), *built.buffers(), images]) as watch:
            answer = built(images)
            kept.append(watch.live)
        answer.sum().backward()
    none, one, two, four, true = kept
    assert none > one > two > four == true
    assert one - two == pytest.approx((two - four) / 2, rel=0.01)
    for wrong in (-1, 5):
        with pytest.raises(ValueError, match=f"recompute={wrong} must be true, false or 0 to 4"):
            model(Patches(8, 1, 32), Classify(32, 2), depth=4, recompute=wrong, **options)


@pytest.mark.parametrize("model", [ViT, Adventurer])
def test_recomputing_keeps_less(model: type[nn.Module]) -> None:
    """Of each block its tokens, and of each piece what the one before has left; nothing of what is on the way."""
    width, tokens, depth, pieces, state = 32, 64, 4, 5, 8
    options = {"heads": 2} if model is ViT else {"tile": 16, "state": state, "flips": "alternate"}
    kept = []
    for recompute in (False, True):
        built = model(Patches(8, 1, width), Classify(width, 2), depth=depth, recompute=recompute, **options)
        images = torch.randn(1, 3, 8, 8)
        with _Watch([*built.parameters(), *built.buffers(), images]) as watch:
            answer = built(images)
            kept.append(watch.live)
        answer.sum().backward()
    assert kept[1] < kept[0] / 3
    carry = pieces * (state * 2 * width + 3 * (2 * width + 2 * state) + width + tokens // pieces)
    around = tokens * width * 4  # embedded, placed, normed and averaged
    assert kept[1] < 4 * (depth * (tokens * width + (0 if model is ViT else carry)) + around)


@pytest.mark.gpu
@pytest.mark.parametrize("recompute", [False, True])
def test_a_gpu_gives_the_same_value_and_gradient(recompute: bool) -> None:
    model = Adventurer(Patches(16, 1, 64), ClassifyToken(64, 5, place="last"), depth=3, recompute=recompute)
    images, ends = torch.randn(2, 3, 16, 16), []
    for device in ("cpu", "cuda"):
        model.to(device).zero_grad()
        model(images.to(device)).square().sum().backward()
        ends.append([weight.grad.cpu() for weight in model.parameters()])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * other.abs().max().item())
