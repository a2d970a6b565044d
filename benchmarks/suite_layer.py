"""Suite `layer`: labkit's Mamba-2 mixer against that of transformers (its torch path), with the same weights."""

from collections.abc import Callable
from importlib.util import find_spec

import torch
from timing import Work, agreement, cell, goal_cell, interleaved, markdown, medians, say, seconds_of, speedup, time_cell
from torch import Tensor, nn

from labkit.nn.mamba2 import Mamba2

WIDTH, TILE = 256, 2048  # tokens: what a block of this width reads at a time
CHUNKS = (32, 64, 128, 256)
ROUNDS = 20
GOALS = {False: 2.0, True: 1.5}  # times faster: forward, forward and backward
MISSING = "transformers is not installed: pip install transformers==5.23.0"
Layer = Callable[[Tensor], Tensor]


def theirs(mine: Mamba2, chunk: int) -> nn.Module:
    """transformers' mixer with the weights of `mine`. Both gate before the norm."""
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    config = Mamba2Config(
        hidden_size=WIDTH,
        expand=2,
        head_dim=64,
        num_heads=mine.heads,
        n_groups=1,
        state_size=mine.state,
        conv_kernel=mine.taps,
        chunk_size=chunk,
        num_hidden_layers=1,
        layer_norm_epsilon=mine.norm.eps,
    )
    mixer = Mamba2Mixer(config, layer_idx=0)
    mixer.load_state_dict(mine.state_dict())  # the names are the same; strict
    return mixer


def in_pieces(mixer: Mamba2) -> Layer:
    """The mixer as a Block reads a long sequence: a tile after the other, each going on from the last."""

    def layer(tokens: Tensor) -> Tensor:
        pieces, carry, mixed = tokens.split(TILE, dim=1), None, []
        for number, piece in enumerate(pieces, start=1):
            new, carry = mixer.continued(piece, carry, more=number < len(pieces))
            mixed.append(new)
        return torch.cat(mixed, dim=1)

    return layer


def measure(rounds: int | None, image_size: int) -> dict:
    """Forward, and forward with backward, at the tokens of p = 8, 4 and 2."""
    if not find_spec("transformers"):
        say(MISSING)
        return {"skipped": MISSING}
    torch.manual_seed(0)
    mine = Mamba2(WIDTH)
    found = {"rounds": rounds or ROUNDS, "tile": TILE, "cases": []}
    for patch_size in (8, 4, 2):
        for backward in (False, True):
            found["cases"].append(_case(mine, (image_size // patch_size) ** 2, backward, found["rounds"]))
    return found


def _case(mine: Mamba2, tokens: int, backward: bool, rounds: int) -> dict:
    say(f"layer, {tokens} tokens, {'forward and backward' if backward else 'forward'}")
    numbers = torch.randn(1, tokens, WIDTH, generator=torch.Generator().manual_seed(1), requires_grad=backward)
    peers = {chunk: theirs(mine, chunk) for chunk in CHUNKS}
    searched = {chunk: _quickest(_work(peer, peer, numbers, backward)) for chunk, peer in peers.items()}
    chunk = min(searched, key=searched.__getitem__)
    layers = {"pieces": (mine, in_pieces(mine)), "whole": (mine, mine), "transformers": (peers[chunk], peers[chunk])}
    differences = [
        agreement(
            f"mixers at {tokens} tokens, {form}",
            _results(*layers[form], numbers, backward),
            _results(*layers["transformers"], numbers, backward),
        )
        for form in ("pieces", "whole")
    ]
    works = {name: _work(*layer, numbers, backward) for name, layer in layers.items()}
    seconds = interleaved([works], rounds)
    middle = medians(seconds)
    return {
        "tokens": tokens,
        "backward": backward,
        "agreement": max(differences, key=lambda one: one["largest_difference"]),
        "chunk_of_transformers": chunk,
        "chunk_search_seconds": searched,
        "median_seconds": middle,
        "speedup": {form: speedup(seconds["transformers"], seconds[form]) for form in ("pieces", "whole")},
        "better_form": min(("pieces", "whole"), key=middle.__getitem__),
    }


def _work(module: nn.Module, layer: Layer, numbers: Tensor, backward: bool) -> Work:
    """A pass; with `backward`, to the gradients of the tokens and all weights, which are then dropped."""
    gradient = torch.ones_like(numbers)

    def work() -> None:
        with torch.set_grad_enabled(backward):
            answer = layer(numbers)
        if backward:
            torch.autograd.grad(answer, [numbers, *module.parameters()], gradient)

    return work


def _results(module: nn.Module, layer: Layer, numbers: Tensor, backward: bool) -> dict[str, Tensor]:
    """What comes out, by name: the answer, and the gradients if there are some."""
    with torch.set_grad_enabled(backward):
        answer = layer(numbers)
    if not backward:
        return {"answer": answer}
    weights = {"tokens": numbers, **dict(module.named_parameters())}
    gradient = torch.randn(answer.shape, generator=torch.Generator().manual_seed(2))
    found = torch.autograd.grad(answer, list(weights.values()), gradient)
    return {"answer": answer, **dict(zip(weights, found, strict=True))}


def _quickest(work: Work) -> float:
    """The shortest of three calls, after one that does not count."""
    work()
    return min(seconds_of(work, 1, warm=0) for _ in range(3))


def table(found: dict) -> str:
    """A row for each length and direction, or why there is none."""
    if "skipped" in found:
        return found["skipped"]
    rows = []
    for one in found["cases"]:
        form, middle = one["better_form"], one["median_seconds"]
        mine = [
            time_cell(middle[form]),
            f"pieces of {found['tile']:,}" if form == "pieces" else form,
            cell(one["speedup"][form]),
            goal_cell(one["speedup"][form], GOALS[one["backward"]], at_least=True),
        ]
        peer = [time_cell(middle["transformers"]), one["chunk_of_transformers"]]
        rows.append([f"{one['tokens']:,}", "forward and backward" if one["backward"] else "forward", *peer, *mine])
    head = ["tokens", "pass", "transformers", "its best chunk", "labkit", "read as", "labkit, times faster", "goal"]
    return markdown(head, rows)
