"""What a path is (file, pipe, socket, device), found out before anybody opens it.

Takes a path; says in words what it is where it is no ordinary file: opening a named pipe waits until somebody
writes to it, and a device may never end. A file that is larger than whoever asks would read at once is said
as well. Cost: one look at the file's inode, 1 us.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

# An uncompressed image of the largest area that is read, with four channels of 16 bits, is smaller.
MOST_BYTES = 2**30
ANY_SIZE = 2**63  # for what is read piece by piece
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def no_file(path: str | Path, most: int = MOST_BYTES) -> str:
    """What a path leads to where that is no ordinary file, such as `a named pipe`; `` where it is one.

    Args:
        most: bytes; of a larger file its size is said, so that nothing reads it into memory.
    Raises:
        OSError: nothing is there, or it may not be looked at.
    """
    facts = os.stat(path)  # noqa: PTH116  # a Path an image would double the time
    if not stat.S_ISREG(facts.st_mode):
        return _KINDS.get(stat.S_IFMT(facts.st_mode), "no ordinary file")
    if facts.st_size > most:
        return f"too large, with {facts.st_size / 2**20:,.0f} MiB (at most {most / 2**20:,.0f} are read)"
    return ""
