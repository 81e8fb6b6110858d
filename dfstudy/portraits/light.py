"""Light on a head: shadows, ambient light, skin, cloth and hair.

Takes the grids of points and normals, the rasterised fields (grid coordinates at each pixel) and the
`Shot`'s lamp and surroundings; gives linear RGB at each pixel. Skin: Lambert's law with a terminator
softened most in red, as light scatters under it; two Blinn-Phong highlights; a hemisphere of ambient light;
shadows from a depth map seen from the lamp (Williams, 1978). Hair: Kajiya and Kay (1989). Cost: 8 ms at 256
x 256 pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from dfstudy.portraits import head
from dfstudy.portraits.mesh import BODY_CELLS, BODY_ROWS, FAR, OPTIONS
from dfstudy.portraits.skin import ATLAS_COLUMNS, ATLAS_ROWS, HEAD_ROWS

if TYPE_CHECKING:
    from dfstudy.portraits.hair import Hair
    from dfstudy.portraits.person import Shot

_SCATTER = (0.34, 0.17, 0.1)  # how far light creeps past the terminator, R, G, B
_AWAY, _SIDE, _HALF = 14.0, 128, 1.9  # the lamp's view: distance, pixels, half-width in head units


def fall_of_light(body: np.ndarray, hair: np.ndarray, hair_cells: np.ndarray, shot: Shot) -> np.ndarray:
    """Share of the lamp and of the surroundings that reaches each grid point of the body.

    Args:
        body: float32 [BODY_ROWS, COLUMNS, 3]; hair: float32 [n, 3], which casts shadows too.
    Returns:
        float32 [BODY_ROWS, COLUMNS, 2] in 0..1.1.
    """
    rows, columns = body.shape[:2]
    points = body.reshape(-1, 3)
    # An upright for the lamp's view; the lamp is never straight above.
    right = np.cross([0.0, 1.0, 0.0], shot.light)
    right /= np.linalg.norm(right)
    view = np.eye(4, dtype=np.float32)
    view[:3, :3], view[2, 3] = np.stack([right, np.cross(shot.light, right), shot.light]), -_AWAY
    casters, cells = np.concatenate([points, hair]), np.concatenate([BODY_CELLS, hair_cells + len(points)])
    nearest = np.full((_SIDE, _SIDE), FAR, np.float32)
    angle = 2 * np.arctan(_HALF / _AWAY)
    nearest = cv2.triangleRasterizeDepth(casters, cells, nearest, view, angle, 1.0, FAR, OPTIONS)
    seen = (points @ view[:3, :3].T).reshape(rows, columns, 3)
    distance = _AWAY - seen[..., 2]
    scale, middle = _SIDE / 2 * _AWAY / _HALF / distance, np.float32(_SIDE / 2 - 0.5)
    place = middle + seen[..., 0] * scale, middle - seen[..., 1] * scale
    first = cv2.remap(nearest, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = np.empty((rows, columns, 2), np.float32)
    light[..., 0] = np.clip(1.6 - (distance - first) / 0.06, 0, 1)
    for part in (slice(0, head.ROWS), slice(head.ROWS, rows)):
        light[part, :, 0] = cv2.GaussianBlur(light[part, :, 0], (0, 0), 1.3)
        # hollows see less of the surroundings
        z = np.ascontiguousarray(body[part, :, 2])
        light[part, :, 1] = np.clip(1 - 3.2 * (cv2.GaussianBlur(z, (0, 0), 3.5) - z), 0.45, 1.1)
    under_chin = np.linspace(0, 1, rows - head.ROWS)[:, None] * 3.2 - 0.75
    light[head.ROWS :, :, 1] *= np.clip(under_chin, 0.5, 1)
    return light


def shade_body(
    field: np.ndarray, atlas: np.ndarray, normals: np.ndarray, falls: np.ndarray, shot: Shot
) -> np.ndarray:
    """Linear RGB of skin and cloth, float32 [size, size, 3]; meaningless where the field covers nothing."""
    across, down = field[..., 0] * (head.COLUMNS - 1), field[..., 1] * (BODY_ROWS - 1)
    on_torso = down > head.ROWS - 0.5
    texel = np.where(
        on_torso,
        HEAD_ROWS + (down - head.ROWS) * np.float32((ATLAS_ROWS - HEAD_ROWS - 1) / (head.TORSO_ROWS - 1)),
        down * np.float32((HEAD_ROWS - 1) / (head.ROWS - 1)),
    )
    surface = cv2.remap(atlas, field[..., 0] * (ATLAS_COLUMNS - 1), texel, cv2.INTER_LINEAR)
    grid = cv2.remap(np.dstack([normals, falls[..., :1]]), across, down, cv2.INTER_LINEAR)
    around = cv2.remap(falls[..., 1], across, down, cv2.INTER_LINEAR)
    n, lamp = grid[..., :3], np.ascontiguousarray(grid[..., 3])
    facing = n @ shot.light.astype(np.float32)
    half = np.add(shot.light, [0, 0, 1])
    mirror = np.maximum(n @ (half / np.linalg.norm(half)).astype(np.float32), 0)
    above = 0.5 + 0.5 * n[..., 1]
    narrow = mirror**4
    narrow *= narrow * narrow  # mirror ** 12, a tenth of the time of a power
    shine = 0.075 * narrow + 0.16 * narrow * narrow * narrow * narrow
    shine *= lamp * np.sqrt(np.maximum(facing, 0))
    grazing = 1 - np.maximum(n[..., 2], 0)
    grazing *= 0.16 * grazing * grazing * grazing * around
    on_skin = (~on_torso).astype(np.float32)
    colour = np.empty_like(n)
    for c, scatter in enumerate(_SCATTER):
        key, sky, ground = np.float32(shot.key[c]), np.float32(shot.sky[c]), np.float32(shot.ground[c])
        wrap = on_skin * np.float32(scatter)
        direct = np.maximum(facing + wrap, 0) / (1 + wrap) * np.maximum(lamp, 0.3 * wrap)
        lit = direct * key + (ground + (sky - ground) * above) * around
        colour[..., c] = surface[..., c] * lit + surface[..., 3] * (shine * key + grazing * sky)
    return colour


def shade_hair(
    field: np.ndarray, hair: Hair, points: np.ndarray, normals: np.ndarray, shot: Shot
) -> np.ndarray:
    """Linear RGB and opacity of the hair, float32 [size, size, 4]; opacity 0 where there is none."""
    texels, rows, columns = len(hair.texture), *points.shape[:2]
    across, down = field[..., 0], field[..., 1]
    surface = cv2.remap(hair.texture, across * (texels - 1), down * (texels - 1), cv2.INTER_LINEAR)
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-6)
    light = shot.light.astype(np.float32)
    half = light + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    facing = np.clip(0.45 + 0.75 * (normals @ light), 0.05, 1.2)
    diffuse = np.sqrt(np.maximum(1 - (tangent @ light) ** 2, 0)) * facing
    local = np.dstack([diffuse, tangent @ half, facing, normals[..., 1]]).astype(np.float32)
    local = cv2.remap(local, across * (columns - 1), down * (rows - 1), cv2.INTER_LINEAR)
    # strands tilt a little against each other: the highlight breaks up into streaks
    usual = max(float(hair.texture[..., 1].mean()), 1e-3)
    streak = local[..., 1] + 0.12 * np.log(np.maximum(surface[..., 1] / usual, 0.05))
    shine = np.maximum(1 - streak * streak, 0) ** 20 * local[..., 2]
    shaded = np.empty_like(surface)
    for c in range(3):
        key, sky, ground = np.float32(shot.key[c]), np.float32(shot.sky[c]), np.float32(shot.ground[c])
        around = 0.7 * (sky + (ground - sky) * (0.5 - 0.5 * local[..., 3]))
        shaded[..., c] = surface[..., c] * (0.95 * local[..., 0] * key + around)
        shaded[..., c] += (0.02 + 0.25 * surface[..., c]) * shine * key
    shaded[..., 3] = surface[..., 3] * (field[..., 2] > 0)
    return shaded
