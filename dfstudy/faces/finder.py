"""Finds the faces of an image: YuNet through OpenCV, at the scale, turn and brightness that it needs.

Takes RGB uint8 [H, W, 3]; gives `Face` objects in pixels of that image, the main one first. Refuses weights
that are no YuNet. Large images are looked at with their longer side at 640 px, and where nothing is found
at 1600 px; black ones once more with lifted shadows. Images on their side are tried in all four turns: the
score tells the right one, as an upright face gets .90 and more (over 98 of 100 of 450 cropped photographs)
and the same face on its side or head less; the landmarks do not tell, they are drawn upright in any case.
Safe to share among threads. Cost: 16 ms of one core for 1280 x 720 px, 4 ms for 320 x 240.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from dfstudy.errors import StudyError
from dfstudy.faces.face import Face, prominence, turned_back
from dfstudy.faces.weights import read_weights

SIDES = (640, 1600)  # longer side of what is looked at, the second where the first shows no face
SURE = 0.90  # an upright face scores more, one on its side or head less
BETTER = 0.02  # by which another turn must score more
TURNS = (90, 180, 270)
DARK = 16  # mean grey level, of 255, below which shadows are lifted where nothing is found
_OVERLAP = 0.3  # of two boxes that are one face
_CANDIDATES = 5000
_LEAST_SIDE = 16  # pixels; the network halves an image five times


class Finder(Protocol):
    """What finds faces; `key` names the weights and settings that its results depend on."""

    key: str

    def find(self, picture: np.ndarray, turn: int | None = None) -> list[Face]:
        """Faces of an image, as `FaceFinder.find`."""
        ...


class FaceFinder:
    """YuNet.

    Args:
        model: bytes of its ONNX file.
        score: least score of a face, 0..1.
    Raises:
        StudyError: the file is no YuNet.
    """

    def __init__(self, model: bytes, score: float = 0.7) -> None:
        self._model, self._score = np.frombuffer(model, np.uint8), score
        self.key = f"yunet {hashlib.sha256(model).hexdigest()} score {score}"
        self._own = threading.local()  # a detector keeps its input size: one a thread
        try:
            self._look(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            raise StudyError(
                f"the file is no YuNet face detector: OpenCV says {str(error).strip().splitlines()[0]}",
                "give the .onnx file that docs/faces.md names (a Git LFS pointer is a text of 130 bytes)",
            ) from None

    @classmethod
    def load(cls, weights: str | Path = "", score: float = 0.7) -> FaceFinder:
        """The detector from a file, or from the cache or the network.

        Raises:
            StudyError: as `read_weights`.
        """
        return cls(read_weights(weights), score)

    def find(self, picture: np.ndarray, turn: int | None = None) -> list[Face]:
        """Faces of an image, the main one first.

        Args:
            picture: uint8 [H, W, 3] RGB.
            turn: degrees by which the image is turned clockwise before; None tries.
        """
        if turn is not None:
            return self._find(picture, turn)
        upright = self._at(picture, 0, SIDES[0])
        if upright and upright[0].score >= SURE:
            return upright
        tries = [self._at(picture, turn, SIDES[0]) for turn in TURNS]
        best = max(tries, key=lambda faces: faces[0].score if faces else 0.0)
        if best and best[0].score > (upright[0].score if upright else 0.0) + BETTER:
            return best
        return upright or self._find(picture, 0)

    def _find(self, picture: np.ndarray, turn: int) -> list[Face]:
        for before, side in zip((0, *SIDES), SIDES, strict=False):
            if max(picture.shape[:2]) > before and (faces := self._at(picture, turn, side)):
                return faces
        if picture.mean() < DARK:
            # a square root lifts shadows; the crop is cut from the image as it is
            lifted = np.sqrt(np.arange(256) * 255.0).round().astype(np.uint8)[picture]
            return self._at(lifted, turn, SIDES[0])
        return []

    def _at(self, picture: np.ndarray, turn: int, side: int) -> list[Face]:
        height, width = picture.shape[:2]
        small, scale = shrink(picture, side)
        small = np.ascontiguousarray(np.rot90(small, -turn // 90))
        if min(small.shape[:2]) < _LEAST_SIDE:
            return []
        back_x, back_y = scale if turn % 180 == 0 else scale[::-1]
        faces = []
        for row in self._look(small[..., ::-1]):
            points = tuple(map(tuple, row[4:14].reshape(5, 2).tolist()))
            found = Face(tuple(row[:4].tolist()), points, float(row[14])).scaled(back_x, back_y)
            faces.append(_rounded(turned_back(found, turn, width, height)))
        return sorted(faces, key=lambda face: prominence(face, width, height), reverse=True)

    def _look(self, picture_BGR: np.ndarray) -> np.ndarray:
        """float64 [faces, 15]: left, top, width, height, five landmarks, score."""
        detector = getattr(self._own, "detector", None)
        if detector is None:
            detector = self._own.detector = self._make()
        detector.setInputSize(picture_BGR.shape[1::-1])
        rows = detector.detect(np.ascontiguousarray(picture_BGR))[1]
        rows = np.zeros((0, 15)) if rows is None else rows.astype(np.float64)
        return rows[(rows[:, 2] > 0) & (rows[:, 3] > 0)]

    def _make(self) -> cv2.FaceDetectorYN:
        level = cv2.utils.logging.getLogLevel()
        # OpenCV 5 warns at each start that its new engine takes no target; there is nothing to do about it
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            nothing = np.zeros(0, np.uint8)
            return cv2.FaceDetectorYN.create(
                "onnx", self._model, nothing, (64, 64), self._score, _OVERLAP, _CANDIDATES
            )
        finally:
            cv2.utils.logging.setLogLevel(level)


def shrink(picture: np.ndarray, side: int) -> tuple[np.ndarray, tuple[float, float]]:
    """An image with its longer side at most `side`, and the factors of x and y that lead back."""
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return picture, (1.0, 1.0)
    small = max(1, round(width * factor)), max(1, round(height * factor))
    reduced = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return reduced, (width / small[0], height / small[1])


def _rounded(face: Face) -> Face:
    """Hundredths of a pixel: what is written down is what was worked with."""
    box = tuple(round(value, 2) for value in face.box)
    landmarks = tuple((round(x, 2), round(y, 2)) for x, y in face.landmarks)
    return Face(box, landmarks, round(face.score, 4), face.turn)
