"""State-space duality (Dao & Gu, 2024): a recurrence over tokens that can also be computed as masked attention.

Each head keeps a state h of S x d numbers and reads the tokens in order, each with its own step size dt:

    h_t = exp(dt_t a) h_(t-1) + dt_t b_t x_t^T        y_t = h_t^T c_t

Unrolled, y_t sums over the tokens s up to t: (c_t . b_s) exp(a (dt_(s+1) + ... + dt_t)) dt_s x_s. That is attention
without softmax, under a mask that fades. The backends give the same values and gradients:
    loop       the definition, one token after the other
    quadratic  the masked (N, N) matrix, all at once; memory grows with N x N
    chunked    the quadratic form inside chunks of Q tokens, the recurrence from chunk to chunk; linear in N
    mamba_ssm  the chunked form by the kernels of the mamba-ssm package, on CUDA only

In float32 the quadratic form is the least exact: it subtracts sums over the whole sequence, the chunked one over Q
tokens. Step sizes and decays stay in float32 or better whatever x has: along the sequence they are multiplied with
each other, and so are their errors.

Letters: B images, N tokens, H heads, d numbers per head, G groups of H / G heads that share b and c, S state size,
Q tokens in a chunk, Z chunks.
"""

import importlib
import importlib.util
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.ops.backend import resolve
from labkit.ops.ssd_chunked import CHUNK, Maps, Rates, Steps, Values, check_inputs, ssd_continued


def ssd_loop(x: Values, dt: Steps, a: Rates, b: Maps, c: Maps) -> Values:
    """The definition. Holds one state for each head, whatever N is. Built in lesson 04."""
    heads = x.shape[2] // b.shape[2]
    b, c = (part.repeat_interleave(heads, dim=2) for part in (b, c))
    keep, told = torch.exp(dt * a), dt[..., None] * x
    state = told.new_zeros(len(x), x.shape[2], b.shape[3], x.shape[3])
    outputs = []
    for t in range(x.shape[1]):
        state = keep[:, t, :, None, None] * state + b[:, t, :, :, None] * told[:, t, :, None, :]
        outputs.append((c[:, t, :, None, :].to(state.dtype) @ state).squeeze(2))
    return torch.stack(outputs, dim=1).to(x.dtype)


def ssd_quadratic(x: Values, dt: Steps, a: Rates, b: Maps, c: Maps) -> Values:
    """Masked attention over all tokens at once. Built in lesson 04."""
    weights = ssd_weights(dt, a, b, c).to(x.dtype)
    return (weights @ x.transpose(1, 2)).transpose(1, 2)


def ssd_weights(dt: Steps, a: Rates, b: Maps, c: Maps) -> Float[Tensor, "B H N N"]:
    """What token t (row) takes from token s (column): (c_t . b_s) times the decay between them times dt_s, and nothing
    from tokens behind it. Built in lesson 04."""
    heads = dt.shape[2] // b.shape[2]
    scores = (c.transpose(1, 2) @ b.permute(0, 2, 3, 1)).repeat_interleave(heads, dim=1)
    dt = dt.transpose(1, 2)
    return scores * decays(dt * a[:, None]) * dt[:, :, None, :]


def decays(logs: Float[Tensor, "... Q"]) -> Float[Tensor, "... Q Q"]:
    """exp(logs_(s+1) + ... + logs_t) in row t and column s: what is left at t of what came in at s; 0 for s > t."""
    passed = logs.cumsum(-1)
    between = passed[..., :, None] - passed[..., None, :]
    future = torch.ones(logs.shape[-1], logs.shape[-1], dtype=torch.bool, device=logs.device).triu(1)
    return between.masked_fill(future, -torch.inf).exp()


def ssd_chunked(x: Values, dt: Steps, a: Rates, b: Maps, c: Maps, *, chunk: int = CHUNK) -> Values:
    """Pairs within a chunk of about `chunk` tokens by the quadratic form; everything before it by the state it starts
    with. ValueError for a chunk below 1. Used in lesson 04."""
    return ssd_continued(x, dt, a, b, c, chunk=chunk, more=False)[0]


KERNEL_CHUNK = 256  # tokens: what mamba-ssm's own layers ask of its kernels, which want a power of two


def ssd_mamba(x: Values, dt: Steps, a: Rates, b: Maps, c: Maps) -> Values:
    """The mamba-ssm package. ValueError says what is lacking: the package, CUDA, or a type that its kernels take."""
    package = _mamba_package()
    if x.device.type != "cuda":
        raise ValueError(
            f"backend 'mamba_ssm' was asked for tensors on {x.device.type!r}: its kernels run on CUDA only; "
            "use backend='chunked', which gives the same values here"
        )
    if x.dtype == torch.float64:
        raise ValueError(
            "backend 'mamba_ssm' was asked for float64, which its kernels do not multiply; use backend='chunked'"
        )
    return _mamba_call(package, x, dt, a, b, c)


def _mamba_package() -> ModuleType:
    if importlib.util.find_spec("mamba_ssm") is None:
        raise ValueError(
            "backend 'mamba_ssm' needs the package mamba-ssm, which is not installed here (it builds against a CUDA "
            "toolkit: pip install mamba-ssm); use backend='chunked', which gives the same values"
        )
    try:
        return importlib.import_module("mamba_ssm.ops.triton.ssd_combined")
    except ImportError as error:  # built against another torch, say
        raise ValueError(
            f"backend 'mamba_ssm': the package mamba-ssm is there and does not load ({error}); install it again beside "
            "this torch, or use backend='chunked'"
        ) from error


def _mamba_call(package: ModuleType, x: Values, dt: Steps, a: Rates, b: Maps, c: Maps) -> Values:
    """It wants our layout; steps and rates as the mixer has them, not to be bent again."""
    return package.mamba_chunk_scan_combined(x, dt, a, b, c, KERNEL_CHUNK)


BACKENDS = {"loop": ssd_loop, "quadratic": ssd_quadratic, "chunked": ssd_chunked, "mamba_ssm": ssd_mamba}


def backend_named(wanted: str) -> str:
    """The backend that `wanted` stands for: "auto" is chunked. ValueError for an unknown one."""
    return resolve("state-space duality", wanted, BACKENDS, preferred="chunked")


def ssd(x: Values, dt: Steps, a: Rates, b: Maps, c: Maps, *, backend: str = "auto") -> Values:
    """y, shaped like x, of values x (B, N, H, d) with step sizes dt (B, N, H) > 0, rates a (H,) < 0, and b, c
    (B, N, G, S), where G divides H.

    `backend` is one of BACKENDS or "auto" (chunked). ValueError for an unknown one, for shapes that do not belong
    together, for groups that do not divide the heads, and for a backend that cannot run here. Built in lesson 04.
    """
    check_inputs(x, dt, a, b, c)
    return BACKENDS[backend_named(backend)](x, dt, a, b, c)
