"""What a person wants scored, brought to the form that a network takes.

Takes paths of pictures, videos and folders, or arrays uint8 [H, W, 3] RGB; gives for each a `Prepared`: its
squares uint8 [size, size, 3], resized and padded as at validation, or the reason why there is none. Faces are
cropped first where a finder is given; a video needs one. Folders are walked lazily, each sorted by name.
Nothing here raises for one bad file. Cost: decoding; with a finder as `dfstudy.data.faces`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dfstudy.augment import build_policy
from dfstudy.data import images
from dfstudy.data.endings import PICTURES, UNREAD_PICTURES, VIDEOS
from dfstudy.data.faces import ClipError, FaceSettings, clips, faces_in_clip, faces_in_picture
from dfstudy.data.faces.finder import Finder
from dfstudy.data.faces.scene import Found
from dfstudy.data.layouts import MASK_FOLDERS
from dfstudy.errors import StudyError

Item = str | Path | np.ndarray
KNOWN = (*PICTURES, *UNREAD_PICTURES, *VIDEOS)


@dataclass(frozen=True)
class Prepared:
    """One item.

    Attributes:
        name: its path with forward slashes; empty for an array.
        kind: `picture` or `video`.
        squares: what the network sees; one for a picture, one a usable frame for a video.
        error: why there is none; empty where there is.
    """

    name: str
    kind: str
    squares: list[np.ndarray]
    error: str = ""


def is_clip(item: Item) -> bool:
    """Whether an item is a video, by its name."""
    return not isinstance(item, np.ndarray) and str(item).lower().endswith(clips.SUFFIXES)


class Intake:
    """Makes a `Prepared` of an item; may be called from many threads.

    Args:
        size: side of the network's input, pixels.
        finder: crops the main face of everything first; None takes pictures as they are.
    """

    def __init__(self, size: int, finder: Finder | None, faces: FaceSettings) -> None:
        self.size, self.finder, self.faces = size, finder, faces
        self._own = threading.local()  # a policy holds a stream of chance: one a thread

    def __call__(self, item: Item) -> Prepared:
        """The squares of one item, or why there is none."""
        kind = "video" if is_clip(item) else "picture"
        name = "" if isinstance(item, np.ndarray) else Path(item).as_posix()
        try:
            pictures = self._clip(Path(name)) if kind == "video" else self._picture(item)
            return Prepared(name, kind, [self._square(picture) for picture in pictures])
        except (ClipError, images.PictureError) as error:
            return Prepared(name, kind, [], error.reason)
        except MemoryError:
            return Prepared(name, kind, [], "too large for this machine's memory")
        except cv2.error as error:  # a stranger's file must not end the work on all others
            told = getattr(error, "err", "") or str(error)
            return Prepared(name, kind, [], f"OpenCV cannot process it: {told}")

    def _clip(self, path: Path) -> list[np.ndarray]:
        if self.finder is None:
            raise ClipError("a video is scored by its faces: give --find-faces")
        return _pixels(faces_in_clip(path, self.finder, self.faces))

    def _picture(self, item: Item) -> list[np.ndarray]:
        if isinstance(item, np.ndarray):
            if item.dtype != np.uint8 or item.ndim != 3 or item.shape[2] != 3 or not item.size:
                raise images.PictureError(
                    f"an array must be uint8 [H, W, 3] RGB, not {item.dtype} {list(item.shape)}"
                )
            picture = item
        else:
            picture = images.read_picture(item)
        if self.finder is None:
            return [picture]
        return _pixels(faces_in_picture(picture, self.finder, self.faces))

    def _square(self, picture: np.ndarray) -> np.ndarray:
        policy = getattr(self._own, "policy", None)
        if policy is None:
            policy = self._own.policy = build_policy("none", self.size, train=False)
        return policy(picture, 0)


def _pixels(found: Found) -> list[np.ndarray]:
    if not found.crops:
        reasons = [missed.reason for missed in found.missed] or ["no face found"]
        raise images.PictureError(max(dict.fromkeys(reasons), key=reasons.count))
    return [crop.pixels for crop in found.crops]


def walk_items(paths: Iterable[str | Path]) -> Iterator[str]:
    """Files to score: those named, and pictures and videos below the folders named, as they are come upon.

    Hidden files, masks and other kinds of files in folders are passed over. Only the names of the folders
    that are open are held in memory.

    Raises:
        StudyError: a path names nothing, or a folder cannot be listed.
    """
    for path in map(Path, paths):
        if path.is_dir():
            yield from _walk(path, ())
        elif path.exists():
            yield path.as_posix()
        else:
            raise StudyError(f"there is no file or folder {path}", "check the path of what is to be scored")


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in above:  # a link back up would never end
        return
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        raise StudyError(f"{folder} cannot be listed: {error.strerror}", "mend its permissions") from None
    for name in names:
        lower, path = name.lower(), folder / name
        if lower.startswith(".") or lower == "__macosx":
            continue
        if path.is_dir():
            if lower not in MASK_FOLDERS:
                yield from _walk(path, (*above, real))
        elif lower.endswith(KNOWN):
            yield path.as_posix()
