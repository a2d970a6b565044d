"""What a model costs, by formula: parameters and model FLOPs.

**Model FLOPs** count two for each multiply-add of the matrix products a model needs, whatever backend computes them; a
training step costs three forwards (Kaplan et al., 2020). Left out, as usual: normalisation, softmax, GELU, additions.
Letters: C channels, p patch size, N tokens, D width, K classes.
"""

from torch import nn

from labkit.config import Run, choose
from labkit.tokenizers import token_count


def parameters(model: nn.Module) -> int:
    """How many numbers are trained. Used in lesson 05."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def attention_flops(tokens: int, dim: int) -> int:
    """FLOPs of the two products in one attention layer, q k^T and weights v, all heads: 4 N^2 D. Used in lesson 00."""
    return 4 * tokens**2 * dim


def vit_flops(*, tokens: int, patch_numbers: int, dim: int, depth: int, classes: int, mlp_ratio: float = 4.0) -> int:
    """Model FLOPs of one image through a mean-pooled ViT: `patch_numbers` = C p p. Used in lesson 05."""
    embed = 2 * tokens * patch_numbers * dim
    linear = 2 * tokens * dim * (3 * dim + dim + 2 * int(dim * mlp_ratio))
    return embed + depth * (linear + attention_flops(tokens, dim)) + 2 * dim * classes


def flops_per_image(run: Run, *, channels: int, classes: int) -> int:
    """Model FLOPs of one forward pass of the model that `run` describes."""
    return choose("model", run.model, FORMULAS)(
        tokens=token_count(run.image_size, run.patch_size),
        patch_numbers=channels * run.patch_size**2,
        dim=run.width,
        depth=run.depth,
        classes=classes,
    )


FORMULAS = {"vit": vit_flops}


def train_flops(run: Run, *, channels: int, classes: int) -> int:
    """Model FLOPs of the whole run: forward and backward make three forwards, for every image seen."""
    return 3 * flops_per_image(run, channels=channels, classes=classes) * run.batch * run.steps
