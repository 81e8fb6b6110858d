"""Self-blended images: a fake made of one real image and its own altered copy.

Takes a real image, uint8 RGB [H, W, 3]; gives one of that shape. Written from Shiohara and Yamasaki (CVPR
2022, arXiv 2204.08376). Two copies, source and target: one of them, as likely either, gets other colours
(RGB shift, hue-saturation-value, brightness-contrast) and another sharpness (through a smaller image, or
sharpened); the source is also scaled a little, each side by itself, and moved; then the source's face is
laid onto the target through a soft mask times a ratio out of .25, .5, .75, 1, 1, 1. So it carries what face
forgeries share, a border between two statistics, and nothing of any one method.

Differing from the paper: its mask is the convex hull of the face's landmarks, here it is an ellipse from
`face`, varied in size and place, bent by a smooth random field. As there it is then smoothed, cut back to
what is still full, and smoothed again, so that it shrinks or grows by the two widths. Where the paper names
a kind of change and no range, the ranges below are this study's. Cost: 0.4 ms at 128 px.
"""

from __future__ import annotations

import random
from typing import Any

import albumentations as A
import cv2
import numpy as np

from dfstudy.augment import face, replacements, transforms
from dfstudy.augment.ranges import stretch, stretch_hsv

RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
GRID = 64  # side of the mask before it is enlarged: it is smooth, so more would change nothing
KNOTS = 6  # a side: the bending field's values, between which it is interpolated
BEND = 0.035  # standard deviation of the bending, as a share of the side
SMOOTH = (0.01, 0.035)  # the two smoothings' sigmas, as a share of the side
CROP, MOVE = (0.85, 1.15), 0.04  # size of the ellipse to the face's, and its place, as a share of the side


class SelfBlend(A.ImageOnlyTransform):
    """A self-blended image of a real one; `params` keep the mask that was used, times its ratio."""

    faces_from = face.FROM

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        """Arguments that `strict` accepts."""

        strength: float

    def __init__(self, strength: float = 1.0, p: float = 1.0) -> None:
        """`strength` multiplies the ranges of colours, sharpness, scale and place; the mask keeps its own."""
        super().__init__(p=p)
        light = stretch((-0.1, 0.1), strength, lowest=-1, highest=1)
        self.colours = (
            transforms.rgb_shift(stretch((-20, 20), strength, lowest=-255, highest=255), p=0.5),
            transforms.hue_saturation(*stretch_hsv(5, 15, 10, strength), p=0.5),
            transforms.brightness_contrast(light, light, p=0.5),
        )
        self.sharpness = replacements.OneOf(
            [
                transforms.downscale(stretch((1.5, 3.0), strength, keep=1)),
                transforms.sharpen(stretch((0.5, 1.5), strength)),
            ],
            p=1.0,
        )
        self.scale = stretch((0.95, 1.05), strength, keep=1, lowest=0.5, highest=2)
        self.shift = stretch((-0.03, 0.03), strength, lowest=-0.5, highest=0.5)
        replacements.normal_fields()  # before workers are forked, who share them

    def set_random_state(self, random_generator: np.random.Generator, py_random: random.Random) -> None:
        """The changes of a copy draw from the same stream."""
        super().set_random_state(random_generator, py_random)
        for change in (*self.colours, self.sharpness):
            change.set_random_state(random_generator, py_random)

    def get_params(self) -> dict[str, Any]:
        """Which copy is changed, scale and shift of the source (x, y), and `mask`, float32 [GRID, GRID]."""
        draw = self.py_random
        return {
            "changed": "source" if draw.random() < 0.5 else "target",
            "scale": (draw.uniform(*self.scale), draw.uniform(*self.scale)),
            "shift": (draw.uniform(*self.shift), draw.uniform(*self.shift)),
            "mask": draw_mask(draw) * RATIOS[int(draw.random() * len(RATIOS))],
        }

    def apply(
        self,
        img: np.ndarray,
        changed: str,
        scale: tuple[float, float],
        shift: tuple[float, float],
        mask: np.ndarray,
        **params: Any,
    ) -> np.ndarray:
        """Source and target, blended."""
        altered = img
        for change in (*self.colours, self.sharpness):
            altered = change(image=altered)["image"]
        source, target = (altered, img) if changed == "source" else (img, altered)
        weight = cv2.resize(mask, img.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return cv2.blendLinear(_moved(source, scale, shift), target, weight, 1 - weight)


def draw_mask(draw: random.Random) -> np.ndarray:
    """A face's mask: float32 [GRID, GRID] in 0..1, 1 well inside; smooth."""
    mask = face.outline(GRID, GRID).astype(np.float32)
    size = draw.uniform(*CROP)
    across, down = (draw.uniform(-MOVE, MOVE) * GRID for _ in range(2))
    # a window into fixed normal values in place of new ones: seeding and drawing cost more than all the rest
    start = draw.randrange(replacements.STARTS)
    knots = replacements.normal_fields()[0][0, start : start + 2 * KNOTS * KNOTS].astype(np.float32)
    bend = knots.reshape(2, KNOTS, KNOTS) * (BEND * GRID / replacements.LEVELS)
    bend_x, bend_y = (cv2.resize(part, (GRID, GRID), interpolation=cv2.INTER_CUBIC) for part in bend)
    y, x = np.indices((GRID, GRID), np.float32)
    column, row = face.in_pixels(face.MIDDLE, GRID, GRID)
    from_x = (x - column - across) / size + column + bend_x
    from_y = (y - row - down) / size + row + bend_y
    mask = cv2.remap(mask, from_x, from_y, cv2.INTER_LINEAR)
    first, second = (draw.uniform(*SMOOTH) * GRID for _ in range(2))
    full = (cv2.GaussianBlur(mask, (0, 0), first) > 0.999).astype(np.float32)
    return cv2.GaussianBlur(full, (0, 0), second)


def _moved(picture: np.ndarray, scale: tuple[float, float], shift: tuple[float, float]) -> np.ndarray:
    """The image scaled about its middle and shifted by shares of its sides, mirrored at its borders."""
    height, width = picture.shape[:2]
    matrix = np.zeros((2, 3))
    for axis, side in ((0, width), (1, height)):
        matrix[axis, axis] = scale[axis]
        matrix[axis, 2] = (1 - scale[axis]) * (side - 1) / 2 + shift[axis] * side
    # four channels, as in replacements.Affine: OpenCV is quicker at them
    moved = cv2.warpAffine(
        cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA), matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101
    )
    return cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB)
