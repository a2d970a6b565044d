"""Our Adventurer gives the released model's logits for its weights; flips, heading average, causality, first values."""

import importlib.util
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from labkit.cost import parameter_count, published
from labkit.cost.counting import parameters
from labkit.heads import HEADS, Classify, ClassifyToken
from labkit.models import adventurer
from labkit.models.adventurer import FLIPS, Adventurer, alternate, as_released, never
from labkit.models.published import from_state_dict
from labkit.models.reading import flipped
from labkit.nn import mamba2
from labkit.nn.mamba2 import Mamba2
from labkit.ops.ssd import BACKENDS
from labkit.tokenizers import Patches

PORTABLE = [name for name in BACKENDS if name != "mamba_ssm"]  # which needs CUDA

# a small model of the released code with weights drawn at random, an input, and what that code answers to it
REFERENCE = Path(__file__).parent / "fixtures" / "adventurer_a.safetensors"
NEAR = 1e-4  # in float32; what a fault changes is far above


@cache
def reference() -> dict[str, torch.Tensor]:
    return load_file(REFERENCE)


def released(**settings) -> Adventurer:
    """The model of the file, in our classes."""
    model = Adventurer(Patches(16, 2, 64), ClassifyToken(64, 10, place="last"), depth=8, **settings)
    weights = {name.removeprefix("weights/"): tensor for name, tensor in reference().items() if "weights/" in name}
    model.load_state_dict(from_state_dict(weights, image_size=16).state_dict())
    return model.eval()


@torch.no_grad()
def errors(model: Adventurer) -> tuple[float, float]:
    """How far features of the class token and logits are from those of the released code."""
    file = reference()
    features = model.features(file["input"])
    return tuple(
        (mine - theirs).abs().max().item()
        for mine, theirs in ((features[:, -1], file["features"]), (model.head(features), file["logits"]))
    )


@pytest.mark.parametrize("backend", PORTABLE)
def test_features_and_logits_equal_the_released_code(backend: str) -> None:
    assert max(errors(released(backend=backend))) < NEAR


def test_the_whole_model_answers_as_its_parts() -> None:
    model, images = released(), reference()["input"]
    torch.testing.assert_close(model(images), model.head(model.features(images)))


@pytest.mark.parametrize("flips", ["alternate", "never", (True,) * 8])
def test_the_rule_of_flips_matters(flips: str | tuple[bool, ...]) -> None:
    assert min(errors(released(flips=flips))) > 100 * NEAR


def swap(module: nn.Module, one: str, other: str) -> None:
    """Exchange two weights of the same shape."""
    a, b = (module.get_parameter(name) for name in (one, other))
    a.data, b.data = b.data, a.data


FAULTS = {
    "gate and value": lambda model: swap(model, "blocks.5.mlp.w1.weight", "blocks.5.mlp.w2.weight"),
    "two norms": lambda model: swap(model, "blocks.0.norm.weight", "blocks.0.norm_mlp.weight"),
    "step sizes and rates": lambda model: swap(model, "blocks.2.mixer.dt_bias", "blocks.2.mixer.A_log"),
    "two blocks": lambda model: swap(model, "blocks.6.mixer.D", "blocks.7.mixer.D"),
    "one flip": lambda model: setattr(model.blocks[3], "flip", False),
    "no heading average": lambda model: [setattr(block, "heading", False) for block in model.blocks],
    "one tap": lambda model: model.blocks[4].mixer.conv1d.weight.data[:, :, 0].zero_(),
    "eps": lambda model: [setattr(block.norm, "eps", 1e-2) for block in model.blocks],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str) -> None:
    model = released()
    FAULTS[fault](model)
    assert min(errors(model)) > 5 * NEAR


COUNTS = {"tiny": 11_608_840, "small": 44_491_816, "base": 98_657_608, "large": 346_196_200}


@pytest.mark.parametrize("size", list(COUNTS))
def test_parameters_as_published(size: str) -> None:
    """The released code at patch 16 and 224 px has as many, and so do the formula and the model."""
    shape = published("adventurer", size)
    with torch.device("meta"):
        head = ClassifyToken(shape.width, 1000, place="last")
        model = Adventurer(Patches(224, 16, shape.width), head, depth=shape.depth)
    assert parameters(model) == parameter_count(shape) == COUNTS[size]


def test_single_pixels_as_published() -> None:
    """The position table is all that grows, and more than all the rest."""
    counts = [parameter_count(published("adventurer", size, patch_size=1)) for size in ("tiny", "base")]
    assert counts == [24_207_880, 136_454_728]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 12, 24])
def test_flip_rules(depth: int) -> None:
    assert [block for block, flip in enumerate(as_released(depth)) if flip] == [2, 3][: max(depth - 2, 0)]
    assert [block for block, flip in enumerate(alternate(depth)) if flip] == list(range(1, depth, 2))
    assert never(depth) == (False,) * depth
    for name, rule in FLIPS.items():
        model = small(depth=depth, flips=name)
        assert tuple(block.flip for block in model.blocks) == model.flips == rule(depth)


def small(*, place: str | None = "last", depth: int = 3, **settings) -> Adventurer:
    head = Classify(16, 5) if place is None else ClassifyToken(16, 5, place=place)
    return Adventurer(Patches(8, 2, 16), head, depth=depth, state=4, **settings)


def test_flips_one_by_one() -> None:
    assert small().flips == as_released(3)
    for chosen in ((True, False, True), [False, False, True]):
        assert small(flips=chosen).flips == tuple(chosen)
    images = torch.randn(2, 3, 8, 8)
    model = small(flips=(False, True, False))
    same = small(flips="alternate")
    same.load_state_dict(model.state_dict())
    assert torch.equal(model(images), same(images))


def test_what_cannot_be_is_refused() -> None:
    for flips in ((True, False), (True,) * 4, ()):
        with pytest.raises(ValueError, match=r"flips .* must hold one bool for each of 3 blocks"):
            small(flips=flips)
    with pytest.raises(ValueError, match=r"flips 'odd' is unknown; there are as_released, alternate, never"):
        small(flips="odd")
    with pytest.raises(ValueError, match=r"a class token in front .* sees no patch: place it last"):
        small(place="first")
    with pytest.raises(ValueError, match=r"'chunky'.*loop, quadratic, chunked"):
        small(backend="chunky")
    with pytest.raises(ValueError, match=r"inner width 96 \(2 x 48\) is not a multiple of 64 numbers per head"):
        Mamba2(48)


@pytest.mark.parametrize("flips", [(1, 0, 1), (True, None, False), ["no", "no", "yes"]])
def test_flips_that_are_not_bools_are_refused_in_words(flips: tuple) -> None:
    """Without the checks that only tests have: the module is loaded once more, as users load it."""
    spec = importlib.util.spec_from_file_location("plain_adventurer", adventurer.__file__)
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    with pytest.raises(ValueError, match=r"flips .* must hold one bool for each of 3 blocks"):
        plain.Adventurer(Patches(8, 2, 16), Classify(16, 5), depth=3, flips=flips)


@pytest.mark.parametrize("place", ["first", "last", None])
def test_flipped_turns_patches_and_leaves_the_class_token(place: str | None) -> None:
    tokens = torch.randn(2, 6, 4)
    turned = flipped(tokens, place)
    assert torch.equal(flipped(turned, place), tokens)
    order = {"first": [0, 5, 4, 3, 2, 1], "last": [4, 3, 2, 1, 0, 5], None: [5, 4, 3, 2, 1, 0]}[place]
    assert torch.equal(turned, tokens[:, order])


def reach(model: Adventurer) -> torch.Tensor:
    """(N, N): does feature t depend on patch s?"""
    tokens = model.tokenizer(torch.randn(1, 3, 8, 8).double()).detach()

    def features(tokens: torch.Tensor) -> torch.Tensor:
        return model.mix(model.positions(tokens))[0].sum(-1)

    return torch.autograd.functional.jacobian(features, tokens)[:, 0].abs().amax(-1) > 0


def test_only_heading_average_and_flips_look_ahead() -> None:
    """Without both the whole model is causal: no feature knows of later patches."""
    everything, causal = torch.ones(16, 16, dtype=torch.bool), torch.ones(16, 16, dtype=torch.bool).tril()
    settings = {"place": None, "depth": 2}
    assert torch.equal(reach(small(heading=False, flips="never", **settings).double()), causal)
    assert torch.equal(reach(small(heading=True, flips="never", **settings).double()), everything)
    assert torch.equal(reach(small(heading=False, flips=(True, True), **settings).double()), causal.T)
    assert torch.equal(reach(small(heading=False, flips=(False, True), **settings).double()), everything)


def test_the_first_feature_and_what_comes_later() -> None:
    """The same through whole images."""
    images = torch.randn(1, 3, 8, 8)
    others = images.clone()
    others[..., -2:, -2:] += 1
    for heading, sees in ((False, False), (True, True)):
        model = small(heading=heading, flips="never", place=None)
        change = (model.features(images)[:, 0] - model.features(others)[:, 0]).abs().max()
        assert (change > 1e-4) == sees
        assert sees or change == 0


def test_a_class_token_reads_every_patch_whatever_flips() -> None:
    for flips in FLIPS:
        model = small(flips=flips, heading=False).double()
        images = torch.randn(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(model(images).sum(), images)
        assert gradient.abs().amin() > 0


def test_order_of_tokens_matters_even_when_positions_travel() -> None:
    """A ViT would not notice."""
    model = small(place=None).double()
    told = model.positions(model.tokenizer(torch.randn(2, 3, 8, 8, dtype=torch.float64)))
    order = torch.randperm(16)
    assert (model.head(model.mix(told[:, order])) - model.head(model.mix(told))).abs().max() > 1e-4


@pytest.mark.parametrize("head", list(HEADS))
def test_every_backend_gives_the_same_model(head: str) -> None:
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    answers = []
    for backend in PORTABLE:
        torch.manual_seed(0)
        chosen = ClassifyToken(16, 3, place="last") if head == "token" else HEADS[head](16, 3)
        model = Adventurer(Patches(8, 2, 16), chosen, depth=3, state=4, backend=backend).double()
        logits = model(images)
        answers.append((logits, *torch.autograd.grad(logits.square().sum(), list(model.parameters()))))
    for other in answers[1:]:
        for a, b in zip(answers[0], other, strict=True):
            torch.testing.assert_close(b, a, rtol=1e-8, atol=1e-12)


# ---------------------------------------------------------------- the mixer


def plain_mixer(mixer: Mamba2, tokens: torch.Tensor) -> torch.Tensor:
    """One image (N, D), one token after the other, as the paper of Mamba-2 writes it."""
    inner, size, heads = mixer.inner, mixer.state, mixer.heads
    weight, rows, out = mixer.conv1d.weight[:, 0], [], []
    state = torch.zeros(heads, inner // heads, size, dtype=tokens.dtype)
    for token in tokens:
        z, xbc, dt = mixer.in_proj.weight.mv(token).split([inner, inner + 2 * size, heads])
        rows.append(xbc)
        padded = [torch.zeros_like(xbc)] * (mixer.taps - 1) + rows
        taps = torch.stack(padded[-mixer.taps :], dim=1)
        x, b, c = F.silu((weight * taps).sum(1) + mixer.conv1d.bias).split([inner, size, size])
        dt = torch.log(1 + torch.exp(dt + mixer.dt_bias))
        x = x.reshape(heads, -1)
        state = torch.exp(-dt * torch.exp(mixer.A_log))[:, None, None] * state
        state = state + dt[:, None, None] * x[:, :, None] * b
        y = ((state * c).sum(-1) + mixer.D[:, None] * x).flatten() * z * torch.sigmoid(z)
        y = y / (y.square().mean() + 1e-5).sqrt() * mixer.norm.weight
        out.append(mixer.out_proj.weight.mv(y))
    return torch.stack(out)


@pytest.mark.parametrize("settings", [{}, {"state": 3, "head_dim": 8, "taps": 2}, {"expand": 3, "head_dim": 12}])
def test_mixer_equals_its_definition(settings: dict) -> None:
    mixer = Mamba2(16, **settings).double()
    for weight in mixer.parameters():  # D and the norm start at one, which would hide a mix-up
        nn.init.normal_(weight, std=0.3)
    tokens = torch.randn(2, 70, 16, dtype=torch.float64)
    expected = torch.stack([plain_mixer(mixer, image) for image in tokens])
    torch.testing.assert_close(mixer(tokens), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("backend", PORTABLE)
def test_mixer_is_causal(backend: str) -> None:
    mixer = Mamba2(8, state=4, backend=backend).double()
    tokens = torch.randn(1, 70, 8, dtype=torch.float64)
    before = mixer(tokens)
    for t in (0, 1, 5, 63, 64, 69):
        other = tokens.clone()
        other[:, t] += 1
        change = (mixer(other) - before).abs().amax((0, 2))
        assert change[:t].sum() < 1e-12
        assert change[t] > 1e-4


@pytest.mark.parametrize(("dim", "head_dim", "heads"), [(16, 64, 1), (32, 64, 1), (48, 32, 3), (64, 64, 2), (8, 4, 4)])
def test_heads_of_the_mixer(dim: int, head_dim: int, heads: int) -> None:
    assert Mamba2(dim, head_dim=head_dim).heads == heads


def test_first_values() -> None:
    """As the released code draws them."""
    model = Adventurer(Patches(16, 8, 256), ClassifyToken(256, 5, place="last"), depth=16)
    mixers = [block.mixer for block in model.blocks]
    dt = torch.stack([F.softplus(mixer.dt_bias) for mixer in mixers]).detach()
    rates = torch.stack([mixer.A_log.exp() for mixer in mixers]).detach()
    assert 0.9e-3 < dt.min() < 2e-3
    assert 0.05 < dt.max() < 0.101
    assert dt.log().mean().item() == pytest.approx(torch.tensor(1e-2).log().item(), abs=0.4), "even over the decades"
    assert 1 <= rates.min() < 2
    assert 15 < rates.max() <= 16
    assert rates.mean().item() == pytest.approx(8.5, abs=1.2)
    assert all(torch.equal(mixer.D, torch.ones(8)) for mixer in mixers)
    for name, weight in model.named_parameters():
        if "norm" in name:
            assert torch.equal(weight, torch.ones_like(weight)), name
        elif name.endswith("bias") and "dt_bias" not in name and "conv1d" not in name:
            assert torch.equal(weight, torch.zeros_like(weight)), name
        elif name.endswith(("out_proj.weight", "in_proj.weight", "w1.weight", "w2.weight", "w3.weight")):
            bound = weight.shape[1] ** -0.5 / (4 if "out_proj" in name else 1)  # the square root of 16 blocks
            assert 0.99 * bound < weight.abs().max() <= bound, name
    for told in (model.class_token, model.positions.table, model.head.linear.weight):
        assert told.std().item() == pytest.approx(0.02, rel=0.2)


# ---------------------------------------------------------------- mixed precision


@pytest.mark.parametrize("backend", PORTABLE)
def test_mixed_precision_is_near_float32(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step sizes and rates reach the scan in float32, the rest in bfloat16, and the logits are near."""
    model, images, seen = released(backend=backend), reference()["input"], []
    name = "ssd_continued" if backend == "chunked" else "ssd"
    scan = getattr(mamba2, name)

    def watched(x, dt, a, b, c, **settings):
        seen.append((x.dtype, dt.dtype, a.dtype, b.dtype, c.dtype))
        return scan(x, dt, a, b, c, **settings)

    monkeypatch.setattr(mamba2, name, watched)
    exact = model(images)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(images)
    wide, narrow = torch.float32, torch.bfloat16
    assert seen == [(wide,) * 5] * 8 + [(narrow, wide, wide, narrow, narrow)] * 8
    assert (half.float() - exact).norm() < 0.03 * exact.norm()


@pytest.mark.gpu
@pytest.mark.parametrize("backend", PORTABLE)
def test_released_logits_on_a_gpu(backend: str) -> None:
    model, file = released(backend=backend).cuda(), reference()
    with torch.no_grad():
        logits = model(file["input"].cuda()).cpu()
        with torch.autocast("cuda", torch.bfloat16):
            half = model(file["input"].cuda()).float().cpu()
    assert (logits - file["logits"]).abs().max() < 10 * NEAR
    assert (half - file["logits"]).norm() < 0.03 * file["logits"].norm()
