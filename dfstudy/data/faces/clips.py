"""Frames of a video file: chosen ones, with their numbers and times, as far as the file can be read.

Takes the path of a clip and frame numbers; gives RGB uint8 [H, W, 3] after the rotation that the file asks
for. Frames are counted from 0 and reached by decoding all before them, as seeking lands beside the frame in
many files. A clip that ends before a wanted frame gives what it has, and the caller sees that it is short.
Refuses, as `ClipError` with a reason in plain words, a file of which no frame can be read. One thread
decodes: with more, what a damaged clip gives would change from run to run. Cost: 2 ms a frame of
1280 x 720 px that is passed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from dfstudy.data.endings import VIDEOS
from dfstudy.file_kind import no_file

SUFFIXES = VIDEOS

LOOK_SECONDS = 0.5  # between two looks: a face moves less than its own width
MOST_LOOKS = 7  # a sampled frame: an hour of video is not looked at twice a second
_QUIET = "-8"  # of ffmpeg's levels: what it says about damaged files goes into our own list


class ClipError(Exception):
    """A file that is no readable video; `reason` says why in plain words, without the path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ClipFacts(NamedTuple):
    """What a clip is; `frames` as the file says, counted where it does not say, `fps` 0 where unknown."""

    frames: int
    fps: float
    width: int
    height: int


class Frame(NamedTuple):
    """One frame: its number from 0, its time in seconds as the file gives it, its pixels."""

    number: int
    seconds: float
    picture: np.ndarray


def read_facts(path: Path) -> ClipFacts:
    """Number of frames, rate and size of the first frame as shown.

    Raises:
        ClipError: no frame can be decoded.
    """
    clip = _open(path)
    frames, fps = int(clip.get(cv2.CAP_PROP_FRAME_COUNT)), float(clip.get(cv2.CAP_PROP_FPS))
    good, picture = clip.read()
    if not good:
        raise ClipError("the video holds no frame that can be decoded")
    if frames < 1:  # streams and unfinished recordings do not say
        frames = 1
        while clip.grab():
            frames += 1
    clip.release()
    height, width = picture.shape[:2]
    return ClipFacts(frames, fps if 0 < fps < 1000 else 0.0, width, height)


def even_frames(facts: ClipFacts, wanted: int) -> tuple[list[int], list[int]]:
    """Frames to look at, and those among them to crop: the middles of equal parts of the clip.

    Every cropped frame has the same number of looks around it, so that between two looks a face moves little.
    """
    wanted = min(wanted, facts.frames)
    seconds = facts.frames / facts.fps if facts.fps else 0.0
    most = min(MOST_LOOKS, facts.frames // wanted)
    each = min(most, max(1, round(seconds / wanted / LOOK_SECONDS))) | 1  # odd: the middle one is cropped
    each -= 2 * (each > most)
    parts = wanted * each
    looks = [(2 * at + 1) * facts.frames // (2 * parts) for at in range(parts)]
    return looks, looks[each // 2 :: each]


def read_frames(path: Path, numbers: Sequence[int]) -> Iterator[Frame]:
    """The frames of these numbers, ascending, until the clip ends.

    Raises:
        ClipError: the file cannot be opened.
    """
    clip = _open(path)
    wanted, at = iter(numbers), -1
    for number in wanted:
        while at < number:
            if not clip.grab():
                return
            at += 1
        seconds = clip.get(cv2.CAP_PROP_POS_MSEC) / 1000
        good, picture = clip.retrieve()
        if good:
            yield Frame(number, round(max(seconds, 0.0), 3), cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def _open(path: Path) -> cv2.VideoCapture:
    try:
        if kind := no_file(path):  # ffmpeg would wait for a named pipe for ever
            raise ClipError(f"it is {kind} and cannot be read")
    except OSError as error:
        raise ClipError(f"the file cannot be read ({error.strerror})") from None
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _QUIET)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        clip = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        clip.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not clip.isOpened():
        raise ClipError(_why_not(path))
    return clip


def _why_not(path: Path) -> str:
    """Why ffmpeg does not open a file."""
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
            size = path.stat().st_size
            boxed = start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")
            if boxed and not _has_index(file, size):
                return "cut off before its index (moov), without which no frame can be read"
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    if not size:
        return "the file is empty"
    return "the file holds only zeros" if not any(start) else "not a video, or its header is damaged"


def _has_index(file, size: int) -> bool:
    """Whether an MP4 or MOV file has a box `moov`: boxes are a length and a name, one after another."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:  # the length follows as 64 bits
            length = int.from_bytes(head[8:], "big")
        if name == b"moov":
            return at + length <= size
        if length < 8:
            return False
        at += length
    return False
