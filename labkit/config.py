"""One run's configuration: a frozen record of everything that decides its numbers, and where it is kept.

`Run` checks what can be checked without knowing the task or the model; names of tasks and models are checked where the
tables are. Letters: p patch size, D width.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

Entry = TypeVar("Entry")

# fields that say where or how often a run is kept, or on what it runs: they may change when a run is resumed
PLACE = ("folder", "device", "threads", "checkpoint_every", "recompute")
COUNTS = (
    "image_size", "patch_size", "width", "depth",
    "steps", "batch", "accumulate", "threads", "checkpoint_every",
)  # fmt: skip
# what only some models have, and what it is where a run does not say
OPTIONS = {"vit": {"heads": 4}, "adventurer": {"flips": "as_released", "heading": True}}
OPTIONAL = sorted({name for options in OPTIONS.values() for name in options})
# what a control changes, and the values that change nothing: a recipe tells only those that do, so that a run is called
# the same as before there were such controls
CONTROLS = {
    "extended": (None,),
    "stride": (None,),
    "shuffled": (None,),
    "enlarged": (None,),
    "largest_patch": (None,),
    "heading": (None, True),
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What to train. ValueError for a value outside its range. Used from lesson 05 on.

    `warmup` is a fraction of `steps`; `batch` images make one step, in `accumulate` equal parts; `checkpoint_every`
    counts steps and takes effect only with a `folder`; `recompute` trains in less memory and more time, to the same
    numbers (true for all blocks, a number for so many of the first); `precision` is "float32", "bf16" (autocast) or
    "float64"; `device` is "auto", "cpu" or "cuda". `heads` (ViT), `flips` (Adventurer: a name of its flip rules) and
    `heading` (Adventurer: whether mixers see the average) are None for the model's own; another model refuses them.

    Controls, all None unless one is wanted: `extended` ("interpolated", "repeated", "overlapping") gives a token every
    `stride` pixels from patches that stay as large; `shuffled` moves all pixels in the fixed order of that seed;
    `enlarged` interpolates images to that many pixels a side; `largest_patch` trains one model for all patch sizes from
    that one down to `patch_size`, by halves (FlexiViT), a size drawn for each step.
    """

    task: str = "textures"
    model: str = "vit"
    image_size: int = 16
    patch_size: int = 4
    width: int = 64
    depth: int = 3
    heads: int | None = None
    flips: str | None = None
    heading: bool | None = None
    positions: str = "learned"
    extended: str | None = None
    stride: int | None = None
    shuffled: int | None = None
    enlarged: int | None = None
    largest_patch: int | None = None
    steps: int = 150
    batch: int = 64
    accumulate: int = 1
    seed: int = 0
    learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.05
    clip: float = 1.0
    precision: str = "float32"
    compile: bool = False
    recompute: bool | int = False
    device: str = "auto"
    threads: int = 1
    checkpoint_every: int = 200
    folder: Path | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            _of_type(field.name, getattr(self, field.name), field.type)
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be 1 or more: with less there is nothing to train")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed={self.seed} must lie between 0 and 2**63: batches and weights are drawn from it")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate={self.learning_rate} must be above 0 and finite, or nothing is learned")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup={self.warmup} is a share of the steps, 0 <= warmup < 1: else there is no peak")
        if not self.clip > 0:
            raise ValueError(f"clip={self.clip} must be above 0 (infinite for none): gradients are cut to that norm")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay={self.weight_decay} must be finite and 0 or more, or weights would blow up")
        self._check_options()
        self._check_controls()
        if self.batch % self.accumulate:
            raise ValueError(
                f"batch={self.batch} is not a multiple of accumulate={self.accumulate}: parts of a step would differ"
            )
        choose("precision", self.precision, {"float32": None, "bf16": None, "float64": None})
        if self.folder is not None:
            object.__setattr__(self, "folder", Path(self.folder))

    def _check_options(self) -> None:
        mine = OPTIONS.get(self.model, {})
        for name in OPTIONAL:
            value = getattr(self, name)
            if value is not None and self.model in OPTIONS and name not in mine:
                raise ValueError(f"{name}={value!r} has no effect in model {self.model!r}: leave it out")
        if self.heads is not None and self.heads < 1:
            raise ValueError(f"heads={self.heads} must be 1 or more: with less there is nothing to train")

    def _check_controls(self) -> None:
        if (self.extended is None) != (self.stride is None):
            raise ValueError(
                f"extended={self.extended!r} with stride={self.stride}: the one says how tokens are added, the other "
                "how many; neither takes effect without the other"
            )
        if self.stride is not None and not 1 <= self.stride < self.patch_size:
            raise ValueError(f"stride={self.stride} must be 1 or more and below patch_size={self.patch_size}: no token "
                             "would be added")  # fmt: skip
        if self.shuffled is not None and self.shuffled < 0:
            raise ValueError(f"shuffled={self.shuffled} must be 0 or more: the order of pixels is drawn from it")
        if self.largest_patch is not None and (self.extended is not None or self.positions == "sincos"):
            raise ValueError(
                f"largest_patch={self.largest_patch} with extended={self.extended!r}, positions={self.positions!r}: "
                "a model for several patch sizes takes its own patches, and positions that are learned, or none"
            )

    @property
    def side(self) -> int:
        """Pixels a side of the images that the model sees."""
        return self.image_size if self.enlarged is None else self.enlarged

    def option(self, name: str) -> Any:
        """`heads`, `flips` or `heading` as the model takes it: the run's own, else the model's; None where it has
        none."""
        own = getattr(self, name)
        return OPTIONS.get(self.model, {}).get(name) if own is None else own

    def recipe(self) -> dict[str, Any]:
        """All that decides the numbers: what a resumed run must share with the run that wrote the checkpoint."""
        return {name: value for name, value in self.settings().items() if value not in CONTROLS.get(name, ())}

    def settings(self) -> dict[str, Any]:
        """`recipe` with the controls that are not in use."""
        values = {name: value for name, value in asdict(self).items() if name not in PLACE}
        return {name: self.option(name) if name in OPTIONAL else value for name, value in values.items()}


def _of_type(name: str, value: Any, kind: Any) -> None:
    """Refuse a value of another type: true is no number and "no" is not false."""
    kinds = (kind,) if isinstance(kind, type) else kind.__args__
    fits = type(value) in kinds or (float in kinds and type(value) is int)
    if name == "folder":
        fits = value is None or isinstance(value, str | Path)
    if not fits:
        wanted = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
        raise ValueError(f"{name}={value!r} is {type(value).__name__}, not {wanted}: the run was not started")


def choose(what: str, name: str, table: Mapping[str, Entry]) -> Entry:
    """The entry `name` of one of the explicit tables (tasks, models, positions). ValueError with the names there
    are."""
    if name not in table:
        raise ValueError(f"{what} {name!r} is unknown; there are {', '.join(table)}: nothing was built")
    return table[name]
