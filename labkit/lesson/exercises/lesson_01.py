"""Exercises of lesson 01: counting, cutting, finding a token's place, and the tokens that see a thing."""

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


def touched(top: int, left: int, height: int, width: int, p: int) -> int:
    """How many patches hold at least one pixel of a box, its upper left pixel in row `top` and column `left`."""
    rows = (top + height - 1) // p - top // p + 1
    columns = (left + width - 1) // p - left // p + 1
    return rows * columns


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
        reach="near",
        hints=(
            "Two numbers are asked for: how many patches there are, and how much one of them holds.",
            "The grid has as many rows as columns; a patch is square too, and each of its pixels has a number "
            "for every channel.",
            "Return both with a comma between: the square of `image_size // patch_size`, and `patch_size**2` "
            "times the channels.",
        ),
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
        reach="near",
        hints=(
            "Each side of the image has to be split in two: which patch, and which pixel within it.",
            "Then there are six axes. Bring the two that count patches to the front, rows before columns, and "
            "only then flatten.",
            "Reshape to `(b, c, rows, p, columns, p)`, permute to `(b, rows, columns, c, p, p)`, and reshape "
            "once more.",
        ),
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
        reach="near",
        hints=(
            "Count along: after how many tokens does the next row begin?",
            "The row is how many whole rows have been filled, the column is what is left over.",
            "Whole rows come from `//`, what is left over from `%`, both with `columns`.",
        ),
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
    Exercise(
        "01-touched",
        reach="far",
        hints=(
            "Take rows and columns one by one: in which row of patches does the box begin, and in which does it end?",
            "The last row of pixels that belongs to the box is `top + height - 1`.",
            "From the first to the last row of patches, both included, there are last minus first plus one.",
        ),
        reference=touched,
        inputs=((0, 0, 16, 16, 16), (8, 8, 16, 16, 16), (5, 30, 4, 40, 8)),
        mistakes=(
            Mistake(
                lambda top, left, height, width, p: height * width // p**2,
                "You compared areas. A box that lies across a border is seen by the tokens on both sides of it.",
            ),
            Mistake(
                lambda top, left, height, width, p: -(-height // p) * -(-width // p),
                "You cut the box as if it began at a corner of a patch. Where it begins decides how many borders it "
                "crosses.",
            ),
            Mistake(
                lambda top, left, height, width, p: touched(top, left, height + 1, width + 1, p),
                "Your box is one row and one column too large: the pixel in row `top + height` is the first one below "
                "it.",
            ),
        ),
        solved="One pixel further, and what filled one token is spread over four: the cut knows nothing of things.",
    ),
)
