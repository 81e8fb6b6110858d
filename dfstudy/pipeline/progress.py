"""Snakemake's account of a run, as lines for a person, with the minutes that are left.

Takes the lines that Snakemake writes to its log stream and those that steps write; gives one line a finished
step: what it was, how long it took, how many are left, and how long they take. On a terminal the last line
says where the report is and is written over; bars of single steps have no place beside it. Of what steps say,
a training's epochs are shown for the study's own network (they tell the forecast how far a step is, whichever
training it is), a remark that every training makes is shown once, and everything else as it is. A job of a
cluster has a log instead: when it fails, the end of that log is shown.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dfstudy.pipeline.forecast import say_left
from dfstudy.pipeline.jobs import SUBMITTED, FailedJob, find_logs

if TYPE_CHECKING:
    from dfstudy.pipeline.forecast import Forecast

TOTAL = re.compile(r"total\s+(\d+)$")
STARTED = re.compile(r"Job (\d+): (.+)$")
FINISHED = re.compile(r"Finished jobid: (\d+)")
COUNTED = re.compile(r"(\d+) of (\d+) steps")
FAILED = re.compile(r"\s+jobid: (\d+)$")
ENDED = re.compile(r"Command .* (?:returned non-zero exit status (\d+)|died with <Signals\.\w+: (\d+)>)\.$")
# it was asked to end by somebody else, and waits until its steps have ended
ENDING = ("Will exit after finishing currently running jobs", "Terminating processes on user request")
# what trainings say, see `dfstudy.train.log`, `train.loop` and `data.cache`
EPOCH = re.compile(r"(?P<run>.+): epoch (?P<epoch>\d+) of (?P<epochs>\d+): loss ")
SCORING = re.compile(r"(?P<run>.+): best epoch \d+, scoring ")
REMARK = re.compile(
    r"(?P<run>.+): (?P<said>\d+ (?:images|images) a step\b.*|decoded (?:images|images) are .*)"
)
ERROR = "\x1b[31m\x1b[1merror:\x1b[0m"  # as `dfstudy.cli.main` writes it


@dataclass
class ReportProgress:
    """Reads Snakemake's lines and writes ours.

    Attributes:
        terminal: where our lines go.
        folder: from which the names of logs count.
        clock: seconds, for durations.
        forecast: what the steps should take; None where nobody knows.
        own: names of the study's own runs, whose epochs are shown.
        watch: takes the seconds that the report takes in all, as far as is known when a step has ended; gives
            lines to say.
        began: when the report began, by the clock; 0 is now.
        total, done: steps of this run, and those that are finished.
        failed: titles of steps that failed.
        killed: the signal that ended a step, by title.
        is_ending: somebody asked Snakemake to end.
    """

    terminal: TextIO
    folder: Path = Path()
    clock: Callable[[], float] = time.monotonic
    forecast: Forecast | None = None
    own: frozenset[str] = frozenset()
    watch: Callable[[float], list[str]] = lambda _: []
    began: float = 0.0
    total: int = 0
    done: int = 0
    failed: list[str] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
    is_ending: bool = False
    _running: dict[str, _Job] = field(default_factory=dict)
    _remarks: set[str] = field(default_factory=set)
    _signal: int = 0
    _in_error: bool = False
    _job: FailedJob = field(default_factory=FailedJob)
    _finished: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.began = self.began or self.clock()

    def read(self, line: str) -> None:
        """Take one line of Snakemake's log."""
        with self._lock:
            self._read(line.rstrip("\n"))

    def relay(self, line: str) -> None:
        """Take one line that a step wrote."""
        with self._lock:
            self._relay(line.rstrip())

    def tick(self) -> None:
        """Time has passed: the last line of a terminal says so."""
        with self._lock:
            self._say_running()

    def _read(self, line: str) -> None:
        if match := TOTAL.match(line):
            self.total = int(match[1])
        elif match := STARTED.match(line):
            note = self.forecast.start(match[2], self.clock()) if self.forecast else ""
            self._running[match[1]] = _Job(match[2], self.clock(), note)
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

    def _relay(self, line: str) -> None:
        if match := EPOCH.match(line):
            if self.forecast:
                share = int(match["epoch"]) / int(match["epochs"])
                self.forecast.advance(match["run"], share, self.clock())
        elif match := REMARK.match(line):
            kind = re.sub(r"[\d.,]+( [kMG]?B)?", "", match["said"])
            if kind not in self._remarks:
                self._remarks.add(kind)
                self._say(f"  {match['said']}")
            return
        else:
            match = SCORING.match(line)
        if line and (match is None or match["run"] in self.own):
            # a step sees no terminal, and leaves the colour to us
            is_error = line.startswith("error:") and self.terminal.isatty()
            self._say(ERROR + line.removeprefix("error:") if is_error else line)
        elif match:
            self._say_running()

    def _title(self, number: str) -> str:
        return self._running.get(number, _Job("a step", 0.0)).title

    def _say_finished(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        now = self.clock()
        job = self._running.pop(self._finished, _Job("a step", now))
        left = total - done
        rest = "the last step" if left == 0 else f"{left} step{'s' * (left > 1)} left"
        said: list[str] = []
        if self.forecast:
            self.forecast.finish(job.note, now)
            seconds = self.forecast.left(now)
            rest += f", {say_left(seconds)}" * (left > 0)
            said = self.watch(now - self.began + seconds) if left else []
        took = duration(now - job.since)
        self._say(f"  [{done:>{len(str(total))}}/{total}] {job.title:<28} {took:>10}   {rest}", *said)

    def _say(self, *lines: str) -> None:
        self._clear()
        self.terminal.writelines(f"{line}\n" for line in lines)
        self._say_running()

    def _say_running(self) -> None:
        """On a terminal, say where the report is on a line that the next one replaces."""
        if self.terminal.isatty() and self._running:
            self._clear()
            # a longer one would wrap, and could not be replaced
            line = f"  {self._say_left()}running: {', '.join(map(self._say_job, self._running.values()))} ..."
            self.terminal.write(f"{line[: shutil.get_terminal_size().columns - 1]}\r")
        self.terminal.flush()

    def _say_left(self) -> str:
        if not self.forecast:
            return ""
        left = say_left(self.forecast.left(self.clock()))
        return f"{self.done} of {self.total} steps, {left} left; "

    def _say_job(self, job: _Job) -> str:
        run = self.forecast.describe_run(job.note) if self.forecast else ""
        return f"{job.title} ({run})" if run else job.title

    def _clear(self) -> None:
        if self.terminal.isatty():
            self.terminal.write("\r\x1b[2K")


@dataclass(frozen=True)
class _Job:
    """A running job of Snakemake's: its title, when it began, and its note in the forecast."""

    title: str
    since: float
    note: str = ""


def duration(seconds: float) -> str:
    """Seconds as a person writes them: `7.3 s`, `2 min 05 s`, `1 h 04 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
