"""A lock of a file, for those who may wait for it.

Takes the lock's path; gives a `FileLock` that is not held yet. A script without a main guard runs again in
every process that it starts: where such a process waited for a lock that its parent holds, both would wait
for ever. So it is refused before, with the line that the script lacks. A second lock is shared: every step of
a report holds it as long as it lives, and the next report waits until it is free. Cost: none.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from filelock import FileLock

from dfstudy.errors import StudyError

GUARD = 'in a script of your own, call dfstudy under if __name__ == "__main__":'


def file_lock(file: Path) -> FileLock:
    """The lock of a file.

    Raises:
        StudyError: this process has only begun, and runs its parent's script again.
    """
    refuse_unguarded()
    return FileLock(file)


def refuse_unguarded() -> None:
    """Do nothing in a process that was started to work.

    Raises:
        StudyError: it has only begun, and runs its parent's script again.
    """
    # multiprocessing's own mark, by which it refuses to start processes there
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise StudyError("a script without a main guard runs again in each process that it starts", GUARD)


def hold_shared(file: Path) -> bool:
    """Hold a file's lock together with others, until this process and what it forked have ended.

    Returns:
        False where somebody holds it alone. A file system without locks counts as held.
    """
    if fcntl is None:
        return True
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)  # never closed: the lock is this process's
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def wait_for_holders(file: Path, seconds: float) -> bool:
    """Wait until nobody holds a file's lock by `hold_shared`; False where somebody still does."""
    if fcntl is None:
        return True
    deadline = time.monotonic() + seconds
    with file.open("ab") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True  # closing the file frees it again
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.1)
            except OSError:  # a file system without locks
                return True
