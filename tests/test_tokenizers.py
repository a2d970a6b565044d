"""Cutting is exact, and images that do not fit are refused in words."""

import math

import pytest
import torch
import torch.nn.functional as F
from jaxtyping import TypeCheckError

from labkit.grid import grid_of
from labkit.positions import POSITIONS, LearnedPatchPositions, SineCosinePositions, check_positions, sine_cosine
from labkit.tokenizers import Patches, patchify, shuffled, unpatchify

SIZES = [((8, 8), 8), ((8, 8), 1), ((12, 20), 4), ((6, 10), 2), ((5, 7), 1)]


@pytest.mark.parametrize(("size", "p"), SIZES)
def test_glued_is_bit_by_bit_what_was_cut(size: tuple[int, int], p: int) -> None:
    images = torch.randn(2, 3, *size)
    patches = patchify(images, p)
    assert patches.shape == (2, size[0] // p * (size[1] // p), 3 * p * p)
    assert torch.equal(unpatchify(patches, size, p), images)


def test_tokens_are_in_reading_order() -> None:
    images = torch.arange(4 * 6.0).reshape(1, 1, 4, 6)
    assert patchify(images, 2)[0].tolist()[:4] == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11], [12, 13, 18, 19]]


@pytest.mark.parametrize(("size", "p"), SIZES)
def test_embedding_is_the_strided_convolution(size: tuple[int, int], p: int) -> None:
    tokenizer = Patches(size, p, 5).double()
    images = torch.randn(2, 3, *size, dtype=torch.float64)
    kernel = tokenizer.embed.weight.reshape(5, 3, p, p)
    expected = F.conv2d(images, kernel, tokenizer.embed.bias, stride=p).flatten(2).transpose(1, 2)
    torch.testing.assert_close(tokenizer(images), expected)
    assert tokenizer.tokens == expected.shape[1]


def test_bad_sizes_name_value_rule_and_consequence() -> None:
    with pytest.raises(ValueError, match=r"image size 33 is not a multiple of patch size 8: 1 row of pixels would be"):
        Patches(33, 8, 4)
    with pytest.raises(ValueError, match=r"image size 35 .* 3 columns of pixels would be dropped"):
        grid_of((32, 35), 8)
    with pytest.raises(ValueError, match="patch size 0 must be a whole number"):
        grid_of(32, 0)
    with pytest.raises((ValueError, TypeCheckError), match=r"image.size"):
        grid_of((8, 8, 8), 4)
    with pytest.raises(ValueError, match="must both be 1 or more"):
        Patches(8, 4, 4, channels=0)
    with pytest.raises(ValueError, match="at least 1"):
        grid_of(0, 1)
    with pytest.raises(ValueError, match=r"\(2, 1, 8, 8\).*\(3, 8, 8\)"):
        Patches(8, 4, 4)(torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="do not make an image"):
        unpatchify(torch.zeros(1, 3, 12), (4, 4), 2)


def test_shuffled_keeps_every_token() -> None:
    tokens = torch.randn(2, 5, 3)
    order = torch.tensor([4, 2, 0, 1, 3])
    assert torch.equal(shuffled(tokens, order)[:, 0], tokens[:, 4])
    with pytest.raises(ValueError, match="each of the 5 token indices once"):
        shuffled(tokens, torch.tensor([0, 0, 1, 2, 3]))


@pytest.mark.parametrize("grid", [(3, 5), (1, 1), (4, 4)])
def test_sine_cosine_is_its_definition(grid: tuple[int, int]) -> None:
    """Number by number: sin and cos of the column, then of the row, frequencies from 1 to 1 / 10,000."""
    table = sine_cosine(grid, 16)
    assert table.shape == (grid[0] * grid[1], 16)
    for token in range(len(table)):
        row, column = divmod(token, grid[1])
        for k in range(4):
            w = 10_000 ** (-k / 3)
            expected = (math.sin(column * w), math.cos(column * w), math.sin(row * w), math.cos(row * w))
            assert table[token, k::4].tolist() == pytest.approx(expected, abs=1e-5)


def test_sine_cosine_tells_all_places_apart_and_wants_quarters() -> None:
    table = sine_cosine((14, 9), 32)
    distances = torch.cdist(table, table) + torch.eye(len(table)) * 9
    assert distances.min() > 0.05
    with pytest.raises(ValueError, match="multiple of 4"):
        sine_cosine((2, 2), 6)


@pytest.mark.parametrize("name", list(POSITIONS))
@pytest.mark.parametrize("class_token", [None, "first", "last"])
def test_positions_keep_the_shape(name: str, class_token: str | None) -> None:
    positions = POSITIONS[name]((2, 3), 8, class_token=class_token)
    tokens = torch.randn(2, 6 + (class_token is not None), 8)
    out = positions(tokens)
    assert out.shape == tokens.shape
    assert torch.equal(out, tokens) == (name == "none")


@pytest.mark.parametrize("class_token", [None, "first", "last"])
def test_positions_of_patches_only_leave_the_class_token_as_it_is(class_token: str | None) -> None:
    positions = LearnedPatchPositions((2, 3), 8, class_token=class_token)
    out = positions(torch.zeros(2, positions.tokens, 8))
    start = int(class_token == "first")
    assert torch.equal(out[:, start : start + 6], positions.table.expand(2, -1, -1))
    torch.testing.assert_close(out.abs().sum(), 2 * positions.table.abs().sum())
    check_positions(positions, 6 + (class_token is not None))
    with pytest.raises(ValueError, match="do not fit 9 tokens"):
        check_positions(positions, 9)


def test_fixed_positions_have_no_parameters_and_no_state() -> None:
    fixed = SineCosinePositions((2, 2), 8)
    assert not list(fixed.parameters())
    assert not fixed.state_dict()
