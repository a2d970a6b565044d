"""A picture of one's own: PNG, JPEG or WebP of any size into colour pixels, or a sentence that says why not.

What a file is, its first bytes say, not its name. It is looked at in three steps, the cheap ones first: how many bytes,
how many pixels its header promises, and only then the pixels themselves, so that a small file which would fill the
memory is refused before it does. What is changed on the way to colour pixels stands in `notes`. Colour profiles are not
followed: numbers are taken for sRGB.
"""

import math
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin

from labkit.data.photos import Photo

MOST_BYTES = 64 * 2**20  # of a file
MOST_PIXELS = 120_000_000  # in its header: 108 megapixels of a telephone pass
SHORT_SIDE = 1024  # pixels that a large picture keeps on its short side at least; lessons show 224
NAME = "your own picture"

_OPEN: dict[str, Callable[[BytesIO], Image.Image]] = {  # not Image.open: it knows more kinds, and where to stop
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}
_OTHERS = {  # what people take for one of these: where its mark stands, the mark, the name
    "a HEIC picture, as iPhones take them": (4, (b"ftyphei", b"ftyphev", b"ftypmif1")),
    "an AVIF picture": (4, (b"ftypavi",)),
    "a GIF": (0, (b"GIF8",)),
    "a TIFF": (0, (b"II*\0", b"MM\0*")),
    "a BMP": (0, (b"BM",)),
    "a PDF": (0, (b"%PDF",)),
    "an SVG drawing": (0, (b"<svg", b"<?xml")),
}
_DAMAGE = (OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, EOFError, OverflowError, MemoryError,
           struct.error, zlib.error)  # fmt: skip  # what Pillow raises on files that break off or lie about themselves
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_TO_8_BITS = ((np.arange(2**16) + 128) // 257).astype(np.uint8)


@dataclass(frozen=True)
class OwnPicture(Photo):
    """A photograph that somebody brought along; `notes` say what was done to it on the way, a phrase each."""

    notes: tuple[str, ...]


def own_picture(source: bytes | str | Path, *, name: str | None = None) -> OwnPicture:
    """The picture in these bytes, or in the file of this path, upright, in colour, over white where it is transparent;
    `name` is what it is called in messages. ValueError for what is no PNG, JPEG or WebP, is damaged, or is larger than
    MOST_BYTES or MOST_PIXELS. Used in lesson 01."""
    if isinstance(source, bytes):
        data, title = source, name or "the picture"
    else:
        path = Path(source).expanduser().absolute()
        data, title = _read(path), name or path.name
    refuse_large(len(data), title)
    kind = _kind(data, title)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on EXIF data and the like, which change no pixel
        picture, notes = _decoded(kind, data, title)
    pixels = np.array(picture)
    pixels.setflags(write=False)
    return OwnPicture(NAME, title, "you", "it stays yours", kind, pixels, tuple(notes))


def refuse_large(count: int, title: str) -> None:
    """ValueError for a file of more bytes than are taken."""
    if count > MOST_BYTES:
        raise ValueError(
            f"{title} has {_megabytes(count)}, and up to {_megabytes(MOST_BYTES)} are taken: save it smaller, lessons "
            "show a few hundred pixels of it"
        )


def _megabytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


def _read(path: Path) -> bytes:
    """The bytes of a file, its size looked at first."""
    try:
        if path.is_dir():
            raise ValueError(f"{path} is a folder: give the path of a picture in it")
        refuse_large(path.stat().st_size, path.name)
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}: give the path of your picture from the root") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): there is no picture to show") from None


def _kind(data: bytes, title: str) -> str:
    """PNG, JPEG or WebP, by the first bytes."""
    if not data:
        raise ValueError(f"{title} is empty, a file of 0 bytes: there is no picture in it")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    found = (what for what, (at, marks) in _OTHERS.items() if data[at:].startswith(marks))
    what = next(found, f"something else (its first bytes are {data[:8]!r})")
    raise ValueError(f"{title} is {what}, whatever its name says; PNG, JPEG and WebP are taken: save it as one of them")


def _decoded(kind: str, data: bytes, title: str) -> tuple[Image.Image, list[str]]:
    """The picture as upright RGB, reduced if it is large, and notes on what was done."""
    try:
        opened = _OPEN[kind](BytesIO(data))
    except Image.DecompressionBombError:  # a WebP can be asked how large it is only after Pillow has looked as well
        raise ValueError(_too_many(title, f"more than {MOST_PIXELS / 1e6:,.0f} million pixels")) from None
    except (UnidentifiedImageError, *_DAMAGE) as error:
        raise ValueError(_damaged(kind, title, error)) from None
    _refuse_pixels(opened.size, title)
    notes = [f"the first of its {opened.n_frames} frames"] if getattr(opened, "n_frames", 1) > 1 else []
    before = opened.size
    try:
        if kind == "JPEG":  # a decoder that makes it small at once never holds all of it
            opened.draft(None, tuple(math.ceil(side / _factor(before)) for side in before))
        opened.load()
    except _DAMAGE as error:
        raise ValueError(_damaged(kind, title, error)) from None
    turn, picture = _turn(opened), _plain(opened, notes)
    picture = picture.reduce(_factor(picture.size))
    if picture.size != before:
        notes.append("reduced from {:,} × {:,} to {:,} × {:,} pixels".format(*before, *picture.size))
    if turn is not None:
        picture = picture.transpose(turn)
        notes.append("turned as its camera noted")
    return _over_white(picture, notes), notes


def _damaged(kind: str, title: str, error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"{title} does not fit into the memory of this machine: save it smaller"
    reason = str(error).split(" (")[0].strip(" .") or type(error).__name__
    return f'{title} begins as a {kind} does, but is damaged or breaks off ("{reason}"): save or copy it once more'


def _refuse_pixels(size: tuple[int, int], title: str) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise ValueError(_too_many(title, f"{width:,} × {height:,} pixels, {width * height / 1e6:,.0f} million"))


def _too_many(title: str, pixels: str) -> str:
    return (
        f"{title} has {pixels}, and up to {MOST_PIXELS / 1e6:,.0f} million are taken: it could fill the memory. Save "
        "it smaller"
    )


def _factor(size: tuple[int, int]) -> int:
    """By how much both sides can be divided so that the short one keeps SHORT_SIDE pixels."""
    return max(1, min(size) // SHORT_SIDE)


def _turn(opened: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright, by its EXIF orientation; nothing where these data are absent or broken."""
    try:
        return _UPRIGHT.get(opened.getexif().get(_ORIENTATION))
    except _DAMAGE:
        return None


def _plain(opened: Image.Image, notes: list[str]) -> Image.Image:
    """8 bits for each channel: L, RGB, or RGBA where something may be transparent."""
    if opened.mode.startswith("I"):
        levels = np.asarray(opened).astype(np.int32)
        picture = Image.fromarray(_TO_8_BITS[np.clip(levels, 0, 2**16 - 1)])
        notes.append("16 bits of grey rounded to 8")
        if (clear := opened.info.get("transparency")) is not None:
            alpha = Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8))
            return Image.merge("RGBA", (picture, picture, picture, alpha))
        return picture
    if opened.mode == "CMYK":
        notes.append("printing colours (CMYK) turned into screen colours, roughly")
    if opened.has_transparency_data:
        return opened.convert("RGBA")
    return opened.convert("L" if opened.mode in ("1", "L") else "RGB")


def _over_white(picture: Image.Image, notes: list[str]) -> Image.Image:
    """RGB; what is transparent shows white."""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    if picture.getchannel("A").getextrema()[0] < 255:
        notes.append("transparent parts on white")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
