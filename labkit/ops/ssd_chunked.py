"""The scan of `labkit.ops.ssd` in chunks, with a backward pass of its own; a long sequence can be read piece by piece.

Within a chunk of Q tokens the pairs are computed as masked attention; from chunk to chunk goes a state. With passed_t
the sum of dt a from the start of the chunk up to token t, and h the state that the chunk starts with:

    y_t = sum over s <= t of (c_t . b_s) exp(passed_t - passed_s) dt_s x_s  +  exp(passed_t) c_t h  +  skip x_t

The backward pass needs no derivative of an exponential. The product that a pair (s, t) adds to dy_t . y_t goes through
every step in between, and through no other; so does what is read from h at t through all steps up to t, what s has
written through all steps after it, and what is left of h at the end through all of the chunk. Their sums are taken in
float32 or better from the same products, so that what belongs to no step cancels. Inputs and states are kept for it;
what has Q x Q entries is computed again.

Letters: as in `labkit.ops.ssd`; E = (H / G) d, what the heads of a group hold side by side.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from labkit.ops.chunks import (
    Chunks,
    beside,
    by_head,
    chunks_of,
    dot,
    heads_first,
    heads_last,
    joined,
    laid_out_as,
    split,
)

Values = Float[Tensor, "B N H d"]
Steps = Float[Tensor, "B N H"]
Rates = Float[Tensor, " H"]
Maps = Float[Tensor, "B N G S"]
State = Float[Tensor, "B G S E"]

CHUNK = 64  # tokens


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
    gradients that it has in one. ValueError for a chunk below 1 and as `check_inputs`. Built in lesson 10."""
    check_inputs(x, dt, a, b, c, state)
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


def check_inputs(x: Values, dt: Steps, a: Rates, b: Maps, c: Maps, state: State | None = None) -> None:
    """ValueError for inputs of a scan that do not belong together, and for groups that do not divide the heads."""
    told, steps = tuple(x.shape[:3]), tuple(dt.shape)
    if steps != told or a.shape[0] != x.shape[2] or b.shape != c.shape or b.shape[:2] != x.shape[:2] or 0 in b.shape:
        raise ValueError(
            f"x {tuple(x.shape)}, dt {steps}, a {tuple(a.shape)}, b {tuple(b.shape)}, c {tuple(c.shape)} must be "
            "(B, N, H, d), (B, N, H), (H,) and twice (B, N, G, S), none empty: else tokens would meet the wrong ones"
        )
    if x.shape[2] % b.shape[2]:
        raise ValueError(
            f"{b.shape[2]} groups do not divide {x.shape[2]} heads: each group of heads shares one b and one c"
        )
    left = (len(x), *b.shape[2:], x.shape[2] // b.shape[2] * x.shape[3])
    if state is not None and state.shape != left:
        raise ValueError(f"state {tuple(state.shape)} must be {left}: what the tokens before have left of each image")


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
        chunk = Chunks.of(x, dt, a, b, c)
        inside = chunk.weights() @ chunk.told
        y = (x * skip.to(x.dtype)[..., None]).add_(heads_last(inside))
        del inside
        end = x.shape[1] - (not more)  # the chunks before it leave a state to others
        states = _states(chunk, b[:, :end].mT @ joined(chunk.written(x)[:, :end]), state) if end else None
        for some, before in _befores(state, states, x.shape[1]):
            y[:, some].addcmul_(split(c[:, some] @ before.to(c.dtype), x), chunk.since_start()[:, some])
        ctx.save_for_backward(x, dt, a, b, c, skip, state, states)
        return y, states[:, -1].clone() if more else None

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor, dlast: Tensor | None) -> tuple[Tensor | None, ...]:
        """The gradients of x, dt, a, b, c, skip and of the first state."""
        x, dt, a, b, c, skip, state, states = ctx.saved_tensors
        chunk = Chunks.of(x, dt, a, b, c)
        inside = heads_first(dy).contiguous()
        dtold = laid_out_as(x).copy_(heads_last(chunk.weights().mT @ inside))
        pairs = (inside @ chunk.told.mT).mul_(chunk.decay)
        dscores = pairs.sum(3).tril_()
        db, dc = dscores.mT @ c, dscores @ b
        pairs, wide = pairs.mul_(chunk.scores.tril(-1)), dt.dtype
        through = pairs.sum(-1, dtype=wide) - pairs.sum(-2, dtype=wide)  # of the steps up to each token
        taken = []
        for some, before in _befores(state, states, x.shape[1]):
            faded, found = dy[:, some] * chunk.since_start()[:, some], before.to(c.dtype)
            through[:, some] += dot(split(c[:, some] @ found, x), faded)
            faded = joined(faded)
            dc[:, some] += faded @ found.mT
            taken.append(c[:, some].mT @ faded)
        dlogs = through.flip(-1).cumsum(-1).flip(-1)
        dstate = None if state is None else taken.pop(0)[:, 0].to(wide)
        if states is not None:
            some = slice(states.shape[1])
            left = chunk.passed[:, some, ..., -1:].exp()
            dstates = _dstates(chunk, [*taken, *([] if dlast is None else [dlast[:, None]])], dstate)
            db[:, some] += joined(chunk.written(x)[:, some]) @ dstates.to(b.dtype).mT
            told = split(b[:, some] @ dstates.to(b.dtype), x) * chunk.until_end()[:, some]
            dtold[:, some] += told
            # the steps after each token: those up to it, for the token before
            dleft = dlogs[:, some]
            dleft += F.pad((dot(told, x[:, some]) * dt[:, some]).cumsum(-1)[..., :-1], (1, 0))
            for chunks, before in _befores(state, states, states.shape[1]):
                dleft[:, chunks] += by_head(dstates[:, chunks] * before, x)[..., None] * left[:, chunks]
        dskip, ddt = dot(dy, x), dot(dtold, x)
        dx = dtold.mul_(beside(dt, x)).addcmul_(dy, skip.to(x.dtype)[..., None])
        da, dskip = (part.sum((0, 1, -1)) for part in (dlogs * dt, dskip))
        return dx, ddt.addcmul_(dlogs, a[..., None]), da, db, dc, dskip, dstate, None


def _states(chunk: Chunks, added: Tensor, state: Tensor | None) -> Tensor:
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


def _dstates(chunk: Chunks, parts: list[Tensor], dstate: Tensor | None) -> Tensor:
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
