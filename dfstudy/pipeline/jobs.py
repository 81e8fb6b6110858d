"""A cluster's jobs as Snakemake tells of them: their numbers, why one failed, and what it said last.

Takes lines of Snakemake's account and the logs that it names; gives sentences for the terminal. A job
that failed by itself says why in its own log; one that Slurm ended (time, memory) has only a state; one that
never started is explained in Slurm's log of it, or in sbatch's refusal. Cost: the end of a log is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SUBMITTED = re.compile(r"Job (\d+) has been submitted with SLURM jobid (\d+)")
STATE = re.compile(r"SLURM-job '(\d+)' failed, SLURM status is: '(\w+)'")
REFUSED = re.compile(r"sbatch: error: (.+?)'?\.?$")
LOGS = re.compile(r"    log: (.+) \(check log file\(s\) for error details\)$")
MOST_LINES = 12  # of a log that gives no reason of its own
STATES = {
    "TIMEOUT": "its time was over: raise `runtime` in the profile; the same command goes on from there",
    "OUT_OF_MEMORY": "it took more memory than it had asked for: raise `mem_mb` in the profile",
    "CANCELLED": "somebody cancelled it",
    "NODE_FAIL": "its node failed",
}


@dataclass
class FailedJob:
    """What is known of a failed job, filled line by line while Snakemake tells of it."""

    state: str = ""
    number: str = ""
    refusals: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        """Take one line of the account of the failure."""
        if match := STATE.search(line):
            self.number, self.state = match[1], match[2]
        elif match := REFUSED.search(line):
            self.refusals.append(match[1])

    def explain(self, logs: list[Path]) -> list[str]:
        """Lines for the terminal.

        Args:
            logs: the step's own log and, where the job began, Slurm's.
        """
        if self.refusals:
            return ["Slurm refused the job: " + "; ".join(self.refusals)]
        ended = STATES.get(self.state, f"its state is {self.state}" if self.state else "")
        lines = [f"Slurm job {self.number}: {ended}"] if ended and self.state != "FAILED" else []
        said = next((file for file in logs if last_words(file)), None)
        if said:
            lines += last_words(said)
        return [*lines, f"its log: {said or logs[-1]}"]


def find_logs(line: str, folder: Path) -> list[Path]:
    """The logs that a line of an account of failure names, or none."""
    match = LOGS.match(line)
    return [folder / name for name in match[1].split(", ")] if match else []


def last_words(file: Path) -> list[str]:
    """The end of a log: from its last `error:` or traceback on, else its last lines."""
    if not file.is_file():
        return []
    text = file.read_bytes().decode("utf-8", "replace")  # as text, \r would end a line
    # a progress bar draws each of its states over the one before, from the start of the same line
    drawn = (line.rpartition("\r")[2].rstrip() for line in text.split("\n"))
    lines = [line for line in drawn if line]
    starts = [n for n, line in enumerate(lines) if line.startswith(("error:", "Traceback"))]
    return lines[starts[-1] :] if starts else lines[-MOST_LINES:]
