"""timm's models in our classes and back: the same logits, the same features, the same resampling, the same bits."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.layers import SwiGLU
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

from labkit.heads import Classify, ClassifyToken
from labkit.models.adventurer import Adventurer
from labkit.models.published import TIMM, from_timm, to_timm
from labkit.models.vit import ViT
from labkit.nn.mlp import MLP
from labkit.positions import LearnedPatchPositions, SineCosinePositions
from labkit.tokenizers import Patches

NEAR = {"rtol": 1e-5, "atol": 1e-5}


def other(name: str, **settings) -> VisionTransformer:
    """timm's model with weights that hide nothing: timm starts biases at zero and norms at one."""
    model = timm.create_model(name, num_classes=10, **settings).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    return model


def plain(**settings) -> VisionTransformer:
    """A small one, without a name."""
    sizes = {"img_size": 24, "patch_size": 4, "embed_dim": 48, "depth": 2, "num_heads": 3, "num_classes": 7}
    model = VisionTransformer(**sizes | settings).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return model


def test_the_list_is_known_to_timm() -> None:
    assert set(TIMM) <= set(timm.list_models())
    assert len(TIMM) == len(set(TIMM)) == 10


@pytest.mark.parametrize("name", TIMM)
@torch.no_grad()
def test_logits_and_features_of_each_name(name: str) -> None:
    """At full width, two blocks deep (all are alike)."""
    theirs = other(name, depth=2)
    mine = from_timm(theirs)
    images = torch.randn(1, 3, *theirs.patch_embed.img_size)
    torch.testing.assert_close(mine.features(images), theirs.forward_features(images), **NEAR)
    torch.testing.assert_close(mine(images), theirs(images), **NEAR)


@pytest.mark.parametrize("name", TIMM)
def test_every_tensor_of_each_name_there_and_back(name: str) -> None:
    """At full depth."""
    theirs = timm.create_model(name)
    back, tensors = to_timm(from_timm(theirs)), theirs.state_dict()
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[key], tensor) for key, tensor in tensors.items())


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "flexivit_small"])
@torch.no_grad()
def test_timm_loads_our_export(name: str, tmp_path: Path) -> None:
    """As a table and as a file, bit by bit, with the same answers."""
    mine = from_timm(other(name, depth=3))
    theirs, file = timm.create_model(name, num_classes=10, depth=3).eval(), tmp_path / "export.safetensors"
    theirs.load_state_dict(to_timm(mine))
    assert all(torch.equal(value, to_timm(mine)[key]) for key, value in theirs.state_dict().items())
    images = torch.randn(1, 3, *mine.tokenizer.image_size)
    torch.testing.assert_close(theirs(images), mine(images), **NEAR)
    save_file({key: value.contiguous() for key, value in to_timm(mine).items()}, file)
    read = timm.create_model(name, num_classes=10, depth=3, checkpoint_path=str(file)).eval()
    assert torch.equal(read(images), theirs(images))


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "flexivit_small"])
@pytest.mark.parametrize(
    "sizes", [{"patch_size": 8}, {"patch_size": 32}, {"image_size": 96}, {"patch_size": 10, "image_size": (80, 160)}]
)
@torch.no_grad()
def test_another_size_is_timms_own_resampling(name: str, sizes: dict) -> None:
    theirs = other(name, depth=1)
    patch_size = sizes.get("patch_size", theirs.patch_embed.patch_size[0])
    image_size = sizes.get("image_size", theirs.patch_embed.img_size)
    if isinstance(image_size, tuple) and image_size[0] % patch_size:  # FlexiViT's 240 px and patches of 32
        sizes, image_size = sizes | {"image_size": 192}, 192
    target = timm.create_model(name, num_classes=10, depth=1, patch_size=patch_size, img_size=image_size).eval()
    target.load_state_dict(checkpoint_filter_fn(theirs.state_dict(), target))
    mine = from_timm(theirs, **sizes)
    images = torch.randn(1, 3, *target.patch_embed.img_size)
    torch.testing.assert_close(mine.features(images), target.forward_features(images), **NEAR)
    torch.testing.assert_close(mine(images), target(images), **NEAR)
    assert isinstance(mine.positions, LearnedPatchPositions) == name.startswith("flexi")


@pytest.mark.parametrize(
    "settings",
    [
        {"no_embed_class": True},
        {"class_token": False, "global_pool": "avg", "fc_norm": False},
        {"mlp_ratio": 2.6, "in_chans": 1, "num_heads": 1},
        {"img_size": (8, 24)},
        {"drop_rate": 0.5, "drop_path_rate": 0.5, "proj_drop_rate": 0.5, "attn_drop_rate": 0.5},
        {"patch_drop_rate": 0.5, "pos_drop_rate": 0.5},
        {"act_layer": "gelu"},
    ],
)
@torch.no_grad()
def test_other_plain_models(settings: dict) -> None:
    theirs = plain(**settings)
    mine = from_timm(theirs)
    images = torch.randn(2, settings.get("in_chans", 3), *theirs.patch_embed.img_size)
    torch.testing.assert_close(mine.features(images), theirs.forward_features(images), **NEAR)
    torch.testing.assert_close(mine(images), theirs(images), **NEAR)
    theirs.load_state_dict(to_timm(mine))


def test_our_own_model_goes_to_timm() -> None:
    """A trained classroom model averages its patches; so can timm's."""
    mine = ViT(Patches(24, 4, 48), Classify(48, 7), depth=2, heads=3).eval()
    theirs = plain(class_token=False, global_pool="avg", fc_norm=False)
    theirs.load_state_dict(to_timm(mine))
    images = torch.randn(2, 3, 24, 24)
    torch.testing.assert_close(theirs(images), mine(images), **NEAR)


OTHERWISE = {
    "mean of the patches beside a class token": ({"global_pool": "avg", "fc_norm": False}, "'avg', not from 'token'"),
    "norm after the mean": (
        {"class_token": False, "global_pool": "avg"},
        "missing: norm.weight, norm.bias; unknown: fc_norm",
    ),
    "largest patch": ({"class_token": False, "global_pool": "max", "fc_norm": False}, "'max', not from 'avg'"),
    "attention pooling": ({"global_pool": "map"}, "made with AttentionPoolLatent"),
    "registers": ({"reg_tokens": 2}, "register tokens"),
    "no positions": ({"pos_embed": "none"}, "no positions"),
    "no head": ({"num_classes": 0}, "no head"),
    "layer scale": ({"init_values": 0.1}, "made with LayerScale"),
    "norm of queries": ({"qk_norm": True}, "other norms"),
    "no bias": ({"qkv_bias": False}, r"missing: blocks\.0\.attention\.qkv\.bias|missing: blocks\.0\.attn\.qkv\.bias"),
    "norm in front": ({"pre_norm": True}, "other norms"),
    "no last norm": ({"final_norm": False}, "other norms"),
    "another activation": ({"act_layer": "silu"}, "made with SiLU"),
    "tanh": ({"act_layer": "gelu_tanh"}, "made with GELUTanh"),
    "tanh by torch": ({"act_layer": partial(torch.nn.GELU, approximate="tanh")}, "another activation"),
    "gated": ({"mlp_layer": SwiGLU}, "made with SwiGLU"),
    "another eps": ({"norm_layer": lambda dim, **more: torch.nn.LayerNorm(dim, eps=1e-5)}, "other norms"),
    "RMSNorm": ({"norm_layer": "rmsnorm"}, "made with R[mM][sS]"),
    "patches not square": ({"patch_size": (4, 6)}, "patches of 4 x 6 pixels"),
    "two block paths": (
        {"block_fn": timm.models.vision_transformer.ParallelThingsBlock},
        "made with ModuleList, ParallelThingsBlock",
    ),
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_whatever_would_answer_otherwise_is_refused(case: str) -> None:
    settings, message = OTHERWISE[case]
    with pytest.raises(ValueError, match=message):
        from_timm(plain(**settings))


class Norm(torch.nn.Module):
    """With weight and bias as LayerNorm has them, and another answer."""

    def __init__(self, dim: int, **more) -> None:
        super().__init__()
        self.weight, self.bias = (torch.nn.Parameter(torch.ones(dim)) for _ in range(2))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens * self.weight + self.bias


class Backwards(VisionTransformer):
    """Reads its features the other way round."""

    def forward_head(self, tokens: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        return super().forward_head(tokens.flip(2), pre_logits)


def changed(change: Callable[[VisionTransformer], object], **settings) -> VisionTransformer:
    model = plain(**settings)
    change(model)
    return model


def other_heads(model: VisionTransformer) -> None:
    model.blocks[1].attn.num_heads, model.blocks[1].attn.head_dim = 6, 8
    model.blocks[1].attn.scale = 8**-0.5


SLY = {
    "norm without tensors after the embedding": lambda: plain(
        embed_norm_layer=partial(torch.nn.LayerNorm, elementwise_affine=False, eps=1e-6)
    ),
    "norms of another kind": lambda: plain(norm_layer=Norm),
    "a block of the same name": lambda: plain(block_fn=type("Block", (timm.models.vision_transformer.Block,), {})),
    "a head of its own": lambda: Backwards(img_size=24, patch_size=4, embed_dim=48, depth=1, num_heads=3),
    "patches that overlap": lambda: changed(lambda model: setattr(model.patch_embed.proj, "stride", (2, 2))),
    "padded patches": lambda: changed(lambda model: setattr(model.patch_embed.proj, "padding", (1, 1))),
    "other heads further up": lambda: changed(other_heads),
    "another scale": lambda: changed(lambda model: setattr(model.blocks[0].attn, "scale", 1.0)),
    "no blocks": lambda: plain(depth=0),
}


@pytest.mark.parametrize("case", SLY)
def test_models_whose_tensors_would_fit_and_whose_answers_would_not(case: str) -> None:
    with pytest.raises(ValueError, match="is no plain Vision Transformer"):
        from_timm(SLY[case]())


def test_other_architectures_and_names() -> None:
    with pytest.raises(ValueError, match=r"Distilled is no plain Vision Transformer \(another architecture"):
        from_timm(timm.create_model("deit_tiny_distilled_patch16_224", depth=1))
    with pytest.raises(ValueError, match=r"ResNet is no plain Vision Transformer \(another architecture\)"):
        from_timm(timm.create_model("resnet18"))
    for name in ("vit_tiny_patch16_384", "resnet18", "nosuch", "vit_tiny_patch16_224.nosuch"):
        with pytest.raises(ValueError, match=f"'{name}' is no name of a plain Vision Transformer .* vit_tiny_patch16"):
            from_timm(name)


def test_a_name_asks_timm_for_the_published_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by name, timm fetches; where it cannot, what to fetch and how to pass it on."""
    asked, theirs = [], plain()

    def create_model(name: str, *, pretrained: bool) -> VisionTransformer:
        asked.append((name, pretrained))
        if len(asked) > 1:
            raise OSError("no network")
        return theirs

    monkeypatch.setattr(timm, "create_model", create_model)
    images = torch.randn(1, 3, 24, 24)
    torch.testing.assert_close(from_timm("vit_base_patch32_224.augreg_in1k")(images), theirs(images), **NEAR)
    where = r"https://huggingface\.co/timm/deit_tiny_patch16_224\.fb_in1k .* pretrained_cfg_overlay=\{\"file\": "
    with pytest.raises(ValueError, match=rf"could not be fetched \(no network\)\. .*{where}"):
        from_timm("deit_tiny_patch16_224")
    assert asked == [("vit_base_patch32_224.augreg_in1k", True), ("deit_tiny_patch16_224", True)]


def test_the_way_around_a_missing_network_works(tmp_path: Path) -> None:
    """What the message above says to do: a file copied by hand, read through timm."""
    theirs = timm.create_model("deit_tiny_patch16_224", depth=1)
    torch.nn.init.normal_(theirs.head.weight)
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    overlay = {"file": str(tmp_path / "model.safetensors")}
    read = timm.create_model("deit_tiny_patch16_224", depth=1, pretrained=True, pretrained_cfg_overlay=overlay)
    assert torch.equal(from_timm(read).head.linear.weight, theirs.head.weight)


def test_what_timm_cannot_hold() -> None:
    tokenizer = Patches(8, 2, 32)
    fixed = SineCosinePositions(tokenizer.grid, 32)
    last = ClassifyToken(32, 5, place="last")
    for model, reason in (
        (Adventurer(tokenizer, Classify(32, 5), depth=1), "another architecture"),
        (ViT(tokenizer, last, depth=1, heads=2), "a class token that is not in front"),
        (ViT(tokenizer, Classify(32, 5), depth=1, heads=2, positions=fixed), "positions that are not learned"),
    ):
        with pytest.raises(ValueError, match=f"has {reason}"):
            to_timm(model)


def test_parts_that_timm_does_not_have() -> None:
    """Nothing is exported that could not be read again."""
    for change in (
        lambda model: setattr(model.head, "linear", torch.nn.Sequential(torch.nn.Linear(48, 7))),
        lambda model: setattr(model.blocks[1], "norm_mlp", torch.nn.RMSNorm(48)),
        lambda model: setattr(model.blocks[1], "mlp", MLP(48, 100)),
    ):
        model = from_timm(plain())
        change(model)
        with pytest.raises(
            ValueError, match=r"no tensor tells the size K|blocks\.1\.norm2\.bias|do not agree on the size M"
        ):
            to_timm(model)


def test_the_model_is_a_copy() -> None:
    theirs = plain()
    mine = from_timm(theirs)
    before = theirs.blocks[0].attn.qkv.weight.clone()
    torch.nn.init.zeros_(mine.blocks[0].attention.qkv.weight)
    assert torch.equal(theirs.blocks[0].attn.qkv.weight, before)
    assert not mine.training
