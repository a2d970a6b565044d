"""One run's configuration: a frozen record of everything that decides its numbers, and where it is kept.

`Run` checks what can be checked without knowing the task or the model; names of tasks and models are checked where the
tables are. Letters: p patch size, D width.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

Entry = TypeVar("Entry")

# fields that say where or how often a run is kept, or on what it runs: they may change when a run is resumed
PLACE = ("folder", "device", "threads", "checkpoint_every")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What to train. ValueError for a value outside its range. Used from lesson 05 on.

    `warmup` is a fraction of `steps`; `batch` images make one step, in `accumulate` equal parts; `checkpoint_every`
    counts steps and takes effect only with a `folder`; `device` is "auto", "cpu" or "cuda".
    """

    task: str = "textures"
    model: str = "vit"
    image_size: int = 16
    patch_size: int = 4
    width: int = 64
    depth: int = 3
    heads: int = 4
    positions: str = "learned"
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
    device: str = "auto"
    threads: int = 1
    checkpoint_every: int = 200
    folder: Path | None = None

    def __post_init__(self) -> None:
        for name in ("image_size", "patch_size", "width", "depth", "heads", "steps", "batch", "accumulate", "threads"):
            _at_least_one(name, getattr(self, name))
        _at_least_one("checkpoint_every", self.checkpoint_every)
        if type(self.seed) is not int or self.seed < 0:
            raise ValueError(f"seed={self.seed!r} must be a whole number, 0 or more: batches are drawn from it")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate={self.learning_rate!r} must be above 0, or nothing would be learned")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup={self.warmup!r} is a fraction of the steps: 0 <= warmup < 1")
        if not self.clip > 0:
            raise ValueError(
                f"clip={self.clip!r} must be above 0: it is the largest gradient norm (float('inf') for none)"
            )
        if self.weight_decay < 0:
            raise ValueError(
                f"weight_decay={self.weight_decay!r} must be 0 or more, or weights would grow by themselves"
            )
        if self.batch % self.accumulate:
            raise ValueError(
                f"batch={self.batch} is not a multiple of accumulate={self.accumulate}: the parts of a step would "
                f"differ"
            )
        if self.precision not in ("float32", "bf16"):
            raise ValueError(f"precision={self.precision!r} must be 'float32' or 'bf16'")
        if self.folder is not None:
            object.__setattr__(self, "folder", Path(self.folder))

    def recipe(self) -> dict[str, Any]:
        """All that decides the numbers: what a resumed run must share with the run that wrote the checkpoint."""
        return {name: value for name, value in asdict(self).items() if name not in PLACE}


def _at_least_one(name: str, value: int) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number, 1 or more")


def choose(what: str, name: str, table: Mapping[str, Entry]) -> Entry:
    """The entry `name` of one of the explicit tables (tasks, models, positions). ValueError with the names there
    are."""
    if name not in table:
        raise ValueError(f"{what} {name!r} is unknown; there are {', '.join(table)}: nothing was built")
    return table[name]
