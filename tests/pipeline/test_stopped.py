"""Why a report stopped: the words for each kind of end."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from dfstudy.pipeline.progress import ReportProgress
from dfstudy.pipeline.stopped import explain_stop

STARTED = """\
Job stats:
total           3
Job 2: The last
"""
FINISHED = "Finished jobid: 2 (Rule: 09_last)\n1 of 3 steps (33%) done\nJob 1: The page\n"
FAILED = """\
RuleException:
CalledProcessError in file "Snakefile", line 66:
{0}
Error in rule 09_last:
    message: None
    jobid: 2
    output: steps/09_last.json
"""
SHELL = "Command 'set -euo pipefail;  python -m dfstudy chapter x 2>&1' returned non-zero exit status {0}."
DIED = "Command 'set -euo pipefail;  python -m dfstudy chapter x 2>&1' died with <Signals.SIGTERM: 15>."
FULL = "OSError: [Errno 28] No space left on device: '.snakemake/metadata/x'"


def stop(text: str, status: int, folder: Path = Path("out")) -> tuple[str, str]:
    progress = ReportProgress(io.StringIO(), folder)
    for line in text.splitlines(keepends=True):
        progress.read(line)
    error = explain_stop(folder, progress, status, text.splitlines(), folder / "snakemake.log")
    return error.message, error.hint


@pytest.mark.parametrize(
    "ended, words",
    [
        (SHELL.format(137), "The last was ended by SIGKILL, most likely because the memory ran out"),
        (SHELL.format(139), "The last was ended by SIGSEGV, a crash in a library"),
        (DIED, "The last was ended by SIGTERM."),
    ],
)
def test_a_step_that_a_signal_ended_says_which(ended, words):
    message, hint = stop(STARTED + FAILED.format(ended), 1)
    assert words in message and "reason is above" not in message
    assert "give the same command again" in hint


def test_a_step_that_failed_by_itself_has_said_why():
    message, _ = stop(STARTED + FAILED.format(SHELL.format(1)), 1)
    assert message == "the report stopped: The last failed; the reason is above."


@pytest.mark.parametrize(
    "text, status, words",
    [
        (STARTED + FINISHED, -9, "ended by SIGKILL, most likely because the memory ran out; 1 of 3 steps"),
        (STARTED + FINISHED, -1, "Snakemake was ended by SIGHUP; 1 of 3 steps are done"),
        (
            STARTED + "Will exit after finishing currently running jobs (scheduler).\n",
            -9,
            "from outside; 0 of",
        ),
        (STARTED + "Terminating processes on user request, this might take some time.\n", 1, "from outside"),
    ],
)
def test_snakemake_that_was_ended_did_not_stop_before_a_step(text, status, words):
    message, hint = stop(text, status)
    assert words in message and "before a step ran" not in message
    assert hint.startswith("give the same command again")


def test_a_broken_map_shows_its_last_lines():
    assert stop("SyntaxError: what\n", 1)[0] == "the report stopped before a step ran:\n    SyntaxError: what"
    assert "stopped after 1 of 3 steps:" in stop(STARTED + FINISHED, 1)[0]


def test_a_full_disk_is_said_as_one(tmp_path):
    message, hint = stop(STARTED + FULL, 1, tmp_path)
    assert f"no room left in {tmp_path}" in message and "make room" in hint


def test_the_last_good_report_is_named(tmp_path):
    (tmp_path / "index.html").write_text("")
    assert "index.html" in stop(STARTED, -15, tmp_path)[0]
