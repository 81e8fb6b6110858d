"""Endings of file names: images that are read, images that are not, videos, files that describe them.

One table for every command. Takes a name; says by its ending, in any case, what it is taken for. A file whose
ending stands in no list is opened by nobody, and `index` counts it by its ending.
Cost: none.
"""

from __future__ import annotations

from collections import Counter

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
# Named and excluded, so that none goes missing unseen.
UNREAD_PICTURES = (".gif", ".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".jpf", ".jxl", ".jxr", ".jfif")
UNREAD_PICTURES += (".jpe", ".apng", ".dib", ".mpo", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".psd", ".exr")
UNREAD_PICTURES += (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf")
VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp")
DESCRIPTIONS = (".json", ".csv", ".txt")  # of files that may say what the images are


def ending(name: str) -> str:
    """The ending of a file's name in lower case with its dot, `` where it has none."""
    _, dot, last = name.rpartition("/")[2].rpartition(".")
    return f".{last.lower()}" if dot else ""


def describe_endings(others: Counter[str]) -> list[str]:
    """Counts of files by ending in words, the most first: `3 .mp4`, `1 without ending`."""
    return [
        f"{count:,} {name or 'without ending'}"
        for name, count in sorted(others.items(), key=lambda item: (-item[1], item[0]))
    ]


def unread_format(name: str) -> str:
    """Why an image of this name is excluded unopened; `` where its format is read, or it is no image."""
    own = ending(name)
    return f"format {own} is not read: convert it to PNG or JPEG" if own in UNREAD_PICTURES else ""


def is_clip(name: str) -> bool:
    """Whether a name is one of a video."""
    return ending(name) in VIDEOS
