"""Frames of a video file: chosen ones, with their numbers and times, as far as the file can be read.

Takes the path of a clip and frame numbers; gives RGB uint8 [H, W, 3] after the rotation that the file asks
for. Frames are counted from 0 and reached by decoding all before them, as seeking lands beside the frame in
many files. A clip that ends before a wanted frame gives what it has, and the caller sees that it is short and
counts. Refuses, as `ClipError` with a reason in plain words, a file of which no frame can be read. One thread
decodes: with more, what a damaged clip gives would change from run to run. Cost: 2 ms a frame of
1280 x 720 px that is passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from dfstudy.faces.containers import ClipError, count_packets, open_clip, undecodable

LOOK_SECONDS = 0.5  # between two looks: a face moves less than its own width
MOST_LOOKS = 7  # a sampled frame: an hour of video is not looked at twice a second
MORE_PACKETS = 1.1  # times the told frames: files of some codecs hold a few frames that are never shown
FASTEST = 1000.0  # frames a second: what containers claim that count in milliseconds
WHOLE = 0.9  # of the duration told, from which on a clip counts as complete


class ClipFacts(NamedTuple):
    """What a clip is; `frames` as the file says, counted where that cannot be, `fps` 0 where unknown."""

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

    The number is the file's own claim, which may be too high: see `count_frames`. One that is too low shows
    in the number of packets, and the frames are counted.

    Raises:
        ClipError: no frame can be decoded.
    """
    clip = open_clip(path)
    frames, fps = int(clip.get(cv2.CAP_PROP_FRAME_COUNT)), float(clip.get(cv2.CAP_PROP_FPS))
    good, picture = clip.read()
    clip.release()
    if not good:
        raise ClipError(undecodable(path))
    height, width = picture.shape[:2]
    facts = ClipFacts(frames, fps if 0 < fps <= FASTEST else 0.0, width, height)
    if frames < 1 or count_packets(path) > MORE_PACKETS * frames + 1:
        return count_frames(path, facts)
    return facts


def count_frames(path: Path, told: ClipFacts) -> ClipFacts:
    """The clip with as many frames as can be read, at the rate of their times; decodes all of it.

    Raises:
        ClipError: the file cannot be opened.
    """
    clip, times = open_clip(path), []
    while clip.grab():
        times.append(clip.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    seconds = times[-1] - times[0] if times else 0.0
    fps = (len(times) - 1) / seconds if seconds > 0 else told.fps
    return told._replace(frames=max(len(times), 1), fps=fps if 0 < fps <= FASTEST else 0.0)


def is_whole(counted: ClipFacts, told: ClipFacts) -> bool:
    """Whether frames that are not there were a wrong count, and no loss: the duration is as told."""
    if not counted.fps or not told.fps:
        return False
    return counted.frames / counted.fps >= WHOLE * told.frames / told.fps


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
    clip = open_clip(path)
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
