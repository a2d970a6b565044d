"""Which patches a token answers to: how far its features move when a patch does.

The derivative J of a token's D features by the pixels of one patch is a matrix; its Frobenius norm is the influence of
the patch on the token. For a vector v of independent normal numbers the mean of |J^T v|^2 is that norm squared, so a
few random directions v and one backward pass give it for all patches at once. No path from patch to token means
exactly zero.

Letters: C channels, H W pixels, T tokens asked for, N patches, D width.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit.grid import token_count
from labkit.tokenizers import patchify


def influence(
    model: nn.Module, image: Float[Tensor, "C H W"], tokens: Sequence[int], *, probes: int = 8, seed: int = 0
) -> Float[Tensor, "T N"]:
    """Influence of each patch of `image` on each of `tokens`, counted as in `model.features`; estimated from `probes`
    random directions. ValueError for a token that is not there, no probe, or tokens that are no patches. Used in
    lesson 04."""
    if probes < 1:
        raise ValueError(f"probes {probes} must be 1 or more, or nothing would be measured")
    if model.tokenizer.tokens != token_count(model.tokenizer.image_size, model.tokenizer.patch_size):
        raise ValueError("this tokenizer makes other tokens than patches: slopes could not be told patch by patch")
    images = image.repeat(len(tokens), 1, 1, 1).requires_grad_()
    features = model.features(images)
    length = features.shape[1]
    missing = [token for token in tokens if not -length <= token < length]
    if missing:
        raise ValueError(f"tokens {missing} are not among the {length} of this model: there is nothing to look at")
    asked = features[torch.arange(len(images)), list(tokens)]
    random = torch.Generator().manual_seed(seed)
    squares = []
    for _ in range(probes):
        directions = torch.randn(asked.shape, generator=random).to(asked)
        (slopes,) = torch.autograd.grad(asked, images, directions, retain_graph=True)
        squares.append(patchify(slopes, model.tokenizer.patch_size).square().sum(dim=-1))
    return torch.stack(squares).mean(dim=0).sqrt()
