"""A picture of one's own: every kind of file gives the pixels that it shows, every other file a sentence."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from labkit.data import own
from labkit.data.own import OwnPicture, own_picture

WHITE = [255, 255, 255]


def scene(width: int = 64, height: int = 48) -> Image.Image:
    """A picture that no turn or flip leaves as it is: smooth, with a red block top left and a blue one at the right."""
    x, y = np.meshgrid(np.linspace(40, 200, width), np.linspace(30, 160, height))
    picture = Image.fromarray(np.stack([x, y, (x + y) / 2], axis=2).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 4 - 1, height // 3 - 1), fill="red")
    draw.rectangle((3 * width // 4, height // 3, width - 1, 2 * height // 3 - 1), fill="blue")
    return picture


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def apart(found: OwnPicture, shown: Image.Image) -> int:
    """The largest difference in grey levels from what should be seen."""
    expected = np.array(shown.convert("RGB")).astype(int)
    assert found.pixels.shape == expected.shape
    return int(np.abs(found.pixels - expected).max())


# ---------------------------------------------------------------- kinds of files

LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True}}
FINE = {"quality": 100, "subsampling": 0}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_files_give_their_pixels(kind: str):
    found = own_picture(saved(scene(), kind, **LOSSLESS[kind]))
    assert apart(found, scene()) == 0
    assert found.notes == ()
    assert found.pixels.dtype == np.uint8


def test_lossy_files_give_nearly_their_pixels():
    assert 0 < apart(own_picture(saved(scene(), "JPEG", **FINE)), scene()) <= 6
    assert apart(own_picture(saved(scene(), "JPEG", progressive=True, **FINE)), scene()) <= 6
    lossy = own_picture(saved(scene(), "WEBP", quality=100)).pixels
    assert np.abs(lossy - np.array(scene()).astype(int)).mean() < 3


def test_a_path_is_read_and_named(tmp_path: Path):
    path = tmp_path / "my cat.jpg"  # a PNG by its content, and that is what counts
    path.write_bytes(saved(scene(), "PNG"))
    for source in (path, str(path)):
        found = own_picture(source)
        assert (found.title, found.source) == ("my cat.jpg", "PNG")
        assert apart(found, scene()) == 0
    assert own_picture(path, name="Felix").title == "Felix"


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """How a camera held in that way stores what is seen upright, by the standard's own table: which side of the scene
    is in row 0 and which in column 0."""
    pixels = np.array(picture)
    stored = {
        1: pixels,  # row 0 is the top, column 0 the left side
        2: pixels[:, ::-1],  # top, right
        3: pixels[::-1, ::-1],  # bottom, right
        4: pixels[::-1],  # bottom, left
        5: pixels.transpose(1, 0, 2),  # left, top
        6: pixels[:, ::-1].transpose(1, 0, 2),  # right, top
        7: pixels[::-1, ::-1].transpose(1, 0, 2),  # right, bottom
        8: pixels[::-1].transpose(1, 0, 2),  # left, bottom
    }
    return Image.fromarray(np.ascontiguousarray(stored[orientation]))


def noted(orientation: object) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "most"), [("PNG", 0), ("WEBP", 0), ("JPEG", 6)])
def test_every_orientation_gives_the_same_picture(kind: str, most: int, orientation: int):
    options = LOSSLESS.get(kind, FINE)
    found = own_picture(saved(turned(scene(), orientation), kind, exif=noted(orientation), **options))
    assert apart(found, scene()) <= most
    assert ("turned as its camera noted" in found.notes) == (orientation > 1)


@pytest.mark.parametrize("orientation", [0, 9, 1000])
def test_an_orientation_that_is_none_turns_nothing(orientation: int):
    assert apart(own_picture(saved(scene(), "PNG", exif=noted(orientation))), scene()) == 0


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0"])
def test_broken_exif_data_turn_nothing(exif: bytes):
    assert apart(own_picture(saved(scene(), "JPEG", exif=exif, **FINE)), scene()) <= 6


# ---------------------------------------------------------------- modes


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_grey_pictures(kind: str):
    grey = scene().convert("L")
    found = own_picture(saved(grey, kind))
    assert apart(found, grey) <= (0 if kind == "PNG" else 20)
    assert (found.pixels[..., 0] == found.pixels[..., 2]).all()


def test_black_and_white():
    bits = scene().convert("1")
    assert apart(own_picture(saved(bits, "PNG")), bits) == 0


@pytest.mark.parametrize("clear", [None, 65535])
def test_grey_of_16_bits_keeps_its_range(clear: int | None):
    levels = np.linspace(0, 65535, 48 * 64).round().astype(np.uint16).reshape(48, 64)
    buffer = BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    data = buffer.getvalue()
    if clear is not None:  # one transparent level, which Pillow reads and does not write for this mode
        data = with_chunk(data, b"tRNS", struct.pack(">H", clear))
        levels[-1, -1] = 65535
    found = own_picture(data)
    assert np.abs(found.pixels[..., 1] - levels / 257.0).max() <= 0.5
    assert "16 bits of grey rounded to 8" in found.notes
    assert ("transparent parts on white" in found.notes) == (clear is not None)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", LOSSLESS)
def test_what_is_transparent_shows_white(kind: str, mode: str):
    picture = scene().convert(mode)
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, 16, 16))
    alpha.paste(128, (16, 0, 32, 16))
    picture.putalpha(alpha)
    found = own_picture(saved(picture, kind, **LOSSLESS[kind], **({"exact": True} if kind == "WEBP" else {})))
    opaque = np.array(picture.convert("RGB")).astype(float)
    assert (found.pixels[:16, :16] == WHITE).all()
    half = opaque[:16, 16:32] * 128 / 255 + 255 * 127 / 255
    assert np.abs(found.pixels[:16, 16:32] - half).max() <= 1
    assert (found.pixels[16:] == opaque[16:]).all()
    assert found.notes == ("transparent parts on white",)


def test_an_alpha_channel_that_hides_nothing_is_not_spoken_of():
    found = own_picture(saved(scene().convert("RGBA"), "PNG"))
    assert apart(found, scene()) == 0
    assert found.notes == ()


def test_palettes_with_and_without_a_transparent_colour():
    picture = scene().quantize(16)
    assert apart(own_picture(saved(picture, "PNG")), picture) == 0
    corner = picture.getpixel((0, 0))
    found = own_picture(saved(picture, "PNG", transparency=corner))
    indices = np.array(picture)
    assert (found.pixels[indices == corner] == WHITE).all()
    assert (found.pixels[indices != corner] == np.array(picture.convert("RGB"))[indices != corner]).all()
    assert found.notes == ("transparent parts on white",)


def test_palettes_with_half_transparent_colours():
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 200, 0, 0])
    picture.putpixel((1, 0), 1)
    found = own_picture(saved(picture, "PNG", transparency=bytes([255, 51])))
    assert found.pixels.tolist() == [[[0, 0, 0], [244, 204, 204]]]


def test_one_transparent_colour_of_a_colour_picture():
    found = own_picture(saved(scene(), "PNG", transparency=(255, 0, 0)))
    assert (found.pixels[:16, :16] == WHITE).all()
    assert found.pixels[17, 60].tolist() == [0, 0, 255]


def test_printing_colours():
    found = own_picture(saved(scene().convert("CMYK"), "JPEG", quality=100))
    assert np.abs(found.pixels - np.array(scene()).astype(int)).mean() < 6
    assert any("CMYK" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_the_first_frame_of_an_animation(kind: str):
    others = [Image.new("RGB", (64, 48), colour) for colour in ("green", "white")]
    options = {"save_all": True, "append_images": others, **LOSSLESS[kind]}
    found = own_picture(saved(scene(), kind, **options))
    assert apart(found, scene()) == 0
    assert found.notes == ("the first of its 3 frames",)


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_tiny_and_thin_pictures_become_squares(kind: str, size: tuple[int, int]):
    found = own_picture(saved(Image.new("RGB", size, (200, 30, 40)), kind))
    assert found.pixels.shape[:2] == size[::-1]
    square = found.square(224)
    assert square.shape == (224, 224, 3)
    assert np.abs(square - np.array([200, 30, 40])).max() <= 8


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_large_pictures_are_reduced_and_look_the_same(kind: str):
    large = scene(3300, 2200)
    found = own_picture(saved(large, kind, **LOSSLESS.get(kind, {"quality": 95})))
    height, width = found.pixels.shape[:2]
    assert own.SHORT_SIDE <= min(height, width) < 2 * own.SHORT_SIDE
    assert width / height == pytest.approx(1.5, rel=0.01)
    shown = np.array(large.resize((96, 64), Image.Resampling.BOX)).astype(int)
    small = np.array(Image.fromarray(found.pixels).resize((96, 64), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - shown).mean() < 2
    assert found.notes == (f"reduced from 3,300 × 2,200 to {width:,} × {height:,} pixels",)


def test_a_large_jpeg_is_made_small_while_it_is_decoded(monkeypatch: pytest.MonkeyPatch):
    """Its memory is that of the small picture: what comes from the decoder is small already."""
    seen: list[tuple[int, int]] = []
    plain = own._plain
    monkeypatch.setattr(own, "_plain", lambda opened, notes: seen.append(opened.size) or plain(opened, notes))
    own_picture(saved(scene(4100, 4100), "JPEG"))
    assert seen == [(1025, 1025)]


def test_large_and_turned():
    found = own_picture(saved(turned(scene(3000, 2400), 6), "JPEG", exif=noted(6), quality=95))
    assert found.pixels.shape[:2] == (1200, 1500)
    assert found.pixels[100, 100, 0] > 240
    assert found.pixels[600, 1400, 2] > 240


# ---------------------------------------------------------------- refusals


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunk(png: bytes, name: bytes, body: bytes) -> bytes:
    """A PNG with one more chunk before its pixels."""
    at = png.index(b"IDAT") - 4
    return png[:at] + chunk(name, body) + png[at:]


def png_that_promises(width: int, height: int) -> bytes:
    """A small PNG whose header says that it is huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg_that_promises(width: int, height: int) -> bytes:
    data = saved(scene(), "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def webp_that_promises(width: int, height: int) -> bytes:
    data = saved(scene(), "WEBP", lossless=True)
    at = data.index(b"VP8L") + 9
    bits = struct.unpack("<I", data[at : at + 4])[0] & ~0xFFFFFFF
    return data[:at] + struct.pack("<I", bits | (width - 1) | (height - 1) << 14) + data[at + 4 :]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png_that_promises(60_000, 60_000), "60,000 × 60,000 pixels, 3,600 million, and up to 120 million"),
        (png_that_promises(12_001, 10_000), "12,001 × 10,000 pixels"),
        (jpeg_that_promises(60_000, 60_000), "60,000 × 60,000 pixels"),
        (webp_that_promises(16_000, 16_000), "has more than 120 million pixels, and up to 120 million"),
        (webp_that_promises(12_500, 10_000), "12,500 × 10,000 pixels, 125 million"),
    ],
    ids=["png", "just above", "jpeg", "webp", "webp just above"],
)
def test_a_bomb_is_refused_before_it_is_decoded(data: bytes, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ValueError, match=words):
        own_picture(data, name="bomb")


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.truncate(own.MOST_BYTES + 2**20)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read"))
    with pytest.raises(ValueError, match=r"film.png has 65.0 MiB, and up to 64.0 MiB are taken"):
        own_picture(path)


def test_bytes_are_counted_as_well(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(own, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"up to 0.0 MiB are taken"):
        own_picture(bytes(1001))


def halved(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("damage", [halved, lambda data: data[:20], lambda data: data[:-25]])
def test_files_that_break_off(kind: str, damage: Callable[[bytes], bytes]):
    with pytest.raises(ValueError, match=r"felix begins as a .* does, but is damaged or breaks off"):
        own_picture(damage(saved(scene(), kind)), name="felix")


def test_a_pixel_that_its_checksum_denies_is_seen():
    data = bytearray(saved(scene(), "PNG", compress_level=0))
    data[data.index(b"IDAT") + 1000] ^= 0xFF
    with pytest.raises(ValueError, match="begins as a PNG does, but is damaged"):
        own_picture(bytes(data))


@pytest.mark.parametrize("mark", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x10\0\0\0WEBP"])
def test_noise_behind_the_right_first_bytes(mark: bytes):
    random = np.random.default_rng(0)
    for _ in range(20):
        with pytest.raises(ValueError, match="is damaged or breaks off"):
            own_picture(mark + random.bytes(300))


def test_any_damage_gives_a_picture_or_a_sentence():
    """No other error comes out, wherever bytes are changed or the file is cut."""
    random, sentences = np.random.default_rng(1), []
    for data in (saved(scene(), kind, exif=noted(6)) for kind in ("PNG", "JPEG", "WEBP")):
        for _ in range(150):
            wrong = bytearray(data[: random.integers(4, len(data) + 1)])
            for at in random.integers(0, len(wrong), 3):
                wrong[at] = random.integers(0, 256)
            try:
                found = own_picture(bytes(wrong))
            except ValueError as error:
                sentences.append(str(error))
            else:
                assert found.pixels.ndim == 3
    assert len(sentences) > 100
    assert [one for one in sentences if not one.startswith("the picture ")] == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty, a file of 0 bytes"),
        (b"hello, this is a text\n", r"is something else \(its first bytes are b'hello, t'\)"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC picture, as iPhones take them"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "is an AVIF picture"),
        (saved(scene(), "GIF"), "is a GIF, whatever its name says"),
        (saved(scene(), "TIFF"), "is a TIFF"),
        (saved(scene(), "BMP"), "is a BMP"),
        (b"%PDF-1.7", "is a PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing"),
    ],
)
def test_other_files_are_named(data: bytes, words: str, tmp_path: Path):
    path = tmp_path / "felix.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"felix.png {words}"):
        own_picture(path)


def test_paths_that_lead_nowhere(tmp_path: Path):
    with pytest.raises(ValueError, match=r"there is no file .*cat.png: give the path of your picture from the root"):
        own_picture(tmp_path / "cat.png")
    with pytest.raises(ValueError, match="is a folder"):
        own_picture(tmp_path)


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch):
    def full(opened: Image.Image) -> None:
        raise MemoryError

    data = saved(scene(), "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", full)
    with pytest.raises(ValueError, match="does not fit into the memory"):
        own_picture(data)
