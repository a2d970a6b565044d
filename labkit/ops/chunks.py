"""A sequence cut into chunks: how many, what both passes of the scan over them compute first, and the layouts that its
products want.

Letters: B images, Z chunks of Q tokens, H heads of d numbers, G groups, S state size; E = (H / G) d, what the heads of
a group hold side by side.
"""

from typing import NamedTuple

import torch
from torch import Tensor


def chunks_of(tokens: int, chunk: int) -> tuple[int, int]:
    """How many chunks, and their length: as near to `chunk` as makes them equal, so that hardly a token has to be
    filled up. ValueError for a chunk below 1. Used in lesson 04."""
    if chunk < 1:
        raise ValueError(f"chunk {chunk} must hold 1 token or more, or the sequence would have no chunks")
    chunks = max(1, (tokens + chunk // 2) // chunk)
    return chunks, -(-tokens // chunks)


class Chunks(NamedTuple):
    """What both passes of `labkit.ops.ssd_chunked` compute from the inputs."""

    dt: Tensor  # (B Z G H/G Q)
    passed: Tensor  # (B Z G H/G Q)
    told: Tensor  # (B Z G H/G Q d): dt x
    scores: Tensor  # (B Z G 1 Q Q): c . b, zero above the diagonal
    decay: Tensor  # (B Z G H/G Q Q): one above the diagonal

    @classmethod
    def of(cls, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> "Chunks":
        passed = (dt * a[..., None]).cumsum(-1)
        # nothing above the diagonal before the exponential, where it might be beyond all numbers
        decay = (passed[..., :, None] - passed[..., None, :]).tril_().exp_().to(x.dtype)
        told = torch.empty(*decay.shape[:-1], x.shape[-1], dtype=x.dtype, device=x.device)
        torch.mul(heads_first(x), dt.to(x.dtype)[..., None], out=told)
        return cls(dt, passed, told, (c @ b.mT).tril_()[:, :, :, None], decay)

    def weights(self) -> Tensor:
        """What each token takes from each of its chunk."""
        return self.decay * self.scores

    def since_start(self) -> Tensor:
        """What is left, at each token, of the state that its chunk started with."""
        return beside(self.passed.exp(), self.told)

    def until_end(self) -> Tensor:
        """What is left, at the end of the chunk, of what each token told."""
        return beside((self.passed[..., -1:] - self.passed).exp_(), self.told)

    def written(self, x: Tensor) -> Tensor:
        """What each token has added to the state at the end of its chunk, before b spreads it."""
        return x * (beside(self.dt, x) * self.until_end())

    def kept(self) -> Tensor:
        """(B Z G 1 E): what is left of a state at the end of the chunk that started with it."""
        kept = self.passed[..., -1:].exp()
        return kept.expand(*kept.shape[:-1], self.told.shape[-1]).flatten(3)[..., None, :]


def laid_out_as(x: Tensor) -> Tensor:
    """Room for as many numbers, token after token in memory."""
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)


def heads_first(x: Tensor) -> Tensor:
    """(B Z Q G H/G d) to (B Z G H/G Q d)."""
    return x.permute(0, 1, 3, 4, 2, 5)


def heads_last(x: Tensor) -> Tensor:
    """(B Z G H/G Q d) to (B Z Q G H/G d)."""
    return x.permute(0, 1, 4, 2, 3, 5)


def joined(x: Tensor) -> Tensor:
    """(B Z Q G H/G d) to (B Z G Q E)."""
    return x.transpose(2, 3).flatten(4)


def split(x: Tensor, like: Tensor) -> Tensor:
    """(B Z G Q E) to (B Z Q G H/G d)."""
    return x.view(*x.shape[:4], *like.shape[4:]).transpose(2, 3)


def beside(time: Tensor, x: Tensor) -> Tensor:
    """(B Z G H/G Q) to (B Z Q G H/G 1) in the type of x, to multiply it with."""
    return time.to(x.dtype).permute(0, 1, 4, 2, 3)[..., None]


def dot(x: Tensor, y: Tensor) -> Tensor:
    """(B Z G H/G Q): the products of two (B Z Q G H/G d), summed over d in float32 or better."""
    wide = torch.promote_types(x.dtype, torch.float32)
    return (x * y).sum(-1, dtype=wide).permute(0, 1, 3, 4, 2)


def by_head(products: Tensor, like: Tensor) -> Tensor:
    """(B Z G H/G): the sum of (B Z G S E) for each head."""
    return products.sum(-2).view(*products.shape[:3], *like.shape[4:]).sum(-1)
