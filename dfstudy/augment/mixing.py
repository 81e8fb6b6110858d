"""Samples mixed with others of their step: mixup and CutMix.

Takes the number of images of a step and the step's key; gives who is mixed with whom and by how much, the
same in every process. As published there is one weight, one box and one permutation a step. Images are uint8
[size, size, 3] RGB; the label becomes `share` of a sample's own and the rest of its partner's.
Cost: 20 us an image at 128 px, and a second sample where the partner is another process's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np

Box = tuple[int, int, int, int]  # top, bottom, left, right


class Mixture(NamedTuple):
    """How a step is mixed.

    Attributes:
        partners: int64 [images], places within the step: image i is mixed with image `partners[i]`.
        share: weight of an image's own label, 0..1.
        box: what is taken from the partner; None mixes all pixels by `share`.
    """

    partners: np.ndarray
    share: float
    box: Box | None

    def blend(self, own: np.ndarray, partner: np.ndarray) -> np.ndarray:
        """The mixed image, uint8 like both."""
        if self.box is None:
            return cv2.addWeighted(own, self.share, partner, 1 - self.share, 0)
        top, bottom, left, right = self.box
        mixed = own.copy()
        mixed[top:bottom, left:right] = partner[top:bottom, left:right]
        return mixed

    def labels(self, own: np.ndarray, partner: np.ndarray) -> np.ndarray:
        """Soft labels in 0..1, float32: of both labels, by their share of the image."""
        return (self.share * own + (1 - self.share) * partner).astype(np.float32)


@dataclass(frozen=True)
class Mixer:
    """What mixes the samples of a step.

    Attributes:
        kind: `mixup` adds whole images, `cutmix` pastes a box.
        alpha: both parameters of the Beta distribution of the share.
        size: side of the images, pixels.
    """

    kind: Literal["mixup", "cutmix"]
    alpha: float
    size: int

    def draw(self, count: int, key: int) -> Mixture:
        """The mixture of a step of so many images; `key` alone decides (`dfstudy.data.order.step_key`)."""
        random = np.random.default_rng(key)
        share = float(random.beta(self.alpha, self.alpha))
        partners = random.permutation(count)
        if self.kind == "mixup":
            return Mixture(partners, share, None)
        # section 3.1 of CutMix: both sides by the root of the share, about any pixel, cut at the border
        side = int(self.size * math.sqrt(1 - share))
        ends: list[int] = []
        for middle in random.integers(self.size, size=2).tolist():
            ends += [max(middle - side // 2, 0), min(middle + side // 2, self.size)]
        top, bottom, left, right = ends
        kept = 1 - (bottom - top) * (right - left) / self.size**2
        return Mixture(partners, kept, (top, bottom, left, right))
