"""Triangles to pixels: OpenCV's software rasteriser, and the grids of head, torso and hair as triangles.

Takes grids of points in camera coordinates (x right, y up, z to the viewer); gives at each pixel the grid
coordinates of what is seen there, and its depth. Cost: 2 ms a grid at 256 x 256 pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from dfstudy.portraits import head

FAR = 40.0
DISTANCE = 6.5  # from the lens to the head, head units

OPTIONS = cv2.TriangleRasterizeSettings()
OPTIONS.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
OPTIONS.setCullingMode(cv2.RASTERIZE_CULLING_NONE)

BODY_ROWS = head.ROWS + head.TORSO_ROWS
BODY_CELLS = np.concatenate(
    [
        head.triangles(head.ROWS, head.COLUMNS),
        head.triangles(head.TORSO_ROWS, head.COLUMNS, head.ROWS * head.COLUMNS),
    ]
)


def coordinates(rows: int, columns: int) -> np.ndarray:
    """What is interpolated over a grid: column and row in 0..1, and 1 for `covered`; float32 [points, 3]."""
    across, down = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    return np.stack([across, down, np.ones_like(down)], axis=-1).reshape(-1, 3).astype(np.float32)


BODY_COORDINATES = coordinates(BODY_ROWS, head.COLUMNS)


def rasterise(
    points: np.ndarray, cells: np.ndarray, values: np.ndarray, zoom: float, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Values at each pixel, float32 [size, size, 3] (0 where nothing is), and depth, FAR where nothing is.

    Args:
        points: float32 [n, 3]; cells: int32 [m, 3]; values: float32 [n, 3].
        zoom: half the side of the image at the head's distance, head units.
    """
    view = np.eye(4, dtype=np.float32)
    view[2, 3] = -DISTANCE
    field, depth = np.zeros((size, size, 3), np.float32), np.full((size, size), FAR, np.float32)
    return cv2.triangleRasterize(
        points, cells, values, field, depth, view, 2 * np.arctan(zoom / DISTANCE), 1.0, FAR, OPTIONS
    )


def bounds(field: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle that holds everything covered."""
    covered = field[..., 2] > 0
    found = [np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0)]
    return tuple(slice(places[0], places[-1] + 1) if len(places) else slice(0, 1) for places in found)


def project(points: np.ndarray, zoom: float, size: int) -> np.ndarray:
    """Pixel positions (column, row) of points [n, 3], float32 [n, 2]."""
    scale = size / 2 * DISTANCE / zoom / (DISTANCE - points[:, 2])
    middle = size / 2 - 0.5
    return np.stack([middle + points[:, 0] * scale, middle - points[:, 1] * scale], axis=-1).astype(
        np.float32
    )
