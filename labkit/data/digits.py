"""Handwritten digits, 8 x 8 pixels, 17 grey levels (UCI, carried by scikit-learn): the counter-example.

At short training budgets small patches lose here, so the law is a statement about trained models. The split is by
index, fixed and shuffled once; copies of one image would stand on one side (there are none: a test counts them).
Letters: B images, K classes.
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

VALIDATION, TEST = 297, 500  # of 1,797; the other 1,000 train


class Digits:
    """The task: `batch(seed, step, size)`, `validation()` and `test()` give (images, labels).

    Images are (B, 1, 8, 8) float32 between -1 and 1; labels (B,) int64.
    """

    name = "digits"
    channels = 1
    image_size = 8
    classes = tuple("0123456789")

    def __init__(self) -> None:
        from sklearn.datasets import load_digits  # takes a second, which whoever trains on textures need not wait

        bundle = load_digits()
        self._images = torch.from_numpy((bundle.images / 8 - 1).astype(np.float32))[:, None]
        self._labels = torch.from_numpy(bundle.target.astype(np.int64))
        order = np.random.default_rng(0).permutation(len(self._labels))
        self.split = {
            "test": order[:TEST],
            "validation": order[TEST : TEST + VALIDATION],
            "train": order[TEST + VALIDATION :],
        }

    @property
    def data(self) -> str:
        """The data in words, for a run's record."""
        return f"1,797 digits of 8 px, {len(self.split['train'])} train, {TEST} test"

    def batch(self, seed: int, step: int, size: int) -> tuple[Float[Tensor, "B 1 S S"], Int[Tensor, " B"]]:
        """Training images drawn with replacement: a function of (seed, step) alone."""
        train = self.split["train"]
        return self._at(train[np.random.default_rng([seed, step]).integers(len(train), size=size)])

    def validation(self) -> tuple[Float[Tensor, "B 1 S S"], Int[Tensor, " B"]]:
        """The validation images."""
        return self._at(self.split["validation"])

    def test(self) -> tuple[Float[Tensor, "B 1 S S"], Int[Tensor, " B"]]:
        """The test images."""
        return self._at(self.split["test"])

    def _at(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        return self._images[indices], self._labels[indices]


@cache
def digits(image_size: int = 8) -> Digits:
    """The digits task. ValueError for another image size than its own 8. Used from lesson 05 on."""
    if image_size != 8:
        raise ValueError(
            f"image size {image_size} does not fit digits, which are 8 x 8 pixels: resizing would blur them"
        )
    return Digits()
