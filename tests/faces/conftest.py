"""Clips of a few grey frames with red rectangles as faces, and a finder that finds what is red."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from dfstudy.faces.face import Face, prominence, turned_back

RED = (225, 20, 20)
Rectangle = tuple[int, int, int, int]  # left, top, width, height


def face_at(left: float, top: float, width: float = 20, height: float = 30, **more) -> Face:
    """A face whose landmarks lie where they do in an upright one."""
    spots = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    points = tuple((left + x * width, top + y * height) for x, y in spots)
    return Face((left, top, width, height), points, **{"score": 0.95, **more})


def draw(rectangles: Sequence[Rectangle], width: int = 160, height: int = 120, grey: int = 90) -> np.ndarray:
    """uint8 [height, width, 3] RGB: a ramp, not alike in x and y, with red rectangles on it."""
    y, x = np.mgrid[0:height, 0:width]
    ramp = (grey * (0.6 + 0.3 * x / width + 0.1 * y / height)).astype(np.uint8)
    picture = np.repeat(ramp[..., None], 3, axis=2)
    for left, top, wide, high in rectangles:
        picture[top : top + high, left : left + wide] = RED
    return picture


class RedFinder:
    """Finds red rectangles; sure of those that stand upright, that is higher than wide.

    Counts its looks; `fail_at` interrupts as Ctrl-C would.
    """

    key = "red"

    def __init__(self, fail_at: int = 0) -> None:
        self.looks, self.fail_at = 0, fail_at

    def find(self, picture: np.ndarray, turn: int | None = None) -> list[Face]:
        self.looks += 1
        if self.looks == self.fail_at:
            raise KeyboardInterrupt
        if turn is None:
            found = self.find(picture, 0)
            return found if not found or found[0].score > 0.9 else self.find(picture, 90)
        height, width = picture.shape[:2]
        shown = np.ascontiguousarray(np.rot90(picture, -turn // 90)).astype(int)
        red = ((shown[..., 0] > 150) & (shown[..., 1] < 90)).astype(np.uint8)
        faces = []
        for left, top, wide, high, area in cv2.connectedComponentsWithStats(red)[2][1:].tolist():
            if area > 30:
                face = face_at(left, top, wide, high, score=0.95 if high > wide else 0.8)
                faces.append(turned_back(face, turn, width, height))
        return sorted(faces, key=lambda face: -prominence(face, width, height))


@pytest.fixture
def finder() -> RedFinder:
    return RedFinder()


@pytest.fixture
def write_clip() -> Callable[..., Path]:
    """Write images, or frames of red rectangles, as a clip (FFV1 loses nothing, MJPG little)."""

    def write(path: Path, frames: Sequence, fps: float = 8, codec: str = "FFV1") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures = [frame if isinstance(frame, np.ndarray) else draw(frame) for frame in frames]
        size = pictures[0].shape[1::-1]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
        assert writer.isOpened(), f"this OpenCV writes no {codec}"
        for picture in pictures:
            writer.write(picture[..., ::-1])
        writer.release()
        return path

    return write


@pytest.fixture
def retime() -> Callable[..., Path]:
    """The encoded frames of a clip in another container, at irregular times in whole milliseconds."""

    def write(source: Path, target: Path, codec: str) -> Path:
        read = cv2.VideoCapture(str(source), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
        size = tuple(int(read.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        code, raw = cv2.VideoWriter.fourcc(*codec), [cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1]
        writer = cv2.VideoWriter(str(target), cv2.CAP_FFMPEG, code, 1000, size, raw)
        assert writer.isOpened(), f"this OpenCV writes no {codec} into {target.suffix}"
        steps, time = np.random.default_rng(0).integers(26, 41, 1000).tolist(), 0
        while (packet := read.read())[0]:
            writer.set(cv2.VIDEOWRITER_PROP_KEY_FLAG, int(read.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME)))
            writer.set(cv2.VIDEOWRITER_PROP_PTS, time)
            writer.set(cv2.VIDEOWRITER_PROP_DTS_DELAY, 0)
            writer.write(packet[1])
            time += steps.pop()
        writer.release()
        return target

    return write
