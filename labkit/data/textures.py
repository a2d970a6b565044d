"""Textures: tell from a small crop which of fourteen photographs it was cut from.

The class is the photograph. Train, validation and test crops come from strips with guards between them
(data/strips.py). Each trap that was seen is closed: fresh crops at every step, a function of (seed, step), so that
long runs cannot learn a fixed set by heart; the class is drawn first, then a crop in it that is not flat; random
flips and transposes while training; a dither of one grey level before each crop is standardised, or the step between
grey levels would betray the crop's contrast; a test set with equally many crops of each class, on a grid without
overlap.

Letters: B images, S crop side, K classes.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labkit.data.photos import photo, photos
from labkit.data.strips import across, corners, not_flat, strips

FLAT = 4.0  # grey levels of standard deviation below which a crop counts as flat
TEST_CROPS = 64  # of each class at most; fewer where the smallest photograph has no more
VALIDATION_CROPS = 32


class Textures:
    """The task: `batch(seed, step, size)`, `validation()` and `test()` give (images, labels).

    Images are (B, 1, S, S) float32, each with mean zero and standard deviation one; labels (B,) int64.
    """

    name = "textures"
    channels = 1

    def __init__(self, image_size: int, names: Sequence[str], *, dither: bool) -> None:
        self.image_size, self.names, self.dither = image_size, tuple(names), dither
        greys = [across(photo(name).grey()) for name in self.names]
        self._widths = np.array([grey.shape[1] for grey in greys])
        self._starts = np.cumsum([0, *(grey.size for grey in greys)])[:-1]
        self._pixels = np.concatenate([grey.ravel() for grey in greys]).astype(np.float32)
        allowed = [not_flat(grey, image_size, least=FLAT) for grey in greys]
        split = [strips(grey.shape[1], image_size) for grey in greys]
        pairs = list(zip(allowed, split, strict=True))
        self._train = [corners(a, s.train, image_size) for a, s in pairs]
        self._validation = [corners(a, s.validation, image_size) for a, s in pairs]
        self._test = [corners(a, s.test, image_size, step=image_size) for a, s in pairs]
        self._check()

    def _check(self) -> None:
        for part, found in (("train", self._train), ("validation", self._validation), ("test", self._test)):
            for name, places in zip(self.names, found, strict=True):
                if not len(places):
                    raise ValueError(
                        f"photograph {name!r} has no {part} crop of {self.image_size} pixels that is not flat: "
                        "leave it out of names= or take smaller crops, or a class would have no examples"
                    )

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the K photographs."""
        return self.names

    @property
    def data(self) -> str:
        """The data in words, for a run's record."""
        return (
            f"{len(self.names)} photographs, {self.image_size} px grey crops, fresh each step, "
            f"{'dithered' if self.dither else 'NOT dithered'}, {len(self.test()[1])} test crops"
        )

    def batch(self, seed: int, step: int, size: int) -> tuple[Float[Tensor, "B 1 S S"], Int[Tensor, " B"]]:
        """Training crops: a function of (seed, step) alone."""
        random = np.random.default_rng([seed, step])
        labels = random.integers(len(self.names), size=size)
        counts = np.array([len(places) for places in self._train])
        picks = (random.random(size) * counts[labels]).astype(np.int64)
        places = np.stack([self._train[label][pick] for label, pick in zip(labels, picks, strict=True)])
        turns = random.integers(8, size=size)
        return self._crops(labels, places, random, turns)

    def validation(self) -> tuple[Float[Tensor, "B 1 S S"], Int[Tensor, " B"]]:
        """Crops from the validation strips, the same ones each time, equally many of each class."""
        return self._fixed(self._validation, VALIDATION_CROPS, stream=1)

    def test(self) -> tuple[Float[Tensor, "B 1 S S"], Int[Tensor, " B"]]:
        """Crops from the test strips, the same ones each time, equally many of each class, none overlapping."""
        return self._fixed(self._test, TEST_CROPS, stream=2)

    def _fixed(self, found: list[np.ndarray], most: int, *, stream: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng([stream])
        each = min(most, *(len(places) for places in found))
        places = np.concatenate([random.permutation(places)[:each] for places in found])
        labels = np.repeat(np.arange(len(found)), each)
        return self._crops(labels, places, random, np.zeros(len(labels), dtype=np.int64))

    def _crops(
        self, labels: np.ndarray, places: np.ndarray, random: np.random.Generator, turns: np.ndarray
    ) -> tuple[Tensor, Tensor]:
        crops = self._pixels[self.indices(labels, places, turns)]
        if self.dither:
            crops = crops + random.random(crops.shape, dtype=np.float32)
        crops = crops - crops.mean(axis=(1, 2), keepdims=True)
        crops /= crops.std(axis=(1, 2), keepdims=True)
        return torch.from_numpy(crops[:, None]), torch.from_numpy(labels.astype(np.int64))

    def indices(self, labels: np.ndarray, places: np.ndarray, turns: np.ndarray) -> Int[np.ndarray, "B S S"]:
        """Which pixels of all the photographs, laid end to end, each crop takes. `turns` 0 to 7: the bits say
        transpose, mirror up-down, mirror left-right. The test that no pixel is on two sides asks this."""
        width, side = self._widths[labels], np.arange(self.image_size)
        first = self._starts[labels] + places[:, 0] * width + places[:, 1]
        down = np.where(turns[:, None] & 2, side[::-1], side)
        right = np.where(turns[:, None] & 4, side[::-1], side)
        rows = down[:, :, None] * width[:, None, None] + right[:, None, :]
        turned = down[:, None, :] * width[:, None, None] + right[:, :, None]
        return first[:, None, None] + np.where((turns & 1)[:, None, None], turned, rows)


@cache
def textures(image_size: int = 16, *, names: tuple[str, ...] | None = None, dither: bool = True) -> Textures:
    """The textures task for crops of `image_size` pixels. Used from lesson 05 on.

    `names` picks photographs (default: all); `dither=False` opens the shortcut again, to show what it does.
    ValueError if a photograph is too small for the crops, or unknown.
    """
    names = tuple(photos()) if names is None else names
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"names={names} must hold two different photographs or more: each is a class to tell apart")
    if image_size < 2:
        raise ValueError(f"image size {image_size} must be 2 pixels or more: a crop of one pixel has no texture")
    return Textures(image_size, names, dither=dither)
