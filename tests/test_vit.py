"""Our ViT gives timm's logits for timm's weights."""

import pytest
import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch.utils.flop_counter import FlopCounterMode

from labkit.config import Run
from labkit.cost import FORMULAS, attention_flops
from labkit.cost.counting import parameters
from labkit.heads import HEADS, Classify, ClassifyToken
from labkit.models import MODELS, build
from labkit.models.published import from_timm
from labkit.models.vit import ViT
from labkit.nn.attention import Attention
from labkit.ops.attention import attention
from labkit.positions import LearnedPositions
from labkit.tokenizers import Patches


@pytest.mark.parametrize("pool", ["token", "avg"])
@pytest.mark.parametrize(("size", "p"), [((32, 32), 8), ((16, 24), 4), ((6, 6), 1)])
def test_logits_equal_timm(pool: str, size: tuple[int, int], p: int) -> None:
    other = VisionTransformer(
        img_size=size, patch_size=p, embed_dim=48, depth=3, num_heads=3, num_classes=7, global_pool=pool,
        class_token=pool == "token", fc_norm=False,
    ).eval()  # fmt: skip
    for weight in other.parameters():  # timm starts biases at zero and norms at one, which would hide a mix-up
        torch.nn.init.normal_(weight, std=0.2)
    mine = from_timm(other)
    images = torch.randn(3, 3, *size)
    torch.testing.assert_close(mine(images), other(images), rtol=1e-5, atol=1e-5)
    assert parameters(mine) == sum(weight.numel() for weight in other.parameters())


def test_logits_equal_timm_at_full_size() -> None:
    other = timm.create_model("vit_tiny_patch16_224", num_classes=10).eval()
    torch.nn.init.normal_(other.head.weight, std=0.02)
    images = torch.randn(1, 3, 224, 224)
    torch.testing.assert_close(from_timm(other)(images), other(images), rtol=1e-5, atol=1e-5)


def test_a_fault_is_seen() -> None:
    """Two norms exchanged: the comparison above must notice."""
    other = VisionTransformer(img_size=8, patch_size=4, embed_dim=16, depth=1, num_heads=2, num_classes=3).eval()
    torch.nn.init.normal_(other.blocks[0].norm1.weight)
    torch.nn.init.normal_(other.head.weight)
    mine = from_timm(other)
    block = mine.blocks[0]
    block.norm_attention, block.norm_mlp = block.norm_mlp, block.norm_attention
    images = torch.randn(2, 3, 8, 8)
    assert (mine(images) - other(images)).abs().max() > 1e-3


def test_order_of_tokens_means_nothing_when_positions_travel() -> None:
    model = ViT(Patches(8, 2, 16), Classify(16, 3), depth=2, heads=2).double()
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    tokens = model.tokenizer(images)
    order = torch.randperm(tokens.shape[1])
    told = model.positions(tokens)
    torch.testing.assert_close(model.head(model.mix(told[:, order])), model(images))
    assert (model.head(model.mix(model.positions(tokens[:, order]))) - model(images)).abs().max() > 1e-4


def test_positions_that_do_not_fit_and_backends_that_are_not_there() -> None:
    tokenizer = Patches(8, 2, 16)
    with pytest.raises(ValueError, match="positions for 16 tokens do not fit 17 tokens"):
        ViT(tokenizer, ClassifyToken(16, 3), depth=1, heads=2, positions=LearnedPositions(tokenizer.grid, 16))
    with pytest.raises(ValueError, match="backend 'fusd' of attention is unknown"):
        ViT(tokenizer, Classify(16, 3), depth=1, heads=2, backend="fusd")
    assert MODELS.keys() == FORMULAS.keys(), "a model without a formula for its FLOPs cannot be recorded"


def test_heads_that_do_not_divide_and_unknown_names() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide the width 16"):
        Attention(16, 3)
    for field in ("model", "positions"):
        with pytest.raises(ValueError, match=f"{field} 'nosuch' is unknown; there are"):
            build(Run(**{field: "nosuch"}), channels=1, classes=2)


@pytest.mark.parametrize("head", list(HEADS))
def test_every_backend_gives_the_same_model(head: str) -> None:
    images = torch.randn(2, 3, 8, 8)
    logits = []
    for backend in ("math", "fused"):
        torch.manual_seed(0)
        logits.append(ViT(Patches(8, 2, 16), HEADS[head](16, 3), depth=2, heads=2, backend=backend)(images))
    torch.testing.assert_close(*logits)


def test_attention_flops_equal_those_counted() -> None:
    q = torch.zeros(1, 3, 50, 8)
    with FlopCounterMode(display=False) as counter:
        attention(q, q, q, backend="math")
    assert attention_flops(50, 24) == counter.get_total_flops()
