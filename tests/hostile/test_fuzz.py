"""A few seconds of what `make fuzz` does for as long as it is told."""

from __future__ import annotations

import pytest

from .fuzz import Fuzz, show


@pytest.mark.filterwarnings("ignore:::PIL")
def test_no_reader_crashes_or_loses_a_row(tmp_path, capsys):
    counts = Fuzz(tmp_path).run(seconds=3, seed=0)
    with capsys.disabled():
        print(f"\n{show(counts)}")
    for name in ("image", "index.csv", "split", "study file", "scores", "archive", "archive, bytes"):
        assert counts[name, "read"] and counts[name, "refused"], (name, counts)
