"""Decoding by the image contract, and every kind of broken file with its reason."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dfstudy.data.header_traits import header_traits
from dfstudy.data.images import SIDE_LIMIT, PictureError, decode, read_picture
from dfstudy.data.png_chunks import without_odd_metadata

_Y, _X = np.mgrid[0:53, 0:37]
# 37 wide, 53 high, and a ramp of its own in each channel: a swapped axis or channel shows
PIXELS = np.stack([200 - 2 * _X, 20 + 3 * _Y, _X + _Y], axis=2).astype(np.uint8)


def encode(kind: str, image: np.ndarray | Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return decode(data)[0]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_give_the_pixels_that_were_saved(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    picture, found = decode(encode(kind, PIXELS, **options))
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous and picture.flags.writeable
    assert np.array_equal(picture, PIXELS)
    assert found == kind


@pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".PnG", ".webp", ".Bmp", ".tif", ".TIFF"])
def test_content_decides_and_not_the_suffix(tmp_path, suffix):
    file = tmp_path / f"face{suffix}"
    file.write_bytes(encode("PNG", PIXELS))
    assert np.array_equal(read_picture(file), PIXELS)
    assert np.array_equal(read_picture(str(file)), PIXELS)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}])
def test_the_fast_jpeg_path_gives_pillows_pixels(mode, options):
    data = encode("JPEG", Image.fromarray(PIXELS).convert(mode), **options)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(decoded(data), expected)


def test_a_jpeg_that_stores_rgb_itself():
    data = encode("JPEG", PIXELS, keep_rgb=True, quality=100, subsampling=0)
    assert np.abs(decoded(data).astype(int) - PIXELS).max() <= 3


def test_real_jpegs_decode_as_pillow_does(shared_data):
    files = sorted((shared_data / "openforensics_7k" / "Train" / "Fake").glob("*.jpg"))[:40]
    for file in files:
        with Image.open(file) as image:
            assert np.array_equal(read_picture(file), np.asarray(image.convert("RGB"))), file.name


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, PIXELS),
        (2, PIXELS[:, ::-1]),
        (3, PIXELS[::-1, ::-1]),
        (4, PIXELS[::-1]),
        (5, PIXELS.transpose(1, 0, 2)),
        (6, PIXELS.transpose(1, 0, 2)[:, ::-1]),
        (7, PIXELS.transpose(1, 0, 2)[::-1, ::-1]),
        (8, PIXELS.transpose(1, 0, 2)[::-1]),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_rotation_is_applied(kind, orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    picture = decoded(encode(kind, PIXELS, exif=exif, **options))
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).max() <= (4 if kind == "JPEG" else 0)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
def test_an_unreadable_exif_block_does_not_lose_the_picture():
    data = encode("JPEG", PIXELS, exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff garbage")
    assert decoded(data).shape == PIXELS.shape


def test_grey_is_repeated_over_the_channels():
    grey = PIXELS[..., 1]
    assert np.array_equal(decoded(encode("PNG", grey)), np.repeat(grey[..., None], 3, axis=2))


def test_one_bit_becomes_black_and_white():
    bits = Image.fromarray(PIXELS[..., 0]).convert("1")
    assert set(np.unique(decoded(encode("PNG", bits)))) == {0, 255}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_high_byte(kind):
    wide = (PIXELS[..., 1].astype(np.uint16) << 8) + 201
    picture = decoded(encode(kind, Image.fromarray(wide)))
    assert np.array_equal(picture, np.repeat(PIXELS[..., 1:2], 3, axis=2))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def raw_png(width: int, height: int, rows: bytes, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_sixteen_bit_colour_keeps_its_high_byte():
    wide = (PIXELS.astype(">u2") << 8) + 77
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)
    assert np.array_equal(decoded(raw_png(37, 53, rows, depth=16)), PIXELS)


def test_alpha_is_composited_on_black():
    alpha = np.linspace(0, 255, PIXELS.shape[0]).astype(np.uint8)[:, None].repeat(PIXELS.shape[1], 1)
    expected = np.rint(PIXELS * (alpha[..., None] / 255.0))
    picture = decoded(encode("PNG", np.dstack([PIXELS, alpha])))
    assert np.array_equal(picture, expected)


def test_grey_with_alpha_is_composited_on_black():
    two = Image.fromarray(np.dstack([PIXELS[..., 1], np.full(PIXELS.shape[:2], 51, np.uint8)]), "LA")
    expected = np.rint(PIXELS[..., 1] * 0.2)
    assert np.array_equal(decoded(encode("PNG", two))[..., 2], expected)


def test_a_palette_gives_its_colours():
    few = Image.fromarray(PIXELS).quantize(16)
    assert np.array_equal(decoded(encode("PNG", few)), np.asarray(few.convert("RGB")))


def test_a_transparent_palette_entry_is_black():
    few = Image.fromarray(PIXELS).quantize(4)
    indices = np.asarray(few)
    picture = decoded(encode("PNG", few, transparency=2))
    assert (picture[indices == 2] == 0).all()
    assert np.array_equal(picture[indices != 2], np.asarray(few.convert("RGB"))[indices != 2])


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind):
    ink = Image.fromarray(PIXELS).convert("CMYK")
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    assert np.abs(decoded(encode(kind, ink, **options)).astype(int) - PIXELS).max() <= 4


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "TIFF", "GIF"])
def test_the_first_frame_counts(kind):
    first, second = Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = decoded(encode(kind, first, save_all=True, append_images=[second], **options))
    assert np.abs(picture.astype(int) - PIXELS).mean() < (6 if kind == "GIF" else 0.01)


JPEG, PNG = encode("JPEG", PIXELS), encode("PNG", PIXELS)


def with_zeros(data: bytes) -> bytes:
    end = len(data) * 4 // 5
    return data[:end] + bytes(len(data) - end)


BROKEN = {
    "empty": (b"", "the file is empty"),
    "zeros": (bytes(4096), "only zeros"),
    "text": (b"no image at all", "not an image"),
    "web page": (b"<!doctype html><html>404</html>", "a web page"),
    "pdf": (b"%PDF-1.7 ...", "a PDF"),
    "zip": (b"PK\x03\x04" + bytes(30), "a zip archive"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
    "jpeg start alone": (JPEG[:2], "not an image"),
    "jpeg half": (JPEG[: len(JPEG) // 2], "damaged|cut off"),
    "jpeg without its last bytes": (JPEG[:-40], "JPEG cut off"),
    "jpeg ending in zeros": (with_zeros(JPEG), "JPEG cut off"),
    "png start alone": (PNG[:8], "not an image"),
    "png half": (PNG[: len(PNG) // 2], "PNG cut off"),
    "png with a flipped bit": (PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], "PNG damaged"),
    "png without pixels": (raw_png(10, 10, b""), "PNG"),
    "png of no width": (raw_png(0, 10, b""), "not an image"),
    "png bomb": (raw_png(40_000, 40_000, b""), "89 million pixels"),
    "png just too large": (raw_png(10_000, 9_000, b""), "89 million pixels"),
    "png with a long side": (raw_png(16_384, 1, bytes(1 + 3 * 16_384)), "a side of more than 16,383 px"),
    "png with a high side": (raw_png(1, 16_384, bytes(4 * 16_384)), "a side of more than 16,383 px"),
    "webp half": (encode("WEBP", PIXELS)[:90], "WEBP cut off"),
    "bmp half": (encode("BMP", PIXELS)[:2000], "BMP cut off"),
    "tiff half": (encode("TIFF", PIXELS)[:2000], "TIFF|picture"),
    "gif half": (encode("GIF", PIXELS)[:900], "GIF cut off"),
    "32-bit floats": (encode("TIFF", Image.fromarray(np.ones((5, 4), np.float32))), "32-bit"),
    "32-bit integers": (encode("TIFF", Image.fromarray(np.ones((5, 4), np.int32))), "32-bit"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
}


@pytest.mark.filterwarnings("ignore:Truncated File Read", "ignore:Corrupt EXIF data")
@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_with_their_reason(name):
    data, reason = BROKEN[name]
    with pytest.raises(PictureError, match=reason) as caught:
        decode(data)
    assert "0x" not in caught.value.reason and "\n" not in caught.value.reason


def test_the_longest_side_that_is_taken_fits_into_a_webp_file():
    """The robustness test writes every test image as one, long after the images were indexed."""
    picture, _ = decode(raw_png(SIDE_LIMIT, 1, bytes(1 + 3 * SIDE_LIMIT)))
    assert picture.shape == (1, SIDE_LIMIT, 3)
    encode("WEBP", picture)
    with pytest.raises(ValueError, match="encoding error 5"):
        encode("WEBP", np.zeros((1, SIDE_LIMIT + 1, 3), np.uint8))


def test_every_cut_of_a_jpeg_and_a_png_is_noticed():
    after = 22  # bytes of a PNG behind its last pixel: end of the stream, two checksums, an empty chunk
    for data, pixels_end in ((JPEG, len(JPEG) - 2), (PNG, len(PNG) - after)):
        for end in {*range(0, pixels_end, 17), pixels_end}:
            with pytest.raises(PictureError):
                decode(data[:end])


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(PictureError, match="the file is missing"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match="cannot be read"):
        read_picture(tmp_path)


def with_metadata(add) -> bytes:
    info = PngImagePlugin.PngInfo()
    add(info)
    return encode("PNG", PIXELS, pnginfo=info)


LONG = "workflow " * 400_000
METADATA = {
    "text": lambda info: info.add_text("prompt", LONG),
    "packed text": lambda info: info.add_text("prompt", LONG, zip=True),
    "international text": lambda info: info.add_itxt("prompt", LONG, "en", "prompt", zip=True),
    "many texts": lambda info: [info.add_text(f"step {at}", LONG[:400_000], zip=True) for at in range(200)],
    "a text behind the pixels": lambda info: info.add(b"zTXt", b"p\0\0" + zlib.compress(LONG.encode()), True),
    "a profile": lambda info: info.add(b"iCCP", b"p\0\0" + zlib.compress(bytes(3_000_000))),
}


@pytest.mark.parametrize("add", METADATA.values(), ids=METADATA.keys())
def test_long_metadata_of_a_png_changes_no_pixel(add):
    data = with_metadata(add)
    pixels, kind = decode(data)
    assert kind == "PNG" and (pixels == PIXELS).all()
    assert header_traits(data)["mode"] == "RGB"
    with pytest.raises(PictureError, match="cut off before its end"):
        decode(data[: data.index(b"IDAT") + 20])


@pytest.mark.parametrize("kind", [b"tEXt", b"prVt"])
def test_metadata_with_a_wrong_checksum_changes_no_pixel(kind):
    data = with_metadata(lambda info: info.add(kind, b"prompt\0a portrait"))
    end = data.index(kind) + 4 + len(b"prompt\0a portrait")
    wrong = data[:end] + b"\0\0\0\0" + data[end + 4 :]
    assert (decode(wrong)[0] == PIXELS).all()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_png_whose_end_is_zeros_is_refused(share):
    data = encode("PNG", PIXELS, compress_level=0)
    kept = int(share * len(data))
    with pytest.raises(PictureError, match=r"PNG damaged: the checksums|PNG cut off"):
        decode(data[:kept].ljust(len(data), b"\0"))
    at = data.index(b"IDAT") + kept // 3
    with pytest.raises(PictureError, match="PNG damaged: the checksums"):
        decode(data[:at] + bytes(16) + data[at + 16 :])


def test_short_metadata_stays():
    data = with_metadata(lambda info: info.add_text("prompt", "a portrait", zip=True))
    assert without_odd_metadata(data) is data
