"""How a loss falls with patch size, tokens or FLOPs: laws, fits, and what the points leave open.

>>> from labkit.scaling import fit, profile
>>> fit("shifted power", [16, 8, 4, 2, 1], losses, errors=0.001).chi_square
>>> profile("shifted power", [16, 8, 4, 2, 1], losses, errors=0.001, parameter="c").interval
"""

from labkit.scaling.coverage import Coverage, coverage
from labkit.scaling.extrapolation import Band, band
from labkit.scaling.fits import Fit, fit
from labkit.scaling.laws import LAWS, Law
from labkit.scaling.profiles import Profile, profile
from labkit.scaling.straightness import straightness
from labkit.scaling.uncertainty import Uncertainty, of_loss, of_parameter, over_images, over_seeds

__all__ = [
    "LAWS",
    "Band",
    "Coverage",
    "Fit",
    "Law",
    "Profile",
    "Uncertainty",
    "band",
    "coverage",
    "fit",
    "of_loss",
    "of_parameter",
    "over_images",
    "over_seeds",
    "profile",
    "straightness",
]
