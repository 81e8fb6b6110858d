"""Policies of the literature on whole images: TrivialAugment, RandAugment, AugMix, random erasing.

Each class takes and gives uint8 RGB [H, W, 3] and is written from its paper, whose parameters stand beside
it; `recipes` says where this differs. All chance comes from the Python stream that a transform is given.
`strength` multiplies how far amounts lie from what changes nothing, or the area that is erased.
Cost: figure `timing_augment` of chapter 02.
"""

from __future__ import annotations

import math
from typing import Any

import albumentations as A
import numpy as np

from dfstudy.augment.operations import (
    PLAIN,
    SOLARISE,
    AmountRange,
    Drawn,
    apply,
    bits,
    factor,
    shear,
    shift,
    turn,
)

STEPS = 30  # levels of TrivialAugment lie between 0 and this, both included
# TrivialAugment, Table 1, wide: translations by 32 pixels, here as a share of ImageNet's 224
TRIVIAL: dict[str, AmountRange] = {
    "identity": PLAIN,
    "auto_contrast": PLAIN,
    "equalize": PLAIN,
    "rotate": turn(135.0),
    "solarize": SOLARISE,
    "colour": factor(0.99),
    "posterize": bits(6),
    "contrast": factor(0.99),
    "brightness": factor(0.99),
    "sharpness": factor(0.99),
    "shear_x": shear(0.99),
    "shear_y": shear(0.99),
    "translate_x": shift(32 / 224),
    "translate_y": shift(32 / 224),
}
# RandAugment takes AutoAugment's ranges (Table 6 there): 150 pixels of 331
COUNT, MAGNITUDE, SCALE = 2, 9, 10  # N operations a sample, each at M of 10
RANDOM: dict[str, AmountRange] = {
    "identity": PLAIN,
    "auto_contrast": PLAIN,
    "equalize": PLAIN,
    "rotate": turn(30.0),
    "solarize": SOLARISE,
    "colour": factor(0.9),
    "posterize": bits(4),
    "contrast": factor(0.9),
    "brightness": factor(0.9),
    "sharpness": factor(0.9),
    "shear_x": shear(0.3),
    "shear_y": shear(0.3),
    "translate_x": shift(150 / 331),
    "translate_y": shift(150 / 331),
}
# AugMix: no operation that the corruptions of ImageNet-C hold (colour, contrast, brightness, sharpness)
WIDTH, DEPTHS, SEVERITY = 3, (1, 2, 3), (0.1, 3.0)  # chains; operations in one; level of each, of 10
MIXED: dict[str, AmountRange] = {
    "auto_contrast": PLAIN,
    "equalize": PLAIN,
    "posterize": AmountRange(-4.0, 4.0, lowest=1.0, whole="cut"),  # its program begins at 4 bits
    "rotate": AmountRange(30.0, signed=True, lowest=-180.0, highest=180.0, whole="cut"),
    "solarize": SOLARISE,
    "shear_x": shear(0.3),
    "shear_y": shear(0.3),
    "translate_x": shift(1 / 3),
    "translate_y": shift(1 / 3),
}
# Random erasing, section 3.2: share of the area, ratio of height to width, and how often a place is tried
AREA, RATIO, TRIES = (0.02, 0.4), (0.3, 1 / 0.3), 100
MOST_AREA = 0.9


class _Strong(A.ImageOnlyTransform):
    """What the classes below share: one argument."""

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        """Arguments that `strict` accepts."""

        strength: float

    def __init__(self, strength: float = 1.0, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.strength = strength

    def _pick(self, ranges: dict[str, AmountRange], level: float) -> Drawn:
        """One operation, each as likely, at a level in 0..1."""
        names = list(ranges)
        name = names[int(self.py_random.random() * len(names))]
        return Drawn(name, ranges[name].draw(level, self.py_random, self.strength))


class TrivialAugment(_Strong):
    """One operation a sample, at one of 31 levels, all as likely (Mueller and Hutter, ICCV 2021)."""

    def get_params(self) -> dict[str, Any]:
        """`drawn`: the operation and its amount."""
        return {"drawn": self._pick(TRIVIAL, int(self.py_random.random() * (STEPS + 1)) / STEPS)}

    def apply(self, img: np.ndarray, drawn: Drawn, **params: Any) -> np.ndarray:
        """The image after the operation."""
        return apply(img, drawn)


class RandAugment(_Strong):
    """`COUNT` operations, each drawn anew, at one fixed level (Cubuk et al., NeurIPS 2020)."""

    def get_params(self) -> dict[str, Any]:
        """`chain`: operations and amounts, in their order."""
        return {"chain": [self._pick(RANDOM, MAGNITUDE / SCALE) for _ in range(COUNT)]}

    def apply(self, img: np.ndarray, chain: list[Drawn], **params: Any) -> np.ndarray:
        """The image after them all."""
        for drawn in chain:
            img = apply(img, drawn)
        return img


class AugMix(_Strong):
    """A weighted mean of the image and of three chains of operations (Hendrycks et al., ICLR 2020)."""

    def get_params(self) -> dict[str, Any]:
        """`chains` of operations, their `weights` (Dirichlet) and their `share` of the result (Beta)."""
        draw = self.py_random
        # Dirichlet(1, 1, 1): exponential values over their sum
        parts = [draw.expovariate(1.0) for _ in range(WIDTH)]
        chains = [
            [
                self._pick(MIXED, draw.uniform(*SEVERITY) / SCALE)
                for _ in range(DEPTHS[int(draw.random() * 3)])
            ]
            for _ in range(WIDTH)
        ]
        # Beta(1, 1) is uniform
        return {
            "chains": chains,
            "weights": [part / sum(parts) for part in parts],
            "share": draw.random(),
        }

    def apply(
        self, img: np.ndarray, chains: list[list[Drawn]], weights: list[float], share: float, **params: Any
    ) -> np.ndarray:
        """`(1 - share) image + share * sum of weight * chain(image)`, rounded."""
        mixed = (1 - share) * img.astype(np.float32)
        for chain, weight in zip(chains, weights, strict=True):
            varied = img
            for drawn in chain:
                varied = apply(varied, drawn)
            mixed += share * weight * varied
        return np.rint(mixed).clip(0, 255).astype(np.uint8)


class RandomErasing(_Strong):
    """A rectangle of random values (Zhong et al., AAAI 2020), its area up to `MOST_AREA` at any strength."""

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """`box`: top, left, height and width in pixels; nothing of it where no place was found."""
        height, width = params["shape"][:2]
        draw = self.py_random
        for _ in range(TRIES):
            area = min(draw.uniform(*AREA) * self.strength, MOST_AREA) * height * width
            ratio = draw.uniform(*RATIO)
            high, wide = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < high < height and 0 < wide < width:
                top, left = (int(draw.random() * (side + 1)) for side in (height - high, width - wide))
                return {"box": (top, left, high, wide), "values": draw.randbytes(high * wide * 3)}
        return {"box": (0, 0, 0, 0), "values": b""}

    def apply(
        self, img: np.ndarray, box: tuple[int, int, int, int], values: bytes, **params: Any
    ) -> np.ndarray:
        """A copy of the image with the rectangle filled."""
        top, left, high, wide = box
        erased = img.copy()
        erased[top : top + high, left : left + wide] = np.frombuffer(values, np.uint8).reshape(high, wide, 3)
        return erased
