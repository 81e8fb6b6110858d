"""An image while a fault is planted: its pixels, and how its file is written.

Takes the bytes of a JPEG or PNG file; gives bytes. Every image of a set is written anew by the same code,
also those without a fault, and a JPEG with its own quantisation tables and subsampling: otherwise a second
compression would tell the touched from the untouched, whatever was planted. Refuses other formats.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin

from dfstudy.data import images

SUFFIX = {"JPEG": ".jpg", "PNG": ".png"}


@dataclass(frozen=True)
class Picture:
    """Pixels, uint8 [H, W, 3] RGB; format, `JPEG` or `PNG`; further arguments of Pillow's writer."""

    pixels: np.ndarray
    kind: str
    options: dict[str, Any] = field(default_factory=dict)


def open_picture(data: bytes) -> Picture:
    """Decode a file and note how it was compressed.

    Raises:
        PictureError: it cannot be read, or is neither JPEG nor PNG.
    """
    pixels, kind = images.decode(data)
    if kind not in SUFFIX:
        raise images.PictureError(f"faults are planted into JPEG and PNG, and this is {kind}")
    if kind == "PNG":
        return Picture(pixels, kind)
    with Image.open(io.BytesIO(data)) as image:
        tables, subsampling = image.quantization, JpegImagePlugin.get_sampling(image)
    # -1: a grey file, or a sampling that Pillow cannot write
    options = {"subsampling": subsampling} if subsampling >= 0 else {}
    return Picture(pixels, kind, {"qtables": tables, **options})


def write_picture(picture: Picture) -> bytes:
    """The bytes of its file."""
    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).save(buffer, picture.kind, **picture.options)
    return buffer.getvalue()
