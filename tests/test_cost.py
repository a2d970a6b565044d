"""Formulas, counts and published figures agree: parameters, model FLOPs, executed FLOPs."""

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError
from test_layers import NOTEBOOK, WITHOUT_NOTEBOOKS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from labkit.config import Run
from labkit.cost import (
    FORMULAS,
    Shape,
    attention_flops,
    executed_flops,
    flops_per_image,
    kept_bytes,
    model_flops,
    parameter_count,
    peak_bytes,
    published,
    shape_of,
    train_flops,
)
from labkit.cost import adventurer as formulas
from labkit.cost.counting import count, parameters
from labkit.grid import as_pair
from labkit.heads import Classify, ClassifyToken
from labkit.models import MODELS, build
from labkit.models.adventurer import FLIPS, TILE, Adventurer, as_released
from labkit.models.vit import ViT
from labkit.ops import chunks, ssd, ssd_chunked
from labkit.positions import POSITIONS
from labkit.tokenizers import Patches

ROOT = Path(__file__).parents[1]
BACKENDS = {"vit": ["math", "fused"], "adventurer": list(formulas.BACKENDS)}  # others need CUDA
CASES = [(model, backend) for model, backends in BACKENDS.items() for backend in backends]

# 10^9 multiply-adds of the released models with 1,000 classes, as printed: p = 16, 8, 4, 2, 1 (ViT from 32 on)
ADVENTURER = {
    ("tiny", 128): "0.82 3.17 12.6 50.2 201",
    ("small", 128): "3.02 11.8 47.0 188 750",
    ("base", 128): "6.62 25.9 103 412 1648",
    ("large", 128): "23.2 91.0 362 1448 5789",
    ("tiny", 224): "2.46 9.66 38.5 154 614",
    ("small", 224): "9.12 36.0 144 574 2297",
    ("base", 224): "20.0 79.1 316 1262 5047",
}
DEIT_BASE = {
    64: "0.44 1.46 5.61 23.1 106 657",
    128: "1.49 5.64 23.1 106 657 6340",
    224: "4.41 17.6 78.1 448 3966 50669",
}
SHARE_OF_ATTENTION = ".01 .04 .15 .40 .73 .92"  # DeiT-Base, 224 px


def printed(value: float, like: str) -> str:
    """`value` with as many decimals as `like`."""
    return f"{value:.{len(like.partition('.')[2])}f}"


@pytest.mark.parametrize(("size", "image_size"), list(ADVENTURER))
def test_multiply_adds_of_adventurer(size: str, image_size: int) -> None:
    row = ADVENTURER[size, image_size].split()
    shapes = [published("adventurer", size, image_size=image_size, patch_size=p) for p in (16, 8, 4, 2, 1)]
    found = [printed(model_flops(shape) / 2e9, like) for shape, like in zip(shapes, row, strict=True)]
    assert found == row


@pytest.mark.parametrize("image_size", list(DEIT_BASE))
def test_multiply_adds_of_deit_base(image_size: int) -> None:
    row = DEIT_BASE[image_size].split()
    shapes = [published("vit", "base", image_size=image_size, patch_size=p) for p in (32, 16, 8, 4, 2, 1)]
    assert [printed(model_flops(shape) / 2e9, like) for shape, like in zip(shapes, row, strict=True)] == row


def test_share_of_attention() -> None:
    shapes = [published("vit", "base", patch_size=p) for p in (32, 16, 8, 4, 2, 1)]
    shares = [one.depth * attention_flops(one.length, one.width) / model_flops(one) for one in shapes]
    assert [f"{share:.2f}".lstrip("0") for share in shares] == SHARE_OF_ATTENTION.split()


@pytest.mark.parametrize(("size", "millions"), [("tiny", 5.7), ("small", 22.1), ("base", 86.6), ("large", 304.3)])
def test_parameters_of_the_vit_as_published(size: str, millions: float) -> None:
    """At patch 16 and 224 px, as timm and DeiT print them. Adventurer's are in test_adventurer.py."""
    assert round(parameter_count(published("vit", size)) / 1e6, 1) == millions


def model_of(shape: Shape, *, backend: str = "auto", positions: str = "learned", **options) -> nn.Module:
    """The model that a shape stands for, with `options` beyond it."""
    width = shape.width
    place = {"vit": "first", "adventurer": "last"}[shape.model]
    head = ClassifyToken(width, shape.classes, place=place) if shape.class_token else Classify(width, shape.classes)
    tokenizer = Patches(shape.image_size, shape.patch_size, width, channels=shape.channels)
    places = POSITIONS[positions](tokenizer.grid, width, class_token=head.class_token)
    same = {"depth": shape.depth, "positions": places, "backend": backend, **options}
    if shape.model == "vit":
        return ViT(tokenizer, head, heads=shape.heads, **same)
    return Adventurer(tokenizer, head, state=shape.state, **same)


def images_of(shape: Shape, *, images: int = 1) -> tuple[int, ...]:
    return images, shape.channels, *as_pair(shape.image_size)


def shape(model: str, *, tokens: int = 9, width: int = 16, **other) -> Shape:
    """A small one: a strip of patches of 2 x 2 pixels."""
    size = {"image_size": (2, 2 * tokens), "patch_size": 2, "channels": 3, "depth": 2, "classes": 5}
    return Shape(model=model, width=width, **size | other)


@pytest.mark.parametrize("width", [4, 16, 32, 64, 96, 256])
@pytest.mark.parametrize("model", list(FORMULAS))
def test_parameters_equal_those_counted(model: str, width: int) -> None:
    """With and without a class token, for every kind of position, also where one head is narrower than 64."""
    for token, positions, depth in itertools.product((False, True), POSITIONS, (1, 3)):
        one = shape(model, width=width, class_token=token, learned_positions=positions == "learned", depth=depth)
        with torch.device("meta"):
            built = model_of(one, positions=positions)
        assert parameter_count(one) == parameters(built)
        assert parameters(built) == sum(weight.numel() for weight in built.parameters())


def counted_by_torch(model: nn.Module, images: torch.Tensor, *, training: bool = False) -> int:
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(training):
        answer = model(images)
        if training:
            answer.sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("tokens", [1, 2, 5, 61, 62, 63, 64, 65, 127, 128, 150])
@pytest.mark.parametrize(("model", "backend"), CASES)
def test_executed_flops_equal_those_counted(model: str, backend: str, tokens: int) -> None:
    """Around the borders of a chunk: the mixer sees the class token and the heading average as well."""
    for token in (False, True):
        one = shape(model, tokens=tokens, class_token=token, heads=2, state=8)
        assert executed_flops(one, backend) == counted_by_torch(
            model_of(one, backend=backend), torch.zeros(images_of(one))
        )


@pytest.mark.parametrize("model", list(FORMULAS))
def test_executed_flops_of_wider_models_and_the_default_form(model: str) -> None:
    for width in (32, 128, 192):
        one = shape(model, tokens=70, width=width, heads=width // 16)
        assert executed_flops(one) == counted_by_torch(model_of(one), torch.zeros(images_of(one)))
        assert executed_flops(one) == executed_flops(one, {"vit": "fused", "adventurer": "chunked"}[model])


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize(
    ("backend", "tokens"),
    [("loop", 130), ("quadratic", 130)] + [("chunked", n) for n in (126, 127, 128, 129, 254, 255, 256, 300, 383, 384)],
)
def test_executed_flops_of_several_pieces_equal_those_counted(backend: str, tokens: int, token: bool) -> None:
    """Around the borders of a tile of 128 tokens, in either order of reading. Other forms read the whole."""
    one = shape("adventurer", tokens=tokens, width=4096, depth=1, class_token=token, state=8)
    for flip in (False, True):
        with torch.device("meta"):
            built = model_of(one, backend=backend, flips=[flip])
        counted = count(built, images_of(one))
        pieces = sum(operation.name == "softplus" for operation in counted.operations)
        whole = backend != "chunked" or one.length + 1 <= 128
        assert pieces == (1 if whole else -(-(tokens + 1) // 128) + token), "cases with one piece and with several"
        assert executed_flops(one, backend) == counted.flops


def test_executed_flops_of_a_deep_model_in_pieces() -> None:
    """Counted by torch, which computes it; two images are read one after the other."""
    one = shape("adventurer", tokens=1100, width=512, depth=4, class_token=True)
    assert one.length + 1 > TILE // 1024
    for flips in FLIPS:
        built = model_of(one, flips=flips)
        assert counted_by_torch(built, torch.zeros(images_of(one, images=2))) == 2 * executed_flops(one)


def test_products_of_the_scan_equal_those_counted() -> None:
    x, dt, a = torch.zeros(1, 100, 2, 8), torch.zeros(1, 100, 2), torch.zeros(2)
    b = torch.zeros(1, 100, 1, 6)
    for backend in formulas.BACKENDS:
        scan = ssd.BACKENDS[backend]
        for chunk in (1, 7, 50, 64, 66, 67, 99, 100, 500) if backend == "chunked" else [64]:
            with FlopCounterMode(display=False) as counter:
                scan(x, dt, a, b, b, **({"chunk": chunk} if backend == "chunked" else {}))
            assert formulas.scan_products(100, 16, 6, backend, chunk) == counter.get_total_flops()


def test_the_formulas_assume_what_the_code_does() -> None:
    """Formulas know no torch, so these stand there once more."""
    assert formulas.CHUNK == ssd_chunked.CHUNK
    assert formulas.TILE == TILE
    assert set(formulas.BACKENDS) == set(ssd.BACKENDS) - {"mamba_ssm"}, "which takes no CPU"
    for depth in range(1, 7):
        assert formulas._flipped(shape("adventurer", depth=depth)) == sum(as_released(depth))
    for tokens in range(1, 400):
        for chunk in (1, 7, 64):
            found = formulas._Piece.of(tokens, chunk=chunk)
            assert (found.chunks, found.length) == chunks.chunks_of(tokens, chunk)


@pytest.mark.parametrize("run", [Run(width=32, depth=2, patch_size=p) for p in (16, 4, 1)], ids=lambda r: r.patch_size)
def test_model_flops_of_the_vit_are_those_counted(run: Run) -> None:
    cost = {"channels": 1, "classes": 5}
    counted = counted_by_torch(build(run, **cost), torch.zeros(1, 1, 16, 16))
    assert flops_per_image(run, **cost) == counted
    assert train_flops(run, **cost) == 3 * counted * run.batch * run.steps


def test_model_flops_of_adventurer_take_the_recurrence() -> None:
    """Fade, write, read: three multiply-adds for each of E S numbers and each of M tokens. And four for each channel of
    the convolution, which executes none as a product. Two chunks of 76: the first writes a state, the second reads."""
    one = shape("adventurer", tokens=150, width=32, class_token=True, state=8)
    mixed, inner = 152, 64
    scans = {
        "loop": 2 * mixed * inner * 8,
        "quadratic": 2 * mixed**2 * (8 + inner),
        "chunked": 2 * 2 * 76**2 * (8 + inner) + 2 * 2 * 76 * inner * 8,
    }
    for backend, products in scans.items():
        beside = executed_flops(one, backend) - one.depth * products
        convolution = 2 * mixed * 4 * (inner + 2 * 8)
        assert model_flops(one) == beside + one.depth * (6 * mixed * inner * 8 + convolution)


@pytest.mark.parametrize("model", list(MODELS))
def test_costs_of_runs(model: str) -> None:
    """A run's shape is that of the model that is built for it: parameters and FLOPs, with the run's own options."""
    options = {"vit": {"heads": 8}, "adventurer": {"flips": "never"}}[model]
    for positions, p in itertools.product(POSITIONS, (8, 2)):
        run = Run(model=model, patch_size=p, width=32, depth=2, positions=positions, steps=7, batch=6, **options)
        cost = {"channels": 3, "classes": 4}
        one, built = shape_of(run, **cost), build(run, **cost)
        assert parameter_count(one) == parameters(built)
        assert executed_flops(one) == counted_by_torch(built, torch.zeros(1, 3, 16, 16))
        assert flops_per_image(run, **cost) == model_flops(one)
        assert train_flops(run, **cost) == 3 * 6 * 7 * model_flops(one)
        assert built.tokenizer.tokens == one.tokens == one.length


@pytest.mark.parametrize(("name", "size"), [("vit", "tiny"), ("adventurer", "tiny")])
def test_published_shapes_are_the_models(name: str, size: str) -> None:
    one = published(name, size, image_size=(32, 64), patch_size=8, classes=7)
    assert (one.tokens, one.length, one.patch_numbers, one.classes) == (32, 33, 192, 7)
    with torch.device("meta"):
        built = model_of(one)
    assert count(built, images_of(one)).flops == executed_flops(one)
    assert parameters(built) == parameter_count(one)


# ---------------------------------------------------------------- counting without computing


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("model", "backend"), CASES)
def test_counting_equals_torch(model: str, backend: str, training: bool) -> None:
    """Also of images that share a piece."""
    for token, images in ((False, 1), (True, 3)):
        one = shape(model, tokens=5 if backend == "loop" else 70, class_token=token, heads=2, state=8)
        built, given = model_of(one, backend=backend), images_of(one, images=images)
        expected = counted_by_torch(built, torch.zeros(given), training=training)
        assert count(built, given, training=training).flops == expected
        assert training or expected == images * executed_flops(one, backend)


def test_a_training_step_costs_three_forwards() -> None:
    """Nearly: the first layer needs no gradient of the images, and attention computes its scores once more."""
    one = shape("vit", tokens=64, width=64, heads=4, depth=4)
    built = model_of(one, backend="math")
    forward, both = (count(built, images_of(one), training=training).flops for training in (False, True))
    embedding = 2 * one.tokens * one.patch_numbers * one.width
    assert both == 3 * forward - embedding


@pytest.mark.parametrize(
    ("tokens", "width", "token", "pairs", "begun"),
    [
        (63, 32, False, 64**2, 0),
        (150, 32, True, 2 * 76**2, 76),
        (200, 4096, True, 2 * 64**2 + 73**2 + 1, 64 + 73 + 1),
    ],
)
def test_a_training_step_of_adventurer_computes_the_scores_again(
    tokens: int, width: int, token: bool, pairs: int, begun: int
) -> None:
    """Three forwards, and once more the products c . b of the pairs in each chunk, and what tokens in chunks that
    begin with a state read from it; in one piece and in several."""
    one = shape("adventurer", tokens=tokens, width=width, class_token=token, depth=3)
    with torch.device("meta"):
        built = model_of(one)
    forward, both = (count(built, images_of(one), training=training).flops for training in (False, True))
    embedding = 2 * one.tokens * one.patch_numbers * one.width
    assert both == 3 * forward - embedding + one.depth * 2 * (pairs + begun * 2 * width) * one.state


@pytest.mark.parametrize("model", list(FORMULAS))
def test_counting_leaves_the_model_alone(model: str) -> None:
    one = shape(model)
    built = model_of(one)
    before = {name: (value, value.clone()) for name, value in built.state_dict(keep_vars=True).items()}
    state, grad = torch.get_rng_state(), torch.is_grad_enabled()
    for mode in (True, False):
        built.train(mode)
        count(built, images_of(one), training=True)
        assert built.training is mode
    after = built.state_dict(keep_vars=True)
    assert all(after[name] is value and torch.equal(value, copy) for name, (value, copy) in before.items())
    assert all(weight.grad is None and weight.requires_grad for weight in built.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled() == grad
    assert built(torch.zeros(images_of(one))).isfinite().all()


@pytest.mark.parametrize(("model", "backend"), CASES)
def test_counting_a_model_that_is_nowhere(model: str, backend: str) -> None:
    one = shape(model, tokens=5 if backend == "loop" else 70, heads=2)
    with torch.device("meta"):
        nowhere = model_of(one, backend=backend)
    there = count(model_of(one, backend=backend), images_of(one), training=True)
    assert count(nowhere, images_of(one), training=True).flops == there.flops
    assert all(weight.is_meta for weight in nowhere.parameters())


@pytest.mark.parametrize("model", list(FORMULAS))
def test_counting_ten_thousand_tokens(model: str) -> None:
    """One block of them: the others are the same."""
    one = replace(published(model, "tiny", patch_size=2), depth=1)
    with torch.device("meta"):
        built = model_of(one)
    assert one.tokens == 12_544
    assert count(built, images_of(one)).flops == executed_flops(one)


# ---------------------------------------------------------------- names, imports


def test_what_is_unknown_is_refused() -> None:
    nosuch = shape("nosuch")
    for cost in (parameter_count, model_flops, executed_flops):
        with pytest.raises(ValueError, match=r"model 'nosuch' is unknown; there are vit, adventurer"):
            cost(nosuch)
    with pytest.raises(ValueError, match=r"model 'nosuch' is unknown; there are vit, adventurer"):
        published("nosuch", "base")
    with pytest.raises(ValueError, match=r"size 'huge' is unknown; there are tiny, small, base, large"):
        published("vit", "huge")
    with pytest.raises(ValueError, match="image size 224 is not a multiple of patch size 15"):
        model_flops(published("vit", "base", patch_size=15))
    with pytest.raises(ValueError, match=r"backend 'chunky' of adventurer's cost is unknown.*chunked, loop, quadratic"):
        executed_flops(shape("adventurer"), "chunky")
    assert set(FORMULAS) == set(MODELS)


def test_formulas_need_no_torch() -> None:
    body = "import sys\nfrom labkit.cost import model_flops, published\n"
    body += "print(model_flops(published('vit', 'base')), 'numpy' in sys.modules)"
    code = WITHOUT_NOTEBOOKS.format(blocked=sorted(NOTEBOOK | {"torch"}), body=body)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(model_flops(published("vit", "base"))), "False"]


@pytest.mark.parametrize("cost", [executed_flops, kept_bytes, peak_bytes])
def test_a_form_that_a_model_does_not_have_is_refused(cost) -> None:
    for model, backend in (("vit", "chunked"), ("vit", ""), ("adventurer", "fused")):
        with pytest.raises(ValueError, match=f"backend '{backend}' of {model}'s cost is unknown"):
            cost(published(model, "tiny"), backend)
    assert cost(published("vit", "tiny"), "auto") == cost(published("vit", "tiny"))


@pytest.mark.parametrize(
    "wrong",
    [{"depth": 0}, {"depth": -3}, {"width": 0}, {"width": 1.5}, {"classes": -5}, {"classes": "a"}, {"patch_size": 15}],
)
def test_a_model_that_cannot_be_built_has_no_shape(wrong: dict) -> None:
    with pytest.raises((ValueError, TypeCheckError)):
        replace(published("vit", "tiny"), **wrong)


def test_widths_that_heads_do_not_share_are_refused() -> None:
    for model, width, heads in (("vit", 66, 4), ("adventurer", 48, 1)):
        with pytest.raises(ValueError, match="does not divide into equal heads"):
            replace(published(model, "tiny"), width=width, heads=heads)
