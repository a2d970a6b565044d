"""Images in class folders, FOLDER/class/image.jpg, prepared as ImageNet models are evaluated.

The short side is resized (bicubic, by PIL), the centre cropped, the pixels standardised: number for number what timm's
`create_transform` gives, which the evaluation of the published models uses. Like that one it leaves an EXIF rotation
alone. An image that cannot be read is an item too, its reason in words, so that it can be counted and named.

Letters: S side of the crop, K classes of the model's head.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import transforms
from torchvision.datasets.folder import find_classes, is_image_file, make_dataset

from labkit.wording import first_few, in_one_line

LARGEST = 200_000_000  # pixels after the resize; PIL refuses files of about as many
Three = tuple[int | float, int | float, int | float]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How an image becomes numbers: the crop has `size` pixels a side and is the share `crop` of the resized image's
    short side. ValueError for a size below 1, a crop outside (0, 1], or a spread that is not above 0."""

    size: int
    crop: int | float
    mean: Three = (0.485, 0.456, 0.406)  # ImageNet's
    std: Three = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"image size {self.size} must be 1 pixel or more: there is nothing else to look at")
        if not 0 < self.crop <= 1:
            raise ValueError(f"crop {self.crop} is a share of the image, above 0 and at most 1: the rest is cut away")
        if not min(self.std) > 0:
            raise ValueError(f"std {self.std} must be above 0: pixels are divided by it")

    @property
    def resized(self) -> int:
        """The short side in pixels before the centre is cropped; never below `size`."""
        return int(self.size / self.crop)

    def transform(self) -> transforms.Compose:
        """From a PIL image in RGB to (3, S, S) float32."""
        return transforms.Compose(
            [
                transforms.Resize(self.resized, interpolation=transforms.InterpolationMode.BICUBIC),
                transforms.CenterCrop(self.size),
                transforms.ToTensor(),
                transforms.Normalize(self.mean, self.std),
            ]
        )


def default_crop(image_size: int, patch_size: int) -> float:
    """The crop with which Adventurer's authors evaluate, from their READMEs: 1 for patches below 16 or images above 224
    pixels, 0.875 otherwise and for images of 64 pixels."""
    return 1.0 if image_size != 64 and (patch_size < 16 or image_size > 224) else 0.875


class ImageFolder(Dataset):
    """Item i is an image (3, S, S) with its class, or the reason why file i, `samples[i]`, cannot be read.

    Classes are the folders in alphabetical order, as torchvision and ImageNet have it, or folders 0 to K - 1 by their
    numbers. With `subset` they are ImageNet's synsets and found by name; some may be `missing`. `order` says which of
    these it was ("alphabet", "numbers", "synsets"). `empty` names folders without an image, `ignored` counts the files
    in them with other endings. ValueError for a folder whose classes are not the head's (`classes` of them), and for
    one without images.
    """

    def __init__(self, folder: str | Path, protocol: Protocol, *, classes: int, subset: bool = False) -> None:
        self.folder, self.protocol, self.classes = Path(folder), protocol, classes
        names = class_folders(self.folder)
        places = _by_name(names, classes) if subset else _by_order(names, classes)
        self.order = "synsets" if subset else _order(places)
        files = make_dataset(str(self.folder), places, is_valid_file=lambda path: True, allow_empty=True)
        self.samples = [(Path(path), label) for path, label in files if is_image_file(path)]
        self.ignored, self.missing = len(files) - len(self.samples), classes - len(places)
        filled = {label for _, label in self.samples}
        self.empty = [name for name, label in places.items() if label not in filled]
        if not self.samples or (self.empty and not subset):
            raise ValueError(
                f"{folder}: class folders without an image: {first_few(self.empty)}. Each class needs one, or the "
                "accuracy would be about other classes than the head's"
            )
        self._transform = protocol.transform()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Float[Tensor, "3 S S"], int] | str:
        path, label = self.samples[index]
        image = read(path)
        if isinstance(image, str):
            return image
        if (pixels := self.protocol.resized**2 * max(image.size) / min(image.size)) > LARGEST:
            return f"{image.size[0]} x {image.size[1]} pixels are too long and thin: resized they would be {pixels:.1g}"
        return self._transform(image), label


def read(path: Path) -> Image.Image | str:
    """The image in RGB as torchvision reads it, or why it cannot be read. More than 8 bits of grey are refused: PIL
    would turn all of them above 255 to white."""
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # PIL's remarks on odd files that it does read
            image = Image.open(file)
            if image.mode == "F" or image.mode.startswith("I"):
                return f"mode {image.mode}: its grey levels would be clipped at 255; save it with 8 bits"
            return image.convert("RGB")
    except UnidentifiedImageError:
        return "no image that PIL knows" if path.stat().st_size else "the file is empty"
    except Exception as error:  # each of PIL's decoders has its own ways to fail
        return f"{type(error).__name__}: {in_one_line(error)}"


def class_folders(folder: Path) -> list[str]:
    """The names of the folders in `folder`, in alphabetical order. ValueError if there is none, or no folder."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: images are looked for in class folders, {folder}/class/image.jpg")
    try:
        return find_classes(folder)[0]
    except FileNotFoundError as error:
        loose = sum(is_image_file(path.name) for path in folder.iterdir())
        raise ValueError(
            f"{folder} has no class folders ({loose} images lie in it directly): a folder for each class is expected, "
            "or the right answers are not known"
        ) from error
    except OSError as error:
        raise ValueError(f"{folder} cannot be read ({error.strerror}): nothing was evaluated") from error


def _by_order(names: Sequence[str], classes: int) -> dict[str, int]:
    """The index of each class folder: its place among all of them."""
    if len(names) != classes:
        hint = (
            ". With subset, folders of some of its synsets are matched by name" if len(names) < classes == 1000 else ""
        )
        raise ValueError(
            f"{len(names):,} class folders ({first_few(names)}) for a head of {classes:,} classes: answers would be "
            f"compared with the wrong classes{hint}"
        )
    if set(names) == {str(number) for number in range(classes)}:
        return {name: int(name) for name in names}
    if all(name.isascii() and name.isdigit() for name in names) and sorted(names, key=int) != list(names):
        raise ValueError(
            f"class folders {first_few(names)} are numbers in another order than the alphabet's (10 before 2), and not "
            f"0 to {classes - 1}: which class is which cannot be told. Name them so, or with leading zeros"
        )
    return {name: index for index, name in enumerate(names)}


def _order(places: dict[str, int]) -> str:
    """After what the classes are numbered."""
    if all(name == str(index) for name, index in places.items()):
        return "numbers"
    return "synsets" if len(places) == 1000 and places == _synsets() else "alphabet"


def _synsets() -> dict[str, int]:
    """ImageNet's 1,000 classes: the index of each name."""
    from timm.data import ImageNetInfo

    return {name: index for index, name in enumerate(ImageNetInfo().label_names())}


def _by_name(names: Sequence[str], classes: int) -> dict[str, int]:
    """The index of each folder that is called like one of ImageNet's synsets."""
    if classes != 1000:
        raise ValueError(
            f"subset with a head of {classes:,} classes: only ImageNet's 1,000 are known by name, so folders of some "
            "classes cannot be told apart from others"
        )
    known = _synsets()
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"class folders that are none of ImageNet's 1,000 synsets (such as n01440764): {first_few(unknown)}. With "
            "subset each folder is matched by name, so its class would not be known"
        )
    return {name: known[name] for name in names}
