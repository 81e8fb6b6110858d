"""What a person wants scored, brought to the form that a network takes.

Takes paths of images, videos and folders, or arrays uint8 [H, W, 3] RGB; gives for each a `Prepared`: its
squares uint8 [size, size, 3], resized and padded as at validation, or the reason why there is none. Faces are
cropped first where a finder is given; a video needs one. Where stability is asked for, each image is followed
by itself as files and sites change it on its way, `RE_ENCODINGS`. Folders are walked lazily, each sorted by
name. Nothing here raises for one bad item. Cost: decoding; with a finder as `dfstudy.faces.find`.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dfstudy.augment.policies import build_policy
from dfstudy.data import endings, images, limits
from dfstudy.data.walk import count_files, why_passed, writable
from dfstudy.errors import StudyError
from dfstudy.faces.containers import ClipError
from dfstudy.faces.scene import FoundFaces, faces_in_clip, faces_in_picture
from dfstudy.predict.corruptions import CORRUPTIONS

if TYPE_CHECKING:
    from dfstudy.faces.finder import Finder
    from dfstudy.faces.settings import FaceSettings

Item = str | os.PathLike[str] | np.ndarray
# Name and severity of what an image meets without losing what a person sees in it: JPEG at qualities 80 and
# 60, WebP at 60, three quarters of its side and back.
RE_ENCODINGS = (("jpeg", 1), ("jpeg", 2), ("webp", 2), ("resize", 1))
KNOWN = (*endings.PICTURES, *endings.UNREAD_PICTURES, *endings.VIDEOS)


@dataclass(frozen=True)
class Prepared:
    """One item.

    Attributes:
        name: its path with forward slashes; empty for an array.
        kind: `picture` or `video`.
        squares: what the network sees; one for an image, one a usable frame for a video, each followed by its
            re-encodings.
        error: why there is none; empty where there is.
        side: the shorter one before resizing, pixels; of a video the median of its frames', 0 where unknown.
        format: of the file that holds the very pixels, such as `JPEG`; empty for an array and for faces.
    """

    name: str
    kind: str
    squares: list[np.ndarray]
    error: str = ""
    side: int = 0
    format: str = ""


class Refused(str):
    """A path that cannot be scored, and it is known why: such as a folder that cannot be listed."""

    reason: str

    @classmethod
    def because(cls, path: str, reason: str) -> Refused:
        """The path with its reason."""
        refused = cls(path)
        refused.reason = reason
        return refused


def is_clip(item: Item) -> bool:
    """Whether an item is a video, by its name."""
    return endings.is_clip(name_item(item))


def name_item(item: Item) -> str:
    """An item's path as it was given, with forward slashes; empty for what is none."""
    try:
        path = os.fspath(item)  # type: ignore[arg-type]
    except Exception:  # an array; or anything else, whatever it does when it is asked
        return ""
    return Path(path).as_posix() if isinstance(path, str) else ""


class Intake:
    """Makes a `Prepared` of an item; may be called from many threads.

    Args:
        size: side of the network's input, pixels.
        finder: crops the main face of everything first; None takes images as they are.

    Attributes:
        views: re-encodings that follow each image, by name and severity; none at first.
    """

    def __init__(self, size: int, finder: Finder | None, faces: FaceSettings) -> None:
        self.size, self.finder, self.faces = size, finder, faces
        self.views: tuple[tuple[str, int], ...] = ()
        self._own = threading.local()  # a policy holds a stream of chance: one a thread

    def __call__(self, item: Item) -> Prepared:
        """The squares of one item, or why there is none."""
        kind = "video" if is_clip(item) else "picture"
        name = name_item(item)
        try:
            if isinstance(item, Refused):
                raise images.PictureError(item.reason)
            pictures, found = (self._clip(Path(name)), "") if kind == "video" else self._picture(item, name)
            squares = [self._square(view) for picture in pictures for view in self._re_encode(picture)]
            side = int(np.median([min(picture.shape[:2]) for picture in pictures]))
            return Prepared(name, kind, squares, side=side, format=found)
        except (ClipError, images.PictureError) as error:
            return Prepared(name, kind, [], error.reason)
        except MemoryError:
            return Prepared(name, kind, [], "too large for this machine's memory")
        except cv2.error as error:  # a stranger's file must not end the work on all others
            told = getattr(error, "err", "") or str(error)
            return Prepared(name, kind, [], f"OpenCV cannot process it: {told}")
        except (OSError, ValueError) as error:  # such as a name that no file can have
            return Prepared(name, kind, [], f"it cannot be read: {error}")

    def _clip(self, path: Path) -> list[np.ndarray]:
        if self.finder is None:
            raise ClipError("a video is scored by its faces: give --find-faces")
        return _pixels(faces_in_clip(path, self.finder, self.faces))

    def _picture(self, item: Item, name: str) -> tuple[list[np.ndarray], str]:
        """What is to be scored, and the format of the file that holds it."""
        found = ""
        if isinstance(item, np.ndarray):
            if item.dtype != np.uint8 or item.ndim != 3 or item.shape[2] != 3 or not item.size:
                raise images.PictureError(
                    f"an array must be uint8 [H, W, 3] RGB, not {item.dtype} {list(item.shape)}"
                )
            picture = item
        elif not name:
            raise images.PictureError(
                f"an item is a path or an array uint8 [H, W, 3] RGB, not {type(item).__name__}"
            )
        else:
            if reason := endings.unread_format(name):
                raise images.PictureError(reason)
            picture, found = images.decode(images.read_bytes(name))
        if self.finder is None:
            limits.refuse_useless(picture)
            return [picture], found
        # crops were files of another format when the network learned them
        return _pixels(faces_in_picture(picture, self.finder, self.faces)), ""

    def _re_encode(self, picture: np.ndarray) -> list[np.ndarray]:
        return [picture, *(CORRUPTIONS[name](picture, severity) for name, severity in self.views)]

    def _square(self, picture: np.ndarray) -> np.ndarray:
        policy = getattr(self._own, "policy", None)
        if policy is None:
            policy = self._own.policy = build_policy("none", self.size, train=False)
        return policy(picture, 0)


def _pixels(found: FoundFaces) -> list[np.ndarray]:
    if not found.crops:
        reasons = [missed.reason for missed in found.missed] or ["no face found"]
        raise images.PictureError(max(dict.fromkeys(reasons), key=reasons.count))
    return [crop.pixels for crop in found.crops]


def walk_items(paths: Iterable[str | Path], others: Counter[str] | None = None) -> Iterator[str]:
    """Files to score: those named, and images and videos below the folders named, as they are come upon.

    Hidden files, masks and files of other kinds in folders are passed over and counted. Only the names of
    the folders that are open are held in memory. What is named and not there, and a folder that cannot be
    listed, is an item as well, which `Intake` gives no square: one of them does not keep the others from
    being scored.

    Args:
        others: what is passed over is counted here, by ending, or as hidden or a mask.
    Raises:
        StudyError: nothing of what is named is there.
    """
    named, others = list(map(Path, paths)), Counter() if others is None else others
    if named and not any(map(_is_there, named)):
        others = f" ({len(named) - 1:,} more are missing as well)" if len(named) > 1 else ""
        raise StudyError(
            f"there is no file or folder {named[0]}{others}", "check the path of what is to be scored"
        )
    for path in named:
        if _is_folder(path):
            yield from _walk(path, (), others)
        else:
            yield path.as_posix()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # behind a folder that may not be looked into: reading it will say so
        return True


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _walk(folder: Path, above: tuple[str, ...], others: Counter[str]) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in above:  # a link back up would never end
        return
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        yield Refused.because(folder.as_posix(), f"the folder cannot be listed ({error.strerror})")
        return
    for name in names:
        path = folder / name
        is_folder = _is_folder(path)
        if why := why_passed(name, is_folder):
            others[why] += count_files(path) if is_folder else 1
        elif is_folder:
            yield from _walk(path, (*above, real), others)
        elif (suffix := endings.ending(name)) in KNOWN:
            yield path.as_posix()
        else:
            others[writable(suffix)] += 1
