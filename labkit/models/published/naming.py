"""Tensors under somebody else's names: which of theirs is which of ours, and that none is missing, extra or misshaped.

Theirs differ in names only, and in the patch embedding: a convolution's weight (D, C, p, p) there, a linear map's
(D, C p p) here, the same numbers in the same order.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from labkit.wording import first_few

Naming = tuple[tuple[str, str], ...]  # (a pattern in our names, what they write there)
Layout = Mapping[str, str]  # a pattern of their names: for each size of such a tensor a letter, or a number
EMBEDDING = "tokenizer.embed.weight"
SHARED: Naming = (  # by timm and the released code of Adventurer, which is made after it
    (r"^tokenizer\.embed", "patch_embed.proj"),
    (r"^class_token", "cls_token"),
    (r"^positions\.table", "pos_embed"),
    (r"^head\.linear", "head"),
)


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
    ours = {
        name: state[renamed(name, naming)].detach().clone(memory_format=torch.contiguous_format)
        for name in model.state_dict()
    }
    ours[EMBEDDING] = ours[EMBEDDING].flatten(1)
    model.load_state_dict(ours, assign=True)
    return model.eval()


def sizes_in(state: Mapping[str, Tensor], layout: Layout) -> dict[str, int]:
    """What each letter of `layout` stands for: the value that most of the tensors tell, so that one misshaped tensor is
    found out by the others. ValueError for a letter that no tensor tells, and where as many say otherwise."""
    letters = {letter for shape in layout.values() for letter in shape.split() if letter.isalpha()}
    told: dict[str, dict[str, int]] = {letter: {} for letter in sorted(letters)}
    for name, tensor in state.items():
        shape = next((shape.split() for pattern, shape in layout.items() if re.fullmatch(pattern, name)), [])
        if isinstance(tensor, Tensor) and tensor.dim() == len(shape):
            for axis, letter in enumerate(shape):
                if letter in letters:
                    told[letter][f"{name}, size {axis + 1}"] = tensor.shape[axis]
    return {letter: _agreed(letter, votes, layout, state) for letter, votes in told.items()}


def _agreed(letter: str, votes: Mapping[str, int], layout: Layout, state: Mapping[str, Tensor]) -> int:
    """What most `votes` say."""
    if not votes:
        telling = {pattern: shape for pattern, shape in layout.items() if letter in shape.split()}
        wanted = [f"{pattern.replace(chr(92), '')} ({shape})" for pattern, shape in telling.items()]
        near = [name for name in state if any(re.fullmatch(pattern, name) for pattern in telling)]
        there = [f"{name} {tuple(getattr(state[name], 'shape', ()))}" for name in near] or list(state)
        raise ValueError(
            f"no tensor tells the size {letter}, which is in {first_few(wanted)}. There are: "
            f"{first_few(there) or 'none'}. Nothing was loaded"
        )
    (value, count), *others = Counter(votes.values()).most_common(2)
    if others and others[0][1] == count:
        first = {value: where for where, value in reversed(votes.items())}  # one tensor for each value
        said = [f"{value} ({first[value]})" for value in dict.fromkeys(votes.values())]
        raise ValueError(f"tensors do not agree on the size {letter}: {first_few(said)}. Nothing was loaded")
    if value < 1:
        raise ValueError(f"the size {letter} is {value} in {first_few(list(votes))}: it must be 1 or more")
    return value


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
    return [f"{what}: {first_few(names, most=6)}" for what, names in wrong.items() if names]
