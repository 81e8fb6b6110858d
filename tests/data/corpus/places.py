"""What is more than bytes in a file: videos, links, pipes, sockets, devices, closed and sparse files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from .contents import png
from .kind import Put


def clip(codec: str, count: int = 8, dark: bool = False) -> Put:
    """Frames that drift, written by OpenCV."""

    def at(path: Path, pixels: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        writer = cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 25, (width, height)
        )
        if not writer.isOpened():
            raise OSError(f"no encoder {codec} for {path.suffix}")
        for number in range(count):
            writer.write(np.zeros_like(pixels) if dark else np.roll(pixels, number, axis=1))
        writer.release()
        if not path.is_file():
            raise OSError(f"no muxer for {path.suffix}")

    return Put(at)


def clip_as(suffix: str, codec: str, change: Callable[[bytes], bytes] = bytes) -> Put:
    """A clip of another ending, its bytes changed."""

    def at(path: Path, pixels: np.ndarray) -> None:
        made = path.with_name(f"made{suffix}")
        clip(codec, 30).at(made, pixels)
        path.write_bytes(change(made.read_bytes()))
        made.unlink()

    return Put(at)


def first(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(share * len(data))]


def make_socket(path: Path, pixels: np.ndarray | None = None) -> None:
    before = Path.cwd()
    os.chdir(path.parent)  # a socket's address is short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(before)


def link(target: str) -> Put:
    return Put(lambda path, pixels: path.symlink_to(target))


def link_to_picture(path: Path, pixels: np.ndarray) -> None:
    path.with_suffix(".kept").write_bytes(png()(pixels))
    path.symlink_to(path.with_suffix(".kept").name)


def second_name(path: Path, pixels: np.ndarray) -> None:
    """A hard link: the other name is no image's."""
    path.with_suffix(".twin").write_bytes(png()(pixels))
    path.hardlink_to(path.with_suffix(".twin"))


def holes(path: Path, pixels: np.ndarray) -> None:
    with path.open("wb") as file:
        file.truncate(10_000_000)


def closed(path: Path, pixels: np.ndarray) -> None:
    if os.geteuid() == 0:
        raise OSError("root reads what is closed to others")
    path.write_bytes(png()(pixels))
    path.chmod(0)


def device(path: Path, pixels: np.ndarray) -> None:
    os.mknod(path, 0o20666, os.makedev(1, 5))  # as /dev/zero


PIPE, SOCKET = Put(lambda path, pixels: os.mkfifo(path)), Put(make_socket)
