"""What a run writes down while it trains: its losses, whether they are finite, and the curve that figures draw.

On a CPU each loss is looked at when it comes; on a GPU twenty at a time, so that the device is not made to wait.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

POINTS = 50  # of the training curve of a whole run
LOOKS = 10  # of them also look at the validation images
ON_A_GPU = 20  # losses that may wait to be looked at


Point = dict[str, int | float]  # of a curve: step, train_loss and now and then validation_loss


class Diverged(RuntimeError):
    """The loss or the gradient of a step was not finite."""


class Journal:
    """The losses of one run of `steps` steps; `curve` holds {"step", "train_loss"} and now and then
    "validation_loss"."""

    def __init__(self, steps: int, *, patience: int) -> None:
        self.curve: list[Point] = []
        self._steps, self._patience = steps, patience
        self._waiting: list[Tensor] = []
        self._window: list[float] = []
        self._seen = 0

    def add(self, loss: Tensor, norm: Tensor, *, safe: Path | None) -> None:
        """Note the loss and the gradient's norm of the next step. Diverged, if one of them is not finite."""
        self._waiting.append(torch.stack([loss, norm]))
        if len(self._waiting) >= self._patience:
            self.settle(safe=safe)

    def settle(self, *, safe: Path | None) -> None:
        """Look at all losses that wait."""
        if not self._waiting:
            return
        for loss, norm in torch.stack(self._waiting).tolist():
            if not (math.isfinite(loss) and math.isfinite(norm)):
                kept = f"the last good checkpoint is {safe}" if safe else "no checkpoint had been written"
                raise Diverged(
                    f"step {self._seen} gave loss {loss} with gradient norm {norm}, which is not finite: the run "
                    f"stopped and kept nothing of it; {kept}. A smaller learning rate or a longer warm-up usually helps"
                )
            self._window.append(loss)
            self._seen += 1
        self._waiting = []

    def due(self, done: int) -> bool:
        """Whether a point of the curve is due after `done` steps."""
        return done % max(1, self._steps // POINTS) == 0 or done == self._steps

    def looks(self, done: int) -> bool:
        """Whether that point also looks at the validation images."""
        return self.due(done) and (done % max(1, self._steps // LOOKS) == 0 or done == self._steps)

    def point(self, done: int, **more: float) -> Point:
        """Add the mean training loss since the last point to the curve."""
        loss = sum(self._window) / len(self._window)
        self._window = []
        self.curve.append({"step": done, "train_loss": loss, **more})
        return self.curve[-1]

    def state(self) -> dict[str, Any]:
        """All of it as plain numbers, for a checkpoint; settled before."""
        assert not self._waiting
        return {"curve": self.curve, "window": self._window, "seen": self._seen}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.curve, self._window, self._seen = state["curve"], state["window"], state["seen"]
