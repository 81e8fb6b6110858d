"""Parts of a face made black: eyes, nose or mouth, half a face, half an image.

Takes and gives uint8 RGB [H, W, 3]. A network that has found one telling part must look for another. What is
cut out follows the winning entry of the Deepfake Detection Challenge (Seferbekov 2020), which took the
places from landmarks; here they come from `face`. Cost: 30 us at 128 px.
"""

from __future__ import annotations

import math
from typing import Any

import albumentations as A
import cv2
import numpy as np

from dfstudy.augment import face

# Chance of each part an image, as that entry's program draws it: with .7 a part of the face, of which eyes
# .5, mouth .25, nose .125 and else nothing; without, half a face with .2; without, half an image with .1.
CHANCES = {
    "eyes": 0.7 * 0.5,
    "mouth": 0.7 * 0.25,
    "nose": 0.7 * 0.125,
    "half a face": 0.3 * 0.2,
    "half an image": 0.3 * 0.8 * 0.1,
}
SIDES = ("upper", "lower", "left", "right")
DIAGONALS = ("falling", "rising")  # two opposite quarters
MOST = 0.8  # of a face or image, at any strength: an all-black image has nothing to learn from


class Blackout(A.ImageOnlyTransform):
    """One part of the face, or half of it, or half of the image, black.

    Eyes, nose and mouth are a thick line with round ends: from eye to eye and from between the eyes to the
    tip of the nose, a quarter of the distance between the eyes to each side; from corner to corner of the
    mouth, a third of its width to each side. Halves are cut at the middle.
    """

    faces_from = face.FROM

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        """Arguments that `strict` accepts."""

        reach: float

    def __init__(self, reach: float = 1.0, p: float = 1.0) -> None:
        """`reach` multiplies the lines' widths and, up to `MOST`, the share that a half takes."""
        super().__init__(p=p)
        self.reach = reach

    def get_params(self) -> dict[str, Any]:
        """The `part`, and the `side` of a half."""
        (part,) = self.py_random.choices(list(CHANCES), CHANCES.values())
        sides = {"half a face": SIDES, "half an image": SIDES + DIAGONALS}.get(part)
        return {"part": part, "side": sides[int(self.py_random.random() * len(sides))] if sides else ""}

    def apply(self, img: np.ndarray, part: str, side: str, **params: Any) -> np.ndarray:
        """A copy of the image with the part black."""
        height, width = img.shape[:2]
        dark = img.copy()
        if part == "half an image":
            for rows, columns in _rectangles((0, 0, width, height), side, self._share()):
                dark[rows, columns] = 0
        elif part == "half a face":
            mask = face.outline(height, width)
            box = cv2.boundingRect(mask)
            for rows, columns in _rectangles(box, side, self._share()):
                dark[rows, columns][mask[rows, columns] > 0] = 0
        else:
            start, end, half = self._line(part, height, width)
            cv2.line(dark, start, end, (0, 0, 0), max(1, round(2 * half)))
        return dark

    def _share(self) -> float:
        return min(0.5 * self.reach, MOST)

    def _line(self, part: str, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int], float]:
        """Start and end of the line over a part, and half of its thickness, in pixels."""
        left, right, nose, *mouth = (
            face.in_pixels(point, height, width) for point in (*face.EYES, face.NOSE, *face.MOUTH)
        )
        between = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
        lines = {
            "eyes": (left, right, math.dist(left, right) / 4),
            "nose": (between, nose, math.dist(left, right) / 4),
            "mouth": (*mouth, math.dist(*mouth) / 3),
        }
        start, end, half = lines[part]
        return _whole(start), _whole(end), min(self.reach * half, MOST / 2 * min(height, width))


def _whole(point: face.Point) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _rectangles(box: tuple[int, int, int, int], side: str, share: float) -> list[tuple[slice, slice]]:
    """Rows and columns of what a side takes of a box (left, top, width, height)."""
    left, top, width, height = box
    across, down = round(share * width), round(share * height)
    rows = {"upper": slice(top, top + down), "lower": slice(top + height - down, top + height)}
    columns = {"left": slice(left, left + across), "right": slice(left + width - across, left + width)}
    all_rows, all_columns = slice(top, top + height), slice(left, left + width)
    if side in rows:
        return [(rows[side], all_columns)]
    if side in columns:
        return [(all_rows, columns[side])]
    first, second = ("left", "right") if side == "falling" else ("right", "left")
    return [(rows["upper"], columns[first]), (rows["lower"], columns[second])]
