"""How an image is divided: rows and columns of patches. Numbers only, no tensors.

Letters: p patch size, N = (H / p) (W / p) tokens.
"""

Size = int | tuple[int, int]


def as_pair(image_size: Size) -> tuple[int, int]:
    """(height, width) of an image size given as one whole number or two. ValueError for anything else."""
    sides = (image_size,) * 2 if isinstance(image_size, int) else tuple(image_size)
    if len(sides) != 2 or any(type(side) is not int for side in sides):
        raise ValueError(f"image size {image_size} must be one whole number of pixels or two (height, width)")
    return sides


def grid_of(image_size: Size, patch_size: int) -> tuple[int, int]:
    """How many rows and columns of patches an image has. ValueError if pixels would be left over. Built in lesson 01.

    >>> grid_of((224, 128), 16)
    (14, 8)
    """
    if type(patch_size) is not int or patch_size < 1:
        raise ValueError(f"patch size {patch_size!r} must be a whole number of pixels, 1 or more, to cut anything")
    for side, name in zip(as_pair(image_size), ("row", "column"), strict=True):
        if side < 1:
            raise ValueError(f"image size {image_size} has a side of {side} pixels: it must be at least 1")
        left = side % patch_size
        if left:
            raise ValueError(
                f"image size {side} is not a multiple of patch size {patch_size}: "
                f"{left} {name}{'s' if left > 1 else ''} of pixels would be dropped"
            )
    height, width = as_pair(image_size)
    return height // patch_size, width // patch_size


def token_count(image_size: Size, patch_size: int) -> int:
    """N, how many patches an image has. ValueError as `grid_of`. Built in lesson 00."""
    rows, columns = grid_of(image_size, patch_size)
    return rows * columns


def halvings(largest: int, smallest: int) -> tuple[int, ...]:
    """Patch sizes from the largest to the smallest, each half of the one before. ValueError if halving does not lead
    there.

    >>> halvings(16, 2)
    (16, 8, 4, 2)
    """
    sizes = [largest]
    while sizes[-1] > smallest and sizes[-1] % 2 == 0:
        sizes.append(sizes[-1] // 2)
    if sizes[-1] != smallest or len(sizes) < 2:
        raise ValueError(
            f"largest patch {largest} and patch size {smallest}: halving the one must lead to the other, in one step "
            "or more; else it is not known which sizes lie between"
        )
    return tuple(sizes)
