"""Face swap: another person's inner face on the target's head.

Takes what every method takes (see `forgery`); gives a `Forgery` whose mask is the inner face. The donor is
drawn for this image alone and appears nowhere else, so the fake belongs to one group: the target's. The
forger sees only the photograph: pose, expression and light of the donor are estimates. As in the first open
tools and FaceForensics++ (Roessler et al., ICCV 2019): align by landmarks, match colours, then blend, half
of them with a soft mask, half in the gradient domain. Cost: 10 ms, and a rendering of the donor.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from dfstudy.portraits.blending import (
    Forgery,
    alpha_blend,
    between,
    ellipse,
    match_colour,
    match_detail,
    poisson_blend,
)
from dfstudy.portraits.decoder import decode
from dfstudy.portraits.person import draw_person, misjudge
from dfstudy.portraits.photograph import Likeness, Photograph, sit, take


def face_swap(likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float) -> Forgery:
    """Another person's inner face on the target's head; variants `alpha` and `poisson`."""
    face = _donor_face(likeness, target, rng, difficulty)
    reach = rng.uniform(0.9, 1.05)
    share = rng.uniform(0.25, 0.6) + between(difficulty, 0.0, 0.3)
    gradients = rng.random() < 0.5
    mask = ellipse(target, (0.0, -0.27), (0.47 * reach, 0.6 * reach), between(difficulty, 0.06, 0.16))
    face = match_detail(match_colour(face, target.image, mask, share), target.image, mask)
    face = decode(face, rng, difficulty)
    if gradients:
        return poisson_blend(target.image, face, mask, "poisson")
    return alpha_blend(target.image, face, mask, "alpha")


def _donor_face(
    likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float
) -> np.ndarray:
    """A bare-headed donor photographed as the forger judges the target's shot, laid on its landmarks."""
    care = between(difficulty, 1.0, 0.45)
    person = draw_person(rng)
    tone = likeness.person
    skin = tone.skin * rng.normal(1, 0.15 * care, 3).clip(0.6, 1.4)
    donor = sit(replace(person, melanin=tone.melanin, skin=skin), bare=True)
    shown = take(donor, misjudge(target.shot, rng, care), len(target.image))
    wobble = rng.normal(0, 0.008 * care * len(target.image), shown.landmarks.shape)
    return align(shown.image, shown.landmarks + wobble, target.landmarks)


def align(image: np.ndarray, found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Turn, scale and shift an image so that its landmarks lie nearest to those wanted (least squares)."""
    centre, goal = found.mean(axis=0), wanted.mean(axis=0)
    a, b = (found - centre) @ [1, 1j], (wanted - goal) @ [1, 1j]
    turn = np.vdot(a, b) / np.vdot(a, a)  # rotation and scale as one complex number
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    matrix = np.column_stack([linear, goal - linear @ centre])
    side = len(image)
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
