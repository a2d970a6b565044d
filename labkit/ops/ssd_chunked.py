"""The scan of `labkit.ops.ssd` in chunks, with a backward pass of its own; a long sequence can be read piece by piece.

Within a chunk of Q tokens the pairs are computed as masked attention; from chunk to chunk goes a state. With passed_t
the sum of dt a from the start of the chunk up to token t, and h the state that the chunk starts with:

    y_t = sum over s <= t of (c_t . b_s) exp(passed_t - passed_s) dt_s x_s  +  exp(passed_t) c_t h  +  skip x_t

The backward pass needs no derivative of an exponential. The exponentials that lead to token t multiply all that makes
up y_t (but for the skip), so the derivative by passed_t is dy_t . y_t; those that start from token s multiply all that
comes from it, which takes away dx_s . x_s (as in the kernels of Dao & Gu, 2024). Inputs, y and states are kept for it;
what has Q x Q entries is computed again.

Letters: as in `labkit.ops.ssd`; E = (H / G) d, what the heads of a group hold side by side.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Values = Float[Tensor, "B N H d"]
Steps = Float[Tensor, "B N H"]
Rates = Float[Tensor, " H"]
Maps = Float[Tensor, "B N G S"]
State = Float[Tensor, "B G S E"]

CHUNK = 64  # tokens


def chunks_of(tokens: int, chunk: int) -> tuple[int, int]:
    """How many chunks, and their length: as near to `chunk` as makes them equal, so that hardly a token has to be
    filled up. ValueError for a chunk below 1. Used in lesson 04."""
    if chunk < 1:
        raise ValueError(f"chunk {chunk} must hold 1 token or more, or the sequence would have no chunks")
    chunks = max(1, (tokens + chunk // 2) // chunk)
    return chunks, -(-tokens // chunks)


def ssd_continued(
    x: Values,
    dt: Steps,
    a: Rates,
    b: Maps,
    c: Maps,
    *,
    skip: Rates | None = None,
    state: State | None = None,
    chunk: int = CHUNK,
    more: bool = True,
) -> tuple[Values, State | None]:
    """The scan of tokens that come after others, which left `state` (None: there were none), plus `skip` times x.
    Returns y and, with `more` to come, the state that these tokens leave. A sequence in pieces has the values and
    gradients that it has in one. ValueError for a chunk below 1. Built in lesson 10."""
    tokens, groups = x.shape[1], b.shape[2]
    chunks, length = chunks_of(tokens, chunk)
    if lacking := chunks * length - tokens:  # tokens of step size zero: they change nothing
        x, dt, b, c = (F.pad(part, (0, 0) * (part.ndim - 2) + (0, lacking)) for part in (x, dt, b, c))
    cut = (len(x), chunks, length, groups)
    x, dt = x.reshape(*cut, -1, x.shape[-1]), dt.reshape(*cut, -1).permute(0, 1, 3, 4, 2)
    b, c = (part.reshape(*cut, -1).transpose(2, 3) for part in (b, c))
    skip = torch.zeros_like(a) if skip is None else skip
    y, state = _Scan.apply(x, dt, a.view(groups, -1), b, c, skip.view(groups, -1), state, more)
    return y.view(len(x), chunks * length, -1, x.shape[-1])[:, :tokens], state


class _Scan(torch.autograd.Function):
    """x (B Z Q G H/G d), dt (B Z G H/G Q), a and skip (G H/G), b and c (B Z G Q S), state (B G S E) or None."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        dt: Tensor,
        a: Tensor,
        b: Tensor,
        c: Tensor,
        skip: Tensor,
        state: Tensor | None,
        more: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """y, laid out as x, and the last state if there is `more`."""
        chunk = _Chunks.of(x, dt, a, b, c)
        inside = chunk.weights() @ chunk.told
        y = (x * skip.to(x.dtype)[..., None]).add_(_heads_last(inside))
        del inside
        end = x.shape[1] - (not more)  # the chunks before it leave a state to others
        states = _states(chunk, b[:, :end].mT @ _joined(chunk.written(x)[:, :end]), state) if end else None
        for some, before in _befores(state, states, x.shape[1]):
            y[:, some].addcmul_(_split(c[:, some] @ before.to(c.dtype), x), chunk.since_start()[:, some])
        ctx.save_for_backward(x, dt, a, b, c, skip, y, state, states)
        return y, states[:, -1].clone() if more else None

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor, dlast: Tensor | None) -> tuple[Tensor | None, ...]:
        """The gradients of x, dt, a, b, c, skip and of the first state."""
        x, dt, a, b, c, skip, y, state, states = ctx.saved_tensors
        chunk = _Chunks.of(x, dt, a, b, c)
        inside = _heads_first(dy).contiguous()
        dtold = _laid_out_as(x).copy_(_heads_last(chunk.weights().mT @ inside))
        dscores = (inside @ chunk.told.mT).mul_(chunk.decay).sum(3).tril_()
        db, dc = dscores.mT @ c, dscores @ b
        taken = []
        for some, before in _befores(state, states, x.shape[1]):
            faded = _joined(dy[:, some] * chunk.since_start()[:, some])
            dc[:, some] += faded @ before.to(c.dtype).mT
            taken.append(c[:, some].mT @ faded)
        dstate = None if state is None else taken.pop(0)[:, 0].to(state.dtype)
        dskip, dstates = _dot(dy, x), None
        if states is not None:
            dstates = _dstates(chunk, [*taken, *([] if dlast is None else [dlast[:, None]])], dstate)
            some = slice(states.shape[1])
            db[:, some] += _joined(chunk.written(x)[:, some]) @ dstates.to(b.dtype).mT
            dtold[:, some].addcmul_(_split(b[:, some] @ dstates.to(b.dtype), x), chunk.until_end()[:, some])
        ddt = _dot(dtold, x)
        dpassed = _dot(dy, y) - skip[..., None] * dskip - dt * ddt
        if dstates is not None:
            dpassed[:, : states.shape[1], ..., -1] += _by_head(dstates * states, x)
        dlogs = dpassed.flip(-1).cumsum(-1).flip(-1)
        dx = dtold.mul_(_beside(dt, x)).addcmul_(dy, skip.to(x.dtype)[..., None])
        da, dskip = (part.sum((0, 1, -1)) for part in (dlogs * dt, dskip))
        return dx, ddt.addcmul_(dlogs, a[..., None]), da, db, dc, dskip, dstate, None


class _Chunks(NamedTuple):
    """What both passes compute from the inputs."""

    dt: Tensor  # (B Z G H/G Q)
    passed: Tensor  # (B Z G H/G Q)
    told: Tensor  # (B Z G H/G Q d): dt x
    scores: Tensor  # (B Z G 1 Q Q): c . b, zero above the diagonal
    decay: Tensor  # (B Z G H/G Q Q): one above the diagonal

    @classmethod
    def of(cls, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> "_Chunks":
        passed = (dt * a[..., None]).cumsum(-1)
        # nothing above the diagonal before the exponential, where it might be beyond all numbers
        decay = (passed[..., :, None] - passed[..., None, :]).tril_().exp_().to(x.dtype)
        told = torch.empty(*decay.shape[:-1], x.shape[-1], dtype=x.dtype, device=x.device)
        torch.mul(_heads_first(x), dt.to(x.dtype)[..., None], out=told)
        return cls(dt, passed, told, (c @ b.mT).tril_()[:, :, :, None], decay)

    def weights(self) -> Tensor:
        """What each token takes from each of its chunk."""
        return self.decay * self.scores

    def since_start(self) -> Tensor:
        """What is left, at each token, of the state that its chunk started with."""
        return _beside(self.passed.exp(), self.told)

    def until_end(self) -> Tensor:
        """What is left, at the end of the chunk, of what each token told."""
        return _beside((self.passed[..., -1:] - self.passed).exp_(), self.told)

    def written(self, x: Tensor) -> Tensor:
        """What each token has added to the state at the end of its chunk, before b spreads it."""
        return x * (_beside(self.dt, x) * self.until_end())

    def kept(self) -> Tensor:
        """(B Z G 1 E): what is left of a state at the end of the chunk that started with it."""
        kept = self.passed[..., -1:].exp()
        return kept.expand(*kept.shape[:-1], self.told.shape[-1]).flatten(3)[..., None, :]


def _states(chunk: _Chunks, added: Tensor, state: Tensor | None) -> Tensor:
    """The state after each of those chunks that add to it, the first of which found `state`."""
    kept = chunk.kept().unbind(1)
    states = added.to(kept[0].dtype)
    after = states.unbind(1)
    if state is not None:
        after[0].addcmul_(state, kept[0])
    for z in range(1, len(after)):
        after[z].addcmul_(after[z - 1], kept[z])
    return states


def _befores(state: Tensor | None, states: Tensor | None, chunks: int) -> Iterator[tuple[slice, Tensor]]:
    """The chunks that find a state, and what they find: the first one that of the tokens before, others what the chunk
    before them has left."""
    if state is not None:
        yield slice(1), state[:, None]
    if chunks > 1:
        yield slice(1, None), states[:, : chunks - 1]


def _dstates(chunk: _Chunks, parts: list[Tensor], dstate: Tensor | None) -> Tensor:
    """The gradient of each of `_states`, from the last to the first; `parts` is what reaches them from what found
    them. What goes on to the state before them is added to `dstate`."""
    kept = chunk.kept().unbind(1)
    dstates = (torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]).to(kept[0].dtype)
    after = dstates.unbind(1)
    for z in reversed(range(1, len(after))):
        after[z - 1].addcmul_(after[z], kept[z])
    if dstate is not None:
        dstate.addcmul_(after[0], kept[0])
    return dstates


def _laid_out_as(x: Tensor) -> Tensor:
    """Room for as many numbers, token after token in memory."""
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)


def _heads_first(x: Tensor) -> Tensor:
    """(B Z Q G H/G d) to (B Z G H/G Q d)."""
    return x.permute(0, 1, 3, 4, 2, 5)


def _heads_last(x: Tensor) -> Tensor:
    """(B Z G H/G Q d) to (B Z Q G H/G d)."""
    return x.permute(0, 1, 4, 2, 3, 5)


def _joined(x: Tensor) -> Tensor:
    """(B Z Q G H/G d) to (B Z G Q E)."""
    return x.transpose(2, 3).flatten(4)


def _split(x: Tensor, like: Tensor) -> Tensor:
    """(B Z G Q E) to (B Z Q G H/G d)."""
    return x.view(*x.shape[:4], *like.shape[4:]).transpose(2, 3)


def _beside(time: Tensor, x: Tensor) -> Tensor:
    """(B Z G H/G Q) to (B Z Q G H/G 1) in the type of x, to multiply it with."""
    return time.to(x.dtype).permute(0, 1, 4, 2, 3)[..., None]


def _dot(x: Tensor, y: Tensor) -> Tensor:
    """(B Z G H/G Q): the products of two (B Z Q G H/G d), summed over d in float32 or better."""
    wide = torch.promote_types(x.dtype, torch.float32)
    return (x * y).sum(-1, dtype=wide).permute(0, 1, 3, 4, 2)


def _by_head(products: Tensor, like: Tensor) -> Tensor:
    """(B Z G H/G): the sum of (B Z G S E) for each head."""
    return products.sum(-2).view(*products.shape[:3], *like.shape[4:]).sum(-1)
