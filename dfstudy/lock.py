"""A lock of a file, for those who may wait for it.

Takes the lock's path; gives a `FileLock` that is not held yet. A script without a main guard runs again in
every process that it starts: where such a process waited for a lock that its parent holds, both would wait
for ever. So it is refused before, with the line that the script lacks. Cost: none.
"""

from __future__ import annotations

import multiprocessing
from pathlib import Path

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
