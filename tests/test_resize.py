"""Resized as timm does it; what is exact, what is lost, what is refused."""

import pytest
import torch
import torch.nn.functional as F
from timm.layers import resample_abs_pos_embed, resample_patch_embed

from labkit.heads import Classify, ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT
from labkit.positions import POSITIONS, LearnedPatchPositions, SineCosinePositions
from labkit.resize import ResizedPatches, resize_matrix, resized, resized_embedding, resized_patches, resized_positions
from labkit.tokenizers import Patches, patchify

SIZES = [(16, 8), (8, 16), (16, 7), (7, 16), (16, 15), (16, 1), (1, 16), (2, 3), (3, 2), (32, 4)]
GRIDS = [((4, 4), (8, 8)), ((8, 8), (4, 4)), ((3, 5), (7, 4)), ((6, 4), (4, 6)), ((1, 1), (3, 3)), ((3, 5), (1, 1))]


def torch_resized(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(images, size=size, mode="bicubic", antialias=True)


@pytest.mark.parametrize(("p", "q"), SIZES)
def test_embedding_equals_timm(p: int, q: int) -> None:
    weight = torch.randn(6, 3, p, p) / p
    mine = resized_embedding(weight.flatten(1), p, q, channels=3).unflatten(1, (3, q, q))
    torch.testing.assert_close(mine, resample_patch_embed(weight, [q, q]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("class_token", ["first", None])
@pytest.mark.parametrize(("old", "new"), GRIDS)
def test_positions_equal_timm(old: tuple[int, int], new: tuple[int, int], class_token: str | None) -> None:
    prefix = int(class_token == "first")
    table = torch.randn(1, old[0] * old[1] + prefix, 8)
    mine = resized_positions(table, old, new, class_token=class_token)
    other = resample_abs_pos_embed(table, list(new), list(old), num_prefix_tokens=prefix)
    torch.testing.assert_close(mine, other, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("old", "new"), GRIDS)
def test_a_class_token_in_front_or_behind_makes_no_difference_to_the_grid(
    old: tuple[int, int], new: tuple[int, int]
) -> None:
    table = torch.randn(1, old[0] * old[1] + 1, 8)
    first = resized_positions(table, old, new, class_token="first")
    last = resized_positions(table.roll(-1, dims=1), old, new, class_token="last")
    assert torch.equal(first.roll(-1, dims=1), last)
    assert torch.equal(first[:, 0], table[:, 0]), "its own place is kept bit by bit"


@pytest.mark.parametrize(("old", "new"), [*SIZES, (5, 5)])
def test_the_matrix_of_one_axis_is_the_resize(old: int, new: int) -> None:
    images = torch.randn(2, 3, old, old, dtype=torch.float64)
    matrix = resize_matrix(old, new)
    torch.testing.assert_close(matrix @ images @ matrix.mT, torch_resized(images, (new, new)), rtol=0, atol=1e-12)
    torch.testing.assert_close(matrix.sum(1), torch.ones(new, dtype=torch.float64))


def test_grids_of_one_column() -> None:
    """torch 2.15 resizes to a width of 1 wrongly (and so does timm with it); columns must behave as rows do."""
    table = torch.randn(1, 4, 8, dtype=torch.float64)
    lying = torch_resized(table.mT.reshape(1, 8, 1, 4), (1, 7)).reshape(1, 8, 7).mT
    for old, new in (((1, 4), (1, 7)), ((4, 1), (7, 1))):
        torch.testing.assert_close(resized_positions(table, old, new, class_token=None), lying, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("p", "q"), [(p, q) for p, q in SIZES if p < q])
def test_growing_is_exact(p: int, q: int) -> None:
    """<B x, w'> = <x, w> for patches of any numbers."""
    weight, patches = (torch.randn(n, 3 * p * p, dtype=torch.float64) for n in (6, 10))
    new = resized_embedding(weight, p, q, channels=3)
    grown = torch_resized(patches.unflatten(1, (3, p, p)), (q, q)).flatten(1)
    torch.testing.assert_close(grown @ new.T, patches @ weight.T, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("p", "q"), [(p, q) for p, q in SIZES if p > q])
def test_shrinking_is_the_nearest_there_is(p: int, q: int) -> None:
    """<B x, w'> is nearest to <x, w> over white noise x: what w' misses of w vanishes in every resized patch. And a w
    that only looks at what the resize keeps is met exactly."""
    weight = torch.randn(6, p, p, dtype=torch.float64)
    new = resized_embedding(weight.flatten(1), p, q, channels=1).unflatten(1, (q, q))
    matrix = resize_matrix(p, q)
    left = weight - matrix.mT @ new @ matrix
    assert left.norm() > 0.1 * weight.norm(), "much of a random weight is lost"
    assert (matrix @ left @ matrix.mT).abs().max() < 1e-10
    kept = matrix.mT @ torch.randn(q, q, dtype=torch.float64) @ matrix
    met = resized_embedding(kept.reshape(1, -1), p, q, channels=1).reshape(q, q)
    patch = torch.randn(1, 1, p, p, dtype=torch.float64)
    torch.testing.assert_close((torch_resized(patch, (q, q)) * met).sum(), (patch * kept).sum())


@pytest.mark.parametrize(("chain", "error"), [((8, 16, 8), 0.88), ((16, 8, 16), 0.97), ((32, 8, 32), 0.99)])
def test_there_and_back_is_something_else(chain: tuple[int, int, int], error: float) -> None:
    start = torch.randn(32, 3 * chain[0] ** 2, dtype=torch.float64)
    there = resized_embedding(start, *chain[:2], channels=3)
    back = resized_embedding(there, *chain[1:], channels=3)
    assert ((back - start).norm() / start.norm()).item() == pytest.approx(error, abs=0.02)


def test_channels_are_resized_by_themselves() -> None:
    weight = torch.randn(4, 3 * 16)
    new = resized_embedding(weight, 4, 6, channels=3).unflatten(1, (3, 36))
    for channel, part in enumerate(weight.unflatten(1, (3, 16)).unbind(1)):
        torch.testing.assert_close(new[:, channel], resized_embedding(part, 4, 6, channels=1))


def test_the_same_size_is_bit_equal_and_types_are_kept() -> None:
    weight, table = torch.randn(4, 48), torch.randn(1, 7, 8)
    assert torch.equal(resized_embedding(weight, 4, 4, channels=3), weight)
    assert torch.equal(resized_positions(table, (2, 3), (2, 3), class_token="last"), table)
    for dtype in (torch.bfloat16, torch.float64):
        embedding = resized_embedding(weight.to(dtype), 4, 8, channels=3)
        places = resized_positions(table.to(dtype), (2, 3), (4, 4), class_token="first")
        assert embedding.dtype == places.dtype == dtype
        exact = resized_embedding(weight.to(dtype).double(), 4, 8, channels=3)
        tolerance = {torch.bfloat16: 2**-8, torch.float64: 1e-12}[dtype]
        torch.testing.assert_close(embedding.double(), exact, rtol=tolerance, atol=1e-6)
        exact = resized_positions(table.to(dtype).double(), (2, 3), (4, 4), class_token="first")
        torch.testing.assert_close(places.double(), exact, rtol=tolerance, atol=1e-6)


def test_gradients_flow_and_autocast_does_not_round() -> None:
    weight = torch.randn(4, 48, requires_grad=True)
    plain = resized_embedding(weight, 4, 8, channels=3)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(resized_embedding(weight, 4, 8, channels=3), plain)
    plain.sum().backward()
    assert weight.grad.abs().min() > 0


def test_a_tokenizer_is_resized() -> None:
    old = Patches((16, 32), 8, 12).double()
    torch.nn.init.normal_(old.embed.bias)
    state = torch.get_rng_state()
    new = resized_patches(old, image_size=(32, 64), patch_size=16)
    assert torch.equal(torch.get_rng_state(), state), "nothing was drawn"
    assert (new.image_size, new.patch_size, new.grid, new.dim, new.channels) == ((32, 64), 16, (2, 4), 12, 3)
    assert torch.equal(new.embed.bias, old.embed.bias)
    assert new.embed.weight.requires_grad
    assert new.embed.weight.dtype == torch.float64
    assert "resized_from=8" in repr(new)
    # each patch is resized by itself: over a whole image the filter would reach across the borders
    patches = torch.randn(2 * 8, 3, 8, 8, dtype=torch.float64)
    grown = torch_resized(patches, (16, 16)).flatten(1).unflatten(0, (2, 8))
    tokens = old.embed(patches.flatten(1).unflatten(0, (2, 8)))
    torch.testing.assert_close(new.embed(grown), tokens)
    images = torch.randn(2, 3, 32, 64, dtype=torch.float64)
    torch.testing.assert_close(new(images), new.embed(patchify(images, 16)))


def test_another_image_size_leaves_the_embedding() -> None:
    old = Patches(16, 8, 12, channels=1)
    new = resized_patches(old, image_size=(24, 8))
    assert type(new) is Patches
    assert new.grid == (3, 1)
    assert torch.equal(new.embed.weight, old.embed.weight)
    frozen = Patches(16, 8, 12).requires_grad_(False).eval()
    assert not any(weight.requires_grad for weight in resized_patches(frozen, patch_size=4).parameters())
    assert not resized_patches(frozen, patch_size=4).training


def test_resizes_are_not_chained() -> None:
    small = resized_patches(Patches(32, 32, 12), patch_size=8)
    assert isinstance(small, ResizedPatches)
    message = r"patch size 32 was asked of .* resized from 32 to 8: .* 32 -> 8 -> 32 .* resize the original instead"
    with pytest.raises(ValueError, match=message):
        resized_patches(small, patch_size=32)
    larger = resized_patches(small, image_size=64)
    assert torch.equal(larger.embed.weight, small.embed.weight), "its patches are the same"
    with pytest.raises(ValueError, match="resized from 32 to 8"):
        resized_patches(larger, patch_size=4)
    trained = Patches(32, 8, 12)
    trained.load_state_dict(small.state_dict())
    assert resized_patches(trained, patch_size=4).patch_size == 4


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weight of shape \(4, 48\) is no embedding of 1 x 4 x 4 numbers: .* 16"):
        resized_embedding(torch.zeros(4, 48), 4, 8, channels=1)
    for place, places in ((None, 6), ("first", 7), ("last", 7)):
        with pytest.raises(ValueError, match=f"positions for 8 tokens do not fit {places} tokens"):
            resized_positions(torch.zeros(1, 8, 4), (2, 3), (2, 3), class_token=place)
    with pytest.raises(ValueError, match="sizes 4 and 0 must both be 1 or more"):
        resized_embedding(torch.zeros(4, 16), 4, 0, channels=1)
    with pytest.raises(ValueError, match="image size 32 is not a multiple of patch size 5"):
        resized_patches(Patches(32, 8, 4), patch_size=5)


KINDS = POSITIONS | {"learned, of patches only": LearnedPatchPositions}


def model_of(name: str, *, place: str | None, positions: str) -> torch.nn.Module:
    tokenizer = Patches((16, 32), 8, 16)
    head = Classify(16, 5) if place is None else ClassifyToken(16, 5, place=place)
    places = KINDS[positions](tokenizer.grid, 16, class_token=place)
    if name == "vit":
        return ViT(tokenizer, head, depth=2, heads=2, positions=places)
    return Adventurer(tokenizer, head, depth=2, state=4, positions=places)


@pytest.mark.parametrize("positions", list(KINDS))
@pytest.mark.parametrize(
    ("name", "place"), [("vit", None), ("vit", "first"), ("vit", "last"), ("adventurer", None), ("adventurer", "last")]
)
def test_whole_models(name: str, place: str | None, positions: str) -> None:
    model = model_of(name, place=place, positions=positions).eval()
    before, state = {key: value.clone() for key, value in model.state_dict().items()}, torch.get_rng_state()
    same, finer = resized(model), resized(model, patch_size=4)
    larger = resized(model, image_size=(32, 64), patch_size=16)
    assert torch.equal(torch.get_rng_state(), state), "nothing was drawn"
    images = torch.randn(3, 3, 16, 32)
    assert torch.equal(same(images), model(images))
    for made, size in ((finer, (16, 32)), (larger, (32, 64))):
        logits = made(torch.randn(3, 3, *size))
        assert logits.shape == (3, 5)
        assert logits.isfinite().all()
        assert not made.training
        assert not any(part.training for part in made.modules())
    assert finer.tokenizer.grid == (4, 8)
    for made in (same, finer, larger):  # each stands by itself
        for weight in made.parameters():
            torch.nn.init.zeros_(weight)
    assert all(torch.equal(model.state_dict()[key], value) for key, value in before.items())
    with pytest.raises(ValueError, match="resized from 8 to 4"):
        resized(finer, patch_size=2)


@pytest.mark.parametrize("place", [None, "first", "last"])
def test_a_grown_model_sees_grown_patches_as_before(place: str | None) -> None:
    """Each patch twice as large, the grid as it was: the same tokens, so the same logits."""
    model = model_of("vit", place=place, positions="learned").double()
    images = torch.randn(2, 3, 16, 32, dtype=torch.float64)
    patches = patchify(images, 8).reshape(-1, 3, 8, 8)
    grown = torch_resized(patches, (16, 16)).reshape(2, 2, 4, 3, 16, 16)
    grown = grown.permute(0, 3, 1, 4, 2, 5).reshape(2, 3, 32, 64)
    larger = resized(model, image_size=(32, 64), patch_size=16)
    torch.testing.assert_close(larger(grown), model(images))


def test_fixed_positions_are_made_anew() -> None:
    model = model_of("vit", place="first", positions="sincos")
    expected = SineCosinePositions((4, 8), 16, class_token="first")
    assert torch.equal(resized(model, patch_size=4).positions.table, expected.table)
