"""What a path is (file, pipe, socket, device), found out before anybody opens it.

Takes a path; says in words what it is where it is no ordinary file: opening a named pipe waits until somebody
writes to it, and a device may never end. Cost: one look at the file's inode, 1 us.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def no_file(path: str | Path) -> str:
    """What a path leads to where that is no ordinary file, such as `a named pipe`; `` where it is one.

    Raises:
        OSError: nothing is there, or it may not be looked at.
    """
    mode = os.stat(path).st_mode  # noqa: PTH116  # a Path an image would double the time
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no ordinary file")
