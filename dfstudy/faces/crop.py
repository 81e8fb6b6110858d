"""Cuts the square around a face out of an image.

Takes RGB uint8 [H, W, 3] and a face; gives uint8 [size, size, 3]. The square's side is `margin` times the
longer side of the face's box, its middle the box's. Nothing is invented at the borders: a square that sticks
out is moved inside, one larger than the image shrinks to the image's shorter side. Only an aligned crop
can need pixels from outside; they mirror the image. Cost: 0.5 ms a crop of 256 px.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from dfstudy.faces.face import Face


class Square(NamedTuple):
    """Whole pixels of the image as it lies."""

    left: int
    top: int
    side: int


def square_around(face: Face, width: int, height: int, margin: float = 1.3) -> Square:
    """The square of a face in an image of that width and height."""
    side = max(1, min(round(margin * max(face.box[2:])), width, height))
    x, y = face.centre
    left = min(max(round(x - side / 2), 0), width - side)
    top = min(max(round(y - side / 2), 0), height - side)
    return Square(left, top, side)


def crop_face(
    picture: np.ndarray, face: Face, size: int = 256, margin: float = 1.3, align: bool = False
) -> np.ndarray:
    """The face, upright, as a square image.

    Args:
        picture: uint8 [H, W, 3].
        size: side of the result, pixels; 0 keeps the image's own pixels.
        margin: side of the square, in longer sides of the face's box.
        align: turn it so that the eyes are above the mouth.
    Returns:
        uint8 [size, size, 3], contiguous.
    """
    height, width = picture.shape[:2]
    square = square_around(face, width, height, margin)
    left, top, side = square
    if align:
        middle = (left + side / 2 - 0.5, top + side / 2 - 0.5)
        # OpenCV counts angles against the clock; the face leans `tilt - turn` clockwise as the image lies
        matrix = cv2.getRotationMatrix2D(middle, face.tilt - face.turn, 1.0)
        matrix[:, 2] -= (left, top)
        crop = cv2.warpAffine(
            picture, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
    else:
        crop = np.rot90(picture[top : top + side, left : left + side], -face.turn // 90)
    if size and size != side:
        # area averages where pixels become fewer, a cubic where they become more
        how = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
        crop = cv2.resize(crop, (size, size), interpolation=how)
    return np.ascontiguousarray(crop)
