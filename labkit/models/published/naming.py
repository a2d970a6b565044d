"""Tensors under somebody else's names: which of theirs is which of ours, and that none is missing, extra or misshaped.

Theirs differ in names only, and in the patch embedding: a convolution's weight (D, C, p, p) there, a linear map's
(D, C p p) here, the same numbers in the same order.
"""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

Naming = tuple[tuple[str, str], ...]  # (a pattern in our names, what they write there)
EMBEDDING = "tokenizer.embed.weight"
NAMED = 6  # so many names are written out in a complaint, the others counted


def renamed(name: str, naming: Naming) -> str:
    """Their name of our tensor `name`."""
    for ours, theirs in naming:
        name = re.sub(ours, theirs, name)
    return name


def exported(model: nn.Module, naming: Naming) -> dict[str, Tensor]:
    """The model's tensors under their names, detached, not copied (as `state_dict` gives them)."""
    tokenizer, tensors = model.tokenizer, {}
    for name, tensor in model.state_dict().items():
        if name == EMBEDDING:
            tensor = tensor.unflatten(1, (tokenizer.channels, tokenizer.patch_size, tokenizer.patch_size))
        tensors[renamed(name, naming)] = tensor
    return tensors


def filled(make: Callable[[], nn.Module], state: Mapping[str, Tensor], naming: Naming) -> nn.Module:
    """The model that `make` gives, with copies of the tensors of `state`, in their types and on their device, ready to
    answer (`eval`). No first values are drawn. ValueError that names each tensor that is missing, unknown to the model
    or of another shape: nothing is filled by halves."""
    with torch.device("meta"):
        model = make()
    expected = exported(model, naming)
    if wrong := _differences(state, {name: tuple(tensor.shape) for name, tensor in expected.items()}):
        raise ValueError(f"the tensors do not make this {type(model).__name__}: {'; '.join(wrong)}. Nothing was loaded")
    ours = {name: state[renamed(name, naming)].detach().clone() for name in model.state_dict()}
    ours[EMBEDDING] = ours[EMBEDDING].flatten(1)
    model.load_state_dict(ours, assign=True)
    return model.eval()


def shape_in(state: Mapping[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    """The shape of a tensor that says how large a model is. ValueError if it is missing, empty or has another number of
    dimensions."""
    if name not in state:
        raise ValueError(f"tensor {name} is missing: without it the model's sizes are not known. Nothing was loaded")
    shape = tuple(getattr(state[name], "shape", ()))
    if len(shape) != dimensions or 0 in shape:
        raise ValueError(f"tensor {name} has the shape {shape}: {dimensions} sizes of 1 or more tell the model's own")
    return shape


def depth_of(state: Mapping[str, Tensor], blocks: str) -> int:
    """How many blocks `state` holds under names such as `layers.0.`. ValueError if there is none, or one left out."""
    numbers = {int(found[1]) for name in state if (found := re.match(rf"{blocks}\.(\d+)\.", name))}
    if not numbers:
        raise ValueError(f"no tensor is called {blocks}.0.*: these are not the weights of such a model")
    if gaps := set(range(len(numbers))) - numbers:
        raise ValueError(f"{blocks}.{min(gaps)} is missing and {blocks}.{max(numbers)} is there: blocks have been lost")
    return len(numbers)


def _differences(state: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What is wrong with `state`, in words."""
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    shared = [name for name in tensors if name in expected]
    wrong = {
        "missing": [name for name in expected if name not in state],
        "unknown": [name for name in state if name not in expected],
        "no tensor": [name for name in state if name in expected and name not in tensors],
        "of another shape": [
            f"{name} {tuple(tensors[name].shape)} instead of {expected[name]}"
            for name in shared
            if tuple(tensors[name].shape) != expected[name]
        ],
        "not of floating type": [
            f"{name} ({tensors[name].dtype})" for name in shared if not tensors[name].is_floating_point()
        ],
    }
    if not any(wrong.values()) and len(types := {tensor.dtype for tensor in tensors.values()}) > 1:
        return [f"of several types ({', '.join(sorted(map(str, types)))}): layers would not fit each other"]
    return [f"{what}: {_listed(names)}" for what, names in wrong.items() if names]


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
