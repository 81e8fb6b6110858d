"""Forgery methods: each makes a fake of a photograph and says where it changed it.

Takes a `Likeness` (the person shown), the `Photograph` to forge, a numpy generator and a difficulty in 0..1
(0 is carelessly made, 1 is hard to tell); gives a `Forgery`: the picture, sRGB-coded float32 [size, size,
3], and the share of each pixel that was replaced, float32 [size, size] in 0..1. A method is one function
under `@method`; `METHODS` keeps them in the order of their definition. Methods work before the camera:
blur, noise and compression come after. Cost: 2 ms, and a rendering of the donor for a swap.

The families follow the taxonomy of ForgeryNet (He et al., CVPR 2021): identity-replaced and identity-
remained approaches. Swapping goes as in the first open tools and FaceForensics++ (Roessler et al., ICCV
2019): align by landmarks, match colours, blend with a soft mask. Reenactment warps the target's own face,
as Averbuch-Elor et al., "Bringing Portraits to Life" (2017), and synthesises it at a lower resolution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from dfstudy.data.sample.person import draw_person, misjudge
from dfstudy.data.sample.photograph import Likeness, Photograph, sit, take


@dataclass(frozen=True)
class Forgery:
    """A forged picture and the share of each pixel that the forger replaced."""

    image: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class Method:
    """A way of forging: its name in tables, its family in ForgeryNet's taxonomy, its function."""

    name: str
    family: str
    forge: Callable[[Likeness, Photograph, np.random.Generator, float], Forgery]


METHODS: dict[str, Method] = {}


def method(family: str) -> Callable:
    """Register a forging function under its own name."""

    def register(forge: Callable) -> Callable:
        METHODS[forge.__name__] = Method(forge.__name__, family, forge)
        return forge

    return register


@method("identity replaced: face swap")
def face_swap(likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float) -> Forgery:
    """Another person's inner face on the target's head.

    The donor is drawn for this picture alone and appears nowhere else, so the fake belongs to one group: the
    target's. The forger sees only the photograph: pose, expression and light of the donor are estimates.
    """
    care = _between(difficulty, 1.0, 0.45)
    person = draw_person(rng)
    tone = likeness.person
    skin = tone.skin * rng.normal(1, 0.15 * care, 3).clip(0.6, 1.4)
    donor = sit(replace(person, melanin=tone.melanin, skin=skin), bare=True)
    shown = take(donor, misjudge(target.shot, rng, care), len(target.image))
    wobble = rng.normal(0, 0.008 * care * len(target.image), shown.landmarks.shape)
    face = _align(shown.image, shown.landmarks + wobble, target.landmarks)
    face = _synthesise(face, difficulty, rng)
    reach = rng.uniform(0.9, 1.05)
    mask = _region(target, (0.0, -0.27), (0.47 * reach, 0.6 * reach), _between(difficulty, 0.06, 0.16))
    face = _match_colour(face, target.image, mask, rng.uniform(0.35, 0.85))
    return _blend(target.image, face, mask)


@method("identity remained: face reenactment")
def reenactment(
    likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float
) -> Forgery:
    """The target's own mouth and cheeks moved to another expression, and synthesised anew."""
    care = _between(difficulty, 1.0, 0.6)
    smile = rng.choice([-1, 1]) * rng.uniform(0.45, 1.0) * care
    opening = rng.uniform(-0.6, 1.0) * care
    face = _synthesise(_move_mouth(target, smile, opening), difficulty, rng)
    face = face * rng.normal(1, 0.06 * care, 3).astype(np.float32) + np.float32(rng.normal(0, 0.02 * care))
    mask = _region(target, (0.0, -0.52), (0.5, 0.47), _between(difficulty, 0.07, 0.18))
    return _blend(target.image, face, mask)


def _between(difficulty: float, easy: float, hard: float) -> float:
    return easy + (hard - easy) * difficulty


def _align(image: np.ndarray, found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Turn, scale and shift an image so that its landmarks lie nearest to those wanted (least squares)."""
    centre, goal = found.mean(axis=0), wanted.mean(axis=0)
    a, b = (found - centre) @ [1, 1j], (wanted - goal) @ [1, 1j]
    turn = np.vdot(a, b) / np.vdot(a, a)  # rotation and scale as one complex number
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    matrix = np.column_stack([linear, goal - linear @ centre])
    side = len(image)
    return cv2.warpAffine(
        image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _synthesise(image: np.ndarray, difficulty: float, rng: np.random.Generator) -> np.ndarray:
    """What a generator gives: a lower resolution, without the texture of skin, its edges sharpened.

    The hardest fakes hardly show it. What is left of them to learn is particular to one picture, so that a
    network which gets all of its training pictures right has learned some of them by heart.
    """
    side = len(image)
    small = max(round(side / _between(difficulty, 5.0, 2.1) / rng.uniform(0.9, 1.1)), 8)
    reduced = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    face = cv2.resize(reduced, (side, side), interpolation=cv2.INTER_CUBIC)
    face += np.float32(rng.uniform(0.7, 1.4)) * (face - cv2.GaussianBlur(face, (0, 0), side / 60))
    return image + np.float32(1 - difficulty**3) * (face - image)


def _region(
    target: Photograph, centre: tuple[float, float], reach: tuple[float, float], softness: float
) -> np.ndarray:
    """A soft ellipse on the face, in head units, less what hair or background hides."""
    face = np.nan_to_num(target.face, nan=9.0)
    around = 0.72 * face[..., 2]  # along the skin, so that the side of the jaw is far away
    radius = np.hypot((around - centre[0]) / reach[0], (face[..., 1] - centre[1]) / reach[1])
    t = np.clip((1 - radius) / (2 * softness) + 0.5, 0, 1)
    return cv2.GaussianBlur((t * t * (3 - 2 * t)).astype(np.float32), (0, 0), len(face) / 160)


def _match_colour(face: np.ndarray, image: np.ndarray, mask: np.ndarray, share: float) -> np.ndarray:
    """Move the mean and spread of each channel towards the picture under a mask (Reinhard et al., 2001)."""
    weight = mask / max(float(mask.sum()), 1e-6)
    moved = np.empty_like(face)
    for c in range(3):
        mean, goal = float((weight * face[..., c]).sum()), float((weight * image[..., c]).sum())
        spread = np.sqrt(float((weight * (face[..., c] - mean) ** 2).sum()))
        wanted = np.sqrt(float((weight * (image[..., c] - goal) ** 2).sum()))
        gain = np.clip(wanted / max(spread, 1e-3), 0.6, 1.6)
        moved[..., c] = (face[..., c] - mean) * (1 + share * (gain - 1)) + mean + share * (goal - mean)
    return moved


def _move_mouth(target: Photograph, smile: float, opening: float) -> np.ndarray:
    """Warp a photograph: the corners of the mouth rise by `smile`, the lower lip sinks by `opening`."""
    side = len(target.image)
    x, y, _ = np.moveaxis(np.nan_to_num(target.face, nan=9.0), -1, 0)
    corner = np.exp(-(((np.abs(x) - 0.23) / 0.15) ** 2) - ((y + 0.6) / 0.14) ** 2) * np.sign(x)
    lower = np.exp(-((x / 0.2) ** 2) - ((y + 0.75) / 0.13) ** 2)
    unit = side / 2 / target.shot.zoom  # pixels a head unit
    right = unit * 0.055 * smile * corner
    up = unit * (0.07 * smile * np.abs(corner) - 0.09 * opening * lower)
    cos, sin = np.cos(target.shot.roll), np.sin(target.shot.roll)
    columns, rows = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    across = cv2.GaussianBlur((cos * right - sin * up).astype(np.float32), (0, 0), side / 64)
    down = cv2.GaussianBlur((-sin * right - cos * up).astype(np.float32), (0, 0), side / 64)
    return cv2.remap(
        target.image, columns - across, rows - down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _blend(image: np.ndarray, face: np.ndarray, mask: np.ndarray) -> Forgery:
    return Forgery(np.clip(image + mask[..., None] * (face - image), 0, 1).astype(np.float32), mask)
