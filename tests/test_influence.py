"""Influence of patches on tokens: the exact derivative, and exactly what each order of reading can reach."""

import pytest
import torch
from torch import nn

from labkit.heads import Classify, ClassifyToken
from labkit.influence import influence
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT
from labkit.positions import NoPositions
from labkit.tokenizers import Patches, patchify

IMAGE = torch.randn(3, 12, 12, generator=torch.Generator().manual_seed(1))
TOKENS = (0, 4, 8)  # of 3 x 3 patches


def reader(**changes) -> nn.Module:
    return Adventurer(Patches(12, 4, 16), Classify(16, 2), depth=changes.pop("depth", 4), state=8, **changes)


def reached(model: nn.Module, tokens: tuple[int, ...] = TOKENS) -> list[list[int]]:
    """Which patches have any influence on each token."""
    return [row.nonzero().flatten().tolist() for row in influence(model, IMAGE, tokens)]


def test_it_is_the_norm_of_the_derivative() -> None:
    model = ViT(Patches(12, 4, 8), Classify(8, 2), depth=1, heads=2).double()
    image = IMAGE.double()
    found = influence(model, image, TOKENS, probes=4000)
    exact = torch.autograd.functional.jacobian(lambda one: model.features(one[None])[0], image)
    for row, token in zip(found, TOKENS, strict=True):
        norms = patchify(exact[token], 4).square().sum(dim=(0, 2)).sqrt()
        assert torch.allclose(row, norms, rtol=0.05)


@pytest.mark.parametrize("depth", [1, 4])
def test_without_its_devices_a_causal_model_reaches_what_came_before_at_any_depth(depth: int) -> None:
    plain = reader(depth=depth, flips="never", heading=False)
    assert reached(plain) == [list(range(token + 1)) for token in TOKENS]
    backwards = reader(depth=depth, flips=(True,) * depth, heading=False)
    assert reached(backwards) == [list(range(token, 9)) for token in TOKENS]


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(lambda: reader(flips="never", heading=True, depth=1), id="heading average"),
        pytest.param(lambda: reader(flips="as_released", heading=False), id="flips as released"),
        pytest.param(lambda: reader(flips="alternate", heading=False, depth=2), id="every other block flips"),
        pytest.param(lambda: ViT(Patches(12, 4, 16), Classify(16, 2), depth=1, heads=2), id="attention"),
    ],
)
def test_each_device_alone_reaches_everything(model) -> None:
    assert reached(model()) == [list(range(9))] * 3


def test_two_blocks_as_released_flip_nothing() -> None:
    assert reached(reader(depth=2, flips="as_released", heading=False)) == [list(range(t + 1)) for t in TOKENS]


def test_a_class_token_at_the_end_has_read_it_all() -> None:
    last = Adventurer(
        Patches(12, 4, 16), ClassifyToken(16, 2, place="last"), depth=1, state=8, flips="never", heading=False
    )
    assert reached(last, (-1, 9, 0)) == [list(range(9)), list(range(9)), [0]]


def test_without_blocks_a_token_answers_to_its_own_patch() -> None:
    alone = ViT(Patches(12, 4, 16), Classify(16, 2), depth=0, heads=2, positions=NoPositions((3, 3), 16))
    assert reached(alone) == [[token] for token in TOKENS]


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"tokens \[9\] are not among the 9"):
        influence(reader(), IMAGE, (0, 9))
    with pytest.raises(ValueError, match="probes 0 must be 1 or more"):
        influence(reader(), IMAGE, (0,), probes=0)
