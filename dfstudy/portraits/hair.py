"""Hair: a shell around the head, cut out by hairline and length, textured with strands.

Takes a `Person`; gives `Hair`: float32 points [ROWS, COLUMNS, 3] in head units, the triangles that bear
hair, and a texture float32 [TEXELS, TEXELS, 4] of linear RGB and opacity over the same grid. Rows run from
the crown down, columns once around the head from behind. Cost: 5 ms a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dfstudy.portraits.head import front_depth, half_width, ring, triangles
from dfstudy.portraits.skin import smooth_step, window

if TYPE_CHECKING:
    from dfstudy.portraits.person import Person

ROWS, COLUMNS, TEXELS = 73, 97, 224


@dataclass(frozen=True)
class Style:
    """A cut: thickness at the sides and on top, where it ends beside and behind the face, where it starts."""

    side: float
    top: float
    beside: float
    behind: float
    opening: float  # azimuth of its edge beside the face, radians


STYLES = {
    "cropped": Style(0.02, 0.03, -0.02, -0.5, 1.28),
    "short": Style(0.06, 0.17, -0.06, -0.55, 1.22),
    "parted": Style(0.09, 0.24, -0.1, -0.6, 1.2),
    "bob": Style(0.17, 0.17, -0.95, -1.0, 1.1),
    "long": Style(0.14, 0.16, -1.75, -1.8, 1.12),
    "tied": Style(0.04, 0.09, 0.0, -0.5, 1.18),
}


@dataclass(frozen=True)
class Hair:
    """Points, triangles and texture of the shell."""

    points: np.ndarray
    triangles: np.ndarray
    texture: np.ndarray


def grow_hair(person: Person) -> Hair:
    """The hair of one person; the same in every shot but for the pose of the head."""
    rng = np.random.default_rng([person.texture, 1])
    style = STYLES[person.style]
    texture = _texture(person, style, rng)
    opacity = cv2.dilate(texture[..., 3], np.ones((9, 9), np.uint8))
    bears = cv2.resize(opacity, (COLUMNS, ROWS), interpolation=cv2.INTER_NEAREST).ravel() > 0.02
    cells = triangles(ROWS, COLUMNS)
    return Hair(_points(person, style, rng), cells[bears[cells].any(axis=1)], texture)


def _heights(style: Style, rows: int) -> np.ndarray:
    """Height of each row: the upper half covers the skull down to y = 0, the lower half hangs from there."""
    q = np.linspace(0, 1, rows)
    hanging = (q - 0.5) / 0.5 * (style.behind - 0.15)
    return np.where(q < 0.5, np.cos(np.pi * q), hanging)[:, None]


@cache
def _around(columns: int) -> np.ndarray:
    return np.linspace(-np.pi, np.pi, columns)[None, :]


def _covered(person: Person, style: Style, y: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far inside the hairline, and how far above the ends of the hair, a place lies; negative is bare."""
    falls = 0.5 + 0.5 * np.tanh(3 * (u - person.parting) * np.sign(person.parting + 1e-9))
    fringe = person.fringe * falls if person.style not in ("cropped", "tied") else 0.0
    hairline = 0.62 - 0.05 * person.masculine * person.age - 0.42 * fringe - 0.05 * np.cos(3 * u)
    receding = 0.14 * np.clip(person.age - 0.5, 0, 1) * (person.masculine > 0.6)
    hairline = hairline + receding * np.exp(-(((np.abs(u) - 0.6) / 0.25) ** 2))
    closing = -0.38 if style.beside < -0.5 else 0.08  # long hair falls towards the jaw
    beside = style.opening - 0.1 * np.clip(y - 0.1, 0, 1) + closing * np.clip(-y, 0, 0.8)
    opening = np.minimum((hairline - y) / 0.8, (beside - np.abs(u)) * 0.5)
    behind = np.clip((np.abs(u) - 1.35) / 0.35, 0, 1)
    end = style.beside + (style.behind - style.beside) * behind
    return -opening, (y - end) * 0.6


def _points(person: Person, style: Style, rng: np.random.Generator) -> np.ndarray:
    y, u = _heights(style, ROWS), _around(COLUMNS)
    skull = np.maximum(y, 0)
    lumps = cv2.GaussianBlur(window("patches", rng, ROWS, COLUMNS), (0, 0), 1.0)
    lumps[:, -1] = lumps[:, 0]
    inside, above = _covered(person, style, y, u)
    # hair springs from the skin at the hairline and gains thickness behind it
    rooted = 0.06 + 0.94 * smooth_step(inside / 0.18 - 0.5)
    tips = 0.35 + 0.65 * smooth_step(above / 0.2 - 0.5)
    thick = style.side * (1 + (0.2 + 0.5 * person.curl) * lumps) * rooted * tips
    thick = thick + 0.06 * np.clip(-y, 0, 0.8) * (style.beside < -0.5)
    grown = np.sqrt(1 - skull**2)
    x, z = ring(half_width(person, skull) + thick * grown, front_depth(person, skull), thick * grown, u)
    raised = style.top * (0.75 + 0.25 * np.cos(u - person.parting)) * np.clip(skull * 2, 0, 1) * rooted
    return np.stack([x, y + raised * (1 + 0.2 * lumps), z], axis=-1).astype(np.float32)


def _texture(person: Person, style: Style, rng: np.random.Generator) -> np.ndarray:
    y, u = _heights(style, TEXELS), _around(TEXELS)
    strands = _bend(window("strands", rng, TEXELS, TEXELS), person, rng)
    locks = _bend(window("locks", rng, TEXELS, TEXELS), person, rng)
    inside, above = _covered(person, style, y, u)
    cover = np.minimum(inside, above)
    soft = 0.1 if person.style == "cropped" else 0.05
    opacity = smooth_step((cover + 0.03 * strands + 0.03 * locks) / soft)
    if person.style == "cropped":
        opacity = opacity * (0.8 + 0.1 * strands)
    shade = np.exp(0.26 * strands + 0.2 * locks - 0.5 * np.exp(-np.maximum(cover, 0) / 0.05))
    texture = np.empty((TEXELS, TEXELS, 4), np.float32)
    texture[..., :3] = np.clip(person.hair, 0.004, 0.6) * shade[..., None]
    texture[..., 3] = np.clip(opacity, 0, 1)
    return texture


def scalp(person: Person, y: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Share of hair's colour on the head itself under the shell, 0..1: what shows between the strands."""
    inside, above = _covered(person, STYLES[person.style], y, u)
    ear = np.exp(-(((np.abs(u) - 1.5) / 0.2) ** 4) - ((y + 0.1) / 0.26) ** 4)
    return smooth_step(np.minimum(inside, np.maximum(above, y - 0.1)) / 0.12 - 0.4) * (1 - ear)


def _bend(noise: np.ndarray, person: Person, rng: np.random.Generator) -> np.ndarray:
    """Sweep straight strands sideways from the parting, and wave them where the hair is curly."""
    rows, columns = np.mgrid[:TEXELS, :TEXELS].astype(np.float32)
    wave = window("blotches", rng, TEXELS, TEXELS)
    sweep = 0.35 * np.sign(person.parting) * np.minimum(rows, 0.45 * TEXELS)
    shift = (1 + 4 * person.curl) * wave + 5 * person.curl * np.sin(rows * 0.25 + wave)
    maps = (columns + sweep + shift).astype(np.float32), rows.astype(np.float32)
    return cv2.remap(noise, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
