"""Snakemake with everything below it: started as a process group of its own, read, and ended as a whole.

Takes Snakemake's command; gives its lines to a reader and returns its exit status. However it ends, and
however this process ends (an error, Ctrl-C, SIGTERM, a closed terminal, SIGKILL), no step is left:
Snakemake is bound to this process, each step to Snakemake, and whoever is left over in the group is killed.
Cost: none.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

PATIENCE = 3  # seconds from Ctrl-C until Snakemake and its steps have to have ended


def run_snakemake(
    command: Sequence[str],
    environment: Mapping[str, str],
    read: Callable[[str], bool],
    patience: int = PATIENCE,
) -> int:
    """Run Snakemake to its end.

    Args:
        command: as a module that `dfstudy.system.bound` runs.
        environment: of it and its steps.
        read: takes each line of its account; True where Snakemake goes on only because it waits for steps.
        patience: seconds that it has after Ctrl-C.
    Returns:
        Its exit status, negative where a signal ended it.
    """
    process = subprocess.Popen(
        command, env=environment, text=True, errors="replace", start_new_session=True, stderr=subprocess.PIPE
    )
    # its steps hold the other end of the pipe: where it dies alone, reading would wait for them
    threading.Thread(target=_clear_up_after, args=(process,), daemon=True).start()
    try:
        for line in process.stderr or ():
            if read(line):
                break
    except BaseException:
        _interrupt(process, patience)
        raise
    finally:
        _signal_all(process, signal.SIGKILL)
        process.wait()
    return process.returncode


def _clear_up_after(process: subprocess.Popen) -> None:
    process.wait()
    _signal_all(process, signal.SIGKILL)


def _interrupt(process: subprocess.Popen, patience: int) -> None:
    """What Ctrl-C does to a group in a terminal."""
    _signal_all(process, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):  # on a cluster it may sleep for minutes between two looks
        process.wait(timeout=patience)


def _signal_all(process: subprocess.Popen, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(process.pid, number)
