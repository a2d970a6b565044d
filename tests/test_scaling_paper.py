"""The nine panels of the paper's figure 1, read off: which law they allow, and what a c chosen from them hides."""

import numpy as np
import pytest

from labkit import stats
from labkit.scaling import fit, profile

CLASSIFICATION, DENSE = "abcghi", "def"
COARSE = {"b": 16, "c": 16, "h": 16, "a": 16, "i": 16, "d": 32, "e": 32, "f": 32, "g": 32}  # largest p, halved 4 times
LOSSES = {  # at p, p/2, ... p/16, and two standard deviations of the reading, in thousandths
    "a": ([1.123, 0.925, 0.867, 0.840, 0.815], [6, 2, 1, 1, 1]),  # DeiT-B, 64 pixels
    "b": ([0.942, 0.872, 0.849, 0.834, 0.813], [2, 1, 1, 1, 1]),  # Adventurer-B, 128
    "c": ([0.719, 0.677, 0.653, 0.645, 0.635], [2, 1, 1, 1, 1]),  # Adventurer-B, 224
    "d": ([0.337, 0.331, 0.326, 0.321, 0.314], [1, 1, 1, 1, 1]),  # ADE20K
    "e": ([0.232, 0.218, 0.206, 0.192, 0.180], [1, 1, 1, 1, 1]),  # COCO, boxes
    "f": ([0.243, 0.225, 0.220, 0.202, 0.188], [1, 1, 1, 1, 1]),  # COCO, masks
    "g": ([1.007, 0.877, 0.835, 0.820, 0.806], [4, 2, 1, 1, 1]),  # DeiT-B, 128
    "h": ([0.901, 0.835, 0.811, 0.802, 0.789], [2, 1, 1, 1, 1]),  # Adventurer-L, 128
    "i": ([0.856, 0.740, 0.726, 0.699, 0.695], [5, 2, 1, 1, 1]),  # Adventurer-T, 224
}
DRAWN = {  # the straight lines as drawn on an axis ln(L - c): c, a, b
    "a": (0.801, 0.0157, 1.06),
    "b": (0.785, 0.029, 0.58),
    "c": (0.629, 0.0069, 0.93),
    "g": (0.796, 0.0049, 1.05),
    "h": (0.784, 0.0066, 1.03),
    "i": (0.692, 0.0031, 1.43),
}


def panel(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p, losses, and one standard deviation of the reading."""
    losses, doubled = LOSSES[name]
    return COARSE[name] / 2.0 ** np.arange(5), np.array(losses), np.array(doubled) / 2000


def chi_squares(law: str, names: str) -> list[float]:
    return [fit(law, *panel(name)[:2], errors=panel(name)[2]).chi_square for name in names]


def test_the_errors_of_reading_reject_both_power_laws_for_classification():
    shifted, pure = chi_squares("shifted power", CLASSIFICATION), chi_squares("power", CLASSIFICATION)
    assert (int(min(shifted)), int(max(shifted))) == (38, 547)
    assert (round(min(pure)), round(max(pure))) == (981, 3956)
    p, y, errors = panel("c")
    found = fit("shifted power", p, y, errors=errors)
    assert found.degrees_of_freedom == 2
    assert found.p_value < 1e-8


@pytest.mark.parametrize("name", DENSE)
def test_the_dense_tasks_leave_no_c(name):
    p, y, errors = panel(name)
    found = fit("shifted power", p, y, errors=errors)
    assert found.parameters["c"] == 0
    assert "lower bound" in found.at_bound
    assert profile("shifted power", p, y, errors=errors, parameter="c").interval.low == 0
    if name != "f":  # whose third point is off any smooth curve
        assert fit("power", p, y, errors=errors).p_value > 0.05


def test_with_errors_from_the_scatter_one_panel_leaves_every_c_open():
    p, y, _ = panel("b")
    found = profile("shifted power", p, y, parameter="c").interval
    assert (found.low, found.high) == (0, pytest.approx(0.813))
    assert 0.8 < found.mean < 0.813
    assert "0 is not excluded; c up to the smallest loss is not excluded" in found.method


@pytest.mark.parametrize("name", DRAWN)
def test_the_lines_as_drawn_are_straight_on_an_axis_without_c(name):
    """They were read off as lines through ln(L - c), each point alike, with a c that is known to half a thousandth."""
    p, y, _ = panel(name)
    c, a, b = DRAWN[name]
    exponents, factors = [], []
    for hidden in np.linspace(c - 5e-4, c + 5e-4, 41):
        slope = stats.exponent(p, y - hidden).mean
        exponents.append(slope)
        factors.append(np.exp(np.mean(np.log(y - hidden)) - slope * np.mean(np.log(p))))
    near = np.argmin(np.abs(np.array(exponents) - b))
    assert exponents[near] == pytest.approx(b, abs=0.006)
    assert factors[near] == pytest.approx(a, rel=0.03)


@pytest.mark.parametrize("name", DRAWN)
def test_a_c_fixed_at_the_axis_fits_worse_than_one_that_is_free(name):
    p, y, errors = panel(name)
    fixed = fit("shifted power", p, y, errors=errors, fixed={"c": DRAWN[name][0]})
    free = fit("shifted power", p, y, errors=errors)
    assert fixed.chi_square > free.chi_square
    assert fixed.degrees_of_freedom == 3
    assert fixed.parameters["c"] == DRAWN[name][0]
    assert fixed.p_value < 1e-6
