"""A model as far as its cost goes: how many tokens, how wide, how deep. Numbers only, so that a cost can be asked for
where there is no torch, and for models that would never fit.

Letters: C channels, p patch size, N tokens, D width, K classes.
"""

from dataclasses import dataclass

from labkit.config import Run, choose
from labkit.grid import Size, token_count

# width and depth (Wang et al., 2025, table 7); a ViT's heads have 64 numbers each
SIZES = {
    "vit": {"tiny": (192, 12), "small": (384, 12), "base": (768, 12), "large": (1024, 24)},
    "adventurer": {"tiny": (256, 12), "small": (512, 12), "base": (768, 12), "large": (1024, 24)},
}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A model on images of a size. `class_token` adds one token; `learned_positions` a trained table for all tokens.
    `heads` are attention's, `state` and `heading` (the average before each mixer) are Adventurer's; each ignores the
    other's. With `stride` there is a token every so many pixels; `embeds_each` if each comes from a patch of its own
    (labkit.extended). A flexible model keeps the embedding of its `largest_patch`. ValueError for patches that do not
    fit the image, for settings without effect, and for a model that could not be built. Used in lesson 03."""

    model: str
    image_size: Size
    patch_size: int
    channels: int
    width: int
    depth: int
    classes: int
    class_token: bool = False
    learned_positions: bool = True
    heads: int = 1
    state: int = 64
    heading: bool = True
    stride: int | None = None
    embeds_each: bool = False
    largest_patch: int | None = None

    def __post_init__(self) -> None:
        token_count(self.image_size, self.patch_size)  # refuses patches that do not fit
        if self.stride is not None and not 1 <= self.stride < self.patch_size:
            raise ValueError(f"stride {self.stride} must be 1 or more and below patch size {self.patch_size}")
        if self.embeds_each and self.stride is None:
            raise ValueError("embeds_each without a stride: each patch is embedded once in any case")
        for name in ("channels", "width", "depth", "classes", "heads", "state"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)!r} must be a whole number, 1 or more, to cost anything")
        heads = {"vit": self.heads, "adventurer": max(1, 2 * self.width // 64)}.get(self.model, 1)
        whole = self.width if self.model == "vit" else 2 * self.width
        if whole % heads or (self.model == "adventurer" and whole > 64 and whole % 64):
            raise ValueError(f"width {self.width} does not divide into equal heads: no such model can be built")

    @property
    def tokens(self) -> int:
        """N, what the model makes of an image: its patches, or more where they are extended."""
        return token_count(self.image_size, self.stride or self.patch_size)

    @property
    def embedded(self) -> int:
        """Patches of an image that are embedded."""
        return self.tokens if self.embeds_each else token_count(self.image_size, self.patch_size)

    @property
    def mixed(self) -> int:
        """Tokens in Adventurer's mixer: with the heading average one more."""
        return self.length + self.heading

    @property
    def length(self) -> int:
        """Tokens that the blocks see: the image's and the class token."""
        return self.tokens + self.class_token

    @property
    def patch_numbers(self) -> int:
        """C p p, the numbers in a patch."""
        return self.channels * self.patch_size**2

    @property
    def embedding_numbers(self) -> int:
        """The numbers of the patch whose embedding is kept."""
        return self.channels * (self.largest_patch or self.patch_size) ** 2

    @property
    def cut_numbers(self) -> int:
        """The numbers of an image cut into patches, as a tensor of their own; none where cutting moves nothing, which
        holds for a single patch and for single pixels."""
        return self.tokens * self.patch_numbers if self.tokens > 1 and self.patch_size > 1 else 0


def shape_of(run: Run, *, channels: int, classes: int) -> Shape:
    """The shape of the model that `run` describes, as `labkit.models.build` builds it. Used in lesson 05."""
    return Shape(
        model=run.model,
        image_size=run.side,
        patch_size=run.patch_size,
        channels=channels,
        width=run.width,
        depth=run.depth,
        classes=classes,
        learned_positions=run.positions == "learned",
        heads=run.option("heads") or 1,
        heading=run.option("heading") is not False,
        stride=run.stride,
        embeds_each=run.extended == "overlapping",
        largest_patch=run.largest_patch,
    )


def published(model: str, size: str, *, image_size: Size = 224, patch_size: int = 16, classes: int = 1000) -> Shape:
    """The shape of a model of the paper, with class token: published("adventurer", "base", patch_size=1). ValueError
    for names that are not there and patches that do not fit. Used in lessons 03 and 04."""
    width, depth = choose("size", size, choose("model", model, SIZES))
    return Shape(
        model=model,
        image_size=image_size,
        patch_size=patch_size,
        channels=3,
        width=width,
        depth=depth,
        classes=classes,
        class_token=True,
        heads=width // 64,
    )
