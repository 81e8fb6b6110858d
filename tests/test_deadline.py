"""The suite ends on a slow machine: what has not begun in time is skipped and counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = "def test_good(): pass\n\ndef test_bad(): assert False\n"


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
@pytest.mark.parametrize("minutes, outcome", [("0.001", "2 skipped"), ("60", "1 failed, 1 passed")])
def test_what_has_not_begun_in_time_is_skipped_and_counted(tmp_path, workers, minutes, outcome):
    (tmp_path / "test_two.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "deadline", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, "--minutes", minutes, *workers, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parent / "fixtures")},
        capture_output=True,
        text=True,
    )
    assert outcome in ran.stdout, ran.stdout + ran.stderr
    assert ("2 tests were not begun within 0.001 minutes, and not run" in ran.stdout) == (minutes == "0.001")
