"""Adventurer (Wang et al., "Causal Image Modeling for Efficient Visual Understanding", 2024), at any patch size: the
state-space model of the patch-scaling paper, linear in the number of tokens.

Given the same weights it gives the logits of the released code. A causal mixer sees only what came before; two devices
make up for it. The **heading average**: before each mixer the mean of all its tokens is put in front, so that the
first token already knows of the last. **Flips**: some blocks read the patches from the end to the start. The paper
flips every other block, the released code only the third and the fourth; both are here, and `as_released` is the
default. A class token stands last, where everything has been read, and is never flipped.

Letters: B images, C channels, H W pixels, N tokens, D width.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit.config import choose
from labkit.models.reading import joined, pieces_of, shares_of, turned
from labkit.nn.mamba2 import Carry, Mamba2
from labkit.nn.mlp import SwiGLU
from labkit.nn.norm import RMSNorm
from labkit.nn.recompute import blocks_to_recompute, runner
from labkit.ops.ssd import backend_named
from labkit.ops.ssd_chunked import CHUNK
from labkit.positions import LearnedPositions, Place, check_positions, with_class_token


def as_released(depth: int) -> tuple[bool, ...]:
    """Which blocks flip in the released code: the third and the fourth, at any depth. Built in lesson 04."""
    return tuple(block // 2 == 1 for block in range(depth))


def alternate(depth: int) -> tuple[bool, ...]:
    """Which blocks flip as the paper describes it: every other one, from the second on. Built in lesson 04."""
    return tuple(block % 2 == 1 for block in range(depth))


def never(depth: int) -> tuple[bool, ...]:
    """No block flips: every one reads from the first patch to the last. Used in lesson 04."""
    return (False,) * depth


TILE = 2**20  # numbers of the mixer's inner width: what is computed on the way for as many tokens stays in the cache

FLIPS = {"as_released": as_released, "alternate": alternate, "never": never}


class Block(nn.Module):
    """tokens + mixer(norm(tokens)), read in the order that `flip` says, then tokens + mlp(norm_mlp(tokens)).

    A long sequence is read piece by piece, `tile` tokens at a time, so that what is computed on the way stays in the
    cache; short ones share a piece. The numbers are the same: the mixer goes on from what the tokens before have left.
    With `recompute` a piece keeps only its tokens for the backward pass, which computes the rest once more. Built in
    lessons 04 and 10."""

    def __init__(
        self,
        dim: int,
        mixer: Mamba2,
        *,
        hidden: int,
        flip: bool,
        heading: bool,
        place: Place,
        tile: int | None,
        recompute: bool,
    ) -> None:
        super().__init__()
        self.norm, self.mixer = RMSNorm(dim, eps=1e-5), mixer
        self.norm_mlp, self.mlp = RMSNorm(dim, eps=1e-5), SwiGLU(dim, hidden)
        self.flip, self.heading, self.place, self.tile, self.recompute = flip, heading, place, tile, recompute

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """The residual path runs straight through."""
        order = {"flip": self.flip, "place": self.place}
        new = [joined(list(self._read(pieces)), **order) for pieces in self._pieces(tokens)]
        return torch.cat(new) if len(new) > 1 else new[0]

    @torch.no_grad()
    def overwrite(self, tokens: Float[Tensor, "B N D"]) -> None:
        """`forward` without gradients, in the memory of the tokens. Hooks of the block do not see it."""
        for pieces in self._pieces(tokens):
            for old, new in zip(pieces, self._read(pieces), strict=True):
                old.copy_(new)

    def _pieces(self, tokens: Tensor) -> Iterator[list[Tensor]]:
        """The pieces of those images that are read together, for all images."""
        tile = self.tile_for(tokens)
        for share in shares_of(tokens, tile):
            yield pieces_of(share, tile, ahead=int(self.heading), flip=self.flip, place=self.place)

    def _read(self, pieces: list[Tensor]) -> Iterator[Tensor]:
        """The pieces after the block, one after the other, each as it lies in memory."""
        run, carry = runner(self.recompute), None
        average = self._average(pieces, run) if self.heading and len(pieces) > 1 else None
        for number, piece in enumerate(pieces, start=1):
            new, carry = run(self._piece, piece, average, carry, number < len(pieces))
            yield new

    def _piece(
        self, piece: Tensor, average: Tensor | None, carry: Carry | None, more: bool
    ) -> tuple[Tensor, Carry | None]:
        """A piece after the block, and what it leaves. `average` is None where the piece is the whole."""
        first = carry is None
        order = {"whole": first and not more, "flip": self.flip, "place": self.place}
        tokens = turned(piece, **order)
        read = self.norm(tokens)
        if ahead := self.heading and first:
            read = torch.cat([read.mean(dim=1, keepdim=True) if average is None else average, read], dim=1)
        mixed, carry = self.mixer.continued(read, carry, more=more)
        tokens = tokens + mixed[:, ahead:]
        return turned(tokens + self.mlp(self.norm_mlp(tokens)), **order), carry

    def _average(self, pieces: list[Tensor], run: Callable) -> Tensor:
        """(B 1 D): the mean of all normed tokens."""
        total = sum(run(self._sum, piece) for piece in pieces)
        return (total / sum(piece.shape[1] for piece in pieces)).to(pieces[0].dtype)

    def _sum(self, piece: Tensor) -> Tensor:
        return self.norm(piece).sum(dim=1, keepdim=True, dtype=torch.promote_types(piece.dtype, torch.float32))

    def tile_for(self, tokens: Float[Tensor, "B N D"]) -> int | None:
        """How many tokens are read at a time; None for all. A GPU has no use for pieces, and the definitions of the
        scan read a sequence as a whole. Used in lesson 10."""
        if self.tile or tokens.device.type != "cpu" or self.mixer.backend != "chunked":
            return self.tile
        return max(2, TILE // self.mixer.inner // CHUNK) * CHUNK


class Adventurer(nn.Module):
    """Images (B, C, H, W) to whatever the head answers; the same arguments as `ViT`, without attention's heads.

    `flips` is a name of FLIPS or one bool for each block; `heading=False` leaves the heading average out; `state` is
    the state size of the mixer. `tile` tokens are read at a time (None: as many as suit a CPU's cache, all on a GPU);
    `recompute` (true for all blocks, a number for so many of the first) trains in less memory and more time. Neither
    changes what is computed.

    A class token belongs last, `ClassifyToken(..., place="last")`. ValueError for one in front, before which nothing
    would have been read, for a depth below 1, for flips that do not fit it, and for a tile that holds fewer than two
    tokens or a backend that only reads whole sequences. Built in lesson 04.

    >>> from labkit.heads import ClassifyToken
    >>> from labkit.tokenizers import Patches
    >>> model = Adventurer(Patches(32, 4, 128), ClassifyToken(128, 10, place="last"), depth=12)
    """

    def __init__(
        self,
        tokenizer: nn.Module,
        head: nn.Module,
        *,
        depth: int,
        flips: str | Sequence[bool] = "as_released",
        heading: bool = True,
        state: int = 64,
        mlp_ratio: float = 2.5,
        positions: nn.Module | None = None,
        backend: str = "auto",
        tile: int | None = None,
        recompute: bool | int = False,
    ) -> None:
        super().__init__()
        dim, place = tokenizer.dim, head.class_token
        if tile is not None and (tile < 2 or backend_named(backend) != "chunked"):
            raise ValueError(
                f"tile {tile} with backend {backend!r}: pieces hold 2 tokens or more, and only the chunked scan goes "
                "on from one to the next; leave tile out to read the sequence as a whole"
            )
        if depth < 1:
            raise ValueError(f"depth {depth} must be 1 or more: without a block no token learns of another")
        if place == "first":
            raise ValueError("a class token in front of a model that reads in order sees no patch: place it last")
        self.tokenizer, self.head, self.flips = tokenizer, head, _flips(flips, depth)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim)) if place else None
        self.positions = positions or LearnedPositions(tokenizer.grid, dim, class_token=place)
        check_positions(self.positions, tokenizer.tokens + (place is not None))
        same = {"hidden": int(dim * mlp_ratio), "heading": heading, "place": place}
        each = zip(self.flips, blocks_to_recompute(recompute, depth), strict=True)
        self.blocks = nn.ModuleList(
            Block(dim, Mamba2(dim, state=state, backend=backend), flip=flip, tile=tile, recompute=again, **same)
            for flip, again in each
        )
        self.norm = RMSNorm(dim, eps=1e-5)
        self._initialise()

    def _initialise(self) -> None:
        """All first values that the parts did not choose themselves, as the released code does: torch's own for linear
        maps, biases zero, what a mixer adds to the residual path made smaller with depth."""
        if self.class_token is not None:
            nn.init.trunc_normal_(self.class_token, std=0.02)
        for name, layer in self.blocks.named_modules():
            if isinstance(layer, nn.Linear) and layer.bias is not None:
                nn.init.zeros_(layer.bias)
            if name.endswith("out_proj"):
                nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5))
                layer.weight.data /= math.sqrt(len(self.blocks))

    def mix(
        self, tokens: Float[Tensor, "B N D"], *, progress: Callable[[Iterable], Iterable] = iter
    ) -> Float[Tensor, "B N D"]:
        """The blocks and the last norm: tokens that know their places in, features out. `progress` may watch over the
        blocks, as tqdm does."""
        if torch.is_grad_enabled():
            for block in progress(self.blocks):
                tokens = block(tokens)
        else:  # nobody will ask for the tokens between two blocks: one copy is enough for all
            tokens = tokens.clone()
            for block in progress(self.blocks):
                block.overwrite(tokens)
        return self.norm(tokens)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """Tokens after the last norm, a class token (if any) at the end."""
        tokens = with_class_token(self.tokenizer(images), self.class_token, self.head.class_token)
        return self.mix(self.positions(tokens))

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B ..."]:
        """The head's answer."""
        return self.head(self.features(images))


def _flips(flips: str | Sequence[bool], depth: int) -> tuple[bool, ...]:
    """One bool for each block. ValueError for an unknown name or another count."""
    if not isinstance(flips, str | Sequence):
        raise ValueError(f"flips {flips!r} must be a name ({', '.join(FLIPS)}) or one bool for each block")
    chosen = choose("flips", flips, FLIPS)(depth) if isinstance(flips, str) else tuple(flips)
    if len(chosen) != depth or any(type(flip) is not bool for flip in chosen):
        raise ValueError(f"flips {chosen} must hold one bool for each of {depth} blocks: which of them read backwards")
    return chosen
