"""Files that are no images, or no files at all: named, counted, and never waited for."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.patience import PATIENCE

from dfstudy.data import endings
from dfstudy.data.images import PictureError, read_picture
from dfstudy.data.index import index_study
from dfstudy.data.listing import count_others
from dfstudy.errors import StudyError
from dfstudy.faces.weights import read_weights
from dfstudy.study.study import load_study

from .corpus.places import make_socket

PATHS = [f"{label}/{at}.png" for label in ("real", "fake") for at in range(4)]
ROOT = Path(__file__).resolve().parents[2]
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def make_odd(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    elif kind == "a socket":
        make_socket(path)


ODD = ("a named pipe", "a device", "a socket")


@needs_pipes
@pytest.mark.parametrize("kind", ODD)
def test_index_names_what_is_no_file_and_waits_for_none(fill, tmp_path, kind):
    root = fill([f"{label}/{at}.png" for label in ("real", "fake") for at in (*range(9), *range(10, 30))])
    for name in ("fake/9.png", "real/9.jpg", "notes.json", "real/list.txt", "table.csv"):
        make_odd(root / name, kind)
    command = [sys.executable, "-m", "dfstudy", "index", "--data", str(root), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert f"     2  it is {kind} and cannot be read" in done.stdout
    assert "taken for no image: 1 .csv, 1 .json, 1 .txt" in done.stdout
    study = load_study("small", data=str(root), out=str(tmp_path / "out"))
    errors = index_study(study, progress=False).set_index("path")["error"]
    assert errors[errors != ""].to_dict() == dict.fromkeys(
        ["fake/9.png", "real/9.jpg"], f"it is {kind} and cannot be read"
    )


@needs_pipes
@pytest.mark.parametrize("kind", ODD)
def test_nothing_that_a_user_names_is_opened_before_its_kind_is_known(fill, open_study, tmp_path, kind):
    for name in ("a.png", "a.mp4", "a.onnx", "a.csv", "set/index.csv"):
        make_odd(tmp_path / name, kind)
    with pytest.raises(PictureError, match=f"it is {kind}"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(StudyError, match=f"it is {kind}"):
        read_weights(tmp_path / "a.onnx")
    make_odd(tmp_path / "own.yaml", kind)
    with pytest.raises(StudyError, match=f"is {kind}, no study file"):
        load_study(str(tmp_path / "own.yaml"))
    root = fill(PATHS)
    make_odd(root / "index.csv", kind)
    with pytest.raises(StudyError, match=f"index.csv is {kind}"):
        index_study(open_study(root), progress=False)


@needs_pipes
def test_a_video_and_a_table_of_scores_are_not_waited_for(tmp_path):
    from dfstudy.faces.clips import read_facts
    from dfstudy.faces.containers import ClipError
    from dfstudy.scoring.score_table import ScoreTable

    for name in ("a.mp4", "a.csv"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(ClipError, match="it is a named pipe"):
        read_facts(tmp_path / "a.mp4")
    with pytest.raises(StudyError, match=r"a\.csv is a named pipe"):
        ScoreTable(tmp_path / "a.csv", "key")


def test_every_other_file_is_counted_by_its_ending(fill, open_study):
    root = fill(PATHS)
    for name in ("clip.mp4", "b/clip.MP4", "real/4.xyz", "real/noending", "readme.txt", "real/x.tar.gz"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    counted = count_others(open_study(root))
    assert counted == {".mp4": 2, ".xyz": 1, "": 1, ".txt": 1, ".gz": 1}
    assert sum(counted.values()) + len(PATHS) == sum(path.is_file() for path in root.rglob("*"))
    assert endings.describe_endings(counted)[0] == "2 .mp4"


def test_endings_stand_in_one_table_and_in_one_list_each():
    lists = (endings.PICTURES, endings.UNREAD_PICTURES, endings.VIDEOS, endings.DESCRIPTIONS)
    every = [ending for group in lists for ending in group]
    assert len(every) == len(set(every)) and all(e == e.lower() and e[0] == "." for e in every)
    for file in (ROOT / "dfstudy").rglob("*.py"):
        if file.name == "endings.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                words = [part.value for part in node.elts if isinstance(part, ast.Constant)]
                assert sum(word in every for word in words if isinstance(word, str)) < 4, (file, words)
