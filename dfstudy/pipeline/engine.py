"""Snakemake with everything below it: started as a process group of its own, read, and ended as a whole.

Takes Snakemake's command; gives its lines to one reader and those of its steps to another, and returns its
exit status. However it ends, and
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

LAST_WORDS = 5  # seconds, at most, until the steps' last lines have been read
PATIENCE = 3  # seconds from Ctrl-C until Snakemake and its steps have to have ended


def run_snakemake(
    command: Sequence[str],
    environment: Mapping[str, str],
    read: Callable[[str], bool],
    relay: Callable[[str], None],
    patience: int = PATIENCE,
) -> int:
    """Run Snakemake to its end.

    Args:
        command: as a module that `dfstudy.system.bound` runs.
        environment: of it and its steps.
        read: takes each line of its account; True where Snakemake goes on only because it waits for steps.
        relay: takes each line that a step writes; called from another thread than `read`.
        patience: seconds that it has after Ctrl-C.
    Returns:
        Its exit status, negative where a signal ended it.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        text=True,
        errors="replace",
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # its steps hold the other end of the pipe: where it dies alone, reading would wait for them
    threading.Thread(target=_clear_up_after, args=(process,), daemon=True).start()
    relayed = threading.Thread(target=_relay, args=(process, relay), daemon=True)
    relayed.start()
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
        relayed.join(LAST_WORDS)  # what a step said of its failure comes before ours
    return process.returncode


def _relay(process: subprocess.Popen, relay: Callable[[str], None]) -> None:
    """Take every line of the steps, whatever becomes of those who read: a full pipe would stop the steps."""
    for line in process.stdout or ():
        with suppress(OSError, ValueError):  # our own reader is gone
            relay(line)


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
