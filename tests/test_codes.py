"""Linear codes against an independent computation: what they keep, what they lose, what they have not seen."""

import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from labkit.codes import LinearCode, effective_rank, numbers_lost, patches_of, quality, variance_kept, without_each
from labkit.data.photos import photo
from labkit.figures.codes import AMPLIFIED, directions_figure, reconstruction_figure, widths_figure
from labkit.figures.style import png
from labkit.lesson.exercises.lesson_02 import psnr

NAMES = ("astronaut", "chelsea", "coffee", "flower")


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return {name: photo(name).square(64) for name in NAMES}


def test_it_is_principal_component_analysis(pictures: dict[str, np.ndarray]) -> None:
    """scikit-learn takes the singular values of the patches themselves, we the eigenvalues of their covariance."""
    code = LinearCode.fit(list(pictures.values()), 4)
    patches = torch.cat([patches_of(pixels, 4) for pixels in pictures.values()])
    reference = PCA(svd_solver="full").fit(patches.numpy())
    scaled = reference.explained_variance_ * (len(patches) - 1) / len(patches)
    assert np.allclose(code.variances, scaled, rtol=1e-9, atol=1e-9 * scaled[0])
    assert np.allclose(code.mean, reference.mean_)
    theirs = PCA(7, svd_solver="full").fit(patches.numpy())
    back = theirs.inverse_transform(theirs.transform(patches.numpy()))
    assert np.allclose(code.decode(code.encode(patches, 7)), back, atol=1e-8)
    again = LinearCode.of_patches(patches, 4)
    assert torch.allclose(again.directions.abs(), code.directions.abs(), atol=1e-6)


def test_the_directions_are_orthonormal_and_come_by_variance(pictures: dict[str, np.ndarray]) -> None:
    code = LinearCode.fit(list(pictures.values()), 8)
    assert torch.allclose(code.directions @ code.directions.T, torch.eye(192, dtype=torch.float64), atol=1e-12)
    assert (code.variances.diff() <= 0).all()
    assert (code.variances >= 0).all()


@pytest.mark.parametrize("p", [1, 2, 4, 8])
def test_nothing_is_lost_at_full_width(pictures: dict[str, np.ndarray], p: int) -> None:
    code = LinearCode.fit([pictures["coffee"], pictures["flower"]], p)
    pixels = pictures["chelsea"]
    assert quality(pixels, code.reconstruct(pixels, 3 * p * p)).largest < 1e-10
    single = code.single().reconstruct(pixels, 3 * p * p)
    assert single.dtype == np.float32
    assert 0 < quality(pixels, single).largest < 1e-2
    if p > 1:
        assert quality(pixels, code.reconstruct(pixels, 3 * p * p - 1)).largest > 1e-3, "one number less is not enough"


def test_the_error_is_what_the_discarded_directions_vary(pictures: dict[str, np.ndarray]) -> None:
    """On the pictures it was fitted on, the squared error of a patch is the sum of the variances left out."""
    code = LinearCode.fit(list(pictures.values()), 4)
    together = np.mean([code.errors(pixels) for pixels in pictures.values()], axis=0)
    left_out = np.append(code.variances.flip(0).cumsum(0).flip(0), 0) / 48
    assert np.allclose(together, left_out, rtol=1e-9, atol=1e-9)


def test_errors_are_those_of_the_reconstruction(pictures: dict[str, np.ndarray]) -> None:
    """From the coefficients alone and from the pixels, by our formula and by scikit-image's."""
    code = LinearCode.fit([pictures["coffee"], pictures["flower"]], 4)
    pixels = pictures["astronaut"]
    errors = code.errors(pixels)
    assert errors.shape == (49,)
    assert math.isclose(errors[0], ((patches_of(pixels, 4) - code.mean) ** 2).mean().item())
    for d in (1, 5, 30):
        back = code.reconstruct(pixels, d)
        assert math.isclose(errors[d], ((back - pixels) ** 2).mean(), rel_tol=1e-9)
        by_hand = psnr(torch.tensor(pixels, dtype=torch.float64), torch.tensor(back))
        assert math.isclose(quality(pixels, back).psnr, by_hand, rel_tol=1e-12)


def test_a_larger_patch_never_loses_where_it_was_fitted(pictures: dict[str, np.ndarray]) -> None:
    """At equally many numbers: four small codes side by side are among the codes it may choose. Pure noise included."""
    noise = [np.random.default_rng(k).integers(0, 256, (64, 64, 3), dtype=np.uint8) for k in range(3)]
    for kind in (list(pictures.values()), noise):
        errors = []
        for p in (2, 4, 8):
            code = LinearCode.fit(kind, p)
            errors.append(np.mean([code.errors(pixels)[3 * p * p // 4] for pixels in kind]))
        assert errors[0] >= errors[1] >= errors[2]


def test_the_picture_that_is_left_out_is_left_out(pictures: dict[str, np.ndarray]) -> None:
    """Its pixels change nothing in its own code and something in every other; a code that saw it does better on it."""
    codes = dict(without_each(pictures, 4))
    assert list(codes) == list(pictures)
    changed = dict(without_each(pictures | {"coffee": 255 - pictures["coffee"]}, 4))
    assert torch.equal(codes["coffee"].directions, changed["coffee"].directions)
    assert torch.equal(codes["coffee"].mean, changed["coffee"].mean)
    assert not torch.allclose(codes["flower"].mean, changed["flower"].mean)
    others = LinearCode.fit([pictures[name] for name in NAMES if name != "coffee"], 4)
    assert torch.equal(codes["coffee"].directions, others.directions)
    peeking = LinearCode.fit([pictures["coffee"]], 4)
    assert (peeking.errors(pictures["coffee"])[1:48] < codes["coffee"].errors(pictures["coffee"])[1:48]).all()


def test_what_codes_refuse(pictures: dict[str, np.ndarray]) -> None:
    code = LinearCode.fit(list(pictures.values()), 4)
    with pytest.raises(ValueError, match="width 49 is not between 1 and 48"):
        code.reconstruct(pictures["coffee"], 49)
    with pytest.raises(ValueError, match="width 0 is not between"):
        code.encode(patches_of(pictures["coffee"], 4), 0)
    with pytest.raises(ValueError, match="0 pictures to fit a code on"):
        LinearCode.fit([], 4)
    with pytest.raises(ValueError, match="1 pictures: it takes two or more"):
        next(without_each({"coffee": pictures["coffee"]}, 4))
    with pytest.raises(ValueError, match="not a multiple of patch size 5"):
        LinearCode.fit(list(pictures.values()), 5)
    grey = photo("camera").grey()[:64, :64, None]
    with pytest.raises(ValueError, match="different channel counts"):
        dict(without_each({"a": grey, "b": pictures["coffee"], "c": pictures["flower"]}, 4))


@pytest.mark.parametrize(
    ("channels", "p", "width", "lost"), [(3, 16, 192, 576), (3, 8, 192, 0), (1, 16, 64, 192), (3, 1, 768, 0)]
)
def test_numbers_lost(channels: int, p: int, width: int, lost: int) -> None:
    assert numbers_lost(channels, p, width) == lost


def test_numbers_lost_needs_something_to_lose() -> None:
    for wrong in ((0, 16, 192), (3, 0, 192), (3, 16, 0)):
        with pytest.raises(ValueError, match="must each be 1 or more"):
            numbers_lost(*wrong)


def test_equal_pictures_have_no_error(pictures: dict[str, np.ndarray]) -> None:
    pixels = pictures["coffee"]
    assert quality(pixels, pixels.astype(np.float64)) == (math.inf, 1.0, 0.0)


# ---------------------------------------------------------------- what an embedding keeps


def independent(count: int, spreads: list[float], seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, len(spreads), generator=random, dtype=torch.float64) * torch.tensor(spreads) + 7


def test_a_planted_null_space_is_what_is_lost() -> None:
    """Four independent numbers with variances 16, 9, 4, 1; an embedding that never looks at the second."""
    fit, test = (independent(20_000, [4.0, 3.0, 2.0, 1.0], seed) for seed in (0, 1))
    keeps = torch.tensor([0, 2, 3])
    weight = torch.randn(5, 3, dtype=torch.float64) @ torch.eye(4, dtype=torch.float64)[keeps]
    assert abs(variance_kept(weight, test, fitted_on=fit) - 21 / 30) < 0.01
    assert abs(variance_kept(1e6 * weight, test, fitted_on=fit) - 21 / 30) < 0.01, "size does not count"
    full = torch.randn(6, 4, dtype=torch.float64)
    assert abs(variance_kept(full, test, fitted_on=fit) - 1) < 1e-12
    first = torch.eye(4, dtype=torch.float64)[:1]
    assert abs(variance_kept(first, test, fitted_on=fit) - 16 / 30) < 0.01


def test_the_decoder_guesses_what_hangs_together() -> None:
    """Two numbers that are always equal: seeing one gives both."""
    fit, test = (independent(1000, [1.0], seed).expand(-1, 2) for seed in (0, 1))
    assert abs(variance_kept(torch.tensor([[1.0, 0.0]]), test, fitted_on=fit) - 1) < 1e-12


def test_the_decoder_is_judged_on_patches_it_has_not_seen() -> None:
    """With as many directions as patches to learn from it fits them by heart, and new ones not at all."""
    noise = torch.randn(60, 64, dtype=torch.float64)
    weight = torch.randn(59, 64)
    assert variance_kept(weight, noise, fitted_on=noise) > 0.999
    new = torch.randn(500, 64, dtype=torch.float64)
    assert variance_kept(weight, new, fitted_on=noise) < 59 / 64 - 0.05, "worse than not guessing at all"
    assert variance_kept(weight, new, fitted_on=new) > 59 / 64


def test_no_embedding_beats_the_principal_components(pictures: dict[str, np.ndarray]) -> None:
    patches = torch.cat([patches_of(pixels, 4) for pixels in pictures.values()])
    best = variance_kept(LinearCode.of_patches(patches, 4).directions[:8], patches, fitted_on=patches)
    share = LinearCode.of_patches(patches, 4).variances
    assert math.isclose(best, (share[:8].sum() / share.sum()).item(), rel_tol=1e-9)
    for seed in range(5):
        weight = torch.randn(8, 48, generator=torch.Generator().manual_seed(seed))
        assert variance_kept(weight, patches, fitted_on=patches) < best


def test_effective_rank_counts_evenly_stretched_directions() -> None:
    assert math.isclose(effective_rank(3 * torch.eye(5, 9)), 5)
    assert math.isclose(effective_rank(torch.diag(torch.tensor([2.0, 2.0, 0.0]))), 2)
    assert 1 < effective_rank(torch.diag(torch.tensor([1.0, 0.1]))) < 2


# ---------------------------------------------------------------- figures


def test_the_figure_shows_the_difference_enlarged(pictures: dict[str, np.ndarray]) -> None:
    original = pictures["coffee"]
    moved = original + 5.0
    moved[0, 0] = 400.0, -30.0, original[0, 0, 2]
    figure = reconstruction_figure(original, moved, patch_size=16, width=12, psnr=30.0, ssim=0.9)
    shown = np.clip(original + 5.0, 0, 255).astype(np.uint8)
    shown[0, 0] = 255, 0, original[0, 0, 2]
    difference = np.full_like(original, 128 + 5 * AMPLIFIED)
    difference[0, 0] = 255, 0, 128
    assert [trace.source for trace in figure.data] == [png(shown), png(original), png(difference)]
    assert "12 of 768 numbers, 30.0 dB" in figure.layout.title.text
    whole = reconstruction_figure(original, original * 1.0, patch_size=2, width=12, psnr=300.0, ssim=1.0)
    assert "nothing lost" in whole.layout.title.text


def test_the_curve_figure_marks_the_width_it_names() -> None:
    curves = {p: [(d, 10.0 + d, 9.0 + d, 11.0 + d) for d in (1, 2, 8) if d < 3 * p * p] for p in (1, 2)}
    for p, at in ((2, 8), (1, 2)):
        figure = widths_figure(curves, p, marked=12, pictures=14)
        diamond = figure.data[-1]
        assert (*diamond.x, *diamond.y) == (at, 10.0 + at)
        assert f"{10.0 + at:.1f} dB at d = {at}" in figure.layout.title.text


def test_directions_are_drawn_around_middle_grey() -> None:
    ramp = np.linspace(-1, 1, 16)[None]
    figure = directions_figure(
        {"": ramp}, patch_size=4, channels=1, title="t", says="one direction, from dark to light"
    )
    assert figure.data[0].source.startswith("data:image/png")
    assert directions_figure({"": -ramp}, patch_size=4, channels=1, title="t", says="s").data[0].source != (
        figure.data[0].source
    )
