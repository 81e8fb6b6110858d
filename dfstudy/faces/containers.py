"""What a video's container says beside its frames: how many packets it holds, which codec, why none opens.

Takes a path, and opens it through OpenCV's ffmpeg; gives a capture, counts and words. A container's own
number of frames is a claim: Matroska, WebM, Windows Media and many AVI files have none, and OpenCV then
multiplies duration and rate. Refuses, as `ClipError` with a reason in plain words, what cannot be opened.
Cost: packets are counted without decoding, 1 ms a clip of 10 MB.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import cv2

from dfstudy.system.file_kind import ANY_SIZE, no_file

_QUIET = "-8"  # of ffmpeg's levels: what it says about damaged files goes into our own list
_DECODED = [cv2.CAP_PROP_N_THREADS, 1]
_PACKETS = [cv2.CAP_PROP_FORMAT, -1]
_HEAD = 1 << 16  # bytes in which a container names its codec
_MATROSKA = b"\x1a\x45\xdf\xa3"  # and WebM: the start of EBML

# what people call the codecs whose decoders builds of OpenCV may lack
_SPOKEN = {
    "av01": "AV1",
    "vvc1": "VVC",
    "vvi1": "VVC",
    "hev1": "HEVC",
    "hvc1": "HEVC",
    "hevc": "HEVC",
    "apcn": "ProRes",
    "apch": "ProRes",
    "vp80": "VP8",
    "vp90": "VP9",
    "vp09": "VP9",
}


class ClipError(Exception):
    """A file that is no readable video; `reason` says why in plain words, without the path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def open_clip(path: Path) -> cv2.VideoCapture:
    """A capture that decodes on one thread and obeys the file's rotation.

    Raises:
        ClipError: it cannot be opened.
    """
    clip = _open(path, _DECODED)
    if clip is None:
        raise ClipError(_why_not(path))
    clip.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return clip


def count_packets(path: Path) -> int:
    """Packets of the video stream, one a frame but for frames that are never shown; 0 where unknown."""
    clip, packets = _open(path, _PACKETS), 0
    while clip is not None and clip.grab():
        packets += 1
    return packets


def name_codec(path: Path) -> str:
    """The codec as people call it, such as `AV1`, or as the file does; empty where nothing says."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_MATROSKA) and (named := re.search(rb"V_([A-Z0-9/]+)", head)):
        return named[1].decode()
    clip = _open(path, _PACKETS)
    code = int(clip.get(cv2.CAP_PROP_FOURCC)) if clip is not None else 0
    name = code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ") if code > 0 else ""
    return _SPOKEN.get(name.lower(), name if name.isprintable() else "")


def undecodable(path: Path) -> str:
    """Why a file that opens, or has a codec, gives no frame."""
    codec = name_codec(path)
    if not codec:
        return "the video holds no frame that can be decoded"
    return (
        f"no frame can be decoded: its codec is {codec}, whose decoder this OpenCV may lack (convert it, as "
        "by ffmpeg -i IN -c:v libx264 -crf 12 OUT.mp4), or it is damaged"
    )


def _open(path: Path, options: list[int]) -> cv2.VideoCapture | None:
    try:
        str(path).encode()
    except UnicodeEncodeError:  # OpenCV ends the whole process
        raise ClipError("the name is not UTF-8, and OpenCV opens no such video: rename it") from None
    if "\0" in str(path):  # OpenCV opens what stands before it
        raise ClipError("no file's name holds a zero byte")
    if path.exists() and (kind := no_file(path, ANY_SIZE)):  # whoever opens a named pipe waits for ever
        raise ClipError(f"it is {kind} and cannot be read")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _QUIET)
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        # ffmpeg takes what stands before a colon for a protocol, but not in an absolute path
        clip = cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG, options)  # noqa: PTH100
    finally:
        cv2.utils.logging.setLogLevel(level)
    return clip if clip.isOpened() else None


def _why_not(path: Path) -> str:
    """Why ffmpeg does not open a file."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD)
            size = path.stat().st_size
            boxed = start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")
            if boxed and not _has_index(file, size):
                return "cut off before its index (moov), without which no frame can be read"
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    if not size:
        return "the file is empty"
    if not any(start):
        return "the file holds only zeros"
    return undecodable(path) if name_codec(path) else "not a video, or its header is damaged"


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
