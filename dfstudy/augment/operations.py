"""The fourteen operations that AutoAugment's followers draw from, as Pillow defines them, and their ranges.

Takes a uint8 RGB image [H, W, 3] and an operation with its amount; gives the same shape. `draw` turns a level
in 0..1 into an amount in the operation's own unit: tangent of a shear, share of a side, degrees, a factor
less 1, bits kept, a grey level. Pixels that come from outside are black, and places between pixels are
interpolated linearly, where the published programs take the nearest pixel (TrivialAugment) or grey
(RandAugment). Cost: 70 to 420 us at 128 px.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

LEVELS = 255  # the highest grey level
HALF_TURN = 180.0
MOST_SHEAR, MOST_SHIFT = 2.0, 0.5  # at any strength: of the tangent, and of the side


@dataclass(frozen=True)
class AmountRange:
    """The amounts of one operation.

    Attributes:
        most: how far the amount lies from `still` at level 1; 0 where an operation has no amount.
        still: the amount that changes nothing.
        signed: either sign is as likely.
        lowest, highest: the amounts that are possible, at any strength.
        whole: the distance from `still` is rounded to a whole number, or cut down to one.
    """

    most: float = 0.0
    still: float = 0.0
    signed: bool = False
    lowest: float = -float("inf")
    highest: float = float("inf")
    whole: Literal["", "rounded", "cut"] = ""

    def draw(self, level: float, stream: random.Random, strength: float = 1.0) -> float:
        """The amount at a level in 0..1; `strength` multiplies its distance from `still`."""
        far = self.most * level * strength
        if self.whole:
            far = round(far) if self.whole == "rounded" else math.trunc(far)
        if self.signed and stream.random() < 0.5:
            far = -far
        return min(max(self.still + far, self.lowest), self.highest)


class Drawn(NamedTuple):
    """An operation by name, and its amount."""

    operation: str
    amount: float


def shear(most: float) -> AmountRange:
    """Tangents of a shear about the upper or left edge."""
    return AmountRange(most, signed=True, lowest=-MOST_SHEAR, highest=MOST_SHEAR)


def shift(most: float) -> AmountRange:
    """Shifts as shares of the side."""
    return AmountRange(most, signed=True, lowest=-MOST_SHIFT, highest=MOST_SHIFT)


def turn(most: float) -> AmountRange:
    """Degrees about the centre."""
    return AmountRange(most, signed=True, lowest=-HALF_TURN, highest=HALF_TURN)


def factor(most: float) -> AmountRange:
    """Factors less 1 of brightness, contrast, colour and sharpness: -1 takes all of it away."""
    return AmountRange(most, signed=True, lowest=-1.0)


def bits(most: float) -> AmountRange:
    """Bits of a channel that posterising keeps: `most` fewer than 8 at level 1."""
    return AmountRange(-most, 8.0, lowest=1.0, whole="rounded")


# pixels from this grey level on are inverted
SOLARISE = AmountRange(-(LEVELS + 1.0), LEVELS + 1.0, lowest=0.0, whole="rounded")
PLAIN = AmountRange()  # an operation without an amount


def apply(image: np.ndarray, drawn: Drawn) -> np.ndarray:
    """What an operation makes of an image."""
    return np.asarray(_OPERATIONS[drawn.operation](Image.fromarray(image), drawn.amount))


def _moved(image: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    """Through the matrix from new to old places."""
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Callable[..., Image.Image]:
    return lambda image, amount: kind(image).enhance(1 + amount)


_OPERATIONS: Mapping[str, Callable[[Image.Image, float], Image.Image]] = {
    "identity": lambda image, amount: image,
    "auto_contrast": lambda image, amount: ImageOps.autocontrast(image),
    "equalize": lambda image, amount: ImageOps.equalize(image),
    "rotate": lambda image, amount: image.rotate(amount, Image.Resampling.BILINEAR),
    "solarize": lambda image, amount: ImageOps.solarize(image, int(amount)),
    "colour": _enhanced(ImageEnhance.Color),
    "posterize": lambda image, amount: ImageOps.posterize(image, int(amount)),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "shear_x": lambda image, amount: _moved(image, (1, amount, 0, 0, 1, 0)),
    "shear_y": lambda image, amount: _moved(image, (1, 0, 0, amount, 1, 0)),
    "translate_x": lambda image, amount: _moved(image, (1, 0, amount * image.width, 0, 1, 0)),
    "translate_y": lambda image, amount: _moved(image, (1, 0, 0, 0, 1, amount * image.height)),
}
NAMES = tuple(_OPERATIONS)
