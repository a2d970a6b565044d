"""What a model answers: heads turn tokens (B, N, D) into predictions.

A head says by `class_token` whether, and where, it wants an extra token that belongs to no patch; a model grows one if
so: "first" (Dosovitskiy et al., 2021), "last" (for models that read in order: only the last token has read them all),
or None. Letters: B images, N patch tokens, D width, K classes.
"""

from jaxtyping import Float
from torch import Tensor, nn

from labkit.positions import Place, check_place


class Classify(nn.Module):
    """Logits (B, K) from the mean of the patch tokens (Beyer et al., 2022). Built in lesson 05."""

    class_token: Place = None

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.linear = _linear(dim, classes)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B K"]:
        """Average, then one linear map."""
        return self.linear(tokens.mean(dim=1))


class ClassifyToken(nn.Module):
    """Logits (B, K) from a class token, "first" or "last" of the tokens. Built in lesson 05."""

    def __init__(self, dim: int, classes: int, *, place: Place = "first") -> None:
        super().__init__()
        if check_place(place) is None:
            raise ValueError("place None: this head reads a class token, first or last; Classify needs none")
        self.class_token, self.linear = place, _linear(dim, classes)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B K"]:
        """One linear map of the class token."""
        return self.linear(tokens[:, 0 if self.class_token == "first" else -1])


def _linear(dim: int, classes: int) -> nn.Linear:
    linear = nn.Linear(dim, classes)
    nn.init.trunc_normal_(linear.weight, std=0.02)
    nn.init.zeros_(linear.bias)
    return linear


HEADS = {"mean": Classify, "token": ClassifyToken}
