"""Face editing: one attribute of the person changed, in the region where it lies.

Takes what every method takes (see `forgery`); gives a `Forgery` whose mask is the edited region. Attributes:
hair colour, eye colour with shadow above it, lipstick, beard, age (creases drawn or lightened). Only what
people in real images have as well is given, and only to those who might have it: what was edited must not
show the label, only how. The region is given back by a generator, which leaves its trace. Cost: 4 ms.

Source: attribute editing as in StarGAN (Choi et al., CVPR 2018) and the editing family of ForgeryNet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from dfstudy.portraits.blending import Forgery, alpha_blend, between, colour_cast, ellipse, soften
from dfstudy.portraits.decoder import FACE, PORTRAIT, decode
from dfstudy.portraits.head import features
from dfstudy.portraits.person import HAIR, IRIS, draw_person
from dfstudy.portraits.photograph import Likeness, Photograph
from dfstudy.portraits.skin import beard_region, window, wrinkles

# An edit takes likeness, photograph and generator; gives the edited image and the region it lies in.
Edit = Callable[[Likeness, Photograph, np.random.Generator], tuple[np.ndarray, np.ndarray]]

_CODE = 1 / 2.2  # a ratio of light to a ratio of sRGB code values, nearly
_ROUGE = np.array([0.68, 0.2, 0.25], np.float32)  # sRGB


def face_editing(
    likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float
) -> Forgery:
    """One attribute changed; the variant is its name."""
    care = between(difficulty, 1.0, 0.6)
    possible = _possible(likeness, target)
    name = possible[int(rng.integers(len(possible)))]
    seed = rng.integers(2**63)
    edited, region = EDITS[name](likeness, target, np.random.default_rng(seed))
    face = target.image + np.float32(care) * (edited - target.image)
    face = decode(face * colour_cast(rng, care), rng, difficulty, PORTRAIT if name == "hair" else FACE)
    return alpha_blend(target.image, face, region, name)


def _possible(likeness: Likeness, target: Photograph) -> list[str]:
    """Attributes that this person could have changed, as real images are drawn."""
    person = likeness.person
    names = ["age", "eyes"]
    if (target.hair > 0.5).mean() > 0.04:
        names.append("hair")
    if person.masculine < 0.45 and person.lipstick < 0.3:
        names.append("lips")
    if person.masculine > 0.5 and person.age > 0.1 and person.beard < 0.3:
        names.append("beard")
    return names


def _recolour(image: np.ndarray, share: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Multiply by the ratio of two linear colours where `share` is 1: shading stays."""
    ratio = np.clip((new / old) ** _CODE, 0.45, 2.0).astype(np.float32)
    return image * (1 + share[..., None] * (ratio - 1))


def _face(photo: Photograph) -> tuple[np.ndarray, np.ndarray]:
    x, y, _ = np.moveaxis(np.nan_to_num(photo.face, nan=9.0), -1, 0)
    return x, y


def _edge(distance: np.ndarray, softness: float) -> np.ndarray:
    t = np.clip(distance / softness + 0.5, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _edit_hair(likeness: Likeness, photo: Photograph, rng: np.random.Generator) -> tuple:
    old = likeness.person.hair
    colours = sorted(HAIR, key=lambda colour: np.abs(np.log(colour / old)).sum())
    new = colours[int(rng.integers(len(HAIR) // 2, len(HAIR)))]  # one of the three that differ most
    return _recolour(photo.image, photo.hair, old, new), soften(cv2.dilate(photo.hair, np.ones((3, 3))))


def _edit_eyes(likeness: Likeness, photo: Photograph, rng: np.random.Generator) -> tuple:
    person, shot = likeness.person, photo.shot
    f, (x, y) = features(person), _face(photo)
    colours = sorted(IRIS, key=lambda colour: np.abs(np.log(colour / person.iris)).sum())
    new = colours[int(rng.integers(2, len(IRIS)))]
    side = np.abs(x) - f["eye_x"]
    gaze = np.sign(x) * shot.gaze[0] * 0.05
    opened = f["eye_w"] * 0.42 * shot.lids
    iris = _edge(0.062 - np.hypot(side - np.sign(x) * gaze, y - 0.006 - 0.04 * shot.gaze[1]), 0.02)
    iris *= _edge(opened - y, 0.03) * _edge(y + 0.05, 0.03)
    edited = _recolour(photo.image, iris, person.iris, new)
    lid = _edge(0.17 - np.abs(side), 0.08) * _edge(y - opened, 0.04) * _edge(opened + 0.09 - y, 0.06)
    edited = edited * (1 - np.float32(rng.uniform(0.1, 0.3)) * lid[..., None])
    return edited, ellipse(photo, (0.0, 0.01), (0.5, 0.2), 0.2)


def _edit_lips(likeness: Likeness, photo: Photograph, rng: np.random.Generator) -> tuple:
    f, (x, y) = features(likeness.person), _face(photo)
    shot = photo.shot
    width = f["mouth_w"] * (1 + 0.16 * shot.smile - 0.1 * shot.opening)
    middle = f["mouth_y"] + 0.05 * shot.smile * np.abs(np.clip(x / width, -1, 1)) ** 1.7 - 0.008
    t = np.clip(1 - (x / width) ** 2, 0, 1)
    gap = t * 0.11 * shot.opening
    up, down = _edge(middle + f["upper"] * t - y, 0.03), _edge(y - middle + f["lower"] * t + gap, 0.03)
    inside = up * down * _edge(np.maximum(y - middle, middle - gap - y), 0.02 if shot.opening > 0.1 else 9.0)
    light = photo.image.mean(axis=-1, keepdims=True) / 0.5
    rouge = _ROUGE * rng.normal(1, 0.12, 3).astype(np.float32) * light
    edited = photo.image + 0.6 * inside[..., None] * (rouge - photo.image)
    return edited, ellipse(photo, (0.0, -0.6), (0.34, 0.2), 0.2)


def _edit_beard(likeness: Likeness, photo: Photograph, rng: np.random.Generator) -> tuple:
    x, y = _face(photo)
    bristles = window("bristles", rng, *x.shape)
    strength = np.float32(rng.uniform(0.5, 0.85))
    grown = np.clip(beard_region(x, y, features(likeness.person)), 0, 1) * (0.85 + 0.12 * bristles)
    share = np.clip(strength * grown * np.isfinite(photo.face[..., 0]), 0, 1).astype(np.float32)
    light = np.clip(photo.image.mean(axis=-1, keepdims=True) / 0.55, 0.3, 1.6)
    dark = ((likeness.person.hair * 0.7 + 0.012) ** _CODE).astype(np.float32) * light
    edited = photo.image + share[..., None] * (dark - photo.image)
    around = soften(np.clip(2 * share, 0, 1).astype(np.float32))
    return edited, np.maximum(around, ellipse(photo, (0.0, -0.75), (0.75, 0.42), 0.15))


def _edit_age(likeness: Likeness, photo: Photograph, rng: np.random.Generator) -> tuple:
    person, (x, y) = likeness.person, _face(photo)
    aged = draw_person(rng).age
    aged = aged if abs(aged - person.age) > 0.4 else (1.0 if person.age < 0.5 else 0.0)
    f = features(person)
    change = wrinkles(replace(person, age=aged), x, y, f) - wrinkles(person, x, y, f)
    edited = photo.image * np.exp(-1.8 * _CODE * change).astype(np.float32)[..., None]
    return edited, ellipse(photo, (0.0, -0.05), (0.6, 0.8), 0.12)


EDITS: dict[str, Edit] = {
    "age": _edit_age,
    "beard": _edit_beard,
    "eyes": _edit_eyes,
    "hair": _edit_hair,
    "lips": _edit_lips,
}
