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
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit.config import choose
from labkit.nn.mamba2 import Mamba2
from labkit.nn.mlp import SwiGLU
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


FLIPS = {"as_released": as_released, "alternate": alternate, "never": never}


class Block(nn.Module):
    """tokens + mixer(norm(tokens)), read in the order that `flip` says, then tokens + mlp(norm_mlp(tokens)). Built in
    lesson 04."""

    def __init__(self, dim: int, mixer: nn.Module, *, hidden: int, flip: bool, heading: bool, place: Place) -> None:
        super().__init__()
        self.norm, self.mixer = nn.RMSNorm(dim, eps=1e-5), mixer
        self.norm_mlp, self.mlp = nn.RMSNorm(dim, eps=1e-5), SwiGLU(dim, hidden)
        self.flip, self.heading, self.place = flip, heading, place

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """The residual path runs straight through."""
        tokens = tokens + self._mixed(self.norm(tokens))
        return tokens + self.mlp(self.norm_mlp(tokens))

    def _mixed(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        ordered = flipped(tokens, self.place) if self.flip else tokens
        if self.heading:
            ordered = torch.cat([ordered.mean(dim=1, keepdim=True), ordered], dim=1)
        mixed = self.mixer(ordered)[:, self.heading :]
        return flipped(mixed, self.place) if self.flip else mixed


def flipped(tokens: Float[Tensor, "B N D"], place: Place) -> Float[Tensor, "B N D"]:
    """The patches from the last to the first; a class token stays where it is. Its own inverse. Built in lesson 04."""
    if place == "first":
        return torch.cat([tokens[:, :1], tokens[:, 1:].flip(1)], dim=1)
    if place == "last":
        return torch.cat([tokens[:, :-1].flip(1), tokens[:, -1:]], dim=1)
    return tokens.flip(1)


class Adventurer(nn.Module):
    """Images (B, C, H, W) to whatever the head answers; the same arguments as `ViT`, without attention's heads.

    `flips` is a name of FLIPS or one bool for each block; `heading=False` leaves the heading average out; `state` is
    the state size of the mixer. A class token belongs last, `ClassifyToken(..., place="last")`. ValueError for a class
    token in front, which nothing would have been read before, for a depth below 1, and for flips that do not fit it.
    Built in lesson 04.

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
    ) -> None:
        super().__init__()
        dim, place = tokenizer.dim, head.class_token
        if depth < 1:
            raise ValueError(f"depth {depth} must be 1 or more: without a block no token learns of another")
        if place == "first":
            raise ValueError("a class token in front of a model that reads in order sees no patch: place it last")
        self.tokenizer, self.head, self.flips = tokenizer, head, _flips(flips, depth)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim)) if place else None
        self.positions = positions or LearnedPositions(tokenizer.grid, dim, class_token=place)
        check_positions(self.positions, tokenizer.tokens + (place is not None))
        same = {"hidden": int(dim * mlp_ratio), "heading": heading, "place": place}
        self.blocks = nn.ModuleList(
            Block(dim, Mamba2(dim, state=state, backend=backend), flip=flip, **same) for flip in self.flips
        )
        self.norm = nn.RMSNorm(dim, eps=1e-5)
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

    def mix(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """The blocks and the last norm: tokens that know their places in, features out."""
        for block in self.blocks:
            tokens = block(tokens)
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
