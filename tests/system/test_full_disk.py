"""A full disk ends with what was needed and where, and the same command goes on when there is room."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from dfstudy.cli.main import main
from dfstudy.errors import StudyError
from dfstudy.pipeline.failure import explain_failure
from dfstudy.scoring.detector import Score
from dfstudy.scoring.score_table import ScoreTable
from dfstudy.train.log import Log
from dfstudy.train.state import Progress

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def faces(tmp_path) -> Path:
    noise = np.random.default_rng(0)
    for name in ("real", "fake"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for number in range(3):
            pixels = noise.integers(0, 255, (70, 70, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "faces" / name / f"{number}.png")
    return tmp_path / "faces"


def full(*_: object, **__: object) -> None:
    raise FULL


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    assert not isinstance(done.exception, OSError | AssertionError), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize("command", ["index", "reencode"])
def test_commands_say_what_was_needed_and_where_and_go_on(faces, tmp_path, monkeypatch, command):
    out = str(tmp_path / "out")
    words = {
        "index": ["index", "--data", str(faces), "--out", out],
        "reencode": ["reencode", str(faces), out],
    }[command]
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync" if command == "index" else "pathlib.Path.write_bytes", full)
        status, said = run(*words)
    assert status == 1 and "no room left in " in said and " needed for " in said and " free" in said
    assert "the same command then goes on" in said and "Traceback" not in said
    status, said = run(*words)
    assert status == 0, said


def test_an_error_that_names_no_file_claims_no_place(faces, tmp_path, monkeypatch):
    monkeypatch.setattr("dfstudy.data.index.list_files", full)
    status, said = run("index", "--data", str(faces), "--out", str(tmp_path / "out"))
    assert status == 1 and "no room left on a disk" in said and "df -h" in said


def test_scores_say_it_and_keep_the_rows_before(tmp_path, monkeypatch):
    score = Score("a.png", "picture", 0.5, 0.0, "real", threshold=0.5, frames=1)
    file = tmp_path / "scores.csv"
    with ScoreTable(file, "key") as table:
        table.add(score)
    before = file.read_bytes()
    with pytest.raises(StudyError, match="no room left"), ScoreTable(file, "key") as table:
        closing = table._stream

        class Stream:
            write = flush = staticmethod(full)

            def close(self) -> None:
                closing.close()

        table._stream = Stream()
        table.add(score)
    assert file.read_bytes() == before


def test_a_training_gives_up_the_events_that_nobody_needs(tmp_path, capsys):
    with Log(tmp_path, "tiny", 10, 2, 1, Progress(), True) as log:
        log.events.add_scalar = full
        log.step(5, 1, 0.1)
        assert log.events is None
        log.step(5, 2, 0.1)
    assert "no room for the events" in capsys.readouterr().err


def test_a_cell_that_finds_no_room_says_so(tmp_path):
    import nbformat
    from papermill.exceptions import PapermillExecutionError

    cell = nbformat.v4.new_code_cell("save()", execution_count=1)
    evalue = f"[Errno {errno.ENOSPC}] No space left on device: 'x'"
    cell.outputs = [nbformat.v4.new_output("error", ename="OSError", evalue=evalue, traceback=["..."])]
    error = PapermillExecutionError(0, 1, "save()", "OSError", evalue, ["..."])
    told = explain_failure("a.ipynb", nbformat.v4.new_notebook(cells=[cell]), error, "", tmp_path / "a.ipynb")
    assert f"no room left in {tmp_path}" in told.message


def test_tables_of_predictions_are_whole_or_absent(tmp_path, monkeypatch):
    from dfstudy.scoring.scores_file import write_scores

    table = pd.DataFrame({"path": ["a"], "label": [1], "probability": [0.5]})
    monkeypatch.setattr("os.fsync", full)
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(StudyError, match="needed for a"):
            write_scores(table, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
