"""Controls change what they say and nothing else: more tokens from as large patches, pixels shuffled, images enlarged,
one model for several patch sizes."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from labkit import train as loop
from labkit.config import CONTROLS, Run
from labkit.cost import executed_flops, flops_per_image, kept_bytes, model_flops, parameter_count, shape_of, train_flops
from labkit.cost.counting import count, parameters
from labkit.data.changed import Enlarged, Shuffled
from labkit.data.digits import digits
from labkit.data.textures import textures
from labkit.extended import EXTENDED, InterpolatedPatches, OverlappingPatches, RepeatedPatches
from labkit.flexible import FlexiblePatches, FlexiblePositions
from labkit.grid import halvings
from labkit.models import MODELS, build
from labkit.resize import resized_patches, resized_positions
from labkit.sweep import name_of
from labkit.tasks import task_of
from labkit.tokenizers import Patches
from labkit.train import train

TINY = {"task": "digits", "image_size": 8, "width": 16, "depth": 1, "steps": 12, "batch": 8}
COST = {"channels": 1, "classes": 10}
CONTROLLED = {
    "interpolated": {"patch_size": 4, "extended": "interpolated", "stride": 2},
    "repeated": {"patch_size": 8, "extended": "repeated", "stride": 2},
    "overlapping": {"patch_size": 4, "extended": "overlapping", "stride": 1},
    "shuffled": {"patch_size": 4, "shuffled": 0},
    "enlarged": {"patch_size": 4, "enlarged": 16},
    "flexible": {"patch_size": 2, "largest_patch": 8},
}


def images(side: int = 8, channels: int = 1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(3, channels, side, side)).astype(np.float32))


# ---------------------------------------------------------------- more tokens


def with_weights_of(made: Patches, plain: Patches) -> Patches:
    made.load_state_dict(plain.state_dict())
    return made


def test_repeated_tokens_are_those_of_their_patches() -> None:
    plain = Patches(8, 4, 5, channels=2)
    found = with_weights_of(RepeatedPatches(8, 4, 5, channels=2, stride=2), plain)(images(channels=2))
    parents = [4 * (row // 4) // 2 + column // 2 for row in (0, 2, 4, 6) for column in range(4)]
    assert torch.equal(found, plain(images(channels=2))[:, parents])


def test_interpolated_tokens_lie_between_their_patches() -> None:
    """Centres of the new tokens lie a quarter of the way to the next patch, or outside all, where nothing is
    invented."""
    plain = Patches(8, 4, 5, channels=1)
    a, b, c, d = plain(images()).unbind(1)
    found = with_weights_of(InterpolatedPatches(8, 4, 5, channels=1, stride=2), plain)(images())
    assert found.shape == (3, 16, 5)
    torch.testing.assert_close(found[:, 0], a)
    torch.testing.assert_close(found[:, 1], 0.75 * a + 0.25 * b)
    torch.testing.assert_close(found[:, 5], (9 * a + 3 * b + 3 * c + d) / 16)
    torch.testing.assert_close(found[:, 15], d)


def test_overlapping_patches_are_cut_around_their_places() -> None:
    plain, pictures = Patches(4, 4, 5, channels=1), images()
    found = with_weights_of(OverlappingPatches(8, 4, 5, channels=1, stride=2), plain)(pictures)
    for row in range(4):
        for column in range(4):
            top, left = 2 * row - 1, 2 * column - 1
            inside = 0 <= top <= 4 and 0 <= left <= 4
            if inside:
                crop = pictures[:, :, top : top + 4, left : left + 4]
                torch.testing.assert_close(found[:, 4 * row + column], plain(crop)[:, 0])
    mirrored = pictures[:, :, [1, 0, 1, 2], :][..., [1, 0, 1, 2]]
    torch.testing.assert_close(found[:, 0], plain(mirrored)[:, 0])
    odd = with_weights_of(OverlappingPatches(8, 4, 5, channels=1, stride=1), plain)(pictures)
    torch.testing.assert_close(odd[:, 8 * 3 + 3], plain(pictures[:, :, 2:6, 2:6])[:, 0])  # one before, two behind


def test_a_stride_that_adds_nothing_is_refused() -> None:
    for kind in EXTENDED.values():
        with pytest.raises(ValueError, match="stride 4 is not smaller than patch size 4"):
            kind(8, 4, 5, stride=4)
        with pytest.raises(ValueError, match="image size 8 is not a multiple of patch size 3"):
            kind(8, 4, 5, stride=3)
    with pytest.raises(ValueError, match="RepeatedPatches cannot be resized"):
        resized_patches(RepeatedPatches(8, 4, 5, stride=2), patch_size=2)


# ---------------------------------------------------------------- changed images


def test_shuffled_images_hold_the_same_pixels_in_one_order() -> None:
    task, changed = digits(), Shuffled(digits(), 3)
    for mine, theirs in zip(
        (changed.batch(0, 5, 16), changed.test()), (task.batch(0, 5, 16), task.test()), strict=True
    ):
        assert torch.equal(mine[1], theirs[1])
        assert torch.equal(mine[0].flatten(1)[:, changed.order.argsort()], theirs[0].flatten(1))
        assert not torch.equal(mine[0], theirs[0])
    assert torch.equal(Shuffled(task, 3).order, changed.order)
    assert not torch.equal(Shuffled(task, 4).order, changed.order)
    assert "shuffled in one fixed order (seed 3)" in changed.data


def test_single_pixels_do_not_mind_the_shuffle() -> None:
    """With a place learned for each, a shuffled image is the image whose places are shuffled; patches cannot say so."""
    order = Shuffled(digits(), 3).order
    picture = images()
    moved = picture.flatten(2)[..., order].reshape(picture.shape)
    for p, same in ((1, True), (4, False)):
        torch.manual_seed(0)
        model = build(Run(**TINY, patch_size=p), **COST)
        first = model(picture)
        if p == 1:
            model.positions.table.data = model.positions.table.data[:, order]
        assert torch.allclose(first, model(moved), atol=1e-5) == same


def test_enlarged_images_have_more_pixels_and_nothing_new() -> None:
    changed = Enlarged(textures(16), 32)
    mine, theirs = changed.validation(), textures(16).validation()
    assert mine[0].shape[-2:] == (32, 32)
    assert torch.equal(mine[1], theirs[1])
    back = torch.nn.functional.avg_pool2d(mine[0], 2)
    assert torch.corrcoef(torch.stack([back.flatten(), theirs[0].flatten()]))[0, 1] > 0.98
    with pytest.raises(ValueError, match="enlarged=16 is not above the images' own 16 pixels"):
        Enlarged(textures(16), 16)
    both = task_of(Run(shuffled=1, enlarged=32))
    assert torch.equal(both.test()[0], Enlarged(Shuffled(textures(16), 1), 32).test()[0]), "shuffled, then enlarged"


# ---------------------------------------------------------------- one model for several patch sizes


def test_halvings() -> None:
    assert halvings(16, 2) == (16, 8, 4, 2)
    for largest, smallest in ((16, 16), (12, 4), (8, 16), (7, 1)):
        with pytest.raises(ValueError, match="halving the one must lead to the other"):
            halvings(largest, smallest)


def test_flexible_patches_are_those_of_the_largest_resized() -> None:
    flexible, largest = FlexiblePatches(16, 2, 5, channels=2, largest=8), Patches(16, 8, 5, channels=2)
    flexible.load_state_dict(largest.state_dict())
    assert (flexible.grid, flexible.tokens, flexible.patch_size) == ((8, 8), 64, 2)
    for size in flexible.sizes:
        flexible.use(size)
        expected = resized_patches(largest, patch_size=size)(images(16, 2))
        torch.testing.assert_close(flexible(images(16, 2)), expected)
    flexible(images(16, 2)).sum().backward()
    assert flexible.embed.weight.grad.abs().sum() > 0, "the one embedding learns at every size"
    with pytest.raises(ValueError, match="patch size 16 is not one of 8, 4, 2"):
        flexible.use(16)


def test_flexible_positions_are_those_of_the_finest_grid_resized() -> None:
    places = FlexiblePositions((8, 8), 5)
    for side in (8, 4, 1):
        tokens = torch.zeros(2, side * side, 5)
        expected = resized_positions(places.table, (8, 8), (side, side), class_token=None)
        torch.testing.assert_close(places(tokens), expected.expand(2, -1, -1))
    with pytest.raises(ValueError, match="a grid of 4 x 8"):
        FlexiblePositions((4, 8), 5)


def test_sizes_are_drawn_by_seed_and_step_and_equally_often() -> None:
    flexible = FlexiblePatches(16, 2, 5, largest=16)

    def drawn(seed: int, step: int) -> int:
        flexible.draw(seed, step)
        return flexible.patch_size

    found = [drawn(0, step) for step in range(2000)]
    assert found == [drawn(0, step) for step in range(2000)]
    assert found != [drawn(1, step) for step in range(2000)]
    assert all(abs(count - 500) < 80 for count in Counter(found).values())
    assert set(found) == {16, 8, 4, 2}


def test_a_flexible_run_is_tested_at_every_size_and_resumes(tmp_path: Path) -> None:
    run = Run(**TINY, patch_size=2, largest_patch=8, checkpoint_every=5, folder=tmp_path)
    whole = train(replace(run, folder=None), progress=False)
    train(run, stop_at=7, progress=False)
    again = train(run, progress=False).record
    by_size = again["by_patch_size"]
    assert list(by_size) == ["8", "4", "2"]
    assert by_size == whole.record["by_patch_size"]
    assert by_size["2"]["test_loss"] == pytest.approx(again["test_loss"])
    assert whole.model.tokenizer.patch_size == 2


def test_a_flexible_run_takes_the_drawn_size_at_each_step_and_its_own_at_each_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, stepped, looked = Run(**TINY, patch_size=2, largest_patch=8, folder=tmp_path), [], []
    gradients, evaluate = loop.gradients, loop.evaluate

    def step(run: Run, model: nn.Module, examples: tuple) -> tuple:
        stepped.append(model.tokenizer.patch_size)
        return gradients(run, model, examples)

    def look(model: nn.Module, examples: tuple) -> tuple:
        looked.append(model.tokenizer.patch_size)
        return evaluate(model, examples)

    monkeypatch.setattr(loop, "gradients", step)
    monkeypatch.setattr(loop, "evaluate", look)
    assert train(run, stop_at=7, progress=False).model.tokenizer.patch_size == 2, "whatever the last step took"
    train(run, progress=False)
    drawn = FlexiblePatches(8, 2, 5, channels=1, largest=8)
    expected = []
    for number in range(run.steps):
        drawn.draw(run.seed, number)
        expected.append(drawn.patch_size)
    assert stepped == expected
    assert len(set(stepped)) == 3
    assert looked[-3:] == [8, 4, 2], "tested at each size in the end"
    assert set(looked[:-3]) == {2}
    assert len(looked) > 10


# ---------------------------------------------------------------- runs


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("control", list(CONTROLLED))
def test_controlled_runs_train_and_cost_what_is_counted(control: str, model: str) -> None:
    run = Run(**{**TINY, "steps": 3}, model=model, **CONTROLLED[control])
    one, built = shape_of(run, **COST), build(run, **COST)
    assert parameter_count(one) == parameters(built)
    if run.largest_patch is None:  # else the resize of embedding and positions is beside it
        assert executed_flops(one) == count(built, (1, 1, run.side, run.side)).flops
    assert flops_per_image(run, **COST) == model_flops(one)
    record = train(run, progress=False).record
    assert record["tokens"] == one.tokens == built.tokenizer.tokens
    assert record["train_flops"] == train_flops(run, **COST)
    assert {name: record[name] for name in CONTROLS} == {
        name: run.option(name) if name == "heading" else getattr(run, name) for name in CONTROLS
    }


def test_a_flexible_run_costs_the_mean_of_its_sizes() -> None:
    run = Run(**TINY, patch_size=2, largest_patch=8)
    each = [train_flops(Run(**TINY, patch_size=p), **COST) for p in (8, 4, 2)]
    assert train_flops(run, **COST) == pytest.approx(sum(each) / 3, abs=1)


def test_without_the_heading_average_there_is_a_token_less() -> None:
    run = Run(**TINY, model="adventurer", patch_size=2, heading=False)
    one, built = shape_of(run, **COST), build(run, **COST)
    assert not any(block.heading for block in built.blocks)
    assert executed_flops(one) == count(built, (1, 1, 8, 8)).flops
    assert model_flops(one) < model_flops(replace(one, heading=True))
    for shape in (one, shape_of(Run(**TINY, patch_size=2, largest_patch=8), **COST)):
        with pytest.raises(ValueError, match="no memory formula"):
            kept_bytes(shape)
    with pytest.raises(ValueError, match="stride 4 must be 1 or more and below patch size 2"):
        replace(one, stride=4)
    with pytest.raises(ValueError, match="embeds_each without a stride"):
        replace(one, embeds_each=True)


def test_a_recipe_tells_only_controls_that_are_in_use() -> None:
    """So that runs recorded before there were controls keep their names."""
    assert not set(CONTROLS) & set(Run(model="adventurer").recipe())
    assert set(CONTROLS) <= set(Run().settings())
    assert name_of(Run(model="adventurer", heading=True)) == name_of(Run(model="adventurer"))
    names = [name_of(Run(**TINY, **changed)) for changed in CONTROLLED.values()]
    assert len({name_of(Run(**TINY)), *names}) == 1 + len(names)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"extended": "repeated"}, "extended='repeated' with stride=None: the one says how"),
        ({"stride": 2}, "extended=None with stride=2"),
        ({"extended": "repeated", "stride": 4}, "stride=4 must be 1 or more and below patch_size=4"),
        ({"shuffled": -1}, "shuffled=-1 must be 0 or more"),
        ({"largest_patch": 8, "positions": "sincos"}, "largest_patch=8 with extended=None, positions='sincos'"),
        ({"largest_patch": 8, "extended": "repeated", "stride": 2}, "a model for several patch sizes"),
        ({"heading": False}, "heading=False has no effect in model 'vit'"),
    ],
)
def test_controls_without_effect_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Run(patch_size=4, **settings)


def test_unknown_controls_are_refused() -> None:
    with pytest.raises(ValueError, match="extended 'twice' is unknown; there are interpolated, repeated, overlapping"):
        build(Run(patch_size=4, extended="twice", stride=2), **COST)
