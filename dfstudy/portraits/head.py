"""The shape of a head: a grid of points around it, raised by nose, brows, cheeks, lips and chin.

Takes a `Person` and a `Shot` (for the expression); gives float32 grids [rows, columns, 3] of points in head
units, their normals, and the triangles that join them. Rows run from crown to chin with y = cos(pi * row),
columns over the azimuth u, -2.2..2.2 rad, denser in the face. Cost: 2 ms a head.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline

if TYPE_CHECKING:
    from dfstudy.portraits.person import Person, Shot

ROWS, COLUMNS = 97, 97
TORSO_ROWS = 40

# Front outline of a head seen from the side: depth z over the angle from crown (0) to under the chin (pi).
_OUTLINE = CubicSpline(
    [0, 0.2, 0.64, 1.05, 1.37, 1.571, 1.88, 2.21, 2.5, 2.69, 2.94, np.pi],
    [-0.1, 0.13, 0.56, 0.77, 0.835, 0.82, 0.82, 0.84, 0.82, 0.77, 0.6, 0.36],
)
_WIDTH = CubicSpline(
    [-1, -0.85, -0.6, -0.3, 0, 0.3, 0.6, 1], [0.6, 0.62, 0.68, 0.715, 0.73, 0.765, 0.8, 0.84]
)
_DEPTH = CubicSpline([-1, -0.5, 0, 0.5, 1], [0.9, 0.84, 0.83, 0.86, 0.88])
_FLATNESS = 2.35  # exponent of the superellipse of a horizontal cut; 2 would be an ellipse


@cache
def azimuth(columns: int) -> np.ndarray:
    """Azimuth of each column, radians; 0 is the nose."""
    return azimuth_at(np.linspace(-1, 1, columns))


def azimuth_at(t: np.ndarray) -> np.ndarray:
    """Azimuth at a place -1..1 across the grid: columns are denser in the face than at the ears."""
    return 2.2 * (0.7 * t + 0.3 * t**3)


def height(rows: int) -> np.ndarray:
    """Height of each row: 1 at the crown, -1 under the chin."""
    return np.cos(np.pi * np.linspace(0, 1, rows))


def half_width(person: Person, y: np.ndarray) -> np.ndarray:
    """Half the head's width at height y, before the ears."""
    s, m = person.shape, person.masculine - 0.5
    wide = (
        1
        + (0.035 * s["jaw"] + 0.06 * m) * _bump(y, -0.68, 0.28)
        + 0.03 * s["cheekbones"] * _bump(y, -0.2, 0.25)
    )
    wide += 0.025 * s["temples"] * _bump(y, 0.45, 0.3) - 0.03 * s["face_length"]
    wide += (0.05 * s["chin"] + 0.1 * m) * _bump(y, -0.95, 0.15)
    return np.sqrt(np.maximum(1 - y**2, 0)) * _WIDTH(y) * wide


def ring(
    a: np.ndarray, front: tuple[np.ndarray, np.ndarray], extra: np.ndarray | float, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """x and z of a horizontal cut: half-width `a`, depth of the front and half-depth from `front_depth`.

    `extra` moves the outline outwards, as hair does.
    """
    depth, half = front
    x = a * np.sin(u)
    cut = (1 - np.minimum(np.abs(np.sin(u)), 1) ** _FLATNESS) ** (1 / _FLATNESS)
    return x, depth - half + (half + extra) * np.where(np.cos(u) >= 0, cut, -cut)


def front_depth(person: Person, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth z of the skull's front at height y, and half the depth of the cut there."""
    depth = _OUTLINE(np.arccos(np.clip(y, -1, 1))) + 0.02 * person.shape["forehead"] * _bump(y, 0.5, 0.25)
    return depth, np.sqrt(np.maximum(1 - y**2, 0)) * _DEPTH(y)


def features(person: Person) -> dict[str, float]:
    """Where this person's features lie, in head units: the geometry and the paint agree through these."""
    s, m = person.shape, person.masculine - 0.5
    return {
        "eye_x": 0.285 + 0.014 * s["eye_distance"],
        "eye_w": 0.138 + 0.009 * s["eye_size"] - 0.006 * m,
        "brow_y": 0.165 + 0.016 * s["brow_height"] - 0.035 * m,
        "nose_y": -0.325 + 0.025 * s["nose_length"],
        "nose_w": 0.112 + 0.015 * s["nose_width"] + 0.015 * m,
        "mouth_y": -0.59 + 0.016 * s["mouth_height"],
        "mouth_w": 0.25 + 0.02 * s["mouth_width"],
        "upper": 0.06 + 0.014 * s["upper_lip"] - 0.012 * m,
        "lower": 0.08 + 0.015 * s["lower_lip"] - 0.012 * m,
    }


def head_points(person: Person, shot: Shot) -> np.ndarray:
    """The head's surface, float32 [ROWS, COLUMNS, 3]."""
    y = height(ROWS)[:, None]
    u = azimuth(COLUMNS)[None, :]
    x, z = ring(half_width(person, y), front_depth(person, y), 0.0, u)
    facing = np.clip(np.cos(u) * 1.6, 0, 1) ** 0.5
    z = z + facing * _relief(person, shot, x, y)
    ear = np.exp(-(((np.abs(u) - 1.52) / 0.16) ** 2)) * np.exp(
        -(((y + 0.08 + 0.12 * (np.abs(u) - 1.5)) / 0.22) ** 4)
    )
    x = x + np.sign(u) * ear * (0.11 + 0.03 * person.shape["ears"])
    z = z - 0.05 * ear
    drop = 0.11 * shot.opening * np.clip((features(person)["mouth_y"] - y) / 0.2, 0, 1)
    return np.stack([x, y * np.ones_like(x) - drop, z], axis=-1).astype(np.float32)


def _relief(person: Person, shot: Shot, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far the face rises above the bare skull at (x, y)."""
    s, f, m = person.shape, features(person), person.masculine - 0.5
    side = np.abs(x)
    smile, opening = shot.smile, shot.opening

    def bump(cx: float, cy: float, wx: float, wy: float) -> np.ndarray:
        return np.exp(-(((side - cx) / wx) ** 2) - ((y - cy) / wy) ** 2)

    z = (0.03 + 0.014 * s["brow_ridge"] + 0.03 * m) * bump(0.27, f["brow_y"] - 0.02, 0.2, 0.07)
    z -= (0.1 + 0.014 * s["eye_depth"]) * bump(f["eye_x"] - 0.01, 0.02, 0.17, 0.1)
    z += 0.066 * bump(f["eye_x"], 0.0, 0.105, 0.07)
    z -= 0.02 * bump(f["eye_x"], -0.115, 0.14, 0.04)
    z += (0.045 + 0.012 * s["cheekbones"]) * bump(0.42, -0.22, 0.17, 0.13)
    z += 0.05 * max(smile, 0) * bump(0.36, -0.36, 0.13, 0.11)
    z -= (0.012 + 0.025 * max(smile, 0) + 0.012 * person.age) * bump(0.27, -0.5, 0.045, 0.1)
    z -= (0.03 * person.age - 0.012 * s["cheekbones"]) * bump(0.45, -0.55, 0.14, 0.16)
    z += _nose(person, side, y)
    lips, mouth_w = f["mouth_y"], f["mouth_w"]
    z += 0.045 * bump(0.0, lips, mouth_w * 1.15, 0.15)
    z += 0.042 * bump(0.05, lips + 0.5 * f["upper"], mouth_w * 0.7, 0.04)
    z += 0.052 * bump(0.0, lips - 0.55 * f["lower"] - 0.1 * opening, mouth_w * 0.65, 0.045)
    z -= 0.04 * bump(0.0, lips - 0.05 * opening, mouth_w * 0.95, 0.016 + 0.05 * opening)
    z -= 0.012 * bump(0.0, lips + f["upper"] + 0.06, 0.025, 0.06)
    z -= 0.035 * bump(0.0, lips - f["lower"] - 0.075, 0.15, 0.04)
    z += (0.05 + 0.012 * s["chin"] + 0.02 * m) * bump(0.0, -0.87, 0.15, 0.09)
    return z


def _nose(person: Person, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    s, f = person.shape, features(person)
    tip, wing = f["nose_y"], f["nose_w"]
    along = np.clip((0.14 - y) / (0.14 - tip), 0, 1)  # 0 between the eyes, 1 at the tip
    below = np.exp(-((np.maximum(tip - y, 0) / 0.075) ** 2))
    tall = 0.2 + 0.025 * s["nose_height"]
    rise = (0.05 + 0.015 * s["nose_bridge"]) * np.clip((0.3 - y) / 0.2, 0, 1) + tall * along**1.25
    width = 0.07 + 0.05 * along
    ridge = rise * below * np.exp(-((side / width) ** 2))
    ball = 0.045 * np.exp(-((side / 0.07) ** 2) - ((y - tip) / (0.06 + 0.006 * s["nose_tip"])) ** 2)
    wings = 0.1 * np.exp(-(((side - wing * 0.82) / 0.05) ** 2) - ((y - tip + 0.015) / 0.055) ** 2)
    flank = 0.08 * along * below * np.exp(-((side / (wing * 1.05)) ** 2))
    return ridge + ball + wings + flank


def torso_points(person: Person) -> np.ndarray:
    """Neck and shoulders, float32 [TORSO_ROWS, COLUMNS, 3]."""
    m = person.masculine - 0.5
    t = np.linspace(0, 1, TORSO_ROWS)[:, None]
    y = -0.55 - 1.85 * t
    neck = 0.37 + 0.09 * m
    reach = 1.32 + 0.3 * m
    slope = np.clip((-1.08 - y) / 0.62, 0, 1)
    x_half = neck + 0.04 * np.clip((-0.9 - y) / 0.3, 0, 1) + (reach - neck) * (slope**1.7 * (3 - slope) / 2)
    z_half = 0.36 + 0.3 * slope
    u = np.linspace(-1.75, 1.75, COLUMNS)[None, :]
    x = x_half * np.sin(u)
    z = -0.12 - 0.05 * slope + z_half * np.cos(u) + 0.12 * np.clip((-1.3 - y), 0, 1)
    tendons = 0.03 * np.exp(-(((np.abs(x) - 0.16 + 0.2 * (y + 1.0)) / 0.05) ** 2)) * (y > -1.35)
    return np.stack([x, y * np.ones_like(x), z + tendons], axis=-1).astype(np.float32)


def normals(points: np.ndarray) -> np.ndarray:
    """Unit normals of a grid of points, float32 [rows, columns, 3], pointing outwards."""
    down, right = np.gradient(points, axis=(0, 1))
    n = np.cross(down, right)
    return (n / np.maximum(np.linalg.norm(n, axis=-1, keepdims=True), 1e-9)).astype(np.float32)


@cache
def triangles(rows: int, columns: int, start: int = 0) -> np.ndarray:
    """Two triangles a cell of a grid whose first point has number `start`, int32 [n, 3]."""
    i = np.arange(rows * columns).reshape(rows, columns) + start
    cells = [i[:-1, :-1], i[1:, :-1], i[:-1, 1:], i[:-1, 1:], i[1:, :-1], i[1:, 1:]]
    return np.stack(cells, axis=-1).reshape(-1, 3).astype(np.int32)


def _bump(y: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.exp(-(((y - centre) / width) ** 2))
