"""Snakemake's lines become ours."""

from __future__ import annotations

import io

import pytest

from dfstudy.pipeline.progress import ReportProgress, duration

LOG = """\
Job stats:
job         count
--------  -------
training        1
total           3

[Sun Nov 22 17:19:28 2026]
Job 2: Training, seed 0
Reason: Missing output files: steps/training_seed_0.json
[Sun Nov 22 17:19:28 2026]
Job 1: The pictures
Reason: Updated input files: a.py
@10
[Sun Nov 22 17:19:29 2026]
Finished jobid: 1 (Rule: 01_explore_data)
1 of 3 steps (33%) done
@85
Finished jobid: 2 (Rule: training)
2 of 3 steps (67%) done
Job 0: The page
"""
ERROR = """\
[Sun Nov 22 17:19:30 2026]
Error in rule page:
    message: The page
    jobid: 0
    output: steps/page.json
"""


def read(text: str, terminal: io.StringIO | None = None) -> tuple[ReportProgress, list[str]]:
    now = [0.0]
    progress = ReportProgress(terminal or io.StringIO(), clock=lambda: now[0])
    for line in text.splitlines(keepends=True):
        if line.startswith("@"):
            now[0] = float(line[1:])
        else:
            progress.read(line)
    return progress, progress.terminal.getvalue().splitlines()


def test_each_step_has_its_own_duration_and_what_is_left():
    progress, lines = read(LOG)
    assert progress.total == 3 and progress.failed == []
    assert [" ".join(line.split()) for line in lines] == [
        "[1/3] The pictures 10.0 s 2 steps left",
        "[2/3] Training, seed 0 1 min 25 s 1 step left",
    ]


def test_a_failed_step_is_known_by_its_title():
    assert read(LOG + ERROR)[0].failed == ["The page"]


def test_a_terminal_sees_what_runs():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    read(LOG, terminal)
    assert "running: Training, seed 0, The pictures ..." in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 00 s"), (125.4, "2 min 05 s"), (3840, "1 h 04 min")],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
