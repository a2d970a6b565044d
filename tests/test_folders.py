"""Images in class folders: the same pixels and classes as timm and torchvision make of them; what cannot be read is
told."""

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from image_folders import PROTOCOL, SIZE, SYNSETS, measure, picture, pictures, put, vit
from PIL import Image
from timm.data import create_transform
from torchvision.datasets.folder import pil_loader

from labkit.data import folders
from labkit.data.folders import ImageFolder, Protocol, default_crop
from labkit.evaluate import as_text

# ---------------------------------------------------------------- pixels

READABLE: dict[str, Callable[[Path], Path]] = {
    "RGB": lambda at: put(at / "a.png", picture(37, 61)),
    "tall": lambda at: put(at / "a.bmp", picture(301, 33)),
    "of the size itself": lambda at: put(at / "a.png", picture(SIZE, SIZE)),
    "one pixel": lambda at: put(at / "a.png", picture(1, 1)),
    "a line": lambda at: put(at / "a.png", picture(1, 600)),
    "JPEG, turned by EXIF": lambda at: put(at / "a.JPEG", picture(40, 70), exif=_turned()),
    "JPEG, grey": lambda at: put(at / "a.jpg", picture(40, 50, "L")),
    "JPEG, CMYK": lambda at: put(at / "a.jpg", picture(40, 50, "CMYK")),
    "PNG, grey": lambda at: put(at / "a.png", picture(40, 50, "L")),
    "PNG, grey and alpha": lambda at: put(at / "a.png", picture(40, 50, "LA")),
    "PNG, alpha": lambda at: put(at / "a.png", picture(40, 50, "RGBA")),
    "PNG, 1 bit": lambda at: put(at / "a.png", picture(40, 50, "L").convert("1")),
    "PNG, palette": lambda at: put(at / "a.png", picture(40, 50).quantize(9)),
    "PNG, palette with alpha": lambda at: put(at / "a.png", picture(40, 50).quantize(9), transparency=bytes(range(9))),
    "GIF under another name": lambda at: put(at / "a.png", picture(40, 50).quantize(9), format="GIF", transparency=3),
    "TIFF, Lab": lambda at: put(at / "a.tif", picture(40, 50, "LAB")),
    "WebP, moving": lambda at: put(at / "a.webp", picture(40, 50), save_all=True, append_images=[picture(40, 50)]),
}


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    return exif


@pytest.mark.parametrize("crop", [0.875, 0.9, 1.0])
@pytest.mark.parametrize("kind", READABLE)
def test_pixels_are_those_of_timm(tmp_path: Path, kind: str, crop: float):
    path = READABLE[kind](tmp_path / "class")
    mean, std = ((0.5, 0.4, 0.3), (0.2, 0.3, 0.4)) if crop == 0.9 else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    theirs = create_transform(SIZE, is_training=False, interpolation="bicubic", crop_pct=crop, mean=mean, std=std)
    protocol = Protocol(size=SIZE, crop=crop, mean=mean, std=std) if crop == 0.9 else Protocol(size=SIZE, crop=crop)
    image, label = ImageFolder(tmp_path, protocol, classes=1)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(pil_loader(path))
    assert image.dtype == torch.float32
    assert torch.equal(image, expected)
    assert label == 0


@pytest.mark.parametrize("size", [1, 7, 64, 224, 225])
@pytest.mark.parametrize("crop", [0.1, 0.7, 0.875, 0.95, 0.999999, 1.0])
def test_the_resize_never_falls_short_of_the_crop(size: int, crop: float):
    protocol = Protocol(size=size, crop=crop)
    assert protocol.resized >= size
    assert protocol.resized == create_transform(size, crop_pct=crop, interpolation="bicubic").transforms[0].size


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 0}, "image size 0 must be 1 pixel or more"),
        *(({"crop": crop}, r"a share of the image") for crop in (0, -1, 1.01, float("nan"))),
        ({"std": (1, 0, 1)}, "must be above 0"),
    ],
)
def test_a_protocol_without_sense_is_refused(settings: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        Protocol(**{"size": 8, "crop": 1, **settings})


@pytest.mark.parametrize(
    ("image_size", "patch_size", "crop"),
    [(64, 1, 0.875), (64, 16, 0.875), (128, 1, 1), (224, 1, 1), (224, 8, 1), (128, 16, 0.875), (224, 16, 0.875),
     (384, 16, 1), (448, 16, 1), (448, 8, 1)],
)  # fmt: skip
def test_the_authors_rule_of_the_crop(image_size: int, patch_size: int, crop: float):
    assert default_crop(image_size, patch_size) == crop


# ---------------------------------------------------------------- files that cannot be read


def _bytes(image: Image.Image, form: str) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


UNREADABLE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "JPEG, cut short": ("jpg", lambda: _bytes(picture(64, 64), "jpeg")[:1500], "OSError: .*truncated"),
    "PNG, cut short": ("png", lambda: _bytes(picture(64, 64), "png")[:1500], "OSError: .*truncated"),
    "PNG, damaged": ("png", lambda: _bytes(picture(64, 64), "png").replace(b"IDAT", b"IDAT!"), "[A-Z].*Error: "),
    "text": ("jpg", lambda: b"not an image", "no image that PIL knows"),
    "empty": ("png", lambda: b"", "the file is empty"),
    "no pixels": ("ppm", lambda: b"P6\n0 5\n255\n", "no image that PIL knows"),
    "16 bits": ("png", lambda: _bytes(Image.new("I;16", (8, 8), 999), "png"), "mode I;16: .*clipped at 255"),
    "16 bits, PGM": ("pgm", lambda: _bytes(Image.new("I;16", (8, 8), 999), "ppm"), "mode I: .*clipped"),
    "32 bits": ("tif", lambda: _bytes(Image.new("I", (8, 8), 999), "tiff"), "mode I: .*clipped"),
    "floats": ("tif", lambda: _bytes(Image.new("F", (8, 8), 0.5), "tiff"), "mode F: .*clipped"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_told_and_the_others_count(tmp_path: Path, kind: str):
    ending, content, words = UNREADABLE[kind]
    pictures(tmp_path, ["cat", "dog"], each=2)
    alone = measure({"m": vit(2)}, ImageFolder(tmp_path, PROTOCOL, classes=2), batch=2)
    bad = put(tmp_path / "cat" / f"bad.{ending}", content())
    images = ImageFolder(tmp_path, PROTOCOL, classes=2)
    reason = images[[path for path, _ in images.samples].index(bad)]
    assert isinstance(reason, str)
    assert str(tmp_path) not in reason
    found = measure({"m": vit(2)}, images, batch=2)
    assert found["unreadable"] == [[f"cat/bad.{ending}", reason]]
    assert (found["images"], found["models"]["m"]["top1"]) == (4, alone["models"]["m"]["top1"])
    assert f"1 image could not be read and does not count:\n  cat/bad.{ending}: {reason}" in as_text(found)
    with pytest.raises(ValueError, match=f"cat/bad.{ending}: {words}"):
        measure({"m": vit(2)}, images, unreadable="stop")


def test_a_bomb_is_told_and_a_large_image_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path / "class" / "a.png", picture(30, 30))
    images = ImageFolder(tmp_path, PROTOCOL, classes=1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)  # PIL warns above it and refuses twice as many
    assert images[0][0].shape == (3, SIZE, SIZE)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    assert images[0].startswith("DecompressionBombError")


def test_an_image_too_thin_to_be_resized_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path / "class" / "a.png", picture(1, 2000))
    monkeypatch.setattr(folders, "LARGEST", 18 * 18 * 2000 - 1)
    assert "2000 x 1 pixels are too long and thin" in ImageFolder(tmp_path, PROTOCOL, classes=1)[0]


def test_nothing_that_can_be_read_is_an_error(tmp_path: Path):
    for k in range(12):
        put(tmp_path / "class" / f"{k:02}.jpg", b"")
    images = ImageFolder(tmp_path, PROTOCOL, classes=1)
    with pytest.raises(
        ValueError, match=r"none of 12 images can be read, the first is class/00.jpg: the file is empty"
    ):
        measure({"m": vit(1)}, images, batch=5)


# ---------------------------------------------------------------- classes


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["b", "a", "c"], ["a", "b", "c"]),
        ([str(k) for k in range(12)], [str(k) for k in range(12)]),
        ([f"{k:02}" for k in range(1, 13)], [f"{k:02}" for k in range(1, 13)]),
        (["3", "5", "7"], ["3", "5", "7"]),
        (["10", "2", "b"], ["10", "2", "b"]),  # not only numbers: the alphabet
    ],
)
def test_the_index_of_a_class(tmp_path: Path, names: list[str], expected: list[str]):
    images = ImageFolder(pictures(tmp_path, names), PROTOCOL, classes=len(names))
    assert {path.parent.name: label for path, label in images.samples} == {name: k for k, name in enumerate(expected)}


def test_subset_matches_synsets_by_name_and_an_empty_folder_shifts_nothing(tmp_path: Path):
    pictures(tmp_path, [SYNSETS[k] for k in (999, 3, 41)])
    (tmp_path / SYNSETS[20]).mkdir()
    images = ImageFolder(tmp_path, PROTOCOL, classes=1000, subset=True)
    assert [label for _, label in images.samples] == [3, 41, 999]
    assert (images.missing, images.empty) == (996, [SYNSETS[20]])
    words = as_text(measure({"m": vit(1000)}, images))
    assert "996 of 1,000 classes have no folder" in words
    assert f"without an image: {SYNSETS[20]}." in words


def _only(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


TWENTY_ONE = [SYNSETS[40 * k] for k in range(21)]
REFUSED: dict[str, tuple[Callable[[Path], Path], dict[str, Any], str]] = {
    "missing": (lambda at: at / "gone", {"classes": 2}, "gone is no folder"),
    "a file": (lambda at: put(at / "a.png", picture(9, 9)), {"classes": 2}, "a.png is no folder"),
    "empty": (lambda at: at, {"classes": 2}, r"no class folders \(0 images"),
    "images directly in it": (
        lambda at: put(at / "a.png", picture(9, 9)).parent, {"classes": 2}, r"no class folders \(1 images .*expected",
    ),
    "too few": (
        lambda at: pictures(at, TWENTY_ONE), {"classes": 1000},
        "21 class folders .* for a head of 1,000 classes: answers would be compared with the wrong classes",
    ),
    "too many": (lambda at: pictures(at, "abc"), {"classes": 2}, "3 class folders .* head of 2 classes"),
    "too many, subset": (
        lambda at: _only(at, *SYNSETS, "n99999999"), {"classes": 1000, "subset": True}, "none of ImageNet.*n99999999",
    ),
    "numbers from 1": (
        lambda at: pictures(at, [str(k) for k in range(1, 13)]), {"classes": 12}, "which class is which",
    ),
    "a class without images": (
        lambda at: _only(pictures(at, "ab"), "c", "d", "e", "f", "g"), {"classes": 7}, "c, d, e and 2 more. Each",
    ),
    "only other files": (
        lambda at: put(at / "a" / "a.txt", b"").parents[1], {"classes": 1}, "without an image: a",
    ),
    "subset, no image": (
        lambda at: _only(at, *SYNSETS[:2]), {"classes": 1000, "subset": True}, "without an image",
    ),
    "subset of unknown synsets": (
        lambda at: pictures(at, ["n01440764", "n00000001"]), {"classes": 1000, "subset": True},
        "n00000001. With subset",
    ),
    "subset of other names": (lambda at: pictures(at, ["cat"]), {"classes": 1000, "subset": True}, "cat. With subset"),
    "subset for another head": (
        lambda at: pictures(at, ["n01440764"]), {"classes": 10, "subset": True}, "head of 10 classes: only ImageNet",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_whose_classes_are_not_the_heads_is_refused(tmp_path: Path, case: str):
    make, settings, words = REFUSED[case]
    folder = make(tmp_path)
    with pytest.raises(ValueError, match=words):
        ImageFolder(folder, PROTOCOL, **settings)


def test_the_twenty_one_are_found_by_name(tmp_path: Path):
    images = ImageFolder(pictures(tmp_path, TWENTY_ONE), PROTOCOL, classes=1000, subset=True)
    assert [label for _, label in images.samples] == [40 * k for k in range(21)]


def test_synsets_are_known_as_such_wherever_they_stand_in_the_alphabet(tmp_path: Path):
    """The names of most begin with n0, those of the last three hundred with n1."""
    images = ImageFolder(pictures(tmp_path, SYNSETS[-3:]), PROTOCOL, classes=1000, subset=True)
    assert images.order == "synsets"
    assert "not called like ImageNet's synsets" not in as_text(measure({"m": vit(1000)}, images))


def test_other_files_are_counted_and_not_looked_at(tmp_path: Path):
    pictures(tmp_path, "ab")
    put(tmp_path / "a" / "notes.txt", b"")
    put(tmp_path / "b" / "deeper" / "a.gif", picture(9, 9))
    put(tmp_path / "b" / "deeper" / "b.PNG", picture(9, 9))
    images = ImageFolder(tmp_path, PROTOCOL, classes=2)
    assert (len(images), images.ignored) == (3, 2)
    assert "not looked at: 2." in as_text(measure({"m": vit(2)}, images))
