"""Snakemake's account of a run, as lines for a person.

Takes the lines that Snakemake writes to its log stream; gives one line a finished step: what it was, how
long it took, how many are left. Only a few kinds of its lines are read; a step's own output (the bar of a
training) goes to the terminal by another way and is not seen here. A job of a cluster has a log instead:
when it fails, the end of that log is shown.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from dfstudy.pipeline.jobs import SUBMITTED, FailedJob, find_logs

TOTAL = re.compile(r"total\s+(\d+)$")
STARTED = re.compile(r"Job (\d+): (.+)$")
FINISHED = re.compile(r"Finished jobid: (\d+)")
COUNTED = re.compile(r"(\d+) of (\d+) steps")
FAILED = re.compile(r"\s+jobid: (\d+)$")
ENDED = re.compile(r"Command .* (?:returned non-zero exit status (\d+)|died with <Signals\.\w+: (\d+)>)\.$")
# it was asked to end by somebody else, and waits until its steps have ended
ENDING = ("Will exit after finishing currently running jobs", "Terminating processes on user request")


@dataclass
class ReportProgress:
    """Reads Snakemake's lines and writes ours.

    Attributes:
        terminal: where our lines go.
        folder: from which the names of logs count.
        clock: seconds, for durations.
        total, done: steps of this run, and those that are finished.
        failed: titles of steps that failed.
        killed: the signal that ended a step, by title.
        is_ending: somebody asked Snakemake to end.
    """

    terminal: TextIO
    folder: Path = Path()
    clock: Callable[[], float] = time.monotonic
    total: int = 0
    done: int = 0
    failed: list[str] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
    is_ending: bool = False
    _running: dict[str, tuple[str, float]] = field(default_factory=dict)
    _signal: int = 0
    _in_error: bool = False
    _job: FailedJob = field(default_factory=FailedJob)
    _finished: str = ""

    def read(self, line: str) -> None:
        """Take one line of Snakemake's log."""
        line = line.rstrip("\n")
        if match := TOTAL.match(line):
            self.total = int(match[1])
        elif match := STARTED.match(line):
            self._running[match[1]] = (match[2], self.clock())
            self._say_running()
        elif match := FINISHED.match(line):
            self._finished = match[1]
        elif match := COUNTED.match(line):
            self._say_finished(int(match[1]), int(match[2]))
        elif match := SUBMITTED.match(line):
            self._say(f"  submitted: {self._title(match[1])}, Slurm job {match[2]}")
        elif match := ENDED.match(line):
            # a shell adds 128 to the number of the signal
            self._signal = int(match[2] or max(0, int(match[1]) - 128))
        elif line.startswith(ENDING):
            self.is_ending = True
        elif line.startswith("Error in rule"):
            self._in_error, self._job = True, FailedJob()
        elif self._in_error and (match := FAILED.match(line)):
            self._in_error = False
            self.failed.append(self._title(match[1]))
            if self._signal:
                self.killed[self.failed[-1]], self._signal = self._signal, 0
            self._running.pop(match[1], None)
        elif self._in_error:
            self._job.read(line)
        elif logs := find_logs(line, self.folder):
            self._say(f"  failed: {self.failed[-1]}", *(f"    {said}" for said in self._job.explain(logs)))

    def _title(self, number: str) -> str:
        return self._running.get(number, ("a step", 0.0))[0]

    def _say_finished(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        title, started = self._running.pop(self._finished, ("a step", self.clock()))
        took = duration(self.clock() - started)
        left = total - done
        rest = "the last step" if left == 0 else f"{left} step{'s' * (left > 1)} left"
        self._say(f"  [{done:>{len(str(total))}}/{total}] {title:<28} {took:>10}   {rest}")

    def _say(self, *lines: str) -> None:
        self._clear()
        self.terminal.writelines(f"{line}\n" for line in lines)
        self._say_running()

    def _say_running(self) -> None:
        """On a terminal, name what runs on a line that the next one replaces."""
        if self.terminal.isatty() and self._running:
            titles = ", ".join(title for title, _ in self._running.values())
            self._clear()
            self.terminal.write(f"  running: {titles} ...\r")
        self.terminal.flush()

    def _clear(self) -> None:
        if self.terminal.isatty():
            self.terminal.write("\r\x1b[2K")


def duration(seconds: float) -> str:
    """Seconds as a person writes them: `7.3 s`, `2 min 05 s`, `1 h 04 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
