"""One image file to one array, always by the same contract.

Takes the path or the bytes of a .jpg .jpeg .png .webp .bmp .tif .tiff file; gives RGB uint8 [H, W, 3]
after EXIF rotation. Grey is repeated over the channels, 16-bit keeps its high byte, alpha and transparent
palette entries are composited on black, CMYK and other colour models are converted plainly (embedded
colour profiles are not applied), and of an animation or a multi-page file the first frame counts.
Refuses, as `PictureError` with a reason in plain words, whatever cannot be decoded to its last row, and
images of a larger area, or a longer side, than a study handles.
A JPEG whose damage lies between intact ends decodes with grey patches in every common reader; so here. Nor
can zeros that an interrupted copy left in WebP, BMP and uncompressed TIFF be told from pixels.
Cost: 0.23 ms for a 256 px JPEG (OpenCV, the same pixels as Pillow in half the time), 1.6 ms for a PNG.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from dfstudy.data.png_chunks import has_damaged_pixels, without_odd_metadata
from dfstudy.system.file_kind import no_file

# Decoders that may run: those of the endings that are read (`endings.py`), and GIF, which travels under
# their names.
# Pillow knows more, among them EPS, which would start an interpreter on a stranger's file.
FORMATS = tuple(
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        WebPImagePlugin.WebPImageFile,
        BmpImagePlugin.BmpImageFile,
        TiffImagePlugin.TiffImageFile,
        GifImagePlugin.GifImageFile,
    )
)

PIXEL_LIMIT = 89_478_485  # Pillow's own bound for an image that unpacks to a quarter of a gigabyte
# What a WebP file can hold. The robustness test writes each test image as one, after all training: what
# would fail there is excluded before anything begins.
SIDE_LIMIT = 16_383
_WIDE = ("I", "F")  # 32-bit integers and floats: nothing in the file says which value is white


class PictureError(Exception):
    """A file that holds no readable image; `reason` says why in plain words, without the path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_picture(path: str | Path) -> np.ndarray:
    """Decode one file.

    Returns:
        uint8 [H, W, 3] in RGB, contiguous and writable.
    Raises:
        PictureError: the file is missing, empty, no image, cut off, damaged or too large.
    """
    return decode(read_bytes(path))[0]


def read_bytes(path: str | Path) -> bytes:
    """The file's bytes.

    Raises:
        PictureError: it is missing, no file (opening a pipe would wait for ever), or may not be read.
    """
    try:
        if kind := no_file(path):
            raise PictureError(f"it is {kind} and cannot be read")
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise PictureError("the file is missing") from None
    except PermissionError:
        raise PictureError("no permission to read the file") from None
    except OSError as error:
        raise PictureError(f"the file cannot be read ({error.strerror})") from None


def decode(data: bytes) -> tuple[np.ndarray, str]:
    """Decode a file's bytes.

    Returns:
        uint8 [H, W, 3] in RGB, and the format found in the content (`JPEG`, `PNG`, ...), whatever the
        file is called.
    Raises:
        PictureError: as `read_picture`.
    """
    if not data:
        raise PictureError("the file is empty")
    kind = ""
    try:
        with open_image(data) as image:
            kind = "JPEG" if image.format == "MPO" else str(image.format)
            _check_size(*image.size)
            if has_damaged_pixels(data):
                raise PictureError("PNG damaged: the checksums of its pixels are wrong")
            pixels = _decode_jpeg(data, image) if kind == "JPEG" else None
            return (_decode_any(image) if pixels is None else pixels), kind
    except (PictureError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise PictureError(_what_else(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large()) from None
    # Decoders meet hostile bytes with any exception at all; none of them may stop an index.
    except Exception as error:
        raise PictureError(_reason(error, kind) if kind else _what_else(data)) from None


def open_image(data: bytes) -> Image.Image:
    """A file's header and metadata by Pillow, which raises what it likes where they are damaged."""
    return Image.open(io.BytesIO(without_odd_metadata(data)), formats=FORMATS)


def _decode_jpeg(data: bytes, image: Image.Image) -> np.ndarray | None:
    """The fast path for grey and RGB without rotation; None leaves the file, or its reason, to Pillow."""
    if image.mode not in ("RGB", "L") or "exif" in image.info:
        return None
    # Both libraries finish an image whose tail is zeros, as an interrupted copy leaves it.
    if data.rfind(b"\xff\xd9") < data.find(b"\xff\xda"):
        raise PictureError("JPEG cut off before its end")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return pixels if pixels is not None and pixels.shape[1::-1] == image.size else None


def _decode_any(image: Image.Image) -> np.ndarray:
    if image.mode in _WIDE:
        raise PictureError("32-bit pixels, and nothing in the file says which value is white")
    image.load()
    image = _upright(image)
    if image.mode.startswith("I;16"):
        high = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(high[..., None], 3, axis=2)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        weighted = rgba[..., :3].astype(np.uint16) * rgba[..., 3:] + 127
        return (weighted // 255).astype(np.uint8)
    return np.array(image.convert("RGB"))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # an EXIF block that cannot be parsed names no rotation; the pixels are fine
        return image


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise PictureError("the image has no pixels")
    if width * height > PIXEL_LIMIT:
        raise PictureError(_too_large())
    if max(width, height) > SIDE_LIMIT:
        raise PictureError(f"a side of more than {SIDE_LIMIT:,} px: cut or shrink it")


def _too_large() -> str:
    return f"it declares more than {PIXEL_LIMIT // 10**6} million pixels"


def _what_else(data: bytes) -> str:
    """Why no decoder took the file; a suffix that lies is the usual cause and is named."""
    if not any(data):
        return "the file holds only zeros"
    names = {b"%PDF": "a PDF", b"PK\x03\x04": "a zip archive", b"<": "a web page or other text"}
    for start, name in names.items():
        if data.lstrip().startswith(start):
            return f"not an image: the content is {name}"
    if data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        return "WEBP cut off before its end"
    if data[4:8] == b"ftyp":
        return "HEIC, AVIF or video content: convert it to PNG or JPEG"
    return "not an image, or its header is damaged"


def _reason(error: Exception, kind: str) -> str:
    text = str(error).lower()
    if any(word in text for word in ("truncated", "not enough", "too short", "end of file")):
        return f"{kind} cut off before its end"
    return f"{kind} damaged: it cannot be decoded"
