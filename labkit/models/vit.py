"""The Vision Transformer (Dosovitskiy et al., 2021), at any patch size.

Pre-norm blocks, LayerNorm with eps 1e-6, biases everywhere, GELU: with the same weights its logits equal timm's
`VisionTransformer`. It differs from the paper only in what the caller passes in: the tokenizer, the positions, the
head.

Letters: B images, C channels, H W pixels, N tokens, D width.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit.nn.attention import Attention
from labkit.nn.mlp import MLP
from labkit.nn.recompute import blocks_to_recompute, runner
from labkit.positions import LearnedPositions, check_positions, with_class_token


class Block(nn.Module):
    """tokens + attention(norm(tokens)), then tokens + mlp(norm(tokens)). Used from lesson 01 on."""

    def __init__(self, dim: int, heads: int, *, hidden: int, backend: str) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, heads, backend=backend)
        self.norm_mlp = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLP(dim, hidden)

    def forward(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """The residual path runs straight through."""
        tokens = tokens + self.attention(self.norm_attention(tokens))
        return tokens + self.mlp(self.norm_mlp(tokens))


class ViT(nn.Module):
    """Images (B, C, H, W) to whatever the head answers.

    `tokenizer` gives tokens (B, N, D) and has `grid` and `dim`; `head` reads tokens and says by `class_token` where
    it wants one, if it does; `positions` is a module that adds a place to each token (default: learned); with
    `recompute` a block keeps only its tokens for the backward pass (true for all blocks, a number for so many of the
    first). Built in lesson 04.

    >>> from labkit.heads import Classify
    >>> from labkit.tokenizers import Patches
    >>> model = ViT(Patches(32, 4, 192), Classify(192, 10), depth=12, heads=3)
    """

    def __init__(
        self,
        tokenizer: nn.Module,
        head: nn.Module,
        *,
        depth: int,
        heads: int,
        mlp_ratio: float = 4.0,
        positions: nn.Module | None = None,
        backend: str = "auto",
        recompute: bool | int = False,
    ) -> None:
        super().__init__()
        dim, self.recompute = tokenizer.dim, blocks_to_recompute(recompute, depth)
        self.tokenizer, self.head = tokenizer, head
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim)) if head.class_token else None
        self.positions = positions or LearnedPositions(tokenizer.grid, dim, class_token=head.class_token)
        check_positions(self.positions, tokenizer.tokens + (self.class_token is not None))
        hidden = int(dim * mlp_ratio)
        self.blocks = nn.ModuleList(Block(dim, heads, hidden=hidden, backend=backend) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self._initialise()

    def _initialise(self) -> None:
        """All first values that the parts did not choose themselves. Xavier keeps the size of the tokens at any width;
        the customary 0.02 is made for width 768 and stalls a narrow model (as big_vision's ViT does it)."""
        if self.class_token is not None:
            nn.init.normal_(self.class_token, std=0.02)
        for layer in self.blocks.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def mix(self, tokens: Float[Tensor, "B N D"]) -> Float[Tensor, "B N D"]:
        """The blocks and the last norm: tokens that know their places in, features out."""
        for block, recompute in zip(self.blocks, self.recompute, strict=True):
            tokens = runner(recompute)(block, tokens)
        return self.norm(tokens)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """Tokens after the last norm, a class token (if any) where the head wants it."""
        tokens = with_class_token(self.tokenizer(images), self.class_token, self.head.class_token)
        return self.mix(self.positions(tokens))

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B ..."]:
        """The head's answer."""
        return self.head(self.features(images))
