"""Linear codes of patches: what is left of a photograph when each patch is squeezed into D numbers.

The linear code with the smallest squared error is known: principal components, that is the mean patch and the leading
eigenvectors of the covariance of patches (Pearson, 1901; Hotelling, 1933). It is fitted on other photographs than the
one it codes. A trained patch embedding is a linear map as well; `variance_kept` says how much of the pixels a linear
decoder gets back from its tokens. All numbers are float64, grey levels 0 to 255, and nothing is rounded or clipped.

Letters: H W pixels, C channels, p patch size, P = C p p numbers in a patch, N patches, D width.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from labkit.tokenizers import patchify, unpatchify

PEAK = 255  # the largest grey level


def numbers_lost(channels: int, patch_size: int, width: int) -> int:
    """How many of a patch's C p p numbers a linear map to D numbers loses at least: C p p - D, and none where D is
    enough. ValueError for a count below 1. Built in lesson 02.

    >>> numbers_lost(3, 16, 192)
    576
    """
    if min(channels, patch_size, width) < 1:
        raise ValueError(
            f"channels {channels}, patch size {patch_size} and width {width} must each be 1 or more: "
            "otherwise there is no patch or no code"
        )
    return max(0, channels * patch_size**2 - width)


@dataclass(frozen=True, eq=False)
class LinearCode:
    """The best linear code for patches of size p, at every width D up to P. Built in lesson 02.

    `mean` is the mean patch; row k of `directions` is what the k-th number of a code measures, an orthonormal basis
    with the largest `variances` (grey levels squared, of the patches it was fitted on) first.
    """

    patch_size: int
    mean: Float[Tensor, " P"]
    directions: Float[Tensor, "P P"]
    variances: Float[Tensor, " P"]

    @classmethod
    def fit(cls, pictures: Sequence[UInt8[np.ndarray, "_ _ C"]], patch_size: int) -> "LinearCode":
        """The code fitted on all patches of `pictures`. ValueError if there is none, or if p does not divide one."""
        if not len(pictures):
            raise ValueError(
                "0 pictures to fit a code on: it takes one or more, there is no covariance without patches"
            )
        return _sum([_sums(patches_of(pixels, patch_size)) for pixels in pictures]).code(patch_size)

    @classmethod
    def of_patches(cls, patches: Float[Tensor, "N P"], patch_size: int) -> "LinearCode":
        """The code fitted on `patches` that are cut already, such as crops of a task."""
        return _sums(patches.double()).code(patch_size)

    def encode(self, patches: Float[Tensor, "N P"], width: int) -> Float[Tensor, "N D"]:
        """Patches (N, P) to D = `width` numbers each. ValueError unless 1 <= D <= P."""
        return (patches - self.mean) @ self._leading(width).T

    def decode(self, codes: Float[Tensor, "N D"]) -> Float[Tensor, "N P"]:
        """Codes (N, D) back to patches (N, P), as nearly as D numbers allow."""
        return codes @ self._leading(codes.shape[1]) + self.mean

    def reconstruct(self, pixels: UInt8[np.ndarray, "H W C"], width: int) -> Float[np.ndarray, "H W C"]:
        """The picture after coding each patch with D = `width` numbers, in grey levels, in the code's own precision;
        values may lie outside 0 to 255. ValueError as `encode`, or if p does not divide the picture."""
        patches = patches_of(pixels, self.patch_size).to(self.mean.dtype)
        back = unpatchify(self.decode(self.encode(patches, width))[None], pixels.shape[:2], self.patch_size)
        return back[0].permute(1, 2, 0).numpy()

    def errors(self, pixels: UInt8[np.ndarray, "H W C"]) -> Float[np.ndarray, " widths"]:
        """Mean squared error of the picture (grey levels squared) at each width from 0 to P: what the numbers left out
        would have carried, since the basis is orthonormal."""
        codes = self.encode(patches_of(pixels, self.patch_size), len(self.mean))
        left_out = codes.square().mean(dim=0).flip(0).cumsum(0).flip(0) / len(self.mean)
        return np.append(left_out.numpy(), 0.0)

    def single(self) -> "LinearCode":
        """The same code with its numbers rounded to float32, the precision that models compute in."""
        return replace(
            self, mean=self.mean.float(), directions=self.directions.float(), variances=self.variances.float()
        )

    def _leading(self, width: int) -> Tensor:
        if not 1 <= width <= len(self.mean):
            raise ValueError(
                f"width {width} is not between 1 and {len(self.mean)}: a patch of this code has that many numbers, "
                "so more of them would carry nothing"
            )
        return self.directions[:width]


def without_each(
    pictures: Mapping[str, UInt8[np.ndarray, "_ _ C"]], patch_size: int
) -> Iterator[tuple[str, LinearCode]]:
    """For each picture by name the code fitted on all the others, one after another (each may hold many numbers).
    ValueError with fewer than two pictures. Used in lesson 02."""
    if len(pictures) < 2:
        raise ValueError(f"{len(pictures)} pictures: it takes two or more, or none is left to fit a code on")
    parts = {name: _sums(patches_of(pixels, patch_size)) for name, pixels in pictures.items()}
    for name in parts:
        yield name, _sum([part for other, part in parts.items() if other != name]).code(patch_size)


def patches_of(pixels: UInt8[np.ndarray, "H W C"], patch_size: int) -> Float[Tensor, "N P"]:
    """A picture cut into patches, float64, in reading order. ValueError if p does not divide both sides."""
    image = torch.tensor(pixels, dtype=torch.float64).permute(2, 0, 1)
    return patchify(image[None], patch_size)[0]


class Quality(NamedTuple):
    """How near a reconstruction is: `psnr` in dB, `ssim` up to 1, `largest` difference of one number in grey levels."""

    psnr: float
    ssim: float
    largest: float


def quality(original: UInt8[np.ndarray, "H W C"], reconstruction: Float[np.ndarray, "H W C"]) -> Quality:
    """Peak signal-to-noise ratio (infinite for equal pictures) and structural similarity (Wang et al., 2004) as
    scikit-image computes them, and the largest difference. Used in lesson 02."""
    wanted = original.astype(np.float64)
    with np.errstate(divide="ignore"):
        psnr = peak_signal_noise_ratio(wanted, reconstruction, data_range=PEAK)
    ssim = structural_similarity(wanted, reconstruction.astype(np.float64), data_range=PEAK, channel_axis=-1)
    return Quality(float(psnr), float(ssim), float(np.abs(wanted - reconstruction).max()))


def variance_kept(
    weight: Float[Tensor, "D P"], patches: Float[Tensor, "N P"], *, fitted_on: Float[Tensor, "M P"]
) -> float:
    """Share (at most 1) of the variance of `patches` that the best linear decoder gets back from the D numbers
    `weight @ patch`. The decoder is fitted by least squares on the patches `fitted_on`, and the variance is taken
    around their mean. What counts is the space that the rows of `weight` span, not their size; with rank P it is 1.
    Used in lesson 02."""
    mean = fitted_on.double().mean(dim=0)
    seen, new = (x.double() - mean for x in (fitted_on, patches))
    _, sizes, rows = torch.linalg.svd(weight.double(), full_matrices=False)
    rows = rows[sizes > sizes[0] * max(weight.shape) * torch.finfo(weight.dtype).eps]
    decoder = torch.linalg.lstsq(seen @ rows.T, seen, driver="gelsd").solution
    return 1 - ((new - new @ rows.T @ decoder).square().sum() / new.square().sum()).item()


def effective_rank(weight: Float[Tensor, "D P"]) -> float:
    """In how many directions a linear map stretches, counted by how evenly: the exponential of the entropy of its
    singular values' shares (Roy & Vetterli, 2007). Between 1 and the rank. Used in lesson 02."""
    sizes = torch.linalg.svdvals(weight.double())
    shares = sizes / sizes.sum()
    return math.exp(-torch.special.xlogy(shares, shares).sum().item())


class _Sums(NamedTuple):
    """Count, sum, and sum of outer products of patches."""

    count: int
    total: Tensor
    products: Tensor

    def code(self, patch_size: int) -> LinearCode:
        mean = self.total / self.count
        covariance = self.products / self.count - torch.outer(mean, mean)
        variances, columns = torch.linalg.eigh(covariance)
        return LinearCode(patch_size, mean, columns.T.flip(0).contiguous(), variances.flip(0).clamp(min=0))


def _sums(patches: Float[Tensor, "N P"]) -> _Sums:
    return _Sums(len(patches), patches.sum(dim=0), patches.T @ patches)


def _sum(parts: Sequence[_Sums]) -> _Sums:
    if len({len(part.total) for part in parts}) > 1:
        raise ValueError(
            "pictures of different channel counts: their patches hold different numbers, no code fits both"
        )
    return _Sums(*(sum(column) for column in zip(*parts, strict=True)))
