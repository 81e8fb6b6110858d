"""Contents of image files of every kind, as bytes, from pixels uint8 [H, W, 3].

Each function gives a maker, which takes pixels and gives the bytes of a file: `png(mode="P")`, and what is
done to such bytes: `cut(png(), 0.5)`. What Pillow and OpenCV do not write (Adam7, tiles, YCCK, false sizes)
is put together here.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

Make = Callable[[np.ndarray], bytes]
PNG_START = b"\x89PNG\r\n\x1a\n"
HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + 64 * b"0" + b"\nsize 12345\n"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 96\nshowpage\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
JXL = b"\xff\x0a" + bytes(range(64))


def exactly(content: bytes) -> Make:
    """These bytes, whatever the pixels."""
    return lambda pixels: content


def pillow(kind: str, mode: str = "RGB", **options) -> Make:
    """As Pillow writes it, in one of its modes."""

    def make(pixels: np.ndarray) -> bytes:
        image = Image.fromarray(pixels)
        if mode == "I;16":
            image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        elif mode in ("RGBA", "LA"):
            image.putalpha(image.convert("L").point(lambda value: 255 - value // 4))
            image = image.convert(mode)
        else:
            image = image.convert(mode)
        with io.BytesIO() as file:
            image.save(file, kind, **options)
            return file.getvalue()

    return make


def jpeg(mode: str = "RGB", **options) -> Make:
    return pillow("JPEG", mode, **{"quality": 90, **options})


def png(mode: str = "RGB", **options) -> Make:
    return pillow("PNG", mode, **options)


def palette_png(bits: int) -> Make:
    """The best colours for so many bits a pixel."""

    def make(pixels: np.ndarray) -> bytes:
        with io.BytesIO() as file:
            Image.fromarray(pixels).quantize(2**bits).save(file, "PNG", bits=bits)
            return file.getvalue()

    return make


def tiff(mode: str = "RGB", **options) -> Make:
    return pillow("TIFF", mode, **options)


def pages(kind: str, count: int = 3) -> Make:
    """An animation, or a file of several pages."""

    def make(pixels: np.ndarray) -> bytes:
        frames = [Image.fromarray(np.roll(pixels, 9 * at, axis=1)) for at in range(count)]
        with io.BytesIO() as file:
            frames[0].save(file, kind, save_all=True, append_images=frames[1:])
            return file.getvalue()

    return make


def opencv(suffix: str, wide: bool = False, alpha: bool = False, *options: int) -> Make:
    """As OpenCV writes it; `wide` in 16 bits."""

    def make(pixels: np.ndarray) -> bytes:
        shown = pixels[..., ::-1].astype(np.uint16) * 257 if wide else pixels[..., ::-1]
        if alpha:
            shown = np.dstack([shown, np.full_like(shown[..., 0], 60_000 if wide else 230)])
        good, data = cv2.imencode(suffix, np.ascontiguousarray(shown), options)
        if not good:
            raise OSError(f"no encoder for {suffix}")
        return data.tobytes()

    return make


def oriented(number: int) -> Make:
    exif = Image.Exif()
    exif[0x0112] = number
    return jpeg(exif=exif.tobytes())


def profiled(kind: str) -> Make:
    return pillow(kind, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def ycck(pixels: np.ndarray) -> bytes:
    """CMYK whose Adobe marker says that it is stored as YCCK."""
    data = bytearray(jpeg("CMYK")(pixels))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def changed(make: Make, change: Callable[[bytes], bytes]) -> Make:
    return lambda pixels: change(make(pixels))


def cut(make: Make, share: float) -> Make:
    """The first part of the bytes."""
    return changed(make, lambda data: data[: int(share * len(data))])


def zero_tail(make: Make, share: float) -> Make:
    """As an interrupted copy leaves it: the whole length, and zeros behind the first part."""
    return changed(make, lambda data: data[: int(share * len(data))].ljust(len(data), b"\0"))


def spoilt(make: Make, share: float) -> Make:
    """Sixteen bytes in the middle overwritten."""

    def change(data: bytes) -> bytes:
        at = int(share * len(data))
        return data[:at] + b"\x55\xaa" * 8 + data[at + 16 :]

    return changed(make, change)


def replaced(make: Make, at: int, part: bytes) -> Make:
    return changed(make, lambda data: data[:at] + part + data[at + len(part) :])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(kind: bytes, body: bytes) -> Make:
    """A PNG with one more chunk behind its header."""
    return changed(png(), lambda data: data[:33] + chunk(kind, body) + data[33:])


def sized(width: int, height: int) -> Make:
    """A PNG that claims this size and holds hardly anything."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    few = chunk(b"IDAT", zlib.compress(bytes(3000))) + chunk(b"IEND", b"")
    return exactly(PNG_START + chunk(b"IHDR", body) + few)


def wrong_crc(kind: bytes) -> Make:
    def change(data: bytes) -> bytes:
        at = data.index(kind) - 4
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        return data[:end] + bytes(byte ^ 255 for byte in data[end : end + 4]) + data[end + 4 :]

    return changed(png(pnginfo=said("a")), change)


def said(text: str, packed: bool = False, international: bool = False) -> PngImagePlugin.PngInfo:
    """Metadata of a PNG."""
    info = PngImagePlugin.PngInfo()
    if international:
        info.add_itxt("prompt", text, zip=packed)
    else:
        info.add_text("prompt", text, zip=packed)
    return info


def adam7(pixels: np.ndarray) -> bytes:
    """An interlaced PNG."""
    passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]
    rows = [
        b"\0" + row.tobytes()
        for left, top, right, down in passes
        for row in pixels[top::down, left::right]
        if row.size
    ]
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 1)
    body = chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return PNG_START + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def tiled_tiff(pixels: np.ndarray) -> bytes:
    """Tiles of 64 x 64 pixels, uncompressed."""
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -height % 64), (0, -width % 64), (0, 0)))
    corners = [(y, x) for y in range(0, height, 64) for x in range(0, width, 64)]
    tiles = [padded[y : y + 64, x : x + 64].tobytes() for y, x in corners]
    count, size, start = len(tiles), len(tiles[0]), 8 + 2 + 10 * 12 + 4
    lists = start + 8  # behind the bits of a pixel
    first = lists + 8 * count
    short, long = 3, 4
    entries = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, 3, start),
        (259, short, 1, 1),
        (262, short, 1, 2),
        (277, short, 1, 3),
        (322, short, 1, 64),
        (323, short, 1, 64),
        (324, long, count, lists),
        (325, long, count, lists + 4 * count),
    ]
    tags = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    offsets = struct.pack(f"<{count}I", *(first + size * at for at in range(count)))
    sizes = struct.pack(f"<{count}I", *[size] * count)
    bits = struct.pack("<HHHH", 8, 8, 8, 0)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + tags + bytes(4)
    return head + bits + offsets + sizes + b"".join(tiles)


def top_down_bmp(pixels: np.ndarray) -> bytes:
    """A height below zero: rows from the top."""
    data = pillow("BMP")(pixels)
    return data[:22] + struct.pack("<i", -pixels.shape[0]) + data[26:]


def archive(pixels: np.ndarray) -> bytes:
    """A zip file with the image inside."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as inside:
            inside.writestr("face.png", png()(pixels))
        return file.getvalue()


def array(pixels: np.ndarray) -> bytes:
    """As numpy stores it."""
    with io.BytesIO() as file:
        np.save(file, pixels)
        return file.getvalue()


def wave(pixels: np.ndarray) -> bytes:
    """A second of sound, without an image."""
    sound = pixels.tobytes()[:8000].ljust(8000, b"\x80")
    form = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 8000) + sound
    return b"RIFF" + struct.pack("<I", len(body)) + body


def shaped(width: int, height: int, make: Make) -> Make:
    """The pixels stretched to another size first."""
    return lambda pixels: make(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR))


def painted(value: int | tuple[int, int, int], make: Make, noise: float = 0) -> Make:
    """One colour instead of the pixels, with noise of this standard deviation."""

    def paint(pixels: np.ndarray) -> bytes:
        plain = np.broadcast_to(np.array(value, float), pixels.shape)
        random = np.random.default_rng(len(pixels)).normal(0, noise, pixels.shape)
        return make(np.clip(plain + random, 0, 255).astype(np.uint8))

    return paint


def clear(pixels: np.ndarray) -> bytes:
    """A PNG with nothing in it that is not transparent."""
    with io.BytesIO() as file:
        Image.fromarray(np.dstack([pixels, np.zeros(pixels.shape[:2], np.uint8)])).save(file, "PNG")
        return file.getvalue()
