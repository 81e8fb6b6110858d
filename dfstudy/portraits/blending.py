"""What forgers share: where on the face they work, matched colours, and the seam, soft or gradient-domain.

Takes float32 images [size, size, 3], sRGB-coded in 0..1, and the `Photograph` to forge; gives regions
float32 [size, size] in 0..1 and `Forgery`. Random quantities come from the caller's generator, as many for
every difficulty, so that one draw can be made crude or subtle. Cost: under 1 ms, Poisson blending 4 ms.

Sources: colour transfer, Reinhard et al. 2001; seamless cloning, Perez et al., "Poisson Image Editing" 2003,
solved here for the correction alone, a membrane (Farbman et al., "Coordinates for Instant Image Cloning"
2009), from coarse to fine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from dfstudy.portraits.photograph import Photograph

_COARSEST = 8  # pixels of a side where the membrane begins
_SWEEPS = 40  # of Jacobi's method a level: leaves one hundredth of the range at the seam as error
_BANDS = (0.7, 1.4)  # pixels of blur between the bands of detail that are matched
_AROUND = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4


@dataclass(frozen=True)
class Forgery:
    """A forged image.

    `image`: float32 [size, size, 3], sRGB-coded, 0..1. `mask`: float32 [size, size] in 0..1, the share
    of each pixel that the forger replaced; where it is 0 the image is untouched. `variant`: which way
    of the method was taken, such as `poisson` or `beard`.
    """

    image: np.ndarray
    mask: np.ndarray
    variant: str


def between(difficulty: float, easy: float, hard: float) -> float:
    """The value at a difficulty in 0..1, from easy to hard."""
    return easy + (hard - easy) * difficulty


def ellipse(
    photo: Photograph, centre: tuple[float, float], reach: tuple[float, float], softness: float
) -> np.ndarray:
    """A soft ellipse on the face, in head units, less what hair or background hides."""
    face = np.nan_to_num(photo.face, nan=9.0)
    around = 0.72 * face[..., 2]  # along the skin, so that the side of the jaw is far away
    radius = np.hypot((around - centre[0]) / reach[0], (face[..., 1] - centre[1]) / reach[1])
    return soften(np.clip((1 - radius) / (2 * softness) + 0.5, 0, 1))


def soften(share: np.ndarray) -> np.ndarray:
    """Round the steps of a region in 0..1, over a pixel or two."""
    rounded = (share * share * (3 - 2 * share)).astype(np.float32)
    return np.minimum(cv2.GaussianBlur(rounded, (0, 0), len(share) / 160), np.float32(1))


def colour_cast(rng: np.random.Generator, care: float) -> np.ndarray:
    """A factor a channel, float32 [3]: a generator misses the image's white by up to a tenth."""
    return (1 + care * 0.07 * np.clip(rng.normal(size=3), -1.5, 1.5)).astype(np.float32)


def match_colour(face: np.ndarray, image: np.ndarray, mask: np.ndarray, share: float) -> np.ndarray:
    """Move the mean and spread of each channel towards the image under a mask; share 1 equals them."""
    weight = mask / max(float(mask.sum()), 1e-6)
    moved = np.empty_like(face)
    for c in range(3):
        mean, goal = float((weight * face[..., c]).sum()), float((weight * image[..., c]).sum())
        spread = np.sqrt(float((weight * (face[..., c] - mean) ** 2).sum()))
        wanted = np.sqrt(float((weight * (image[..., c] - goal) ** 2).sum()))
        gain = np.clip(wanted / max(spread, 1e-3), 0.6, 1.6)
        moved[..., c] = (face[..., c] - mean) * (1 + share * (gain - 1)) + mean + share * (goal - mean)
    return moved


def alpha_blend(image: np.ndarray, face: np.ndarray, mask: np.ndarray, variant: str) -> Forgery:
    """Lay a face over the image as the mask says."""
    return Forgery(np.clip(image + mask[..., None] * (face - image), 0, 1).astype(np.float32), mask, variant)


def poisson_blend(image: np.ndarray, face: np.ndarray, mask: np.ndarray, variant: str) -> Forgery:
    """Take the face's gradients where the mask is over one half, and the image's colours at the seam.

    The mask of the result is 1 inside and 0 outside: gradient-domain cloning mixes nothing.
    """
    inside = mask > 0.5
    corrected = face + membrane(image - face, inside)
    forged = np.where(inside[..., None], np.clip(corrected, 0, 1), image)
    return Forgery(forged.astype(np.float32), inside.astype(np.float32), variant)


def membrane(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The smoothest field inside that agrees with `values` outside: Laplace's equation.

    Args:
        values: float32 [size, size, channels]; only what lies outside is used.
        inside: bool [size, size]; the edge of the image mirrors where it is inside.
    """
    side = len(values)
    if side > _COARSEST and inside.any():
        half = (side + 1) // 2
        known = cv2.resize((~inside).astype(np.float32), (half, half), interpolation=cv2.INTER_AREA)
        outside = np.where(inside[..., None], np.float32(0), values)
        coarse = cv2.resize(outside, (half, half), interpolation=cv2.INTER_AREA)
        # A coarse pixel that holds anything known is known, so that the seam's values carry inwards.
        coarse = coarse / np.maximum(known, 1e-6)[..., None]
        guess = cv2.resize(membrane(coarse, known <= 0), (side, side), interpolation=cv2.INTER_LINEAR)
    else:
        guess = np.broadcast_to(values[~inside].mean(axis=0) if (~inside).any() else 0, values.shape)
    field = np.where(inside[..., None], guess, values).astype(np.float32)
    for _ in range(_SWEEPS if inside.any() else 0):
        mean = cv2.filter2D(field, -1, _AROUND, borderType=cv2.BORDER_REFLECT_101)
        np.copyto(field, mean, where=inside[..., None])
    return field


def match_detail(face: np.ndarray, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Bring the finest detail under a mask to the strength that the image's has, in two bands.

    Warping softens; what a forger pastes is sharpened back, as open face-swapping tools do.
    """
    weight = mask[..., None] / max(float(mask.sum()), 1e-6) / 3
    matched, rest, other = np.zeros_like(face), face, image
    for sigma in _BANDS:
        low, low_other = cv2.GaussianBlur(rest, (0, 0), sigma), cv2.GaussianBlur(other, (0, 0), sigma)
        band, wanted = rest - low, other - low_other
        power, goal = float((weight * band * band).sum()), float((weight * wanted * wanted).sum())
        matched += np.float32(np.clip(np.sqrt(goal / max(power, 1e-9)), 0.6, 1.8)) * band
        rest, other = low, low_other
    return matched + rest
