"""The baseline is as strong as it claims and sees nothing but the spectrum."""

import numpy as np
import torch

from labkit.baselines import power_spectrum, spectrum_accuracy
from labkit.data.textures import textures

WAVES = ((4, 0), (4, 2), (2, 0))  # cycles in a crop, pixels moved


def test_the_spectrum_knows_how_much_and_not_where() -> None:
    """A periodic pattern moved by a few pixels has the same spectrum, up to the window; another frequency has not."""
    x = torch.arange(16.0)
    wave = [
        torch.sin(2 * torch.pi * f * (x + shift) / 16).expand(1, 1, 16, 16) for f, shift in ((4, 0), (4, 2), (2, 0))
    ]
    same, moved, other = (power_spectrum(one)[0] for one in wave)
    assert np.abs(same - moved).max() < 0.5 * np.abs(same - other).max()
    assert same.shape == (16 * 9 + 12,)


def test_it_beats_chance_by_far_on_textures() -> None:
    task = textures(16)
    accuracy = spectrum_accuracy(task, crops=1500, trees=20)
    assert accuracy.keys() == set(task.classes)
    assert np.mean(list(accuracy.values())) > 0.28, "chance is 1 in 14"
