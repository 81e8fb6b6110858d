"""Crops of a fake at the places where its original's faces are, so that the crop itself tells no label.

Takes a fake and the places found in its original; gives `FoundFaces`, or in words why the places do not fit:
the two have different shapes, or the fake's faces lie elsewhere. Sizes may differ by a little, as an encoder
pads an image; boxes are scaled. Cost: decoding, and eight looks a clip or one a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.faces.clips import ClipFacts, read_facts, read_frames
from dfstudy.faces.face import overlap
from dfstudy.faces.scene import PROBES, FaceSpot, FoundFaces, Missed, add_crop

if TYPE_CHECKING:
    from dfstudy.faces.finder import Finder
    from dfstudy.faces.settings import FaceSettings

SAME_SHAPE = 0.02  # relative difference of aspect ratio within which an original's boxes hold for its fake
FITS = 0.3  # least overlap of a borrowed box with the face found there
_OTHER_SHAPE, _ELSEWHERE = "the two have different shapes", "its faces lie elsewhere in the image"


def borrow_in_picture(
    picture: np.ndarray, spots: Sequence[FaceSpot], finder: Finder, settings: FaceSettings
) -> FoundFaces | str:
    """Crops of a photograph at the places of its original's, or why these do not fit.

    Args:
        picture: uint8 [H, W, 3] RGB.
        spots: of the original, the main face first; at least one.
    """
    height, width = picture.shape[:2]
    if not _same_shape(spots[0], width, height):
        return _OTHER_SHAPE
    moved = [_moved(spot, width, height) for spot in spots]
    faces = finder.find(picture, moved[0].face.turn)
    if faces and max(overlap(moved[0].face.box, face.box) for face in faces) < FITS:
        return _ELSEWHERE
    found = FoundFaces(borrowed=True, example=(None, picture))
    for spot in moved:
        add_crop(found, picture, spot, settings, examine=False)
    return found


def borrow_in_clip(
    path: Path,
    spots: Sequence[FaceSpot],
    finder: Finder,
    settings: FaceSettings,
    facts: ClipFacts | None = None,
) -> FoundFaces | str:
    """Crops of a fake at the places of its original's, or why these do not fit.

    Raises:
        ClipError: no frame can be read.
    """
    facts = facts or read_facts(path)
    if not _same_shape(spots[0], facts.width, facts.height):
        return _OTHER_SHAPE
    at_frame: dict[int, list[FaceSpot]] = {}
    for spot in spots:
        there = _moved(spot, facts.width, facts.height)
        at_frame.setdefault(int(spot.frame or 0), []).append(there)
    numbers = sorted(at_frame)
    probes = set(numbers[:: -(-len(numbers) // PROBES)])
    found, overlaps, done = FoundFaces(borrowed=True), [], 0
    for frame in read_frames(path, numbers):
        if frame.number in probes:
            main = at_frame[frame.number][0].face
            faces = finder.find(frame.picture, main.turn)
            overlaps += [max(overlap(main.box, face.box) for face in faces)] if faces else []
        for spot in at_frame[frame.number]:
            add_crop(found, frame.picture, replace(spot, seconds=frame.seconds), settings, examine=False)
        done += 1
        if found.example is None or done == len(numbers) // 2 + 1:
            found.example = frame.number, frame.picture
    if 2 * len(overlaps) >= len(probes) and overlaps and median(overlaps) < FITS:
        return _ELSEWHERE
    if done < len(numbers):
        found.missed.append(Missed(f"ends before its original: {len(numbers) - done} frames are missing"))
    return found


def _same_shape(spot: FaceSpot, width: int, height: int) -> bool:
    return abs((width / height) / (spot.width / spot.height) - 1) <= SAME_SHAPE


def _moved(spot: FaceSpot, width: int, height: int) -> FaceSpot:
    """The same place in an image of that size."""
    face = spot.face.scaled(width / spot.width, height / spot.height)
    return replace(spot, face=face, width=width, height=height)
