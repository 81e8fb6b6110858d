"""Small files are whole or not there, and what is damaged is made again."""

from __future__ import annotations

import errno
import json
import os

import pytest

from dfstudy.errors import StudyError
from dfstudy.system.finished import NEEDED, lacking
from dfstudy.system.kept import read_json, write_atomic, write_if_changed


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"[1]", b"null", b"\xff\xfe", b'"a"'])
def test_damaged_state_is_thrown_away_with_a_line(tmp_path, capsys, content):
    file = tmp_path / "note.json"
    file.write_bytes(content)
    assert read_json(file) == {} and not file.exists()
    assert "note.json is " in capsys.readouterr().err
    assert read_json(file) == {} and capsys.readouterr().err == ""
    write_if_changed(file, {"a": 1})
    assert read_json(file) == {"a": 1}


def test_a_file_keeps_its_time_as_long_as_its_content_holds(tmp_path):
    file = write_if_changed(tmp_path / "deep" / "a.json", {"ä": [1, 2]})
    os.utime(file, (1, 1))
    write_if_changed(file, {"ä": [1, 2]})
    assert file.stat().st_mtime == 1
    file.write_bytes(b"\xff")
    write_if_changed(file, {"ä": [1, 2]})
    assert json.loads(file.read_text("utf-8")) == {"ä": [1, 2]}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_leaves_the_old_content(tmp_path, monkeypatch, number):
    file = tmp_path / "kept.bin"
    write_atomic(file, b"old")

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StudyError) as told:
        write_atomic(file, b"x" * 2_500_000)
    assert f"no room left in {tmp_path}: 2.5 MB needed for kept.bin" in told.value.message
    assert "the same command then goes on" in told.value.hint
    assert [one.name for one in tmp_path.iterdir()] == ["kept.bin"] and file.read_bytes() == b"old"


def test_a_finished_run_is_whole(tmp_path, make_run):
    folder = make_run(tmp_path / "run")
    for name in ("history.csv", "timings.csv"):
        (folder / name).write_text("epoch\n1\n")
    assert lacking(folder) == []
    for name in NEEDED:
        whole = (folder / name).read_bytes()
        for kept in (0, len(whole) // 2, len(whole) - 1):
            (folder / name).write_bytes(whole[:kept])
            # a JSON file may lose the end of its last line
            assert lacking(folder) == ([] if json_without_its_newline(name, whole, kept) else [name])
        (folder / name).unlink()
        assert lacking(folder) == [name]
        (folder / name).write_bytes(whole)


def json_without_its_newline(name: str, whole: bytes, kept: int) -> bool:
    return name.endswith(".json") and kept == len(whole) - 1 and whole.endswith(b"\n")
