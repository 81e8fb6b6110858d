"""Faces of videos and photographs: found, followed, cropped.

Takes an image, a clip or a folder of both; gives `Face` objects, crops uint8 [size, size, 3] RGB, or a
folder that `dfstudy index` reads. Weights come from a path, the cache or once from the network (`weights`).

    finder = FaceFinder.load()
    for face in find_faces(image, finder):
        crop = crop_face(image, face, size=224, margin=1.3)
    for crop in clip_faces("clip.mp4", finder, FaceSettings(frames=16, size=224)):
        crop.pixels, crop.spot.seconds
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dfstudy.faces.containers import ClipError
from dfstudy.faces.crop import crop_face
from dfstudy.faces.face import Face
from dfstudy.faces.finder import FaceFinder, Finder
from dfstudy.faces.folder import crop_folder
from dfstudy.faces.outcome import Cropped, summarise
from dfstudy.faces.scene import FaceCrop, faces_in_clip, faces_in_picture
from dfstudy.faces.settings import FaceSettings, read_settings

__all__ = [
    "ClipError",
    "Cropped",
    "Face",
    "FaceCrop",
    "FaceFinder",
    "FaceSettings",
    "clip_faces",
    "crop_face",
    "crop_folder",
    "faces_in_clip",
    "faces_in_picture",
    "find_faces",
    "read_settings",
    "summarise",
]


def find_faces(picture: np.ndarray, finder: Finder | None = None) -> list[Face]:
    """Faces of an image, the main one first.

    Args:
        picture: uint8 [H, W, 3] RGB.
        finder: one for many images spares loading the weights; default `FaceFinder.load()`.
    Raises:
        StudyError: there are no weights and no network.
    """
    return (finder or FaceFinder.load()).find(picture)


def clip_faces(
    path: str | Path, finder: Finder | None = None, settings: FaceSettings | None = None
) -> Iterator[FaceCrop]:
    """Crops of the main face of a video, or of all, frame by frame; what is missed is passed over.

    `faces_in_clip` says what was missed as well.

    Raises:
        ClipError: no frame can be read.
        StudyError: there are no weights and no network.
    """
    settings = settings or FaceSettings()
    finder = finder or FaceFinder.load(score=settings.score)
    yield from faces_in_clip(Path(path), finder, settings).crops
