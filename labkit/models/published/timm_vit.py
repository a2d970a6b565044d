"""timm's Vision Transformers in our classes, with the same answers, and back.

Letters: D width, p patch size.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from labkit.grid import Size
from labkit.heads import Classify, ClassifyToken
from labkit.models.published.hub import HUB, unfetched
from labkit.models.published.naming import SHARED, Layout, Naming, depth_of, exported, filled, sizes_in
from labkit.models.vit import ViT
from labkit.positions import LearnedPatchPositions, LearnedPositions
from labkit.resize import resized
from labkit.tokenizers import Patches

# plain architectures: class token in front, learned positions, pre-norm blocks with GELU; nothing else is in them
TIMM = (
    "vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224", "vit_base_patch32_224",
    "vit_base_patch8_224", "deit_tiny_patch16_224", "deit_small_patch16_224", "deit_base_patch16_224",
    "flexivit_small", "flexivit_base",
)  # fmt: skip

NAMING: Naming = (
    *SHARED,
    (r"\.norm_attention\.", ".norm1."),
    (r"\.norm_mlp\.", ".norm2."),
    (r"\.attention\.out\.", ".attn.proj."),
    (r"\.attention\.", ".attn."),
    (r"\.mlp\.up\.", ".mlp.fc1."),
    (r"\.mlp\.down\.", ".mlp.fc2."),
)
# D width, N places, C channels, p patch size, K classes, M width of the MLP
LAYOUT: Layout = {
    r"patch_embed\.proj\.weight": "D C p p",
    r"pos_embed": "1 N D",
    r"head\.weight": "K D",
    r"blocks\.\d+\.mlp\.fc1\.weight": "M D",
}


def from_timm(model_or_name: nn.Module | str, *, patch_size: int | None = None, image_size: Size | None = None) -> ViT:
    """The ViT with the answers of timm's: of a model, or of the published weights that timm knows by a name of `TIMM`
    (timm downloads them, once; a tag such as ".augreg_in1k" may follow).

    Another `patch_size` or `image_size` resizes patch embedding and positions as timm does when it loads weights into
    another size. Dropout and drop path stay behind. ValueError for another name, for weights that cannot be had, and
    for a model that computes anything else than a plain ViT does, with what it is.
    """
    other = _pretrained(model_or_name) if isinstance(model_or_name, str) else model_or_name
    if reasons := _not_plain(other):
        raise ValueError(
            f"{type(other).__name__} is no plain Vision Transformer ({', '.join(reasons)}): its answers would differ. "
            f"These are: {', '.join(TIMM)}"
        )
    model = _from_state_dict(
        other.state_dict(), image_size=tuple(other.patch_embed.img_size), heads=other.blocks[0].attn.num_heads
    )
    if patch_size is None and image_size is None:
        return model
    return resized(model, image_size=image_size, patch_size=patch_size)


def to_timm(model: nn.Module) -> dict[str, Tensor]:
    """The tensors of `model` under timm's names, bit by bit those of the model and not copied: what the
    `load_state_dict` of timm's model of the same sizes takes and, saved as a file, its `checkpoint_path`. A model that
    averages its patches fits timm's with `class_token=False, global_pool="avg", fc_norm=False`.

    ValueError for a model that timm's VisionTransformer has no counterpart of.
    """
    if not isinstance(model, ViT):
        raise ValueError(f"{type(model).__name__} has another architecture: timm's VisionTransformer cannot hold it")
    lacks = {
        "a class token that is not in front": model.head.class_token == "last",
        "positions that are not learned": not isinstance(model.positions, LearnedPositions),
    }
    if reasons := [reason for reason, there in lacks.items() if there]:
        raise ValueError(f"this ViT has {', '.join(reasons)}: timm's VisionTransformer cannot hold it")
    tensors = exported(model, NAMING)
    sizes = {name: tensor.to("meta") for name, tensor in tensors.items()}  # ValueError for parts of another kind
    _from_state_dict(sizes, image_size=model.tokenizer.image_size, heads=model.blocks[0].attention.heads)
    return tensors


def _from_state_dict(state: Mapping[str, Tensor], *, image_size: Size, heads: int) -> ViT:
    """The ViT that the tensors of `state` make, under timm's names."""
    size, depth, token = sizes_in(state, LAYOUT), depth_of(state, "blocks"), "cls_token" in state
    dim = size["D"]

    def make() -> nn.Module:
        tokenizer = Patches(image_size, size["p"], dim, channels=size["C"])
        head = (ClassifyToken if token else Classify)(dim, size["K"])
        kind = LearnedPatchPositions if token and size["N"] == tokenizer.tokens else LearnedPositions
        positions = kind(tokenizer.grid, dim, class_token=head.class_token)
        return ViT(tokenizer, head, depth=depth, heads=heads, mlp_ratio=(size["M"] + 0.5) / dim, positions=positions)

    return filled(make, state, NAMING)


def _not_plain(other: Any) -> list[str]:
    """What sets timm's model apart from a plain ViT, although its tensors might fit one."""
    from timm.models.vision_transformer import VisionTransformer

    if type(other) is not VisionTransformer:
        return ["another architecture"]
    plain = _plain_parts()
    if odd := {type(part).__name__ for part in other.modules() if type(part) not in plain}:
        return [f"made with {', '.join(sorted(odd))}"]
    patch, attentions = other.patch_embed.proj, [block.attn for block in other.blocks]
    norms = [part for part in other.modules() if isinstance(part, nn.LayerNorm)]
    down, across = patch.kernel_size
    pool = "avg" if other.cls_token is None else "token"
    differs = {
        "no blocks": not other.blocks,
        f"patches of {down} x {across} pixels": down != across,
        "patches that overlap or leave gaps": patch.stride != (down, across) or patch.padding != (0, 0),
        "no head": not isinstance(other.head, nn.Linear),
        f"an answer from {other.global_pool!r}, not from {pool!r}": other.global_pool != pool,
        "register tokens": other.num_reg_tokens > 0,
        "no positions": other.pos_embed is None,
        "other norms": len(norms) != 2 * len(other.blocks) + 1 or any(norm.eps != 1e-6 for norm in norms),
        "another activation": any(getattr(part, "approximate", "none") != "none" for part in other.modules()),
        "heads of other sizes": len({attention.num_heads for attention in attentions}) > 1
        or any(attention.scale != attention.head_dim**-0.5 for attention in attentions),
    }
    return [reason for reason, there in differs.items() if there]


def _plain_parts() -> set[type[nn.Module]]:
    """The modules that a plain ViT of timm is made of; those that drop something do so only in training."""
    from timm.layers import DropPath, LayerNorm, Mlp, PatchDropout, PatchEmbed
    from timm.layers.activations import GELU
    from timm.models.vision_transformer import Attention, Block, VisionTransformer

    torch_parts = {nn.Conv2d, nn.Dropout, nn.GELU, nn.Identity, nn.LayerNorm, nn.Linear, nn.Sequential}
    own = {VisionTransformer, Block, Attention, Mlp, PatchEmbed, LayerNorm, GELU}
    return torch_parts | own | {DropPath, PatchDropout}


def _pretrained(name: str) -> nn.Module:
    """timm's model with the published weights."""
    import timm
    from huggingface_hub.constants import HF_HUB_CACHE

    plain = name.partition(".")[0]
    if plain not in TIMM or name not in (plain, *timm.list_pretrained(f"{plain}.*")):
        raise ValueError(
            f"{name!r} is no name of a plain Vision Transformer with published weights; there are {', '.join(TIMM)}, "
            "with timm's tags"
        )
    try:
        return timm.create_model(name, pretrained=True)
    except Exception as error:  # each version of the hub's client has its own
        about = timm.get_pretrained_cfg(name)
        what = f"model.safetensors from {HUB}/timm/{about.architecture}.{about.tag}"
        instead = (
            f'pass timm.create_model("{name}", pretrained=True, pretrained_cfg_overlay={{"file": '
            f'"model.safetensors"}}); '
            f"or fetch the name there and copy the cache, {HF_HUB_CACHE}"
        )
        raise unfetched(name, error, what=what, instead=instead) from error
