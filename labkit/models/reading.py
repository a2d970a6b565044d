"""The order in which a block reads its tokens, and the pieces in which it does.

A block that flips reads the patches from the last to the first. A class token at the end is never flipped: it is read
when everything else has been. Letters: B images, N tokens, D width.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.positions import Place

Tokens = Float[Tensor, "B N D"]


def flipped(tokens: Tokens, place: Place) -> Tokens:
    """The patches from the last to the first; a class token stays where it is. Its own inverse. Built in lesson 04."""
    if place == "first":
        return torch.cat([tokens[:, :1], tokens[:, 1:].flip(1)], dim=1)
    if place == "last":
        return torch.cat([tokens[:, :-1].flip(1), tokens[:, -1:]], dim=1)
    return tokens.flip(1)


def shares_of(tokens: Tokens, tile: int | None) -> list[Tensor]:
    """As many images at a time as share a tile, one if it takes several; all if there is no tile. Used in lesson 10."""
    return [tokens] if tile is None else list(tokens.split(max(1, tile // tokens.shape[1])))


def pieces_of(tokens: Tokens, tile: int | None, *, ahead: int, flip: bool, place: Place) -> list[Tensor]:
    """Views of the tokens in the order of reading, `tile` at a time; in the first one there is room for the `ahead`
    tokens that go before it. A class token at the end is a piece of its own. One piece, in the order of memory, where
    all fit into a tile or there is none. Used in lesson 10."""
    if tile is None or tokens.shape[1] + ahead <= tile:
        return [tokens]
    patches, token = tokens.split([tokens.shape[1] - 1, 1], dim=1) if place == "last" else (tokens, None)
    cuts = [0, *range(tile - ahead, patches.shape[1], tile), patches.shape[1]]
    sizes = [stop - start for start, stop in pairwise(cuts)]
    pieces = patches.split(sizes[::-1], dim=1)[::-1] if flip else patches.split(sizes, dim=1)
    return [*pieces, *([] if token is None else [token])]


def joined(pieces: list[Tensor], *, flip: bool, place: Place) -> Tokens:
    """What has become of `pieces_of`, as it lies in memory."""
    if len(pieces) == 1:
        return pieces[0]
    patches = len(pieces) - (place == "last")
    return torch.cat([*pieces[:patches][:: -1 if flip else 1], *pieces[patches:]], dim=1)


def turned(piece: Tokens, *, whole: bool, flip: bool, place: Place) -> Tokens:
    """One of `pieces_of` from the order of memory to that of reading, and back; `whole` if it is the only one."""
    if not flip:
        return piece
    return flipped(piece, place) if whole else piece.flip(1)
