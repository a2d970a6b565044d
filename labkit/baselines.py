"""What can be told without a model that mixes tokens: a random forest on the power spectrum of a crop.

The power spectrum holds how much of each frequency is there and nothing of where: a model that does not beat it has
learned no shapes. Letters: B images, S side, F features, K classes.
"""

import numpy as np
import torch
from jaxtyping import Float
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor

from labkit.tasks import Task


def power_spectrum(images: Float[Tensor, "B 1 S S"]) -> Float[np.ndarray, "B F"]:
    """Logarithm of the squared Fourier amplitudes under a Hann window, one half plane, and their sums over rings of
    equal frequency. Used in lesson 05."""
    side = images.shape[-1]
    window = torch.hann_window(side, periodic=False)
    power = torch.fft.rfft2(images[:, 0] * window[:, None] * window).abs().square().flatten(1)
    down, right = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)
    ring = ((down.square() + right.square()).sqrt() * side).round().long().flatten()
    rings = torch.zeros(len(power), int(ring.max()) + 1).index_add_(1, ring, power)
    return torch.log(torch.cat([power, rings], dim=1) + 1e-3).numpy()


def spectrum_accuracy(task: Task, *, crops: int = 6_000, trees: int = 100, seed: int = 0) -> dict[str, float]:
    """Test accuracy (0 to 1) for each class of a random forest (Breiman, 2001) that sees the power spectra of `crops`
    training crops and nothing else. Used in lesson 05."""
    images, labels = task.batch(seed, 0, crops)
    forest = RandomForestClassifier(trees, random_state=seed).fit(power_spectrum(images), labels.numpy())
    images, labels = task.test()
    right = forest.predict(power_spectrum(images)) == labels.numpy()
    return {name: float(right[labels.numpy() == k].mean()) for k, name in enumerate(task.classes)}
