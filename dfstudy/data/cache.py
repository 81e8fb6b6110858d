"""Decoded images kept in memory, so that only the first epoch decodes, where they fit.

Takes the sizes that the index knows; gives a `PictureCache`, or none, and a sentence that says which and
why. The images lie in one anonymous shared mapping that forked workers write and read alike; it is no
file, so a small /dev/shm does not matter. What is kept is the decoded file, before any transform: the
transform differs each epoch, and a sample stays the same bytes. Refused: what would take more than half of
the memory that is free when it is asked for. Memory is taken image by image, and storing pauses while
other programs leave less than a quarter of what was free. Cost: 3 bytes a pixel, and one copy when a
image is stored; what is found is the kept image itself.
"""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from dfstudy.data.images import read_picture

SHARE = 0.5  # of the free memory, at most: a second run beside this one still gets half of the rest
KEEP_FREE = 0.25  # of what was free at the start: below it nothing more is stored
CHECK_BYTES = 64 * 2**20  # stored by one process between its looks at the free memory

# limit, usage and what the kernel would give back, in the two versions of Linux's control groups
_GROUP_FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}

RECENT_BYTES = 32 * 2**20  # that a process keeps of small images, whoever reads them

_alive: weakref.WeakSet[PictureCache] = weakref.WeakSet()


class PictureCache:
    """Decoded images by row, for this process and those it forks.

    A row comes once an epoch, and an epoch begins when the workers have ended the one before, so no two
    processes work on one row at a time. Where fakes are made of real rows a row may come more often: whoever
    writes it then writes the same bytes. An image counts as stored once its height is written, which is
    done last: a worker killed while it copies leaves a row that is decoded again.
    """

    def __init__(self, sizes: np.ndarray, keep_free: int) -> None:
        self.keep_free = keep_free
        self._ends = np.cumsum(sizes.astype(np.int64).prod(axis=1) * 3)
        self._unchecked, self._has_room = CHECK_BYTES, True
        self.clear()
        _alive.add(self)

    @property
    def nbytes(self) -> int:
        """Memory that all images together take."""
        return int(self._ends[-1])

    @property
    def stored(self) -> np.ndarray:
        """Which rows are stored, bool [N]."""
        return self._heights > 0

    @property
    def missing_bytes(self) -> int:
        """Memory that is promised to images and not taken yet."""
        return int(np.diff(self._ends, prepend=0)[~self.stored].sum())

    def clear(self) -> None:
        """Forget every image and give their memory back; processes forked before keep the old one."""
        self._pixels = np.frombuffer(mmap.mmap(-1, max(self.nbytes, 1)), np.uint8)
        self._heights = np.frombuffer(mmap.mmap(-1, 4 * len(self._ends)), np.int32)

    def find(self, row: int) -> np.ndarray | None:
        """The row's image, uint8 [H, W, 3], not to be written into; None where it is not stored."""
        height = int(self._heights[row])
        if not height:
            return None
        picture = self._slot(row).reshape(height, -1, 3)
        picture.flags.writeable = False
        return picture

    def store(self, row: int, picture: np.ndarray) -> None:
        """Keep an image uint8 [H, W, 3]; one of another size than the index said is not kept."""
        slot = self._slot(row)
        # rotation exchanges the sides and leaves the size; anything else is not the file that was indexed
        if picture.nbytes == slot.nbytes and self._may_take(picture.nbytes):
            slot[:] = picture.reshape(-1)
            self._heights[row] = len(picture)

    def _slot(self, row: int) -> np.ndarray:
        start = self._ends[row - 1] if row else 0
        return self._pixels[start : self._ends[row]]

    def _may_take(self, size: int) -> bool:
        self._unchecked += size
        if self._unchecked >= CHECK_BYTES:
            self._unchecked, self._has_room = 0, free_memory() > self.keep_free
        return self._has_room


class Recent:
    """Decoded images of this process by path, until `RECENT_BYTES` are full.

    Small runs that one process trains one after the other, and the scores of each, so decode an image once.
    A file that changed since (time or size) is read again.
    """

    def __init__(self, most: int = RECENT_BYTES) -> None:
        self.left = most
        self._kept: dict[str, tuple[tuple[int, int], np.ndarray]] = {}

    def read(self, path: str) -> np.ndarray:
        """The image uint8 [H, W, 3], not to be written into; refused as by `read_picture`."""
        file = Path(path)
        try:
            told = file.stat()
        except OSError:
            return read_picture(file)  # which says what is wrong with it
        state = (told.st_mtime_ns, told.st_size)
        known = self._kept.get(path)
        if known is not None and known[0] == state:
            return known[1]
        picture = read_picture(file)
        picture.flags.writeable = False  # what would change it is refused at once
        if known is None and picture.nbytes <= self.left:
            self.left -= picture.nbytes
            self._kept[path] = (state, picture)
        return picture


def build_cache(
    sizes: np.ndarray | None, wanted: Literal["auto", "off"], shared: bool, processes: int = 1
) -> tuple[PictureCache | None, str]:
    """A cache for images of these sizes if it fits, and a sentence about it.

    Args:
        sizes: int [N, 2], width and height in pixels of each row; None where nobody knows them.
        wanted: `off` for none.
        shared: whether the processes that read can share memory with this one.
        processes: how many of this run's processes on this machine build such a cache.
    """
    if wanted == "off":
        return None, _without("training.cache is off")
    if sizes is None:
        return None, _without("their sizes are not known")
    if not shared:
        return None, _without(
            "loader workers here start afresh and share no memory (set training.workers: 0)"
        )
    need = int(np.asarray(sizes, np.int64).prod(axis=1).sum()) * 3
    free = max(free_memory() - sum(cache.missing_bytes for cache in _alive), 0)
    each = f" in each of {processes} processes" if processes > 1 else ""
    if need * processes > SHARE * free:
        return None, _without(
            f"they need {_amount(need)}{each}, over {SHARE:.0%} of the {_amount(free)} that is free"
        )
    try:
        cache = PictureCache(np.asarray(sizes), int(KEEP_FREE * free))
    except OSError as error:  # a limit of the process or of the system
        return None, _without(f"the system gives no {_amount(need)} ({error.strerror})")
    return (
        cache,
        f"decoded images are kept in memory: {_amount(need)}{each} of {_amount(free)} that is free",
    )


def free_memory() -> int:
    """Bytes that may be taken now: what the system has, and what a container or batch job is allowed."""
    return max(min([psutil.virtual_memory().available, *_left_in_groups()]), 0)


def _left_in_groups(
    listed: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")
) -> Iterator[int]:
    """What each limited control group above this process has left; nothing where there are none."""
    try:
        lines = listed.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in set(controllers.split(",")) & set(_GROUP_FILES):
            # a container may see the path outside it and mount only its own group: the mount comes last
            above = Path(path.lstrip("/"))
            for group in dict.fromkeys([above, *above.parents, Path()]):
                left = _left_in(mounted / controller / group, *_GROUP_FILES[controller])
                if left is not None:
                    yield left


def _left_in(group: Path, limit: str, usage: str, reclaimable: str) -> int | None:
    try:
        most = (group / limit).read_text().strip()
        used = int((group / usage).read_text())
        told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    # files that were read count as used, and are given up before anything fails
    return None if most == "max" else int(most) - used + int(told.get(reclaimable, 0))


def _without(reason: str) -> str:
    return f"decoded images are not kept in memory: {reason}"


def _amount(size: int) -> str:
    scale, unit = (1e9, "GB") if size >= 1e9 else (1e6, "MB")
    return f"{size / scale:.0f} {unit}" if size >= 10 * scale else f"{size / scale:.2g} {unit}"
