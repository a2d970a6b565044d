"""The released Adventurer, written once more: plain steps in float64 on a table of tensors under the official names.

It shares nothing with labkit. One token after the other, no classes, no chunks: slow, and easy to hold against the
description of the released code.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def sizes_to_shapes(
    *,
    image_size: tuple[int, int],
    patch: int,
    width: int,
    state: int,
    depth: int,
    classes: int,
    channels: int,
    hidden: int | None = None,
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a model of these sizes; `hidden` is the width of its MLP, 2.5 widths if not given."""
    places = (image_size[0] // patch) * (image_size[1] // patch) + 1
    inner, hidden = 2 * width, hidden or int(2.5 * width)
    heads = inner // 64
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, places, width),
        "patch_embed.proj.weight": (width, channels, patch, patch),
        "patch_embed.proj.bias": (width,),
        "head.weight": (classes, width),
        "head.bias": (classes,),
        "norm_f.weight": (width,),
    }
    for number in range(depth):
        block = {
            "mixer.dt_bias": (heads,),
            "mixer.A_log": (heads,),
            "mixer.D": (heads,),
            "mixer.in_proj.weight": (2 * inner + 2 * state + heads, width),
            "mixer.conv1d.weight": (inner + 2 * state, 1, 4),
            "mixer.conv1d.bias": (inner + 2 * state,),
            "mixer.norm.weight": (inner,),
            "mixer.out_proj.weight": (width, inner),
            "norm.weight": (width,),
            "norm_mlp.weight": (width,),
        }
        for one, (out, into) in {"w1": (hidden, width), "w2": (hidden, width), "w3": (width, hidden)}.items():
            block |= {f"mlp.{one}.weight": (out, into), f"mlp.{one}.bias": (out,)}
        shapes |= {f"layers.{number}.{name}": shape for name, shape in block.items()}
    return shapes


def drawn(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Weights for these shapes, of sizes that a trained model might have; none is zero or one throughout."""
    state = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape)
        if name.endswith("A_log"):
            state[name] = torch.empty(shape).uniform_(0, 2.5)
        elif name.endswith("dt_bias"):
            state[name] = noise - 3
        elif "norm" in name or name.endswith(".D"):
            state[name] = 1 + 0.3 * noise
        else:
            fan_in = torch.Size(shape[1:]).numel() if len(shape) > 1 and name.endswith("weight") else 25
            state[name] = noise / fan_in**0.5
    return state


def released_flips(number: int) -> bool:
    """The rule of the released code, for any depth."""
    return number // 2 == 1


def alternating_flips(number: int) -> bool:
    """The rule that the paper describes."""
    return number % 2 == 1


def answer(state: dict[str, Tensor], images: Tensor, *, flips=released_flips) -> Tensor:
    """Logits (B, K) for images (B, C, H, W)."""
    w = {name: tensor.double() for name, tensor in state.items()}
    patch = w["patch_embed.proj.weight"].shape[-1]
    convolved = F.conv2d(images.double(), w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=patch)
    tokens = convolved.flatten(2).transpose(1, 2)
    stream = torch.cat([tokens, w["cls_token"].repeat(len(images), 1, 1)], dim=1) + w["pos_embed"]
    depth = 1 + max(int(name.split(".")[1]) for name in w if name.startswith("layers."))
    for number in range(depth):
        part = {name.split(".", 2)[2]: tensor for name, tensor in w.items() if name.startswith(f"layers.{number}.")}
        read = rms(stream, part["norm.weight"])
        if flips(number):
            read = backwards(read)
        read = torch.cat([read.mean(dim=1, keepdim=True), read], dim=1)
        mixed = mixer(part, read)[:, 1:]
        stream = stream + (backwards(mixed) if flips(number) else mixed)
        read = rms(stream, part["norm_mlp.weight"])
        gate, value = (F.linear(read, part[f"mlp.{one}.weight"], part[f"mlp.{one}.bias"]) for one in ("w1", "w2"))
        stream = stream + F.linear(F.silu(gate) * value, part["mlp.w3.weight"], part["mlp.w3.bias"])
    return F.linear(rms(stream, w["norm_f.weight"])[:, -1], w["head.weight"], w["head.bias"])


def rms(x: Tensor, weight: Tensor) -> Tensor:
    """Root-mean-square norm."""
    return x / (x.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt() * weight


def backwards(tokens: Tensor) -> Tensor:
    """The patches in reverse; the class token stays last."""
    return torch.cat([tokens[:, :-1].flip(1), tokens[:, -1:]], dim=1)


def mixer(part: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Mamba-2, one token after the other."""
    inner, heads = part["mixer.out_proj.weight"].shape[1], part["mixer.D"].shape[0]
    size = (part["mixer.conv1d.weight"].shape[0] - inner) // 2
    rate, outputs = -part["mixer.A_log"].exp(), []
    state = torch.zeros(len(tokens), heads, inner // heads, size, dtype=tokens.dtype)
    projected = tokens @ part["mixer.in_proj.weight"].T
    taps, bias = part["mixer.conv1d.weight"][:, 0], part["mixer.conv1d.bias"]
    for now in range(tokens.shape[1]):
        z, dt = projected[:, now, :inner], projected[:, now, -heads:]
        seen = torch.zeros_like(projected[:, now, inner:-heads])
        for tap in range(4):
            if (at := now - 3 + tap) >= 0:
                seen = seen + taps[:, tap] * projected[:, at, inner:-heads]
        x, b, c = F.silu(seen + bias).split([inner, size, size], dim=-1)
        x = x.reshape(len(tokens), heads, -1)
        dt = F.softplus(dt + part["mixer.dt_bias"])
        new = dt[:, :, None, None] * x[..., None] * b[:, None, None, :]
        state = (dt * rate).exp()[:, :, None, None] * state + new
        y = (state * c[:, None, None, :]).sum(-1) + part["mixer.D"][:, None] * x
        outputs.append(rms(y.flatten(1) * F.silu(z), part["mixer.norm.weight"]))
    return torch.stack(outputs, dim=1) @ part["mixer.out_proj.weight"].T
