"""Scaled dot-product attention (Vaswani et al., 2017): softmax(q k^T / sqrt(d)) v, for every head by itself.

Letters: B images, H heads, N queries, M keys, d numbers per head. The backends give the same values and gradients:
    math    the definition, readable; holds the whole (N, M) matrix of weights
    fused   torch's scaled_dot_product_attention, which never holds that matrix where the device has a flash kernel
    flash   the flash-attn package (Dao, 2023), on CUDA in half precision only
"""

import importlib
import importlib.util
from types import ModuleType

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from labkit.ops.backend import resolve

Queries = Float[Tensor, "B H N d"]
Keys = Float[Tensor, "B H M d"]


def attention_weights(q: Queries, k: Keys) -> Float[Tensor, "B H N M"]:
    """How much each query looks at each key: rows that sum to one. Used from lesson 01 on."""
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    # torch's softmax sums in float32 or better whatever comes in: in half precision the sum would lose its last digits
    return scores.softmax(dim=-1)


def attention_math(q: Queries, k: Keys, v: Keys) -> Queries:
    """The definition. Memory grows with N x M."""
    return attention_weights(q, k) @ v


def attention_fused(q: Queries, k: Keys, v: Keys) -> Queries:
    """torch's own kernel for the device at hand."""
    return F.scaled_dot_product_attention(q, k, v)


def attention_flash(q: Queries, k: Keys, v: Keys) -> Queries:
    """The flash-attn package: it wants (B, N, H, d), half precision and CUDA. ValueError says which is lacking."""
    package = _flash_package()
    if q.device.type != "cuda":
        raise ValueError(
            f"backend 'flash' was asked for tensors on {q.device.type!r}: flash-attn runs on CUDA only; "
            "use backend='fused', which gives the same values here"
        )
    if q.dtype not in (torch.float16, torch.bfloat16):
        raise ValueError(
            f"backend 'flash' was asked for {q.dtype}: flash-attn takes float16 or bfloat16; "
            "use backend='fused' or train with precision='bf16'"
        )
    return _flash_call(package, q, k, v)


def _flash_package() -> ModuleType:
    if importlib.util.find_spec("flash_attn") is None:
        raise ValueError(
            "backend 'flash' needs the package flash-attn, which is not installed here (it builds against a CUDA "
            "toolkit: pip install flash-attn); use backend='fused', which gives the same values"
        )
    return importlib.import_module("flash_attn")


def _flash_call(package: ModuleType, q: Queries, k: Keys, v: Keys) -> Queries:
    """Our layout (B, H, N, d) to flash-attn's (B, N, H, d) and back."""
    out = package.flash_attn_func(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
    return out.transpose(1, 2)


BACKENDS = {"math": attention_math, "fused": attention_fused, "flash": attention_flash}


def backend_named(wanted: str) -> str:
    """The backend that `wanted` stands for: "auto" is fused. ValueError for an unknown one. Used from lesson 00 on."""
    return resolve("attention", wanted, BACKENDS, preferred="fused")


def attention(q: Queries, k: Keys, v: Keys, *, backend: str = "auto") -> Queries:
    """Attention of q over k and v, all (B, H, tokens, d); the result is shaped like q.

    `backend` is one of BACKENDS or "auto" (fused). ValueError for an unknown one, or one that cannot run here.
    Used from lesson 00 on.
    """
    return BACKENDS[backend_named(backend)](q, k, v)
