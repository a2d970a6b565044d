"""A task whose images are changed before the model sees them; labels, splits and batches stay as they were.

`Shuffled` moves all pixels of every image in one fixed order: no number is lost, but neighbours are neighbours no more.
A model that sees single pixels and learns their places should not mind, nor should one whose patch is the whole image;
patches in between are cut from noise (Nguyen et al., "An Image is Worth More Than 16x16 Patches", 2024). `Enlarged`
interpolates images to a larger side: more pixels, nothing new in them.

Letters: B images, C channels, S side.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class Changed(ABC):
    """What all changed tasks share: `change` is the change, `words` what the record says of it."""

    words = ""

    def __init__(self, task: Any) -> None:
        self.task, self.name, self.channels = task, task.name, task.channels
        self.image_size = task.image_size

    @abstractmethod
    def change(self, images: Float[Tensor, "B C S S"]) -> Float[Tensor, "B C T T"]:
        """The images as the model shall see them."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The task's own."""
        return self.task.classes

    @property
    def data(self) -> str:
        """The data in words, for a run's record."""
        return f"{self.task.data}, {self.words}"

    def batch(self, seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Training images, a function of (seed, step)."""
        return self._changed(self.task.batch(seed, step, size))

    def validation(self) -> tuple[Tensor, Tensor]:
        """The validation images."""
        return self._changed(self.task.validation())

    def test(self) -> tuple[Tensor, Tensor]:
        """The test images."""
        return self._changed(self.task.test())

    def _changed(self, examples: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.change(examples[0]), examples[1]


class Shuffled(Changed):
    """Every image's pixels in one order, drawn once from `seed`. Used in lesson 06."""

    def __init__(self, task: Any, seed: int) -> None:
        super().__init__(task)
        self.words = f"pixels shuffled in one fixed order (seed {seed})"
        self.order = torch.from_numpy(np.random.default_rng([seed]).permutation(task.image_size**2))

    def change(self, images: Float[Tensor, "B C S S"]) -> Float[Tensor, "B C S S"]:
        """All pixels, elsewhere."""
        return images.flatten(2)[..., self.order].reshape(images.shape)


class Enlarged(Changed):
    """Images interpolated (bicubic) to `side` pixels. ValueError unless that is more than they have. Used in lesson
    06."""

    def __init__(self, task: Any, side: int) -> None:
        super().__init__(task)
        if side <= task.image_size:
            raise ValueError(f"enlarged={side} is not above the images' own {task.image_size} pixels: nothing grows")
        self.words, self.image_size = f"enlarged to {side} px", side

    def change(self, images: Float[Tensor, "B C S S"]) -> Float[Tensor, "B C T T"]:
        """The same images with more pixels."""
        return F.interpolate(images, size=(self.image_size,) * 2, mode="bicubic")
