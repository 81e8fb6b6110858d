"""Render one portrait: geometry to pixels, light, hair over face over background.

Takes a `Likeness` (a person with the parts that never change, made once by `sit`) and a `Shot`; gives a
`Photograph`: the image before the camera's own faults, with the landmarks and the map from pixels to the
face that forgeries need. It is rendered at twice the size in each direction and averaged. Cost: 18 ms at
128 px.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dfstudy.portraits import hair, head, light, mesh
from dfstudy.portraits.backdrop import backdrop
from dfstudy.portraits.features import paint_expression
from dfstudy.portraits.skin import ATLAS_COLUMNS, HEAD_ROWS, paint_person, texel_rows

if TYPE_CHECKING:
    from dfstudy.portraits.person import Person, Shot

PIVOT = np.array([0.0, -0.75, -0.15], np.float32)  # the head turns about the upper neck
_HAIR_COORDINATES = mesh.coordinates(hair.ROWS, hair.COLUMNS)
_NOTHING = np.zeros((0, 3))


@dataclass(frozen=True)
class Likeness:
    """A person with everything that stays the same between shots; `hair` is None for a bare head."""

    person: Person
    atlas: np.ndarray
    hair: hair.Hair | None


@dataclass(frozen=True)
class Photograph:
    """A rendered portrait and what is known about it.

    `image`: float32 [size, size, 3], sRGB-coded, 0..1. `face`: float32 [size, size, 3], what part of the face
    is seen at each pixel: frontal coordinates x, y in head units, azimuth in radians; NaN off the face.
    `hair`: float32 [size, size], how much of each pixel is hair, 0..1.
    `landmarks`: float32 [7, 2], pixel positions (column, row) of the eyes, the tip of the nose, and the
    left, right, upper and lower end of the mouth; left is the image's left.
    """

    image: np.ndarray
    face: np.ndarray
    hair: np.ndarray
    landmarks: np.ndarray
    shot: Shot


def sit(person: Person, *, bare: bool = False) -> Likeness:
    """Prepare a person for any number of photographs; `bare` is without hair, for a forger's donor."""
    atlas = paint_person(person)
    if bare:
        return Likeness(person, atlas, None)
    covered = hair.scalp(person, texel_rows(), head.azimuth(ATLAS_COLUMNS)[None, :])[..., None]
    atlas[:HEAD_ROWS] += covered * (np.append(0.6 * person.hair, 0.05) - atlas[:HEAD_ROWS])
    return Likeness(person, atlas, hair.grow_hair(person))


def take(likeness: Likeness, shot: Shot, size: int) -> Photograph:
    """Photograph a person; `size` is the side of the square image in pixels."""
    person, fine = likeness.person, 2 * size
    face = _pose(head.head_points(person, shot), shot, 1.0)
    torso = _pose(head.torso_points(person), shot, 0.25)
    body, normals = np.concatenate([face, torso]), np.concatenate([head.normals(face), head.normals(torso)])
    flat = body.reshape(-1, 3)
    field, depth = mesh.rasterise(flat, mesh.BODY_CELLS, mesh.BODY_COORDINATES, shot.zoom, fine)
    picture = backdrop(shot, fine)
    fibres, strands, cells = None, _NOTHING.astype(np.float32), _NOTHING.astype(np.int32)
    if likeness.hair:
        shell = _pose(likeness.hair.points, shot, 1.0)
        strands, cells = shell.reshape(-1, 3), likeness.hair.triangles
        hair_field, hair_depth = mesh.rasterise(strands, cells, _HAIR_COORDINATES, shot.zoom, fine)
        fibres = np.zeros((fine, fine, 4), np.float32)
        box = mesh.bounds(hair_field)
        fibres[box] = light.shade_hair(hair_field[box], likeness.hair, shell, head.normals(shell), shot)
        picture += fibres[..., 3:] * (fibres[..., :3] - picture)
    falls = light.fall_of_light(body, strands, cells, shot)
    box, solid = mesh.bounds(field), field[..., 2] > 0
    skin = light.shade_body(field[box], paint_expression(likeness.atlas, person, shot), normals, falls, shot)
    np.copyto(picture[box], skin, where=solid[box][..., None])
    hidden, seen = np.zeros((2, fine, fine), np.float32)
    if fibres is not None:
        hidden = fibres[..., 3] * (solid & (hair_depth <= depth + 0.01))
        picture += hidden[..., None] * (fibres[..., :3] - picture)
        seen = np.where(solid, hidden, fibres[..., 3])
    image, seen = (
        cv2.resize(fine_map, (size, size), interpolation=cv2.INTER_AREA)
        for fine_map in (_develop(picture), seen)
    )
    marks = _landmarks(face, person, shot, size)
    return Photograph(image, _face_map(field, hidden, person), seen, marks, shot)


def _pose(points: np.ndarray, shot: Shot, share: float) -> np.ndarray:
    """Turn about the neck by the shot's angles, as far as `share` says, and move into the image."""
    turn = cv2.Rodrigues(np.array([0.0, 0.0, share * shot.roll]))[0]
    turn = turn @ cv2.Rodrigues(np.array([0.0, share * shot.yaw, 0.0]))[0]
    turn = turn @ cv2.Rodrigues(np.array([-share * shot.pitch, 0.0, 0.0]))[0]
    # turning about the neck carries the face sideways; the photographer follows it half-way
    follow = 0.5 * share * (turn @ -PIVOT + PIVOT) * [1, 1, 0]
    shift = (PIVOT - follow + [*shot.shift, 0]).astype(np.float32)
    return (points - PIVOT) @ turn.T.astype(np.float32) + shift


def _develop(linear: np.ndarray) -> np.ndarray:
    """Linear light to sRGB code values in 0..1, with highlights rolled off instead of clipped."""
    x = np.maximum(linear, 0)
    bright = x > 0.6
    x[bright] = 0.6 + 0.4 * np.tanh((x[bright] - 0.6) / 0.4)
    curve = 1.055 * np.maximum(x, 1e-6) ** np.float32(1 / 2.4) - 0.055
    return np.where(x < 0.0031308, 12.92 * x, curve)


def _face_map(field: np.ndarray, hidden: np.ndarray, person: Person) -> np.ndarray:
    """Frontal coordinates of the face at every other pixel of the field; NaN off the head and under hair."""
    field, hidden = field[::2, ::2], hidden[::2, ::2]
    row = field[..., 1] * np.float32((mesh.BODY_ROWS - 1) / (head.ROWS - 1))
    y = np.cos(np.pi * np.clip(row, 0, 1))
    t = 2 * field[..., 0] - 1
    u = head.azimuth_at(t)
    face = np.dstack([head.half_width(person, y) * np.sin(u), y, u]).astype(np.float32)
    face[(field[..., 2] <= 0) | (row > 1) | (hidden > 0.5)] = np.nan
    return face


def _landmarks(points: np.ndarray, person: Person, shot: Shot, size: int) -> np.ndarray:
    f = head.features(person)
    corner = f["mouth_y"] + 0.05 * shot.smile
    where = [(-f["eye_x"], 0.0), (f["eye_x"], 0.0), (0.0, f["nose_y"]), (-f["mouth_w"], corner)]
    where += [(f["mouth_w"], corner), (0.0, f["mouth_y"] + f["upper"]), (0.0, f["mouth_y"] - f["lower"])]
    heights, found = head.height(head.ROWS), []
    for x, y in where:
        row = int(np.argmin(np.abs(heights - y)))
        across = head.half_width(person, heights[row]) * np.sin(head.azimuth(head.COLUMNS))
        found.append(points[row, int(np.argmin(np.abs(across - x)))])
    return mesh.project(np.array(found), shot.zoom, size)
