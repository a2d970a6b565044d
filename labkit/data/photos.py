"""Real photographs that scikit-image and scikit-learn carry, each with its author and licence.

Left out on purpose: `moon`, `page`, `clock` (scanned, blurred or of unclear licence) and the motorcycle stereo pair (no
licence is stated, and two views of one scene would put the same things on both sides of a split). The table in
data/README.md holds the same facts for people. Letters: H W pixels, C channels.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import skimage.data
from jaxtyping import UInt8
from PIL import Image


@dataclass(frozen=True)
class Photo:
    """One photograph: `pixels` is (H, W) grey or (H, W, 3) colour, grey levels 0 to 255."""

    name: str
    title: str
    author: str
    licence: str
    source: str
    pixels: UInt8[np.ndarray, "H W *C"]

    def grey(self) -> UInt8[np.ndarray, "H W"]:
        """Luma (ITU-R BT.601), rounded to grey levels."""
        if self.pixels.ndim == 2:
            return self.pixels
        return np.round(self.pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)

    def square(self, size: int) -> UInt8[np.ndarray, "S S 3"]:
        """The centre square, resized to size x size pixels, always in colour. Used in lesson 01."""
        if size < 1:
            raise ValueError(f"size {size} must be at least 1 pixel")
        height, width = self.pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        picture = Image.fromarray(self.pixels[top : top + side, left : left + side]).convert("RGB")
        return np.array(picture.resize((size, size), Image.Resampling.LANCZOS))


_FREE = "public domain, no known copyright restrictions"
# name: title, author, licence
_FACTS = {
    "astronaut": ("Eileen Collins, astronaut", "NASA", _FREE),
    "brick": ("a brick wall", "CC0Textures (Bricks25)", "CC0 1.0"),
    "camera": ("a man with a camera", "Lav Varshney", "CC0 1.0"),
    "chelsea": ("Chelsea, a cat", "Stefan van der Walt", "CC0 1.0"),
    "china": ("a pagoda at the Summer Palace", "danielbuechele", "CC BY 2.0"),
    "coffee": ("a cup of coffee", "Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0 1.0"),
    "coins": ("Greek coins from Pompeii", "Brooklyn Museum", _FREE),
    "flower": ("a dahlia", "vultilion", "CC BY 2.0"),
    "grass": ("grass", "linolafett", "CC0 1.0"),
    "gravel": ("gravel", "CC0Textures (Gravel04)", "CC0 1.0"),
    "hubble_deep_field": ("Hubble eXtreme Deep Field", "NASA, ESA", _FREE),
    "immunohistochemistry": ("colon tissue, stained", "Center for Microscopy and Molecular Imaging", _FREE),
    "retina": ("a human retina", "Mikael Häggström", "CC0 1.0"),
    "rocket": ("a Falcon 9 at launch", "SpaceX", "CC0 1.0"),
}
_FROM_SKLEARN = ("china", "flower")


@cache
def photos() -> dict[str, Photo]:
    """All photographs of the lab by name. Used in lessons 01 and 05."""
    return {name: _load(name, *facts) for name, facts in _FACTS.items()}


def photo(name: str) -> Photo:
    """One photograph. ValueError with the list of names if there is none of that name."""
    if name not in _FACTS:
        raise ValueError(f"there is no photograph {name!r}; there are {', '.join(_FACTS)}")
    return photos()[name]


def _load(name: str, title: str, author: str, licence: str) -> Photo:
    if name in _FROM_SKLEARN:
        pixels, source = _sample_image(f"{name}.jpg"), "scikit-learn"
    else:
        pixels, source = getattr(skimage.data, name)(), "scikit-image"
    pixels = np.array(pixels)
    pixels.setflags(write=False)
    return Photo(name, title, author, licence, source, pixels)


def _sample_image(file: str) -> np.ndarray:
    """What sklearn.datasets.load_sample_image gives. Importing that takes a second, for every process that trains."""
    return np.array(Image.open(Path(find_spec("sklearn").origin).parent / "datasets" / "images" / file))
