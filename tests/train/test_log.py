"""What a training shows where somebody watches, and where nobody does."""

from __future__ import annotations

import pytest

from dfstudy.train.log import NO_BARS, Log
from dfstudy.train.state import Progress


@pytest.mark.parametrize("watched", [True, False])
def test_a_bar_is_for_those_who_watch_and_lines_for_everybody(tmp_path, monkeypatch, capsys, watched):
    monkeypatch.delenv(NO_BARS, raising=False)
    if not watched:
        monkeypatch.setenv(NO_BARS, "1e9")
    with Log(tmp_path, "tiny, seed 0", 8, 2, 1, Progress(), True, writes=False) as log:
        log.step(4, 1, 0.1)
        log.note("a remark")
        log.step(4, 2, 0.1)
    said = capsys.readouterr().err
    assert "tiny, seed 0: a remark\n" in said and ("images/s" in said) == watched
