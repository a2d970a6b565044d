"""Questions that are ready: each with what varies, its values, the models, and settings that differ from the usual."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from labkit.study.factors import Value


@dataclass(frozen=True)
class Ready:
    """A question in words and the plan that goes with it; the first value is what the others are compared with."""

    question: str
    factor: str
    values: tuple[Value, ...]
    models: tuple[str, ...] = ("vit",)
    same: Mapping[str, Value] = field(default_factory=dict)


READY = {
    "smaller_patches": Ready("Do smaller patches give a lower test loss, this soon?", "patch_size", (16, 8, 4)),
    "both_architectures": Ready(
        "Do smaller patches help an architecture without attention as well?",
        "patch_size", (16, 8, 4), ("vit", "adventurer"),
    ),
    "architecture": Ready(
        "At one patch size and equally many steps, which architecture has the lower test loss?",
        "model", ("vit", "adventurer"), ("vit", "adventurer"), {"patch_size": 4},
    ),
    "patience": Ready("How much do small patches gain from more steps?", "steps", (75, 150, 300), ("vit",),
                      {"patch_size": 2}),
    "positions": Ready("Does a ViT need to be told where a token was?", "positions", ("learned", "sincos", "none"),
                       ("vit",), {"patch_size": 4}),
    "reading_order": Ready("Does it matter that Adventurer turns its reading order round?", "flips",
                           ("as_released", "alternate", "never"), ("adventurer",), {"patch_size": 4}),
    "width": Ready("Is a wider model better with as many steps?", "width", (32, 64, 128), ("vit",), {"patch_size": 8}),
    "learning_rate": Ready("How much hangs on the learning rate?", "learning_rate", (0.003, 0.001, 0.01), ("vit",),
                           {"patch_size": 4}),
}  # fmt: skip
