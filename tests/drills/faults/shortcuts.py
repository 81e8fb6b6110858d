"""Shortcuts: what a file or its pixels say about the label without any forgery.

Takes a `Picture` and a strength 0..1; gives the image with the shortcut. Two kinds. Of a share, the
strength is the part of the fakes that are touched, each in full: a file is a PNG or it is none. Of an amount,
every fake is touched, as strongly as asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image

from faults.picture import Picture

PIXELS = ("light", "detail", "border", "thumbnail")  # families that change with the pixels
_MAKER = 0x010F  # EXIF tag of the camera's maker


@dataclass(frozen=True)
class Shortcut:
    """One way in which fakes differ from reals.

    Attributes:
        about: what is planted, and what a strength of 1 is.
        change: (image, strength) -> image.
        families: trait families that it changes; the first must speak up.
        share: the strength is a share of the fakes.
    """

    about: str
    change: Callable[[Picture, float], Picture]
    families: tuple[str, ...]
    share: bool = False


def _format(picture: Picture, strength: float) -> Picture:
    return Picture(picture.pixels, "PNG")


def _quality(picture: Picture, strength: float) -> Picture:
    return Picture(picture.pixels, "JPEG", {"quality": 60})


def _metadata(picture: Picture, strength: float) -> Picture:
    exif = Image.Exif()
    exif[_MAKER] = "a camera"
    return replace(picture, options={**picture.options, "exif": exif.tobytes()})


def _dimensions(picture: Picture, strength: float) -> Picture:
    height, width = picture.pixels.shape[:2]
    size = width * 15 // 16, height * 15 // 16
    return replace(picture, pixels=cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA))


def _blur(picture: Picture, strength: float) -> Picture:
    pixels = picture.pixels
    return replace(picture, pixels=cv2.GaussianBlur(pixels, (0, 0), 1.5 * strength) if strength else pixels)


def _brightness(picture: Picture, strength: float) -> Picture:
    return replace(picture, pixels=_levels(picture.pixels + 60.0 * strength))


def _gradient(picture: Picture, strength: float) -> Picture:
    ramp = np.linspace(-60, 60, picture.pixels.shape[1])[None, :, None] * strength
    return replace(picture, pixels=_levels(picture.pixels + ramp))


def _frame(picture: Picture, strength: float) -> Picture:
    height, width = picture.pixels.shape[:2]
    line = max(1, round(0.02 * min(height, width)))
    shade = np.full((height, width, 1), 1 - strength)
    shade[line:-line, line:-line] = 1
    return replace(picture, pixels=_levels(picture.pixels * shade))


def _levels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


SHORTCUTS = {
    "format": Shortcut(
        "fakes saved as PNG; 1: all", _format, ("container", "compression", "file_size"), share=True
    ),
    "quality": Shortcut(
        "fakes saved as JPEG of quality 60; 1: all",
        _quality,
        ("compression", "file_size", *PIXELS),
        share=True,
    ),
    "metadata": Shortcut("fakes carry EXIF; 1: all", _metadata, ("container", "file_size"), share=True),
    "dimensions": Shortcut(
        "fakes reduced to 15/16 of their side; 1: all",
        _dimensions,
        ("geometry", "file_size", *PIXELS),
        share=True,
    ),
    "blur": Shortcut("fakes blurred; 1: by 1.5 px (sigma)", _blur, ("detail", "file_size", *PIXELS)),
    "brightness": Shortcut(
        "fakes lighter; 1: by 60 grey levels", _brightness, ("light", "file_size", *PIXELS)
    ),
    "gradient": Shortcut(
        "fakes lit from the right; 1: 60 grey levels less to 60 more",
        _gradient,
        ("thumbnail", "file_size", *PIXELS),
    ),
    "frame": Shortcut(
        # a black edge is a bar as well
        "fakes darker along their edge; 1: black",
        _frame,
        ("border", "geometry", "file_size", *PIXELS),
    ),
}
