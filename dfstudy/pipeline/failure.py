"""What a failed chapter tells its reader: which cell, what happened, where to look, what to do next.

Takes the notebook as far as it came and the exception that stopped it; gives a `StudyError`. A mistake
that the study itself explains (a `StudyError` raised in a cell) keeps its own words and its own next step.
"""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from dfstudy.errors import StudyError
from dfstudy.pipeline.invocation import shown_path
from dfstudy.system.kept import no_room

INJECTED = "injected-parameters"  # tag of the cell that papermill adds
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TRACEBACK_LINES, LOG_LINES = 12, 6


class Incomplete(Exception):
    """A notebook that ran to its end without doing what it must; raised by `execute`'s checks."""


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Code cells that hold code, without the one that papermill injects."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.strip() and INJECTED not in cell.metadata.get("tags", [])
    ]


def explain_failure(
    name: str, notebook: NotebookNode, error: Exception, kernel_log: str, kept: Path
) -> StudyError:
    """Say why a chapter failed.

    Args:
        name: file name of the notebook.
        notebook: the notebook as far as it came, with papermill's record of each cell.
        error: what papermill, nbclient or a check raised.
        kernel_log: what the kernel's process wrote itself.
        kept: where the failed notebook lies for looking at.
    """
    jupyterlab = f"{shown_path(Path(sys.executable))} -m jupyterlab {shown_path(kept)}"
    reopen = f"open it with the same parameters: {jupyterlab}"
    if isinstance(error, Incomplete):
        return StudyError(f"{name}: {error}", reopen)
    cell = _stopped_at(notebook)
    place = f"{name}, {_place(notebook, cell)}"
    if isinstance(error, DeadKernelError):
        lines = [
            f"{place}: the kernel died: a crash, os._exit, or the machine ran out of memory",
            *_last_words(kernel_log),
        ]
        return StudyError("\n    ".join(lines), reopen)
    if isinstance(error, CellTimeoutError):
        limit = "the cell ran longer than the chapter's time-out"
        return StudyError(f"{place}: {limit}", f"raise `timeout` in its chapter.py, or {reopen}")
    raised = _raised(cell)
    if raised is None:
        return StudyError(f"{place}: {type(error).__name__}: {error}", reopen)
    if raised.ename == "OSError" and f"[Errno {errno.ENOSPC}]" in raised.evalue:
        return no_room(kept)
    if raised.ename == "StudyError":
        message, _, hint = raised.evalue.partition("\n  next step: ")
        return StudyError(f"{place}: {message}", hint or reopen)
    trace = ANSI.sub("", "\n".join(raised.traceback)).strip("-\n").splitlines()[-TRACEBACK_LINES:]
    return StudyError("\n    ".join([f"{place}: {raised.ename}: {raised.evalue}", *trace]), reopen)


def _last_words(kernel_log: str) -> list[str]:
    """Where Python says how it crashed, else the end of the log."""
    lines = kernel_log.splitlines()
    fatal = [position for position, line in enumerate(lines) if line.startswith("Fatal Python error")]
    return lines[fatal[-1] :][:LOG_LINES] if fatal else lines[-LOG_LINES:]


def _stopped_at(notebook: NotebookNode) -> NotebookNode | None:
    """The cell with an error, else the last one that was started."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        if _raised(cell):
            return cell
    started = [cell for cell in cells if cell.metadata.get("papermill", {}).get("start_time")]
    return started[-1] if started else None


def _raised(cell: NotebookNode | None) -> NotebookNode | None:
    outputs = cell.outputs if cell is not None else []
    return next((output for output in outputs if output.output_type == "error"), None)


def _place(notebook: NotebookNode, cell: NotebookNode | None) -> str:
    cells = code_cells(notebook)
    if cell is None or cell not in cells:
        return "before its first cell"
    first_line = cell.source.strip().splitlines()[0]
    return f"code cell {cells.index(cell) + 1} of {len(cells)} (`{first_line}`)"
