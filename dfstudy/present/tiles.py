"""Images of any size as equal squares, for sheets of faces."""

from __future__ import annotations

import math

import cv2
import numpy as np


def make_tile(picture: np.ndarray, side: int) -> np.ndarray:
    """The whole image inside a white square of `side`, with a white gap to its neighbours."""
    inner = side - 4
    scale = inner / max(picture.shape[:2])
    height, width = (max(1, math.floor(length * scale)) for length in picture.shape[:2])
    small = cv2.resize(
        picture, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    tile = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    tile[top : top + height, left : left + width] = small
    return tile
