"""Adventurer as it is written down, with none of labkit's fast paths: the peer that says what those bring.

The whole sequence at once; torch's RMSNorm; torch's convolution with a transpose before and after; chunks of 64 tokens
of which the last is filled up; autograd through everything. It walks over labkit's own modules, so the weights are the
same tensors and nothing is copied.

Letters: B images, N tokens, H heads, d numbers per head, G groups, S state size, Q tokens in a chunk, Z chunks.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from labkit.models.adventurer import Adventurer, Block
from labkit.models.reading import flipped
from labkit.nn.mamba2 import Mamba2
from labkit.ops.ssd import decays
from labkit.positions import with_class_token

CHUNK = 64  # tokens


class Plain(nn.Module):
    """A labkit Adventurer, computed plainly."""

    def __init__(self, model: Adventurer) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """The head's answer."""
        return plain_forward(self.model, images)


def plain_forward(model: Adventurer, images: Tensor) -> Tensor:
    """What `model(images)` gives."""
    tokens = with_class_token(model.tokenizer(images), model.class_token, model.head.class_token)
    tokens = model.positions(tokens)
    for block in model.blocks:
        tokens = tokens + _mixed(block, nn.RMSNorm.forward(block.norm, tokens))
        tokens = tokens + _mlp(block.mlp, nn.RMSNorm.forward(block.norm_mlp, tokens))
    return model.head(nn.RMSNorm.forward(model.norm, tokens))


def _mixed(block: Block, tokens: Tensor) -> Tensor:
    """The mixer in the block's order of reading, the heading average in front."""
    ordered = flipped(tokens, block.place) if block.flip else tokens
    if block.heading:
        ordered = torch.cat([ordered.mean(dim=1, keepdim=True), ordered], dim=1)
    mixed = plain_mixer(block.mixer, ordered)[:, block.heading :]
    return flipped(mixed, block.place) if block.flip else mixed


def _mlp(mlp: nn.Module, tokens: Tensor) -> Tensor:
    return mlp.w3(F.silu(mlp.w1(tokens)) * mlp.w2(tokens))


def plain_mixer(mixer: Mamba2, tokens: Tensor) -> Tensor:
    """What `mixer(tokens)` gives."""
    z, xbc, dt = mixer.in_proj(tokens).split([mixer.inner, mixer.inner + 2 * mixer.state, mixer.heads], dim=-1)
    convolved = mixer.conv1d(F.pad(xbc.mT, (mixer.taps - 1, 0))).mT
    x, b, c = F.silu(convolved).split([mixer.inner, mixer.state, mixer.state], dim=-1)
    x = rearrange(x, "b n (h d) -> b n h d", h=mixer.heads)
    wide = torch.promote_types(x.dtype, torch.float32)
    dt = F.softplus(dt.to(wide) + mixer.dt_bias.to(wide))
    y = plain_scan(x, dt, -mixer.A_log.to(wide).exp(), b.unsqueeze(2), c.unsqueeze(2))
    y = rearrange(y + mixer.D.to(y.dtype)[:, None] * x, "b n h d -> b n (h d)")
    normed = nn.RMSNorm.forward(mixer.norm, (y * F.silu(z)).to(mixer.norm.weight.dtype))
    return mixer.out_proj(normed)


def plain_scan(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Pairs within a chunk by the quadratic form; everything before it by the state it starts with."""
    tokens, groups, heads = x.shape[1], b.shape[2], x.shape[2]
    chunk = min(CHUNK, tokens)
    lacking = -tokens % chunk
    split = {"q": chunk, "g": groups}
    told, logs = F.pad(dt.to(x.dtype)[..., None] * x, (0, 0, 0, 0, 0, lacking)), F.pad(dt * a, (0, 0, 0, lacking))
    told = rearrange(told, "b (z q) (g h) d -> b z g h q d", **split)
    logs = rearrange(logs, "b (z q) (g h) -> b z g h q", **split)
    b, c = (rearrange(F.pad(part, (0, 0, 0, 0, 0, lacking)), "b (z q) g s -> b z g q s", q=chunk) for part in (b, c))
    y = _within_chunks(told, logs, b, c)
    if tokens > chunk:
        y = y + _from_earlier_chunks(told, logs.cumsum(-1), b, c)
    return rearrange(y, "b z g h q d -> b (z q) (g h) d", h=heads // groups)[:, :tokens]


def _within_chunks(told: Tensor, logs: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """(B Z G H/G Q d): what tokens take from those before them in their own chunk, and from themselves."""
    return ((c @ b.mT)[:, :, :, None] * decays(logs).to(told.dtype)) @ told


def _from_earlier_chunks(told: Tensor, passed: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """(B Z G H/G Q d): what tokens take from all chunks before their own."""
    heads = told.shape[3]
    left = (passed[..., -1:] - passed).exp().to(told.dtype)  # of each token, at the end of its chunk
    added = b.mT @ rearrange(told * left[..., None], "b z g h q d -> b z g q (h d)")
    added = rearrange(added, "b z g s (h d) -> b z g s h d", h=heads)
    keep = passed[..., -1].exp()[:, :, :, None, :, None]
    state, states = torch.zeros_like(added[:, 0], dtype=keep.dtype), []
    for z in range(added.shape[1]):
        states.append(state)
        state = keep[:, z] * state + added[:, z]
    before = rearrange(torch.stack(states, dim=1).to(c.dtype), "b z g s h d -> b z g s (h d)")
    taken = rearrange(c @ before, "b z g q (h d) -> b z g h q d", h=heads)
    return taken * passed.exp().to(taken.dtype)[..., None]
