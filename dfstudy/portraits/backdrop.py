"""What is behind the sitter, out of focus: a wall, a room, trees and sky, or lights at night.

Takes a `Shot`; gives linear RGB float32 [size, size, 3]. It is painted small and enlarged, as a lens blurs
it. Cost: 1 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from dfstudy.portraits.person import Shot

SMALL = 48


def backdrop(shot: Shot, size: int) -> np.ndarray:
    """The background of a shot, lit by its sky and lamp."""
    rng = np.random.default_rng(shot.surroundings)
    painter = (_wall, _room, _garden, _lights)[int(rng.choice(4, p=[0.3, 0.35, 0.25, 0.1]))]
    scene = painter(rng).astype(np.float32)
    scene = cv2.GaussianBlur(scene, (0, 0), float(rng.uniform(0.6, 2.5)))
    brightness = 0.9 * shot.sky + 0.35 * shot.key
    large = cv2.resize(scene * brightness.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(large, 0, 4)


def _axes() -> tuple[np.ndarray, np.ndarray]:
    line = np.linspace(-1, 1, SMALL)
    return line[None, :], line[:, None]


def _wall(rng: np.random.Generator) -> np.ndarray:
    x, y = _axes()
    colour = rng.uniform(0.15, 0.75) * rng.normal(1, 0.12, 3)
    slope = 1 + rng.normal(0, 0.25) * x + rng.normal(0, 0.2) * y
    pool = 1 + rng.uniform(0, 0.5) * np.exp(-((x - rng.normal(0, 0.5)) ** 2 + (y - rng.normal(0, 0.5)) ** 2))
    grain = 1 + 0.03 * rng.normal(size=(SMALL, SMALL))
    return np.clip(colour, 0.02, 0.9) * (slope * pool * grain)[..., None]


def _room(rng: np.random.Generator) -> np.ndarray:
    scene = _wall(rng)
    for _ in range(int(rng.integers(3, 9))):
        left, top = rng.integers(0, SMALL, 2)
        width, tall = rng.integers(3, 26, 2)
        colour = np.clip(rng.uniform(0.02, 0.6) * rng.normal(1, 0.25, 3), 0.01, 1.0)
        scene[top : top + tall, left : left + width] = colour
    if rng.random() < 0.4:
        left = int(rng.integers(0, SMALL - 12))
        scene[: int(rng.integers(20, SMALL)), left : left + 12] = rng.uniform(0.8, 1.6) * np.array(
            [0.95, 1, 1.05]
        )
    return scene


def _garden(rng: np.random.Generator) -> np.ndarray:
    _, y = _axes()
    horizon = rng.uniform(-0.8, 0.6)
    leaves = np.exp(0.55 * cv2.GaussianBlur(rng.normal(size=(SMALL, SMALL)), (0, 0), 1.2) * 3)
    green = np.array([0.09, 0.13, 0.035]) * rng.normal(1, 0.2, 3)
    sky = np.array([0.75, 0.88, 1.05]) * rng.uniform(0.6, 1.1)
    share = np.clip((horizon - y + 0.25 * (leaves - 1)) / 0.25, 0, 1)[..., None]
    return np.clip(green * rng.uniform(0.7, 2.2), 0.01, 1) * leaves[..., None] * (1 - share) + sky * share


def _lights(rng: np.random.Generator) -> np.ndarray:
    scene = np.full((SMALL, SMALL, 3), 0.03) * rng.uniform(0.5, 2)
    for _ in range(int(rng.integers(6, 18))):
        colour = rng.uniform(0.3, 1.5) * np.clip(rng.normal([1, 0.75, 0.5], 0.3), 0.05, 2)
        centre = tuple(int(c) for c in rng.integers(0, SMALL, 2))
        cv2.circle(scene, centre, int(rng.integers(1, 5)), colour.tolist(), -1)
    return scene
