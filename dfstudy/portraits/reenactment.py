"""Reenactment: the target's own face with the expression of a driver.

Takes what every method takes (see `forgery`); gives a `Forgery` whose mask is the lower face. The driver is
another photograph's expression: the difference between its mouth and the target's moves the target's own
pixels, as in Averbuch-Elor et al., "Bringing Portraits to Life" (2017), and a generator gives the face back.
Where the driver opens a mouth that was shut, its inside is invented. Cost: 4 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from dfstudy.portraits.blending import Forgery, alpha_blend, between, colour_cast, ellipse, match_detail
from dfstudy.portraits.decoder import decode
from dfstudy.portraits.head import features
from dfstudy.portraits.person import draw_shot

if TYPE_CHECKING:
    from dfstudy.portraits.photograph import Likeness, Photograph

_DRIVERS = 4  # frames to choose from: the one whose expression differs most is taken
_MOUTH = np.array([0.2, 0.09, 0.085], np.float32)  # sRGB, before the light of the shot


def reenactment(
    likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float
) -> Forgery:
    """The target's own mouth and cheeks moved to a driver's expression; variants `closing` and `opening`."""
    care = between(difficulty, 1.0, 0.6)
    smile, opening = _drive(target, rng)
    cast = colour_cast(rng, care)
    face = _move_mouth(target, care * smile, care * opening)
    face = _open_mouth(face, likeness, target, care * opening)
    mask = ellipse(target, (0.0, -0.52), (0.5, 0.47), between(difficulty, 0.07, 0.18))
    face = match_detail(face * cast, target.image, mask)
    face = decode(face, rng, difficulty)
    return alpha_blend(target.image, face, mask, "opening" if opening > 0 else "closing")


def _drive(target: Photograph, rng: np.random.Generator) -> tuple[float, float]:
    """How far the driver's smile and opening of the mouth lie from the target's."""
    shot = target.shot
    shots = [draw_shot(rng) for _ in range(_DRIVERS)]
    moves = [(driver.smile - shot.smile, driver.opening - shot.opening) for driver in shots]
    return max(moves, key=lambda move: abs(move[0]) + abs(move[1]))


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
        target.image, columns - across, rows - down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _open_mouth(face: np.ndarray, likeness: Likeness, target: Photograph, opening: float) -> np.ndarray:
    """Paint the dark inside of a mouth between lips that `opening` draws apart; negative paints nothing."""
    f = features(likeness.person)
    x, y, _ = np.moveaxis(np.nan_to_num(target.face, nan=9.0), -1, 0)
    high = 0.02 + 0.05 * max(opening, 0.0)
    hollow = np.exp(-((x / (0.75 * f["mouth_w"])) ** 4) - ((y - f["mouth_y"] + 0.7 * high) / high) ** 4)
    dark = _MOUTH * np.sqrt(np.clip(target.shot.key + target.shot.sky, 0.2, 1.5)).astype(np.float32)
    share = np.float32(np.clip(1.6 * opening, 0, 0.9)) * hollow.astype(np.float32)[..., None]
    return face + share * (dark - face)
