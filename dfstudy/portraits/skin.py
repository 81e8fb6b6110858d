"""The colour of a person's surface: skin with pores, blotches, blush, beard, lips, brows, and clothing.

Takes a `Person` and a `Shot`; gives the atlas, float32 [ATLAS_ROWS, ATLAS_COLUMNS, 4] of linear RGB albedo
and gloss, whose upper HEAD_ROWS rows cover the head's grid and whose lower rows cover the torso's. What a
person keeps is painted once by `paint_person`; eyes, brows and mouth follow the expression and are painted
into a copy by `features.paint_expression`. Cost: 8 ms a person.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dfstudy.portraits.head import azimuth, features, half_width, height

if TYPE_CHECKING:
    from dfstudy.portraits.person import Person

HEAD_ROWS, TORSO_PIXELS, ATLAS_COLUMNS = 256, 96, 224
ATLAS_ROWS = HEAD_ROWS + TORSO_PIXELS
BANK = 512


@cache
def noise_bank() -> dict[str, np.ndarray]:
    """Wrapping noise fields with unit variance, float32 [BANK, BANK]: each person cuts other windows out."""
    rng = np.random.default_rng(20240607)
    white = rng.normal(size=(BANK, BANK)).astype(np.float32)

    def smooth(sigma_x: float, sigma_y: float) -> np.ndarray:
        # filtered on the torus, so that a window may be cut anywhere
        fy, fx = np.fft.fftfreq(BANK)[:, None], np.fft.fftfreq(BANK)[None, :]
        gain = np.exp(-2 * np.pi**2 * ((sigma_x * fx) ** 2 + (sigma_y * fy) ** 2))
        field = np.fft.ifft2(np.fft.fft2(white) * gain).real
        return ((field - field.mean()) / field.std()).astype(np.float32)

    return {
        "pores": smooth(0.9, 0.9),
        "relief": smooth(1.7, 1.7),
        "blotches": smooth(7, 7),
        "patches": smooth(22, 22),
        "strands": smooth(0.8, 24),
        "locks": smooth(5, 60),
        "bristles": smooth(0.7, 2.5),
    }


def window(name: str, rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A random window of a noise field, float32 [rows, columns]."""
    top, left = rng.integers(BANK, size=2)
    field = noise_bank()[name]
    return np.take(
        np.take(field, np.arange(top, top + rows), 0, mode="wrap"),
        np.arange(left, left + columns),
        1,
        mode="wrap",
    )


@cache
def texel_rows() -> np.ndarray:
    """Height y of each texel row of the head, column vector."""
    return height(HEAD_ROWS)[:, None]


def texel_x(person: Person) -> np.ndarray:
    """Frontal coordinate x of each head texel, [HEAD_ROWS, ATLAS_COLUMNS]."""
    return half_width(person, texel_rows()) * np.sin(azimuth(ATLAS_COLUMNS))[None, :]


def paint_person(person: Person) -> np.ndarray:
    """The atlas without eyes, brows and mouth."""
    rng = np.random.default_rng(person.texture)
    atlas = np.empty((ATLAS_ROWS, ATLAS_COLUMNS, 4), np.float32)
    atlas[:HEAD_ROWS] = _face(person, rng)
    atlas[HEAD_ROWS:] = _torso(person, rng)
    return atlas


def blob(x: np.ndarray, y: np.ndarray, cx: float, cy: float, wx: float, wy: float) -> np.ndarray:
    """A Gaussian spot of height 1 on both sides of the face, float32."""
    return np.exp(-(((np.abs(x) - cx) / wx) ** 2) - ((y - cy) / wy) ** 2)


def _face(person: Person, rng: np.random.Generator) -> np.ndarray:
    shape = (HEAD_ROWS, ATLAS_COLUMNS)
    x, y = texel_x(person).astype(np.float32), texel_rows().astype(np.float32)
    f, age = features(person), person.age
    melanin = 0.04 * window("blotches", rng, *shape) + 0.05 * window("patches", rng, *shape)
    melanin += (0.03 + 0.03 * age) * window("pores", rng, *shape)
    freckles = rng.random() < 0.15 and person.melanin < 0.5
    spots = window("pores", rng, *shape) > (2.1 if freckles else 3.4)
    melanin += 0.28 * cv2.GaussianBlur(spots.astype(np.float32), (3, 3), 0.6)
    melanin += (0.1 + 0.12 * age) * blob(x, y, f["eye_x"] - 0.05, -0.09, 0.1, 0.035)  # rings under the eyes
    melanin += 0.16 * blob(x, y, f["eye_x"], 0.03, 0.16, 0.07)
    melanin += 0.5 * blob(x, y, 0.19, f["nose_y"] - 0.005, 0.03, 0.06) * 0.5  # crease beside the nose
    melanin += wrinkles(person, x, y, f)
    blush = 0.5 + 0.5 * rng.random()
    blood = blush * 0.24 * blob(x, y, 0.4, -0.27, 0.16, 0.13)
    blood += blush * 0.2 * blob(x, y, 0.0, f["nose_y"], 0.12, 0.09)
    blood += 0.12 * blob(x, y, 0.0, -0.88, 0.16, 0.08) + 0.05 * window("blotches", rng, *shape)
    blood += 0.3 * np.clip(np.abs(azimuth(ATLAS_COLUMNS)) - 1.3, 0, 0.4)[None, :]  # ears
    nostril = blob(x, y, f["nose_w"] * 0.5, f["nose_y"] - 0.055, 0.042, 0.02)
    # fine relief, seen as light and dark more than as colour
    relief = np.exp((0.075 + 0.03 * age) * window("relief", rng, *shape))
    face = np.empty((*shape, 4), np.float32)
    absorbed = np.exp(-np.float32(1.0) * melanin)
    for channel, (brown, red) in enumerate(zip((0.8, 1.0, 1.15), (0.1, 0.85, 0.7), strict=True)):
        tone = person.skin[channel] * absorbed**brown * np.exp(-red * blood)
        face[..., channel] = tone * relief * (1 - 0.7 * nostril)
    face[..., 3] = 0.34 + 0.3 * blob(x, y, 0, -0.1, 0.1, 0.35) + 0.25 * blob(x, y, 0, 0.45, 0.35, 0.2)
    face[..., 3] *= 1 + 0.25 * window("pores", rng, *shape)
    if person.beard:
        _grow_beard(face, person, x, y, f, rng)
    return face


def wrinkles(person: Person, x: np.ndarray, y: np.ndarray, f: dict[str, float]) -> np.ndarray:
    """Creases that deepen with age: beside the mouth, on the forehead, under the eyes."""
    side, age = np.abs(x), person.age
    path = 0.2 + 0.35 * np.clip(f["nose_y"] - y, 0, 0.3)
    fold = np.exp(-(((side - path) / 0.018) ** 2)) * np.exp(-(((y + 0.5) / 0.11) ** 2))
    lines = np.exp(-((np.sin((y + 0.02 * np.cos(5 * x)) * 42) - 1) ** 2) / 0.12) * blob(
        x, y, 0, 0.42, 0.35, 0.1
    )
    return (0.12 + 0.3 * age) * fold + 0.22 * max(age - 0.45, 0) * lines


def _grow_beard(
    face: np.ndarray,
    person: Person,
    x: np.ndarray,
    y: np.ndarray,
    f: dict[str, float],
    rng: np.random.Generator,
) -> None:
    """Darken jaw, chin and upper lip in place: stubble under 0.5, a full beard at 1."""
    grown = beard_region(x, y, f) * (0.85 + 0.12 * window("bristles", rng, len(y), x.shape[1]))
    grown = np.clip(grown, 0, 1) * (0.2 + 0.7 * person.beard)
    dark = np.append(person.hair * (0.45 + 0.25 * person.beard) + 0.008, 0.1)
    face += grown[..., None] * (dark - face)


def beard_region(x: np.ndarray, y: np.ndarray, f: dict[str, float]) -> np.ndarray:
    """Where a beard grows, 0..1: jaw, chin and upper lip."""
    side = np.abs(x)
    cheek_line = -0.42 - 0.28 * np.clip(0.5 - side, 0, 1) + 0.12 * np.clip(side - 0.5, 0, 1)
    jaw = smooth_step((cheek_line - y) / 0.12)
    lip = blob(x, y, 0, f["mouth_y"] + f["upper"] + 0.05, 0.22, 0.045)
    return np.clip(jaw + lip, 0, 1)


def _torso(person: Person, rng: np.random.Generator) -> np.ndarray:
    """Neck skin above the collar, cloth with folds and perhaps stripes below it."""
    shape = (TORSO_PIXELS, ATLAS_COLUMNS)
    t = np.linspace(0, 1, TORSO_PIXELS, dtype=np.float32)[:, None]
    u = np.linspace(-1.75, 1.75, ATLAS_COLUMNS, dtype=np.float32)[None, :]
    y = -0.55 - 1.85 * t
    deep = 0.12 + 0.5 * person.collar**2  # a round or a pointed neckline
    neckline = -1.2 - deep * np.exp(-((np.abs(u) / (0.4 + 0.3 * person.collar)) ** (1.2 + person.collar)))
    cloth = smooth_step((neckline - y) / 0.025)[..., None]
    skin = np.empty((*shape, 4), np.float32)
    skin[..., :3] = person.skin * np.array([0.9, 0.86, 0.84])
    skin[..., :3] *= np.exp(0.05 * window("blotches", rng, *shape))[..., None]
    skin[..., 3] = 0.2
    weave = 0.08 * window("pores", rng, *shape) + 0.16 * window("blotches", rng, *shape)
    if person.stripes:
        weave = weave + 0.5 * np.sin(person.stripes * (y * 4 if person.collar > 0.5 else u * 1.5))
    fabric = np.empty((*shape, 4), np.float32)
    fabric[..., :3] = person.cloth * np.exp(weave)[..., None]
    fabric[..., 3] = 0.03
    hem = 1 - 0.45 * np.exp(-(((neckline - y) / 0.03) ** 2))[..., None]  # the collar's seam and its shadow
    return (skin * (1 - cloth) + fabric * cloth) * hem


def smooth_step(value: np.ndarray) -> np.ndarray:
    """Smooth step from 0 at -0.5 to 1 at 0.5."""
    t = np.clip(value + 0.5, 0, 1)
    return t * t * (3 - 2 * t)
