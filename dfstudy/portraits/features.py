"""Eyes, brows and mouth as the expression has them, painted into a copy of a person's atlas.

Takes the atlas of `skin.paint_person`, the `Person` and the `Shot`; gives a new atlas. Each feature is
painted in a window around it, in the frontal coordinates (x, y) of the head. Cost: 1 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dfstudy.portraits.head import features
from dfstudy.portraits.skin import HEAD_ROWS, noise_bank, texel_rows, texel_x

if TYPE_CHECKING:
    from dfstudy.portraits.person import Person, Shot

EYE_WHITE = np.array([0.52, 0.47, 0.44])
TEETH = np.array([0.62, 0.56, 0.47])
MOUTH = np.array([0.05, 0.012, 0.012])


def paint_expression(atlas: np.ndarray, person: Person, shot: Shot) -> np.ndarray:
    """A copy of `atlas` with the eyes, brows and mouth of this shot."""
    painted = atlas.copy()
    x = texel_x(person)
    f = features(person)
    for side in (-1, 1):
        _paint_eye(painted, x, person, shot, f, side)
        _paint_brow(painted, x, person, shot, f, side)
    _paint_mouth(painted, x, person, shot, f)
    return painted


class Window:
    """A rectangle of the atlas around (cx, cy): a view of its texels, with coordinates from the centre."""

    def __init__(self, atlas: np.ndarray, x: np.ndarray, cx: float, cy: float, wx: float, wy: float) -> None:
        y = texel_rows()[:, 0]
        top, bottom = np.searchsorted(-y, [-(cy + wy), -(cy - wy)])
        left, right = np.searchsorted(x[(top + bottom) // 2], [cx - wx, cx + wx])
        rows, columns = slice(top, min(bottom, HEAD_ROWS)), slice(left, right)
        self.texels = atlas[rows, columns]
        self.x = (x[rows, columns] - cx).astype(np.float32)
        self.y = (y[rows, None] - cy).astype(np.float32)

    def cover(self, colour: np.ndarray, gloss: float, alpha: np.ndarray) -> None:
        """Lay a colour ([3] or [rows, columns, 3]) over the texels where alpha is 1."""
        alpha = np.clip(alpha, 0, 1)[..., None]
        self.texels[..., :3] += alpha * (colour - self.texels[..., :3])
        self.texels[..., 3:] += alpha * (gloss - self.texels[..., 3:])

    def darken(self, amount: np.ndarray, tint: tuple[float, float, float] = (1, 1, 1)) -> None:
        """Multiply the colour by exp(-amount), a channel at a time."""
        for channel, share in enumerate(tint):
            self.texels[..., channel] *= np.exp(-share * amount)


def _edge(distance: np.ndarray, softness: float) -> np.ndarray:
    """1 inside (distance > 0), 0 outside, over a band of the given width."""
    t = np.clip(distance / softness + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def _paint_eye(
    atlas: np.ndarray, x: np.ndarray, person: Person, shot: Shot, f: dict[str, float], side: int
) -> None:
    width = f["eye_w"]
    w = Window(atlas, x, side * f["eye_x"], 0.0, width * 1.7, 0.17)
    across = w.x * side  # 0 at the middle, positive towards the temple
    y = w.y - 0.05 * (1 + 0.8 * person.shape["eye_tilt"]) * across
    t = np.clip(1 - (across / width) ** 2, 0, 1)
    opened = width * (0.42 + 0.03 * person.shape["eye_size"]) * shot.lids * (1 - 0.15 * max(shot.smile, 0))
    upper = opened * t**0.75 + 0.004
    lower = -(0.045 + 0.012 * max(shot.smile, 0)) * t**0.8 * np.clip(shot.lids + 0.35, 0, 1)
    inside = _edge(np.minimum(upper - y, y - lower), 0.014) * _edge(width - np.abs(across), 0.01)
    gx, gy = side * shot.gaze[0] * 0.05, shot.gaze[1] * 0.04 + 0.006
    radius = np.hypot(across - gx, y - gy)
    white = EYE_WHITE * (1 - 0.3 * np.clip((np.abs(across) / width) ** 3, 0, 1))[..., None]
    w.cover(white, 0.12, inside)
    iris = person.iris * (0.75 + 9 * np.clip(radius - 0.03, 0, 0.03))[..., None]
    w.cover(iris, 0.1, inside * _edge(0.056 - radius, 0.012))
    w.darken(inside * 1.1 * np.exp(-(((radius - 0.055) / 0.01) ** 2)))
    w.cover(np.full(3, 0.006), 0.05, inside * _edge(0.025 - radius, 0.01))
    # The lamp mirrored in the cornea, on the side it comes from.
    glint = np.hypot(across - gx - side * 0.026 * shot.light[0], y - gy - 0.012 - 0.022 * shot.light[1])
    w.cover(np.minimum(2.2 * shot.key, 3.0), 0.0, inside * _edge(0.013 - glint, 0.009))
    w.darken(inside * 0.9 * np.exp(-(np.maximum(upper - y, 0) / 0.022)))  # shadow of the lid
    lash = np.exp(-(((y - upper) / 0.012) ** 2)) * _edge(width * 1.06 - np.abs(across), 0.02)
    w.darken((1.5 - 0.5 * person.masculine) * lash * np.clip(0.6 + 3 * across, 0.3, 1.2))
    w.darken(0.45 * np.exp(-(((y - lower + 0.004) / 0.009) ** 2)) * t)
    crease = opened * np.clip(1 - (across / (1.25 * width)) ** 2, 0, 1) ** 0.7 + 0.035
    w.darken((0.5 + 0.2 * person.age) * np.exp(-(((y - crease) / 0.012) ** 2)) * t**0.3, (0.8, 1, 1))
    if person.lipstick > 0.3:
        w.darken(
            0.5 * person.lipstick * _edge(crease + 0.03 - y, 0.05) * _edge(y - upper, 0.02) * t**0.3,
            (0.7, 1, 0.9),
        )


def _paint_brow(
    atlas: np.ndarray, x: np.ndarray, person: Person, shot: Shot, f: dict[str, float], side: int
) -> None:
    centre = f["brow_y"] + 0.022 * shot.brow_raise
    w = Window(atlas, x, side * (f["eye_x"] + 0.01), centre, 0.27, 0.13)
    along = w.x * side / 0.19  # -1 at the nose, 1 at the temple
    arch = 0.025 + 0.01 * person.shape["brow_arch"]
    middle = arch * (1 - (along - 0.25) ** 2) + 0.008 * along + 0.012 * person.shape["eye_tilt"] * along
    thick = 0.034 * person.brow_weight * np.clip(1.1 - 0.55 * along, 0.2, 1.3)
    grain = noise_bank()["strands"][: w.y.shape[0], : w.x.shape[1]].copy()
    start = person.texture % 200
    strands = noise_bank()["pores"][start : start + w.y.shape[0], start : start + w.x.shape[1]]
    ends = _edge(1.0 - np.abs(along), 0.35)
    body = np.exp(-(np.abs((w.y - middle) / thick) ** 2.5)) * ends
    alpha = body * np.clip(0.78 + 0.12 * strands + 0.08 * grain, 0, 1) * (0.55 + 0.4 * person.brow_weight)
    w.cover(person.hair * 0.55 + 0.25 * person.skin * person.hair + 0.006, 0.1, np.clip(alpha, 0, 0.95))


def _paint_mouth(atlas: np.ndarray, x: np.ndarray, person: Person, shot: Shot, f: dict[str, float]) -> None:
    width = f["mouth_w"] * (1 + 0.16 * shot.smile - 0.1 * shot.opening)
    w = Window(atlas, x, 0.0, f["mouth_y"], width * 1.5, 0.24)
    t = np.clip(w.x / width, -1.4, 1.4)
    corner = 0.05 * shot.smile * np.abs(t) ** 1.7 + 0.012 * t**2 - 0.008
    y = w.y - corner
    arc = np.clip(1 - t**2, 0, 1)
    bow = 1 - 0.2 * np.exp(-((t / 0.14) ** 2)) + 0.1 * np.exp(-(((np.abs(t) - 0.28) / 0.16) ** 2))
    thin = 1 - 0.25 * max(shot.smile, 0)
    top = f["upper"] * thin * arc**0.7 * bow
    bottom = -f["lower"] * thin * arc**0.6 * (1 + 0.1 * np.exp(-((t / 0.3) ** 2)))
    gap = arc**0.8 * (0.11 * shot.opening + 0.035 * max(shot.smile - 0.55, 0))
    upper_edge, lower_edge = 0.25 * gap, -0.75 * gap
    inside = _edge(np.minimum(top + upper_edge - y, y - bottom - lower_edge), 0.02) * _edge(
        1 - np.abs(t), 0.1
    )
    lip = person.skin * np.array([0.78, 0.46, 0.48]) * (1 - 0.2 * (1 - person.melanin) * person.masculine)
    rouge = np.array([0.42, 0.035, 0.05])
    lip = lip * (1 - 0.75 * person.lipstick) + rouge * 0.75 * person.lipstick
    grooves = 1 + 0.1 * np.sin(w.x * 190 + 6 * y) * np.cos(w.x * 77)
    below = (y < lower_edge).astype(np.float32)
    w.cover(lip * (grooves * (0.8 + 0.28 * below))[..., None], 0.4 + 0.4 * person.lipstick, 0.88 * inside)
    hole = _edge(np.minimum(upper_edge - y, y - lower_edge), 0.014) * np.clip(gap / 0.02, 0, 1)
    w.cover(MOUTH, 0.2, hole)
    tooth = 0.75 + 0.25 * np.abs(np.cos(w.x * 48)) ** 0.4
    teeth = hole * _edge(y - (upper_edge - 0.045 - 0.2 * gap), 0.014) * _edge(0.8 - np.abs(t), 0.25)
    w.cover(TEETH * (tooth * (1 - 0.45 * t**2))[..., None], 0.4, 0.95 * teeth)
    line = (
        np.exp(-(((y - upper_edge) / 0.011) ** 2))
        * _edge(1.04 - np.abs(t), 0.12)
        * (1 - np.clip(gap / 0.03, 0, 1))
    )
    w.darken(1.5 * line, (0.8, 1, 1))
    w.darken(0.35 * np.exp(-(((np.abs(t) - 1.03) / 0.07) ** 2) - ((y - 0.0) / 0.025) ** 2), (0.7, 1, 1))
    w.darken(0.3 * np.exp(-((t / 0.6) ** 2) - ((y - bottom - lower_edge + 0.035) / 0.025) ** 2))
