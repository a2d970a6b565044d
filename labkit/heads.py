"""What a model answers: heads turn tokens (B, N, D) into predictions.

A head says by `class_token` whether it reads an extra token that belongs to no patch; a model grows one if so.
Letters: B images, N patch tokens, D width, K classes.
"""

from jaxtyping import Float
from torch import Tensor, nn


class Classify(nn.Module):
    """Logits (B, K) from the mean of the patch tokens (Beyer et al., 2022). Built in lesson 05."""

    class_token = False

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.linear = _linear(dim, classes)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B K"]:
        """Average, then one linear map."""
        return self.linear(tokens.mean(dim=1))


class ClassifyToken(nn.Module):
    """Logits (B, K) from a class token in front of the patches (Dosovitskiy et al., 2021). Built in lesson 05."""

    class_token = True

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.linear = _linear(dim, classes)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B K"]:
        """One linear map of the first token."""
        return self.linear(tokens[:, 0])


def _linear(dim: int, classes: int) -> nn.Linear:
    linear = nn.Linear(dim, classes)
    nn.init.trunc_normal_(linear.weight, std=0.02)
    nn.init.zeros_(linear.bias)
    return linear


HEADS = {"mean": Classify, "token": ClassifyToken}
