"""Every backend of attention against the definition, value and gradient; flash against the layout of the real
package."""

import sys
import types

import pytest
import torch
import torch.nn.functional as F

from labkit.ops import attention as ops
from labkit.ops.attention import BACKENDS, attention, attention_weights

SHAPES = [(2, 3, 7, 7, 8), (1, 1, 1, 5, 4), (2, 2, 33, 17, 16)]


def tensors(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    b, h, n, m, d = shape
    return tuple(torch.randn(b, h, rows, d, dtype=dtype, requires_grad=True) for rows in (n, m, m))


def by_hand(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Loops, no matrix product: what the definition is checked against."""
    out = torch.zeros(*q.shape[:-1], v.shape[-1], dtype=q.dtype)
    for b in range(q.shape[0]):
        for h in range(q.shape[1]):
            for i in range(q.shape[2]):
                scores = torch.stack([(q[b, h, i] * key).sum() / q.shape[-1] ** 0.5 for key in k[b, h]])
                shares = scores.exp() / scores.exp().sum()
                out[b, h, i] = (shares[:, None] * v[b, h]).sum(0)
    return out


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_definition_equals_loops(shape: tuple[int, ...]) -> None:
    q, k, v = tensors(shape)
    torch.testing.assert_close(attention(q, k, v, backend="math"), by_hand(q, k, v))


@pytest.mark.parametrize("shape", SHAPES)
def test_fused_equals_definition_in_value_and_gradient(shape: tuple[int, ...]) -> None:
    inputs = tensors(shape)
    upstream = torch.randn(*inputs[0].shape, dtype=torch.float64)
    results = {}
    for backend in ("math", "fused"):
        out = attention(*inputs, backend=backend)
        results[backend] = (out, *torch.autograd.grad((out * upstream).sum(), inputs))
    for a, b in zip(results["math"], results["fused"], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_weights_are_shares_and_float32_inside_half_precision() -> None:
    q, k, _ = tensors((1, 2, 5, 9, 8))
    torch.testing.assert_close(attention_weights(q, k).sum(-1), torch.ones(1, 2, 5, dtype=torch.float64))
    q, k, _ = (x.detach().bfloat16() for x in tensors((1, 1, 4, 3000, 8)))
    half = attention_weights(q, k)
    assert half.dtype == torch.bfloat16
    # the scores are rounded to bfloat16 either way; what is at stake is the sum of three thousand exponentials
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    exact = scores.double().softmax(dim=-1)
    assert (half.double() / exact - 1).abs().max() < 2**-8


def test_unknown_backend_lists_what_is_there() -> None:
    with pytest.raises(ValueError, match=r"'fusd'.*math, fused, flash"):
        attention(*tensors(SHAPES[0]), backend="fusd")


def stand_in(seen: dict) -> types.ModuleType:
    """A module with the real package's signature: (B, N, H, d) in and out."""

    def flash_attn_func(
        q, k, v, dropout_p=0.0, softmax_scale=None, causal=False, window_size=(-1, -1), softcap=0.0,
        alibi_slopes=None, deterministic=False, return_attn_probs=False,
    ):  # fmt: skip
        seen["shape"] = tuple(q.shape)
        assert dropout_p == 0.0
        assert not causal
        assert window_size == (-1, -1)
        out = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)), scale=softmax_scale)
        return out.transpose(1, 2)

    module = types.ModuleType("flash_attn")
    module.__spec__ = types.SimpleNamespace(name="flash_attn")
    module.flash_attn_func = flash_attn_func
    return module


def test_flash_hands_over_its_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict = {}
    q, k, v = tensors((2, 3, 7, 5, 8))
    out = ops._flash_call(stand_in(seen), q, k, v)
    assert seen["shape"] == (2, 7, 3, 8)
    torch.testing.assert_close(out, attention(q, k, v, backend="math"))


def test_flash_is_refused_where_it_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = tensors(SHAPES[0], torch.bfloat16)
    monkeypatch.setattr(ops.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="not installed here"):
        attention(q, k, v, backend="flash")
    monkeypatch.setattr(ops.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "flash_attn", stand_in({}))
    with pytest.raises(ValueError, match="runs on CUDA only"):
        attention(q, k, v, backend="flash")


@pytest.mark.gpu
@pytest.mark.parametrize("backend", list(BACKENDS))
def test_backends_on_a_gpu(backend: str) -> None:
    if backend == "flash":
        pytest.importorskip("flash_attn", reason="flash-attn is not installed")
    q, k, v = (x.detach().to("cuda", torch.bfloat16) for x in tensors((2, 4, 64, 64, 32)))
    expected = attention(*(x.double() for x in (q, k, v)), backend="math")
    torch.testing.assert_close(attention(q, k, v, backend=backend).double(), expected, rtol=2e-2, atol=2e-2)


@pytest.mark.gpu
def test_flash_refuses_float32_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "_flash_package", lambda: stand_in({}))
    with pytest.raises(ValueError, match="float16 or bfloat16"):
        attention(*(x.detach().cuda().float() for x in tensors(SHAPES[0])), backend="flash")
