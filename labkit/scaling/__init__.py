"""How a loss falls with patch size, tokens or FLOPs: laws, fits, and what the points leave open.

>>> from labkit.scaling import fit, profile
>>> fit("shifted power", [16, 8, 4, 2, 1], losses, errors=0.001).chi_square
>>> profile("shifted power", [16, 8, 4, 2, 1], losses, errors=0.001, parameter="c").interval
"""

from labkit.scaling.coverage import Coverage, coverage
from labkit.scaling.extrapolation import Band, band
from labkit.scaling.fits import Fit, fit
from labkit.scaling.front import at_cost, beaten_by, front, noise_of_accuracy, noise_of_difference
from labkit.scaling.laws import LAWS, Law
from labkit.scaling.profiles import Profile, profile
from labkit.scaling.straightness import straightness
from labkit.scaling.surface import Halving, Losses, budgets, gain, halvings, losses_of, shown, sizes
from labkit.scaling.uncertainty import Uncertainty, of_loss, of_parameter, over_images, over_seeds

__all__ = [
    "LAWS",
    "Band",
    "Coverage",
    "Fit",
    "Halving",
    "Law",
    "Losses",
    "Profile",
    "Uncertainty",
    "at_cost",
    "band",
    "beaten_by",
    "budgets",
    "coverage",
    "fit",
    "front",
    "gain",
    "halvings",
    "losses_of",
    "noise_of_accuracy",
    "noise_of_difference",
    "of_loss",
    "of_parameter",
    "over_images",
    "over_seeds",
    "profile",
    "shown",
    "sizes",
    "straightness",
]
