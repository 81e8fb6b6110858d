"""Processes that end with the one that started them, however that one ended.

A report is a chain: make, the command, Snakemake, steps, and the kernels and launchers below them. Each link
writes its own number into the environment, `PARENT`; the next one looks twice a second whether that process
is still there, and ends at once where it is not, with everything in its own process group. Nothing else would
end after a SIGKILL, and files are whole at any moment. What belongs to a report also holds the lock that
`HELD` names, so that the next report can wait for it. `python -m dfstudy.system.bound MODULE ...` runs a
module of somebody else that way. A process that was started by hand, or on another machine, is not bound.
Cost: a thread that sleeps.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path
from typing import NoReturn

from dfstudy.system.lock import hold_shared

PARENT = "DFSTUDY_PARENT"  # `<pid>@<machine>/<job>`; make gives a bare pid
HELD = "DFSTUDY_HELD"  # path of the lock that the steps of a report share
LOOK = 0.5  # seconds between two looks at the parent


# why a signal most likely came, where nobody says
_REASONS = {
    "SIGKILL": ", most likely because the memory ran out",
    "SIGBUS": ", most likely because the disk or /dev/shm is full",
    "SIGSEGV": ", a crash in a library",
    "SIGABRT": ", a crash in a library",
}


class Stopped(KeyboardInterrupt):
    """A signal that asks this process to end, as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def bind() -> None:
    """Bind this process to the one named in the environment, and its own children to it."""
    parent, _, where = os.environ.get(PARENT, "").partition("@")
    # a job of a cluster may run on the same machine, and is no part of the chain
    here = f"{platform.node()}/{os.environ.get('SLURM_JOB_ID', '')}"
    os.environ[PARENT] = f"{os.getpid()}@{here}"
    if parent.isdigit() and int(parent) != os.getpid() and where in ("", here):
        _end_with(int(parent))
    file = os.environ.get(HELD)
    if file and not hold_shared(Path(file)):
        _end()  # the report that this step belongs to is over, and another one has begun


def end_with_parent() -> None:
    """Bind a process that `multiprocessing` started: an idle one would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        _in_background(lambda: wait([parent.sentinel]))


def raise_on_signals() -> None:
    """Let SIGTERM, and SIGHUP where it is not ignored (nohup), end this process in order, as Ctrl-C does."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows knows no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise_stopped)


def name_signal(number: int) -> str:
    """A signal and why it most likely came, such as `SIGKILL, most likely because the memory ran out`."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return name + _REASONS.get(name, "")


def _raise_stopped(number: int, _: object) -> NoReturn:
    raise Stopped(number)


def _end_with(parent: int) -> None:
    is_own = os.getppid() == parent  # else something stands between, such as a script that names Python

    def is_there() -> bool:
        return os.getppid() == parent if is_own else _exists(parent)

    def watch() -> None:
        while is_there():
            time.sleep(LOOK)

    if not is_there():
        _end()
    _in_background(watch)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _in_background(until: Callable[[], object]) -> None:
    def run() -> None:
        until()
        _end()

    threading.Thread(target=run, name="bound", daemon=True).start()


def _end() -> NoReturn:
    """End at once, with the process group where it is this process's own."""
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    bind()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
