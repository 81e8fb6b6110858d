"""Snakemake's lines become ours."""

from __future__ import annotations

import io

import numpy as np
import pytest

from dfstudy.data.cache import build_cache
from dfstudy.pipeline.forecast import Forecast
from dfstudy.pipeline.progress import ReportProgress, duration
from dfstudy.pipeline.schedule import ExpectedStep, Room

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
Job 1: The images
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
        "[1/3] The images 10.0 s 2 steps left",
        "[2/3] Training, seed 0 1 min 25 s 1 step left",
    ]


class Terminal(io.StringIO):
    """What a person watches."""

    def isatty(self) -> bool:
        return True


def forecast_of(**seconds: float) -> Forecast:
    """Steps of these seconds, by title."""
    steps = [
        ExpectedStep(title, title.replace("_", " "), "training", each) for title, each in seconds.items()
    ]
    return Forecast(steps, Room(2))


def test_each_finished_step_says_how_long_the_rest_takes():
    now = [100.0]
    forecast = forecast_of(One=60, Two=600, Three=120)
    progress = ReportProgress(io.StringIO(), clock=lambda: now[0], forecast=forecast)
    for number, title in enumerate(("One", "Two")):
        progress.read(f"Job {number}: {title}")
    now[0] = 160.0
    for line in ("Finished jobid: 0", "1 of 3 steps (33%) done", "Job 2: Three"):
        progress.read(line)
    now[0] = 700.0
    for line in ("Finished jobid: 2", "2 of 3 steps (67%) done", "Finished jobid: 1", "3 of 3 steps"):
        progress.read(line)
    lines = [" ".join(line.split()) for line in progress.terminal.getvalue().splitlines()]
    assert lines[0] == "[1/3] One 1 min 00 s 2 steps left, about 9 min"
    assert lines[2] == "[3/3] Two 10 min 00 s the last step"


def test_a_terminal_has_one_line_with_the_minutes_left_and_no_bar():
    now, terminal = [0.0], Terminal()
    forecast = Forecast(
        [ExpectedStep("a", "Training, policies, 2 runs", "training", 600, runs={"x": 0.5, "y": 0.5})], Room(2)
    )
    progress = ReportProgress(terminal, clock=lambda: now[0], forecast=forecast, total=1)
    progress.read("Job 1: Training, policies, 2 runs")
    now[0] = 360.0
    progress.relay("y: epoch 1 of 5: loss 0.6, validation 0.5")
    last = terminal.getvalue().split("\x1b[2K")[-1]
    assert last.startswith("  0 of 1 steps, about 4 min left; running: Training, policies, 2 runs (run 2 of")
    assert last.endswith("\r") and "loss" not in terminal.getvalue() and "\n" not in terminal.getvalue()
    now[0] = 480.0
    progress.tick()
    assert "about 2 min left" in terminal.getvalue().split("\x1b[2K")[-1]


def test_of_what_steps_say_a_remark_stands_once_and_epochs_are_the_studys_own():
    sizes = np.full((10, 2), 64)
    progress = ReportProgress(io.StringIO(), own=frozenset({"sample, seed 0"}))
    for name in ("sample, seed 0", "sample, policy_original, seed 0", "sample, policy_none, seed 1"):
        _, note = build_cache(sizes, "auto", shared=True)
        progress.relay(f"{name}: 32 images a step\n")
        progress.relay(f"{name}: {note}\n")
        progress.relay(f"{name}: epoch 1 of 5: loss 0.675, validation 0.579\n")
        progress.relay(f"{name}: best epoch 4, scoring its training images\n")
    _, refused = build_cache(None, "auto", shared=True)
    progress.relay(f"sample, policy_none, seed 2: {refused}")
    progress.relay("\n")
    progress.relay("error: something else")
    lines = progress.terminal.getvalue().splitlines()
    assert lines[0] == "  32 images a step" and lines[1].startswith("  decoded images are kept in memory")
    assert lines[2:] == [
        "sample, seed 0: epoch 1 of 5: loss 0.675, validation 0.579",
        "sample, seed 0: best epoch 4, scoring its training images",
        f"  {refused}",
        "error: something else",
    ]


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_an_error_of_a_step_is_red_on_a_terminal_alone(kind):
    terminal = kind()
    ReportProgress(terminal).relay("error: no such file")
    assert ("\x1b[31m" in terminal.getvalue()) == terminal.isatty()
    assert "error:" in terminal.getvalue() and terminal.getvalue().endswith(" no such file\n")


def test_who_watches_the_whole_is_asked_when_a_step_has_ended():
    now, asked = [50.0], []
    watch = lambda seconds: asked.append(seconds) or ["  slower than planned"]  # noqa: E731
    progress = ReportProgress(
        io.StringIO(), clock=lambda: now[0], forecast=forecast_of(One=60, Two=60), watch=watch, began=20.0
    )
    progress.read("Job 0: One")
    now[0] = 110.0
    for line in ("Finished jobid: 0", "1 of 2 steps"):
        progress.read(line)
    assert asked == [150.0] and progress.terminal.getvalue().endswith("\n  slower than planned\n")


def test_a_failed_step_is_known_by_its_title():
    assert read(LOG + ERROR)[0].failed == ["The page"]


def test_a_terminal_sees_what_runs():
    terminal = Terminal()
    read(LOG, terminal)
    assert "running: Training, seed 0, The images ..." in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 00 s"), (125.4, "2 min 05 s"), (3840, "1 h 04 min")],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
