"""Who is rendered and how each photograph is taken: every quantity that is drawn at random.

Takes a numpy generator; gives frozen `Person` (shape, colours, hair, clothing) and `Shot` (pose,
expression, light, background). Lengths are in head units: the head is 2 high, x points to the viewer's
right, y up, z towards the camera; the eyes lie at y = 0, the chin at -1. Angles are radians, colours linear
RGB in 0..1. Cost: microseconds.

Skin follows two absorbers, as in Donner and Jensen, "A Spectral BSSRDF for Shading Human Skin" (2006):
melanin darkens along one curve from light to dark skin, haemoglobin reddens cheeks, nose and lips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

# Linear reflectance of skin from little to much melanin.
SKIN = np.array(
    [[0.74, 0.51, 0.41], [0.62, 0.38, 0.27], [0.47, 0.27, 0.17], [0.28, 0.145, 0.085], [0.13, 0.065, 0.04]]
)
HAIR = np.array(
    [[0.012, 0.009, 0.008], [0.05, 0.026, 0.015], [0.12, 0.06, 0.03], [0.33, 0.21, 0.1], [0.24, 0.075, 0.025],
     [0.36, 0.35, 0.34]]
)  # fmt: skip
IRIS = np.array(
    [[0.06, 0.03, 0.015], [0.13, 0.07, 0.03], [0.12, 0.14, 0.07], [0.12, 0.2, 0.3], [0.2, 0.23, 0.25]]
)
STYLES = ("cropped", "short", "parted", "bob", "long", "tied")


@dataclass(frozen=True)
class Person:
    """What stays the same in every photograph of one rendered person.

    `shape` holds standard-normal deviations of the features in `head.py`, by name; `skin`, `hair`,
    `iris`, `cloth` are linear RGB; `texture` seeds the noise of skin and strands.
    """

    shape: dict[str, float]
    masculine: float
    age: float
    melanin: float
    skin: np.ndarray
    hair: np.ndarray
    style: str
    parting: float
    fringe: float
    curl: float
    beard: float
    iris: np.ndarray
    lipstick: float
    brow_weight: float
    cloth: np.ndarray
    collar: float
    stripes: float
    texture: int


@dataclass(frozen=True)
class Shot:
    """What changes from one photograph to the next: pose, expression, light and surroundings.

    `light` is the unit direction to the lamp, `key`, `sky` and `ground` its linear RGB intensities;
    `zoom` is the half-side of the image in head units, `shift` moves the head inside it.
    """

    yaw: float
    pitch: float
    roll: float
    zoom: float
    shift: tuple[float, float]
    smile: float
    opening: float
    lids: float
    gaze: tuple[float, float]
    brow_raise: float
    light: np.ndarray
    key: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    surroundings: int


SHAPES = (
    "jaw", "cheekbones", "temples", "face_length", "chin", "forehead", "nose_length", "nose_width",
    "nose_height", "nose_bridge", "nose_tip", "brow_ridge", "eye_distance", "eye_size", "eye_tilt",
    "eye_depth", "mouth_width", "mouth_height", "upper_lip", "lower_lip", "ears", "brow_height", "brow_arch",
)  # fmt: skip


def draw_person(rng: np.random.Generator) -> Person:
    """A person whose traits follow one another loosely, as in people (dark skin with dark hair and eyes)."""
    masculine, age, melanin = rng.random(), rng.random(), rng.beta(1.1, 1.3)
    shape = {name: float(np.clip(rng.normal(), -2.2, 2.2)) for name in SHAPES}
    skin = _blend(SKIN, melanin * (len(SKIN) - 1)) * rng.normal(1, 0.03, 3)
    pigment = np.clip(rng.normal(0.2 if melanin > 0.45 else 1.6, 1.0), 0, 3)
    hair = HAIR[4] if melanin < 0.3 and rng.random() < 0.1 else _blend(HAIR[:4], pigment)
    grey = np.clip((age - 0.7) * 3, 0, 1) * (rng.random() < 0.8)
    hair = hair * (1 - grey) + HAIR[5] * grey
    weights = np.array([6, 2, 1, 1, 1, 0.5]) if masculine > 0.5 else np.array([0.3, 1, 2, 3, 4, 2])
    style = STYLES[int(rng.choice(len(STYLES), p=weights / weights.sum()))]
    beard = (
        rng.choice([0, 0.25, 0.5, 1.0], p=[0.45, 0.3, 0.1, 0.15]) if masculine > 0.5 and age > 0.1 else 0.0
    )
    iris = _blend(IRIS, np.clip(rng.normal(0.4, 0.4) if melanin > 0.35 else rng.uniform(0, 4), 0, 4))
    return Person(
        shape=shape,
        masculine=masculine,
        age=age,
        melanin=melanin,
        skin=np.clip(skin, 0.02, 0.9),
        hair=hair * rng.normal(1, 0.08),
        style=style,
        parting=float(rng.uniform(-0.7, 0.7)),
        fringe=float(np.clip(rng.normal(0.05, 0.35), -0.2, 1)),
        curl=float(rng.random() ** 2),
        beard=float(beard),
        iris=iris,
        lipstick=float(rng.random() * (masculine < 0.45) * (rng.random() < 0.5)),
        brow_weight=float(rng.uniform(0.6, 1.0) + 0.3 * masculine),
        cloth=np.clip((0.45 + 0.55 * rng.random(3)) ** 2 * rng.uniform(0.03, 0.8), 0.01, 0.8),
        collar=float(rng.random()),
        stripes=float(rng.uniform(10, 40) * (rng.random() < 0.25)),
        texture=int(rng.integers(2**31)),
    )


def draw_shot(rng: np.random.Generator) -> Shot:
    """One photograph: mostly frontal, lit by one lamp or window from ahead, with softer light around."""
    azimuth, elevation = rng.normal(0, 0.75), rng.normal(0.5, 0.3)
    azimuth, elevation = np.clip(azimuth, -1.35, 1.35), np.clip(elevation, -0.2, 1.1)
    ahead = np.cos(elevation)
    light = np.array([np.sin(azimuth) * ahead, np.sin(elevation), np.cos(azimuth) * ahead])
    warmth, contrast = rng.normal(0, 0.08), rng.uniform(0.35, 1)
    tint = np.array([1 + warmth, 1, 1 - warmth])
    around = np.array([1 - 0.6 * warmth, 1, 1 + 0.6 * warmth])
    level = rng.uniform(0.85, 1.25)
    return Shot(
        yaw=float(np.clip(rng.normal(0, 0.26), -0.6, 0.6)),
        pitch=float(np.clip(rng.normal(0, 0.11), -0.3, 0.3)),
        roll=float(rng.normal(0, 0.07)),
        zoom=float(rng.uniform(0.98, 1.22)),
        shift=(float(rng.normal(0, 0.05)), float(rng.normal(0.05, 0.05))),
        smile=float(np.clip(rng.normal(0.42, 0.4), -0.2, 1)),
        opening=float(np.clip(rng.normal(0.05, 0.3), 0, 1)),
        lids=float(np.clip(rng.normal(0.95, 0.14), 0.15, 1.2) if rng.random() > 0.04 else 0.0),
        gaze=(float(rng.normal(0, 0.2)), float(rng.normal(0, 0.12))),
        brow_raise=float(rng.normal(0, 0.5)),
        light=light / np.linalg.norm(light),
        key=level * (0.55 + 1.25 * contrast) * tint,
        sky=level * (0.62 - 0.42 * contrast) * around,
        ground=level * (0.42 - 0.3 * contrast) * around * np.array([1.1, 1, 0.88]),
        surroundings=int(rng.integers(2**31)),
    )


def misjudge(shot: Shot, rng: np.random.Generator, amount: float) -> Shot:
    """`shot` as somebody would estimate it who sees only the photograph: pose, expression and light are off.

    Args:
        amount: size of the errors; 0 repeats the shot, 1 errs by about 6 degrees of pose and 35 of light.
    """
    light = shot.light + amount * rng.normal(0, 0.4, 3)
    return replace(
        shot,
        yaw=shot.yaw + amount * rng.normal(0, 0.1),
        pitch=shot.pitch + amount * rng.normal(0, 0.07),
        roll=shot.roll + amount * rng.normal(0, 0.04),
        smile=shot.smile + amount * rng.normal(0, 0.25),
        opening=max(0.0, shot.opening + amount * rng.normal(0, 0.12)),
        gaze=(shot.gaze[0] + amount * rng.normal(0, 0.15), shot.gaze[1] + amount * rng.normal(0, 0.1)),
        light=light / np.linalg.norm(light),
        key=shot.key * rng.normal(1, 0.12 * amount, 3),
        sky=shot.sky * rng.normal(1, 0.12 * amount, 3),
    )


def _blend(palette: np.ndarray, position: float) -> np.ndarray:
    """The colour at a fractional index of a palette."""
    low = min(int(position), len(palette) - 2)
    return palette[low] + (palette[low + 1] - palette[low]) * (position - low)
