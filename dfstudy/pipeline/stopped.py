"""Why a report stopped, in words: a step that failed or was ended, Snakemake that was ended, a full disk.

Takes what `ReportProgress` saw and Snakemake's last lines; gives a `StudyError`. Cost: none.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.errors import StudyError
from dfstudy.pipeline.invocation import shown_path
from dfstudy.system.bound import name_signal
from dfstudy.system.kept import no_room

if TYPE_CHECKING:
    from dfstudy.pipeline.progress import ReportProgress

LAST_LINES = 8  # of Snakemake's account, where nothing else is known
FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
SAME = "give the same command again: finished steps are not repeated"


def explain_stop(
    out: Path, progress: ReportProgress, status: int, said: Sequence[str], log: Path
) -> StudyError:
    """Say why a report stopped.

    Args:
        out: the report's folder.
        status: Snakemake's exit status.
        said: its last lines.
        log: where its whole account lies.
    """
    page = out / "index.html"
    kept = f" The last good report is untouched: {shown_path(page)}." if page.is_file() else ""
    if progress.killed:
        told = "; ".join(f"{title} was ended by {name_signal(n)}" for title, n in progress.killed.items())
        memory = "close what else takes memory, or set a smaller training.batch_size; then "
        hint = memory * (signal.SIGKILL in progress.killed.values()) + SAME
        return StudyError(f"the report stopped: {told}.{kept}", hint)
    if any(word in line for line in said for word in FULL):
        return no_room(out)
    if progress.failed:
        failed = ", ".join(progress.failed)
        return StudyError(
            f"the report stopped: {failed} failed; the reason is above.{kept}",
            f"mend it and {SAME}",
        )
    done = f"{progress.done} of {progress.total} steps are done"
    if progress.is_ending or status < 0:
        by = f"by {name_signal(-status)}" if status < 0 and not progress.is_ending else "from outside"
        return StudyError(f"the report stopped: Snakemake was ended {by}; {done}.{kept}", SAME)
    where = f"after {progress.done} of {progress.total} steps" if progress.done else "before a step ran"
    return StudyError(
        "\n    ".join([f"the report stopped {where}:", *said[-LAST_LINES:]]),
        f"read the whole account: {shown_path(log)}",
    )
