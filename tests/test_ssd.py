"""Every backend of the scan against the definition, value and gradient; the definition against plain numbers."""

import math
import random
import types
from collections.abc import Callable
from functools import partial

import pytest
import torch
from jaxtyping import TypeCheckError

from labkit.ops import ssd as ops
from labkit.ops.ssd import BACKENDS, CHUNK, decays, ssd, ssd_chunked, ssd_loop, ssd_quadratic, ssd_weights
from labkit.ops.ssd_chunked import ssd_continued

Inputs = tuple[torch.Tensor, ...]
PORTABLE = [name for name in BACKENDS if name != "mamba_ssm"]  # which needs CUDA

# tokens, heads, numbers per head, groups, state size
SHAPES = [(n, 2, 3, 1, 5) for n in (1, 2, 3, 5, 63, 64, 65, 128, 130)]
SHAPES += [(9, 4, 3, 2, 5), (9, 4, 3, 4, 5), (9, 1, 1, 1, 1), (20, 6, 2, 3, 16), (67, 2, 8, 2, 1)]
FORMS = {"quadratic": ssd_quadratic} | {f"chunk {q}": partial(ssd_chunked, chunk=q) for q in (1, 3, CHUNK, 1000)}


def inputs(
    tokens: int, heads: int, d: int, groups: int, state: int, *, images: int = 2, dtype: torch.dtype = torch.float64
) -> Inputs:
    """x, dt, a, b, c: steps and rates as a mixer has them, from hardly any decay to nearly all of it in one token."""
    x, dt, a = torch.randn(images, tokens, heads, d), torch.rand(images, tokens, heads), -16 * torch.rand(heads)
    b, c = torch.randn(2, images, tokens, groups, state)
    return tuple(part.to(dtype).requires_grad_() for part in (x, dt * dt * dt, a, b, c))


def by_hand(x: torch.Tensor, dt: torch.Tensor, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Python numbers, and the sum over pairs instead of a state: what the definition is checked against."""
    images, tokens, heads, d = x.shape
    groups, size = b.shape[2:]
    out = torch.zeros(x.shape, dtype=torch.float64)
    x, dt, a, b, c = (part.tolist() for part in (x, dt, a, b, c))
    for i in range(images):
        for h in range(heads):
            g = h // (heads // groups)
            for t in range(tokens):
                for s in range(t + 1):
                    score = sum(c[i][t][g][k] * b[i][s][g][k] for k in range(size))
                    passed = sum(dt[i][r][h] for r in range(s + 1, t + 1))
                    for k in range(d):
                        out[i, t, h, k] += score * math.exp(a[h] * passed) * dt[i][s][h] * x[i][s][h][k]
    return out


def value_and_gradients(form: Callable, given: Inputs, upstream: torch.Tensor) -> Inputs:
    out = form(*given)
    return out, *torch.autograd.grad((out * upstream).sum(), given)


def assert_same(form: Callable, given: Inputs) -> None:
    """Value and the gradient of all five inputs as the loop has them."""
    upstream = torch.randn(given[0].shape, dtype=given[0].dtype)
    expected, found = (value_and_gradients(one, given, upstream) for one in (ssd_loop, form))
    for name, one, other in zip(("y", "x", "dt", "a", "b", "c"), expected, found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-11, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("shape", [(1, 1, 1, 1, 1), (2, 2, 1, 1, 3), (7, 4, 3, 2, 2), (5, 3, 2, 3, 4)])
def test_definition_equals_plain_numbers(shape: tuple[int, ...]) -> None:
    given = inputs(*shape)
    torch.testing.assert_close(ssd_loop(*given), by_hand(*given), rtol=1e-12, atol=1e-13)


def test_definition_has_the_right_gradient() -> None:
    assert torch.autograd.gradcheck(ssd_loop, inputs(4, 2, 2, 1, 3, images=1))


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forms_equal_the_definition_in_value_and_gradient(shape: tuple[int, ...], form: str) -> None:
    assert_same(FORMS[form], inputs(*shape))


def test_random_shapes() -> None:
    draw = random.Random(0)
    for _ in range(40):
        groups = draw.randint(1, 3)
        shape = (draw.randint(1, 40), groups * draw.randint(1, 3), draw.randint(1, 5), groups, draw.randint(1, 6))
        chunk = draw.randint(1, 45)
        given = inputs(*shape, images=draw.randint(1, 3))
        assert_same(partial(ssd_chunked, chunk=chunk), given)
        assert_same(ssd_quadratic, given)


@pytest.mark.parametrize("backend", PORTABLE)
def test_float32_is_near_float64(backend: str) -> None:
    given = inputs(200, 4, 8, 2, 16, dtype=torch.float32)
    exact = ssd_loop(*(part.double() for part in given))
    y = ssd(*given, backend=backend)
    assert y.dtype == torch.float32
    assert (y - exact).abs().max() < 1e-5 * exact.abs().max()


def error_in_bf16(scan: Callable, x: torch.Tensor, dt: torch.Tensor, a: torch.Tensor, *maps: torch.Tensor) -> float:
    """The largest error of any output, in shares of the summands that made it."""
    y = scan(x, dt, a, *maps)
    assert y.dtype == torch.bfloat16
    x, dt, a, b, c = (part.double() for part in (x, dt, a, *maps))
    return ((y - ssd_loop(x, dt, a, b, c)).abs() / ssd_loop(x.abs(), dt, a, b.abs(), c.abs())).max().item()


@pytest.mark.parametrize("backend", PORTABLE)
def test_half_precision_keeps_steps_and_decays_in_float32(backend: str) -> None:
    scan, bound = partial(ssd, backend=backend), 3 * 2**-8  # a few roundings
    x, dt, a, b, c = (part.detach() for part in inputs(300, 4, 8, 1, 16, dtype=torch.float32))
    assert error_in_bf16(scan, x.bfloat16(), dt, a, b.bfloat16(), c.bfloat16()) < bound
    # one token is written, the others let it fade a little each: what they share must not be rounded on the way
    x, b, c = (part[:, :64].bfloat16() for part in (x, b, c))
    x[:, 1:], dt, a = 0, torch.rand(2, 64, 4) / 2 + 0.5, torch.full((4,), -1 / 6)
    assert error_in_bf16(scan, x, dt, a, b, c) < bound
    assert error_in_bf16(scan, x, dt.bfloat16(), a.bfloat16(), b, c) > bound, "steps in bf16 are seen"


@pytest.mark.parametrize("backend", PORTABLE)
@pytest.mark.parametrize("rate", [-1e30, -1e4, -1e-30, 0.0])
def test_extreme_rates_stay_finite(backend: str, rate: float) -> None:
    x, dt, _, b, c = inputs(130, 2, 3, 1, 5, dtype=torch.float32)
    with torch.no_grad():
        dt += 0.1
    given = (x, dt, torch.full((2,), rate, requires_grad=True), b, c)
    y, *gradients = value_and_gradients(partial(ssd, backend=backend), given, torch.ones(x.shape))
    assert all(part.isfinite().all() for part in (y, *gradients))
    scores = (c[:, :, 0] @ b[:, :, 0].mT)[:, None] * dt.mT[:, :, None, :]
    alone = torch.diag_embed(scores.diagonal(dim1=-2, dim2=-1))
    weights = alone if rate < -1 else scores.tril()  # each token sees itself alone, or nothing is forgotten
    torch.testing.assert_close(y, (weights @ x.transpose(1, 2)).transpose(1, 2), rtol=1e-4, atol=1e-4)


def with_steps_of_a_mixer(rates: torch.Tensor, dtype: torch.dtype) -> tuple[list[torch.Tensor], torch.Tensor]:
    """x, dt, a, b, c and skip with steps from 0.001 to 0.1, and a gradient from above."""
    x, b, c, upstream = (torch.randn(2, 300, *rest).to(dtype) for rest in ((4, 16), (1, 16), (1, 16), (4, 16)))
    dt = torch.empty(2, 300, 4).uniform_(math.log(1e-3), math.log(1e-1)).exp()
    return [part.requires_grad_() for part in (x, dt, rates, b, c, torch.ones(4))], upstream


def errors_of_gradients(given: list[torch.Tensor], upstream: torch.Tensor) -> list[float]:
    """Of x, dt, a, b, c, skip, each in shares of itself, beside the definition in float64."""
    y, _ = ssd_continued(*given[:5], skip=given[5], more=False)
    wide = [part.detach().double().requires_grad_() for part in given]
    exact = ssd_loop(*wide[:5]) + wide[5][:, None] * wide[0]
    pairs = zip(
        torch.autograd.grad(y, given, upstream), torch.autograd.grad(exact, wide, upstream.double()), strict=True
    )
    return [float((one - other).norm() / other.norm().clamp(min=1e-30)) for one, other in pairs]


def test_gradients_of_steps_and_rates_hold_in_half_precision() -> None:
    """They are small differences of what flows to a token and what flows from it, and D x is large beside the scan."""
    errors = errors_of_gradients(*with_steps_of_a_mixer(-15 * torch.rand(4) - 1, torch.bfloat16))
    assert max(errors[:2] + errors[3:]) < 0.01
    assert errors[2] < 0.05


@pytest.mark.parametrize("rate", [-1e3, -1e4, -1e30])
def test_gradients_at_extreme_rates_are_those_of_the_definition(rate: float) -> None:
    """Where next to nothing is left of a token, next to nothing must be multiplied with the rate."""
    errors = errors_of_gradients(*with_steps_of_a_mixer(torch.full((4,), rate), torch.float32))
    assert max(errors[:2] + errors[3:]) < 1e-4
    assert errors[2] < 1e-2


@pytest.mark.parametrize("backend", PORTABLE)
def test_a_step_that_wipes_the_state_leaves_later_tokens_exact(backend: str) -> None:
    x, dt, a, b, c = (part.detach() for part in inputs(40, 2, 3, 1, 5, dtype=torch.float32))
    dt[:, 7] = 30.0
    exact = ssd_loop(*(part.double() for part in (x, dt, a, b, c)))
    assert (ssd(x, dt, a, b, c, backend=backend) - exact)[:, 8:].abs().max() < 1e-4 * exact[:, 8:].abs().max()


@pytest.mark.parametrize("form", ["loop", *FORMS])
def test_tokens_of_step_size_zero_neither_write_nor_fade(form: str) -> None:
    scan = FORMS.get(form, ssd_loop)
    given = inputs(12, 4, 3, 2, 5)
    kept = torch.tensor([0, 1, 3, 4, 6, 8, 11, 12, 14, 17, 18, 19])
    x, dt, _, b, c = inputs(20, 4, 3, 2, 5)
    x, dt, b, c = (part.detach().clone() for part in (x, dt, b, c))
    dt.zero_()
    for part, mine in zip((x, dt, b, c), (given[0], given[1], *given[3:]), strict=True):
        part[:, kept] = mine.detach()
    torch.testing.assert_close(scan(x, dt, given[2], b, c)[:, kept], scan(*given))


@pytest.mark.parametrize("form", ["loop", *FORMS])
def test_no_token_sees_those_behind_it(form: str) -> None:
    scan = FORMS.get(form, ssd_loop)
    x, dt, a, b, c = (part.detach() for part in inputs(70, 2, 3, 1, 5))
    before = scan(x, dt, a, b, c)
    for t in (0, 1, 2, 30, 63, 64, 69):
        other = [part.clone() for part in (x, dt, b, c)]
        for part in other:
            part[:, t] += 1
        after = scan(other[0], other[1], a, other[2], other[3])
        torch.testing.assert_close(after[:, :t], before[:, :t], rtol=1e-12, atol=1e-12)
        assert (after[:, t] - before[:, t]).abs().min() > 1e-6


def test_groups_belong_to_neighbouring_heads() -> None:
    """Two groups, four heads: the first group's b and c serve the first two heads."""
    x, dt, a, b, c = inputs(10, 4, 3, 2, 5)
    for backend in PORTABLE:
        y = ssd(x, dt, a, b, c, backend=backend)
        for g, heads in enumerate((slice(0, 2), slice(2, 4))):
            one = (x[:, :, heads], dt[:, :, heads], a[heads], b[:, :, g : g + 1], c[:, :, g : g + 1])
            torch.testing.assert_close(y[:, :, heads], ssd(*one, backend=backend))


def test_weights_are_lower_triangular_and_give_the_output() -> None:
    x, *given = inputs(9, 4, 3, 2, 5)
    weights = ssd_weights(*given)
    assert weights.shape == (2, 4, 9, 9)
    assert torch.equal(weights, weights.tril())
    assert (weights.tril() != 0).sum() == 2 * 4 * 45
    torch.testing.assert_close((weights @ x.transpose(1, 2)).transpose(1, 2), ssd_loop(x, *given))


def test_decays_are_products_of_what_is_left() -> None:
    logs = -torch.rand(3, 6, dtype=torch.float64)
    table = decays(logs)
    for t in range(6):
        for s in range(6):
            expected = logs[:, s + 1 : t + 1].exp().prod(-1) if s <= t else torch.zeros(3, dtype=torch.float64)
            torch.testing.assert_close(table[:, t, s], expected)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="3 groups do not divide 4 heads"):
        ssd(*inputs(5, 4, 3, 3, 2))
    with pytest.raises(ValueError, match=r"'chunky'.*loop, quadratic, chunked, mamba_ssm"):
        ssd(*inputs(5, 4, 3, 2, 2), backend="chunky")
    for chunk in (0, -1):
        with pytest.raises(ValueError, match=f"chunk {chunk} must hold 1 token or more"):
            ssd_chunked(*inputs(5, 4, 3, 2, 2), chunk=chunk)


def test_auto_is_chunked() -> None:
    given = inputs(100, 2, 3, 1, 5)
    assert torch.equal(ssd(*given), ssd_chunked(*given))


@pytest.mark.gpu
@pytest.mark.parametrize("backend", PORTABLE)
def test_backends_on_a_gpu(backend: str) -> None:
    given = inputs(200, 4, 16, 2, 8)
    upstream = torch.randn(given[0].shape, dtype=torch.float64)
    expected = value_and_gradients(ssd_loop, given, upstream)
    there = tuple(part.detach().cuda().requires_grad_() for part in given)
    for one, other in zip(
        expected, value_and_gradients(partial(ssd, backend=backend), there, upstream.cuda()), strict=True
    ):
        torch.testing.assert_close(other.cpu(), one, rtol=1e-9, atol=1e-11)
    x, dt, a, b, c = (part.detach() for part in there)
    half = ssd(x.bfloat16(), dt.float(), a.float(), b.bfloat16(), c.bfloat16(), backend=backend)
    assert half.dtype == torch.bfloat16
    assert (half - expected[0].cuda()).norm() < 0.02 * expected[0].norm()


def stand_in(seen: dict) -> types.ModuleType:
    """A module with the real package's signature."""

    def mamba_chunk_scan_combined(
        x, dt, A, B, C, chunk_size, D=None, z=None, dt_bias=None, initial_states=None, seq_idx=None, cu_seqlens=None,
        dt_softplus=False, dt_limit=(0.0, float("inf")), return_final_states=False, return_varlen_states=False,
    ):  # fmt: skip
        seen["chunk_size"] = chunk_size
        assert all(part is None for part in (D, z, dt_bias, initial_states, seq_idx, cu_seqlens))
        assert not any((dt_softplus, return_final_states, return_varlen_states))
        assert dt_limit == (0.0, float("inf"))
        return ssd_loop(x, dt, A, B, C)

    module = types.ModuleType("mamba_ssm.ops.triton.ssd_combined")
    module.mamba_chunk_scan_combined = mamba_chunk_scan_combined
    return module


def test_the_kernels_are_handed_what_they_expect() -> None:
    seen: dict = {}
    given = inputs(9, 4, 3, 2, 5)
    torch.testing.assert_close(ops._mamba_call(stand_in(seen), *given), ssd(*given))
    assert seen["chunk_size"].bit_count() == 1, "a power of two"


def test_the_kernels_are_refused_where_they_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    given = inputs(9, 4, 3, 2, 5)
    monkeypatch.setattr(ops.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="not installed here"):
        ssd(*given, backend="mamba_ssm")
    monkeypatch.setattr(ops, "_mamba_package", lambda: stand_in({}))
    with pytest.raises(ValueError, match="run on CUDA only"):
        ssd(*given, backend="mamba_ssm")


@pytest.mark.gpu
def test_the_kernels_equal_the_definition() -> None:
    pytest.importorskip("mamba_ssm", reason="mamba-ssm is not installed")
    given = inputs(300, 4, 64, 2, 64)
    expected = ssd_loop(*given)
    there = [part.detach().cuda().float().requires_grad_() for part in given]
    y = ssd(*there, backend="mamba_ssm")
    assert (y.cpu() - expected).norm() < 0.01 * expected.norm()  # products in TF32
    upstream = torch.randn(expected.shape, dtype=torch.float64)
    exact = torch.autograd.grad((expected * upstream).sum(), given)
    for one, other in zip(exact, torch.autograd.grad((y * upstream.cuda()).sum(), there), strict=True):
        assert (other.cpu() - one).norm() < 0.02 * one.norm()
    with pytest.raises(ValueError, match="float64"):
        ssd(*(part.cuda() for part in given), backend="mamba_ssm")


@pytest.mark.parametrize("backend", PORTABLE)
def test_shapes_that_do_not_belong_together_are_refused(backend: str) -> None:
    x, dt, a = torch.randn(1, 200, 2, 3), torch.rand(1, 200, 2), -torch.rand(2)
    b, c = torch.randn(2, 1, 200, 1, 4)
    good = (x, dt, a, b, c)
    ssd(*good, backend=backend)
    for at, other in ((1, dt[..., :1]), (2, a[:1]), (3, b[:, :8]), (4, c.repeat(1, 1, 2, 1)), (4, c[..., :2])):
        wrong = (*good[:at], other, *good[at + 1 :])
        with pytest.raises((ValueError, TypeCheckError)):
            ssd(*wrong, backend=backend)
    with pytest.raises((ValueError, TypeCheckError)):
        ssd(*(part if part is a else part[:, :0] for part in good), backend=backend)
