"""Published Adventurers: their names and shapes in, the same answers, the same bits out; what does not fit is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from official import alternating_flips, answer, drawn, sizes_to_shapes
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from labkit.heads import Classify, ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.published import PUBLISHED, from_state_dict, to_state_dict
from labkit.models.vit import ViT
from labkit.nn.mamba2 import Mamba2
from labkit.positions import SineCosinePositions
from labkit.resize import resized
from labkit.tokenizers import Patches

FIXTURES = Path(__file__).parent / "fixtures"
NEAR = 1e-4  # in float32

SIZES = {
    "plain": {},
    "single pixels": {"patch": 1},
    "large patches": {"patch": 8},
    "patches that are no power of two": {"patch": 3, "image_size": (12, 12)},
    "not square": {"image_size": (8, 20)},
    "narrow": {"width": 32},
    "wide": {"width": 160},
    "small state": {"state": 1},
    "odd state": {"state": 17},
    "large state": {"state": 128},
    "one block": {"depth": 1},
    "deep": {"depth": 9},
    "one class": {"classes": 1},
    "grey": {"channels": 1},
    "another MLP": {"hidden": 77},
    "longer than a chunk": {"patch": 1, "image_size": (12, 24), "depth": 3},
}
PLAIN = {"image_size": (16, 16), "patch": 4, "width": 64, "state": 64, "depth": 4, "classes": 10, "channels": 3}


def small(**changes) -> tuple[dict[str, Tensor], dict]:
    """Weights under the official names, and the sizes that they are for."""
    sizes = PLAIN | changes
    return drawn(sizes_to_shapes(**sizes)), sizes


def read(state: dict[str, Tensor], sizes: dict, **settings) -> Adventurer:
    return from_state_dict(state, image_size=sizes["image_size"], **settings)


def far(model: Adventurer, state: dict[str, Tensor], images: Tensor, **settings) -> float:
    """The largest distance of the model's logits from the plain ones."""
    with torch.no_grad():
        return (model(images) - answer(state, images, **settings)).abs().max().item()


@pytest.mark.parametrize("case", SIZES)
def test_answers_as_the_released_code(case: str) -> None:
    state, sizes = small(**SIZES[case])
    images = torch.randn(2, sizes["channels"], *sizes["image_size"])
    model = read(state, sizes)
    assert far(model, state, images) < NEAR
    assert model.tokenizer.patch_size == sizes["patch"]
    assert len(model.blocks) == sizes["depth"]
    assert model.blocks[0].mixer.state == sizes["state"]
    assert not model.training
    assert all(weight.requires_grad for weight in model.parameters())


def test_the_plain_answers_are_those_of_the_released_code() -> None:
    """The yardstick of this file against what the released code itself answered."""
    file = load_file(FIXTURES / "adventurer_a.safetensors")
    state = {name.removeprefix("weights/"): tensor for name, tensor in file.items() if name.startswith("weights/")}
    assert (answer(state, file["input"]) - file["logits"]).abs().max() < 1e-5
    assert far(from_state_dict(state, image_size=16), state, file["input"]) < NEAR


def test_both_rules_of_flips() -> None:
    state, sizes = small(depth=5)
    images = torch.randn(2, 3, 16, 16)
    assert far(read(state, sizes, flips="alternate"), state, images, flips=alternating_flips) < NEAR
    assert far(read(state, sizes, flips="alternate"), state, images) > 100 * NEAR
    assert far(read(state, sizes, flips=(False, False, True, True, False)), state, images) < NEAR


@pytest.mark.parametrize("case", SIZES)
def test_there_and_back_bit_by_bit(case: str) -> None:
    state, sizes = small(**SIZES[case])
    before = {name: tensor.clone() for name, tensor in state.items()}
    model = read(state, sizes)
    back = to_state_dict(model)
    assert same(back, before)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    assert same(state, before), "the model has copies"


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """The same names, types and bits, NaN included."""
    return one.keys() == other.keys() and all(
        tensor.dtype == other[name].dtype
        and tensor.shape == other[name].shape
        and torch.equal(tensor.contiguous().view(torch.uint8), other[name].contiguous().view(torch.uint8))
        for name, tensor in one.items()
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_types_are_kept_and_so_are_strange_numbers(dtype: torch.dtype) -> None:
    state, sizes = small()
    state = {name: tensor.to(dtype) for name, tensor in state.items()}
    state["head.bias"][:3] = torch.tensor([float("nan"), float("-inf"), -0.0])
    assert same(to_state_dict(read(state, sizes)), state)


def published() -> dict[str, tuple[int, int, dict[str, list[int]]]]:
    """For each configuration of the published checkpoints: image size, parameters, names and shapes."""
    found = {}
    for name, entry in json.loads((FIXTURES / "published_tensors.json").read_text()).items():
        shapes = {}
        for tensor, shape in entry["tensors"].items():
            for block in range(entry["depth"]) if "*" in tensor else (0,):
                shapes[tensor.replace("*", str(block))] = shape
        found[name] = int(name.partition("@")[2]), entry["parameters"], shapes
    return found


@pytest.mark.parametrize("name", list(published()))
def test_names_and_shapes_of_the_published_checkpoints(name: str) -> None:
    """On tensors without numbers, since the largest has 346 million."""
    image_size, count, shapes = published()[name]
    state = {tensor: torch.empty(shape, device="meta") for tensor, shape in shapes.items()}
    model = from_state_dict(state, image_size=image_size)
    assert sum(weight.numel() for weight in model.parameters()) == count
    assert {tensor: list(value.shape) for tensor, value in to_state_dict(model).items()} == shapes


def test_a_whole_published_configuration_bit_by_bit() -> None:
    image_size, _, shapes = published()["adventurer_tiny_patch1@224"]
    state = {tensor: torch.rand(shape) for tensor, shape in shapes.items()}
    assert same(to_state_dict(from_state_dict(state, image_size=image_size)), state)


def without(name: str) -> Callable[[dict], None]:
    return lambda state: state.pop(name)


def put(name: str, value: object) -> Callable[[dict], None]:
    return lambda state: state.update({name: value})


def no_block(number: int) -> Callable[[dict], None]:
    def change(state: dict) -> None:
        for name in [name for name in state if name.startswith(f"layers.{number}.")]:
            del state[name]

    return change


WRONG = {
    "missing": (without("layers.2.mixer.D"), r"missing: layers\.2\.mixer\.D"),
    "missing, and it tells a size": (
        without("patch_embed.proj.weight"),
        r"size C, .* patch_embed\.proj\.weight \(D C p p",
    ),
    "missing bias": (without("patch_embed.proj.bias"), r"missing: patch_embed\.proj\.bias"),
    "a block lost": (no_block(1), r"layers\.1 is missing and layers\.3 is there"),
    "another block's number far away": (put("layers.99999999.D", torch.zeros(1)), r"layers\.4 is missing"),
    "extra": (put("layers.0.mlp.ffn_ln.weight", torch.zeros(160)), r"unknown: layers\.0\.mlp\.ffn_ln\.weight"),
    "extra of another model": (put("dist_token", torch.zeros(1, 1, 64)), "unknown: dist_token"),
    "no tensor": (put("norm_f.weight", [1.0] * 64), r"no tensor: norm_f\.weight"),
    "whole numbers": (
        put("head.bias", torch.zeros(10, dtype=torch.int64)),
        r"floating type: head\.bias \(torch\.int64",
    ),
    "two types": (put("head.bias", torch.zeros(10).half()), r"several types \(torch\.float16, torch\.float32\)"),
    "head for other classes": (
        put("head.bias", torch.zeros(11)),
        r"the size K: 10 \(head\.weight, size 1\), 11 \(head\.bias, size 1\)",
    ),
    "turned around": (
        put("layers.3.mlp.w3.weight", torch.zeros(160, 64)),
        r"w3\.weight \(160, 64\) instead of \(64, 160",
    ),
    "other heads": (put("layers.1.mixer.A_log", torch.zeros(4)), r"layers\.1\.mixer\.A_log \(4,\) instead of \(2,\)"),
    "more taps": (
        put("layers.0.mixer.conv1d.weight", torch.zeros(256, 1, 5)),
        r"\(256, 1, 5\) instead of \(256, 1, 4\)",
    ),
    "states of two sizes": (put("layers.2.mixer.conv1d.bias", torch.zeros(192)), r"\(192,\) instead of \(256,\)"),
    "no state": (
        put("layers.0.mixer.conv1d.weight", torch.zeros(128, 1, 4)),
        r"conv1d\.weight \(128, 1, 4\) instead of \(256, 1, 4\)",
    ),
    "half a state": (
        put("layers.0.mixer.conv1d.weight", torch.zeros(131, 1, 4)),
        r"conv1d\.weight \(131, 1, 4\) instead of",
    ),
    "flat patches": (
        put("patch_embed.proj.weight", torch.zeros(64, 48)),
        r"There are: patch_embed\.proj\.weight \(64, 48\)",
    ),
    "patches not square": (
        put("patch_embed.proj.weight", torch.zeros(64, 3, 4, 2)),
        r"the size p: 4 \(patch_embed\.proj\.weight, size 3\), 2 \(patch_embed\.proj\.weight, size 4\)",
    ),
    "nothing": (lambda state: state.clear(), r"There are: none"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_named(case: str) -> None:
    state, sizes = small()
    change, message = WRONG[case]
    change(state)
    with pytest.raises(ValueError, match=message):
        read(state, sizes)


def changed(shape: tuple[int, ...], axis: int, by: Callable[[int], int]) -> tuple[int, ...]:
    return (*shape[:axis], by(shape[axis]), *shape[axis + 1 :])


def test_whichever_tensor_is_misshaped_it_is_named() -> None:
    """Each tensor along each axis, one larger, doubled, and without it: also those that sizes are read off."""
    for depth in (1, 3):
        state, sizes = small(depth=depth)
        for name, tensor in state.items():
            wrong = [torch.zeros(changed(tuple(tensor.shape), axis, lambda n: n + 1)) for axis in range(tensor.dim())]
            wrong += [torch.zeros(changed(tuple(tensor.shape), axis, lambda n: 2 * n)) for axis in range(tensor.dim())]
            for other in [*wrong, torch.zeros(*tensor.shape, 1), torch.tensor(0.0)]:
                if name == "patch_embed.proj.weight" and other.shape[1:2] in ((4,), (6,)) and other.dim() == 4:
                    continue  # images of more channels: nothing contradicts it
                with pytest.raises(ValueError, match=r".") as told:
                    read(state | {name: other}, sizes)
                assert name in str(told.value), (depth, name, tuple(other.shape), str(told.value))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_other_prefixes_are_shown(prefix: str) -> None:
    state, sizes = small()
    with pytest.raises(ValueError, match=rf"There are: {prefix}cls_token, {prefix}pos_embed"):
        read({prefix + name: tensor for name, tensor in state.items()}, sizes)


def test_tensors_that_lie_otherwise_in_memory_can_be_saved_again(tmp_path: Path) -> None:
    state, sizes = small()
    state["head.weight"] = state["head.weight"].T.contiguous().T
    state["patch_embed.proj.weight"] = state["patch_embed.proj.weight"].to(memory_format=torch.channels_last)
    save_file(to_state_dict(read(state, sizes)), tmp_path / "a.safetensors")
    assert same(load_file(tmp_path / "a.safetensors"), state)


def test_all_that_is_wrong_is_named_at_once_and_long_lists_are_cut() -> None:
    state, sizes = small()
    state = {f"module.{name}": tensor for name, tensor in state.items() if name.startswith("layers.0.mlp")} | {
        name: tensor for name, tensor in state.items() if not name.startswith("layers.1.m") or "w1" in name
    }
    with pytest.raises(ValueError, match=r"missing: .* and 6 more; unknown: module\.layers\.0\.mlp") as told:
        read(state, sizes)
    assert len(str(told.value)) < 700


@pytest.mark.parametrize("image_size", [8, 15, (16, 20), 224])
def test_images_of_another_size_than_the_positions(image_size: int | tuple[int, int]) -> None:
    state, _ = small()
    with pytest.raises(ValueError, match=r"places for 16 patches .* resize it after that|not a multiple of patch size"):
        from_state_dict(state, image_size=image_size)


def test_flips_that_are_none() -> None:
    state, sizes = small()
    with pytest.raises(ValueError, match="flips 'sometimes' is unknown"):
        read(state, sizes, flips="sometimes")


def test_models_that_the_released_code_cannot_hold() -> None:
    tokenizer, token = Patches(8, 2, 32), ClassifyToken(32, 5, place="last")
    fixed = SineCosinePositions(tokenizer.grid, 32, class_token="last")
    for model, reason in (
        (ViT(tokenizer, Classify(32, 5), depth=1, heads=2), "is no Adventurer"),
        (Adventurer(tokenizer, Classify(32, 5), depth=1), "has no class token"),
        (Adventurer(tokenizer, token, depth=1, positions=fixed), "has positions that are not learned"),
        (Adventurer(tokenizer, token, depth=1, heading=False), "has no heading average"),
    ):
        with pytest.raises(ValueError, match=f"{type(model).__name__} {reason}"):
            to_state_dict(model)


def test_parts_that_the_released_code_does_not_have() -> None:
    """Nothing is exported that could not be read again."""
    state, sizes = small()
    for change in (
        lambda model: setattr(model.blocks[1], "mixer", Mamba2(64, expand=4)),
        lambda model: setattr(model.blocks[1], "mixer", Mamba2(64, head_dim=16)),
        lambda model: setattr(model.head, "linear", nn.Sequential(nn.Linear(64, 10))),
    ):
        model = read(state, sizes)
        change(model)
        with pytest.raises(ValueError, match=r"of another shape: layers\.1\.mixer|no tensor tells the size K"):
            to_state_dict(model)
    for other in (nn.Linear(2, 2), nn.DataParallel(read(state, sizes))):
        with pytest.raises(ValueError, match="is no Adventurer"):
            to_state_dict(other)


def test_a_resized_model_goes_back_too() -> None:
    """At its new sizes, it is a checkpoint like any other."""
    state, sizes = small()
    finer = resized(read(state, sizes), patch_size=2, image_size=(8, 12))
    images = torch.randn(2, 3, 8, 12)
    again = from_state_dict(to_state_dict(finer), image_size=(8, 12))
    assert torch.equal(again(images), finer(images))
    assert far(finer, to_state_dict(finer), images) < NEAR


def test_the_list_of_names() -> None:
    """Nine of single pixels, eight of larger patches; the side of the images stands at the end of a name."""
    pixels = {name for name in PUBLISHED if "_patch1_" in name}
    assert pixels == {
        f"adventurer_{size}_patch1_{side}" for size in ("tiny", "small", "base") for side in (64, 128, 224)
    }
    assert len(PUBLISHED) == len(pixels) + 8
    for name, about in PUBLISHED.items():
        assert name.endswith(f"_{about.image_size}")
        assert about.url == f"https://huggingface.co/{about.repository}/resolve/main/{name}.pth"
        assert about.repository == f"Wangf3014/{'Patch_Scaling' if name in pixels else 'Adventurer'}"
        assert 77 < about.top1 < 85
