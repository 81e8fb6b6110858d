"""A face in an image: where it is, how it stands, how sure the detector was; and which one is the main one.

Takes and gives `Face` objects in pixels of the whole image. Cost: none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import atan2, degrees, hypot

import numpy as np

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Face:
    """One face.

    Attributes:
        box: left, top, width, height in pixels of the image as it lies; may stick out of it.
        landmarks: x and y of right eye, left eye, tip of the nose, right and left corner of the mouth
            (right and left of the person), pixels, ten numbers in five pairs.
        score: the detector's, 0..1.
        turn: degrees, 0, 90, 180 or 270, by which the image must be turned clockwise for the face to stand
            upright.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...]
    score: float
    turn: int = 0

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box, pixels."""
        left, top, width, height = self.box
        return left + width / 2, top + height / 2

    @property
    def tilt(self) -> float:
        """Degrees, clockwise, by which the line from eyes to mouth leans once `turn` is undone: -180..180."""
        eyes_to_mouth = np.sum(self.landmarks[3:], axis=0) / 2 - np.sum(self.landmarks[:2], axis=0) / 2
        x, y = eyes_to_mouth.tolist()
        lean = degrees(atan2(-x, y)) + self.turn
        return (lean + 180) % 360 - 180

    def scaled(self, x: float, y: float) -> Face:
        """The same face in an image that is x times as wide and y times as high."""
        left, top, width, height = self.box
        box = (left * x, top * y, width * x, height * y)
        return replace(self, box=box, landmarks=tuple((a * x, b * y) for a, b in self.landmarks))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def prominence(face: Face, width: int, height: int) -> float:
    """How much a face is what the image shows: its area, halved towards the corners.

    Args:
        width, height: of the image, pixels.
    """
    x, y = face.centre
    away = hypot(x - width / 2, y - height / 2) / hypot(width / 2, height / 2)
    return face.box[2] * face.box[3] * (1 - 0.5 * min(away, 1.0))


def turned_back(face: Face, turn: int, width: int, height: int) -> Face:
    """A face found in an image that was turned clockwise by `turn`, in pixels of the image as it lies.

    Args:
        width, height: of the image as it lies, pixels.
    """

    def point(x: float, y: float) -> tuple[float, float]:
        return {0: (x, y), 90: (y, height - x), 180: (width - x, height - y), 270: (width - y, x)}[turn]

    left, top, wide, high = face.box
    corners = [point(left, top), point(left + wide, top + high)]
    (x0, x1), (y0, y1) = (sorted(values) for values in zip(*corners, strict=True))
    landmarks = tuple(point(x, y) for x, y in face.landmarks)
    return Face((x0, y0, x1 - x0, y1 - y0), landmarks, face.score, turn)
