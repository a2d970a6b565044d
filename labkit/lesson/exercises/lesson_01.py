"""Exercises of lesson 01: counting, cutting, and finding a token's place."""

import torch
from einops import rearrange
from torch import Tensor

from labkit.grid import token_count
from labkit.lesson.exercises.check import Exercise, Mistake
from labkit.tokenizers import patchify


def count(image_size: int, patch_size: int, channels: int) -> tuple[int, int]:
    """Tokens of a square image, and numbers in each."""
    return token_count(image_size, patch_size), channels * patch_size**2


def place(token: int, columns: int) -> tuple[int, int]:
    """Row and column of a token in reading order, on a grid with `columns` columns."""
    return divmod(token, columns)


def _image(height: int, width: int) -> Tensor:
    return torch.arange(2.0 * 3 * height * width).reshape(2, 3, height, width)


def _by_columns(images: Tensor, p: int) -> Tensor:
    return rearrange(images, "b c (h p) (w q) -> b (w h) (c p q)", p=p, q=p)


def _channels_last(images: Tensor, p: int) -> Tensor:
    return rearrange(images, "b c (h p) (w q) -> b (h w) (p q c)", p=p, q=p)


def _only_reshaped(images: Tensor, p: int) -> Tensor:
    return images.reshape(len(images), -1, images.shape[1] * p * p)


EXERCISES = (
    Exercise(
        "01-count",
        reference=count,
        inputs=((224, 16, 3), (224, 1, 3), (28, 7, 1)),
        mistakes=(
            Mistake(
                lambda image, patch, channels: (image // patch, channels * patch**2),
                "The tokens along one side are counted; the grid has as many rows as it has columns.",
            ),
            Mistake(
                lambda image, patch, channels: ((image // patch) ** 2, patch**2),
                "You left out the channels: each pixel of a colour photograph holds three numbers.",
            ),
            Mistake(
                lambda image, patch, channels: ((image // patch) ** 2, channels * patch),
                "A patch is p pixels high and p pixels wide: the numbers in it grow with the square of p.",
            ),
        ),
        solved="Their product never changes: cutting moves numbers, it makes and loses none.",
    ),
    Exercise(
        "01-cut",
        reference=patchify,
        inputs=((_image(8, 12), 4), (_image(6, 6), 2), (_image(3, 5), 1)),
        mistakes=(
            Mistake(
                _by_columns,
                "Your tokens run down the columns. Tokens are in reading order: along the first row of patches, "
                "then the next, so the row index must be the slower one.",
            ),
            Mistake(
                _channels_last,
                "The numbers inside your tokens run pixel by pixel with the channels fastest. Here a token holds "
                "all of its first channel, then the second, then the third.",
            ),
            Mistake(
                _only_reshaped,
                "The shape is right and the pixels are not: reshaping alone cuts the image into long thin slices. The "
                "axes inside a patch have to be brought next to each other first.",
            ),
        ),
        solved="Every number is where it belongs, down to single pixels.",
    ),
    Exercise(
        "01-place",
        reference=place,
        inputs=((0, 14), (17, 14), (27, 10)),
        mistakes=(
            Mistake(
                lambda token, columns: (token % columns, token // columns),
                "Row and column are exchanged: the row changes slowly, once in every `columns` tokens.",
            ),
            Mistake(
                lambda token, columns: (token // columns + 1, token % columns + 1),
                "You count from one. Rows, columns and tokens are counted from zero here, as in Python.",
            ),
        ),
        solved="A token's number alone tells its place, if the order is agreed and the width is known.",
    ),
)
