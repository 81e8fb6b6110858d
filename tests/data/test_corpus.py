"""Every kind of file through every command: none hangs, none crashes, and the counts add up."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from click.testing import CliRunner
from fixtures.patience import PATIENCE

from dfstudy.cli.main import main
from dfstudy.data.endings import ending
from dfstudy.data.walk import writable
from dfstudy.faces.face import Face
from dfstudy.faces.finder import FaceFinder
from dfstudy.scoring.score_table import as_bytes

from .corpus.kind import COUNTED, HIDDEN, USED, Kind
from .corpus.registry import KINDS, write_corpus

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
name: corpus
model: {backbone: test_resnet, size: 32}
training: {epochs: 1, patience: 1, seeds: [0], batch_size: 16, workers: 0, threads: 1}
"""
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


class Said(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


class Corpus(NamedTuple):
    """The folder, and kind by path below it."""

    root: Path
    kinds: dict[str, Kind]

    def expected(self, command: str) -> dict[str, str]:
        """Path -> what the command makes of the file."""
        return {path: getattr(kind, command) for path, kind in self.kinds.items()}

    def looked_at(self, command: str) -> dict[str, str]:
        """The same without what is counted only."""
        return {p: what for p, what in self.expected(command).items() if what not in (COUNTED, HIDDEN)}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, texture) -> Corpus:
    root = tmp_path_factory.mktemp("corpus") / "faces"
    kinds, left_out = write_corpus(root, texture)
    assert len(kinds) >= 160 and len(KINDS) == len(kinds) + len(left_out), left_out
    return Corpus(root, kinds)


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory) -> Path:
    """Results of a training on the corpus."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "corpus.yaml").write_text(STUDY)
    out = folder / "out"
    run("train", "--study", folder / "corpus.yaml", "--data", corpus.root, "--out", out)
    return out


def run(*arguments: object, status: int = 0) -> Said:
    """A command as a user gives it, within the limit and without a traceback."""
    command = [sys.executable, "-m", "dfstudy", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, cwd=ROOT)
    # not as text, in which a carriage return would end a line
    said = Said(done.stdout.decode(), done.stderr.decode())
    assert done.returncode == status, said
    assert "Traceback" not in said.stdout + said.stderr
    return said


def files_below(root: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(root))


def told(text: str, words: str) -> int:
    """A number that a command prints before these words; 0 where it does not."""
    found = re.search(rf"^ *([\d,]+) {words}", text, re.MULTILINE)
    return int(found[1].replace(",", "")) if found else 0


def counted(text: str) -> Counter[str]:
    """What a command says of files that it passed over, by ending or as hidden."""
    (line,) = [line for line in text.splitlines() if line.startswith("also there, and ")]
    parts = [part.split(" ", 1) for part in line.split(": ", 1)[1].split(", ")]
    return Counter({name: int(count.replace(",", "")) for count, name in parts})


def passed_over(corpus: Corpus, command: str) -> Counter[str]:
    """By ending, or as hidden, what the command is to count."""
    counts = Counter({".kept": 1, ".twin": 1})  # what a link and a second name lead to
    for path, what in corpus.expected(command).items():
        if what in (COUNTED, HIDDEN):
            counts[HIDDEN if what == HIDDEN else ending(path) or "without ending"] += 1
    return counts


def check(corpus: Corpus, command: str, found: dict[str, str]) -> None:
    """Compare reasons by path, empty for what is used, with what is expected of a command."""
    expected = {writable(path): what for path, what in corpus.looked_at(command).items()}
    assert found.keys() == expected.keys()
    wrong = {
        path: (found[path], what)
        for path, what in expected.items()
        if (found[path] != "" if what == USED else not found[path] or what not in found[path])
    }
    assert wrong == {}


def test_kinds_have_names_of_their_own():
    names = [kind.name for kind in KINDS]
    assert len(names) == len(set(names)) >= 160


def test_index(corpus, tmp_path):
    done = run("index", "--data", corpus.root, "--out", tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out" / "data" / "index.parquet")
    check(corpus, "index", dict(zip(table["path"], table["error"], strict=True)))
    assert counted(done.stdout) == passed_over(corpus, "index")
    used, aside = told(done.stdout, "images of .* are used"), told(done.stdout, "are excluded")
    assert used + aside == len(table) and used + aside + counted(done.stdout).total() == files_below(
        corpus.root
    )
    assert not set(done.stdout) & {"\r", "\x07", "\x1b"}


def test_training_uses_what_the_index_calls_usable(corpus, trained):
    rows = pd.concat(pd.read_csv(file) for file in trained.glob("runs/*/clean.csv"))
    expected = corpus.expected("index")
    assert len(rows) and all(expected[path] == USED for path in rows["path"])


def test_score(corpus, trained):
    done = run("score", corpus.root, "--run", trained, "--format", "csv", status=1)
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    errors = {row["path"]: row["error"] for row in rows}
    found = {
        path: errors.pop(as_bytes(f"{corpus.root}/{path}").decode()) for path in corpus.looked_at("score")
    }
    assert errors == {}
    check(corpus, "score", {writable(path): error for path, error in found.items()})
    assert counted(done.stderr) == passed_over(corpus, "score")
    failed = sum(bool(row["error"]) for row in rows)
    assert f"{failed} of {len(rows)} could not be scored" in done.stderr
    assert len(rows) + counted(done.stderr).total() == files_below(corpus.root)


class Middle:
    """Finds a face in the middle of whatever has one colour beside another."""

    key = "middle"

    def find(self, picture, turn=None) -> list[Face]:
        height, width = picture.shape[:2]
        if picture.std(axis=(0, 1)).max() < 3:
            return []
        spots = [(0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.42, 0.6), (0.58, 0.6)]
        points = tuple((x * width, y * height) for x, y in spots)
        return [Face((0.2 * width, 0.2 * height, 0.6 * width, 0.6 * height), points, 0.95)]


def cropped(target: Path, said: str, corpus: Corpus) -> dict[str, str]:
    """What `faces` made of each file it looked at, after its counts were added up."""
    index = pd.read_csv(target / "index.csv", dtype=str, keep_default_na=False)
    aside = pd.read_csv(target / "set_aside.csv", dtype=str, keep_default_na=False)
    reasons = aside.groupby("source")["reason"].agg("; ".join).to_dict()
    found = reasons | dict.fromkeys(index["source"], "")
    assert counted(said) == passed_over(corpus, "faces")
    assert len(found) + counted(said).total() == files_below(corpus.root)
    assert told(said, rf"crops of {index['source'].nunique():,} files") == len(index)
    assert all((target / path).is_file() for path in index["path"])
    return found


def run_here(*arguments: object, status: int = 0) -> Said:
    """The same in this process, where the finder of faces can be another one."""
    done = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == status, done.output
    return Said(done.stdout_bytes.decode(), done.stderr_bytes.decode())


@pytest.fixture
def everywhere(monkeypatch) -> None:
    """Every image has a face."""
    monkeypatch.setattr(FaceFinder, "load", lambda weights, score: Middle())


# as a user has it: what Pillow says of damaged files ends nothing
as_a_user = pytest.mark.filterwarnings("ignore")


@as_a_user
def test_faces_where_every_picture_has_one(corpus, tmp_path, everywhere):
    target = tmp_path / "crops"
    done = run_here("faces", corpus.root, target, "--frames", 2, "--size", 32)
    check(corpus, "faces", cropped(target, done.stdout, corpus))


@as_a_user
def test_score_of_faces_where_every_picture_has_one(corpus, trained, everywhere):
    options = ["--run", trained, "--find-faces", "--frames", 2, "--format", "jsonl"]
    done = run_here("score", corpus.root, *options, status=1)
    rows = {row["path"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert len(rows) + counted(done.stderr).total() == files_below(corpus.root)
    for path, what in corpus.looked_at("faces").items():
        row = rows[f"{corpus.root}/{path}"]
        assert (row["score"] is None) == bool(row["error"]) and (what != USED or not row["error"]), row


def test_faces_with_a_detector(corpus, tmp_path, shared_models):
    weights = shared_models / "yunet_n_640_640.onnx"
    # a low score and size, so that it takes something of what has no face for one
    limits = ["--score", "0.01", "--smallest", "16", "--frames", "2", "--size", "32"]
    done = run("faces", corpus.root, tmp_path / "crops", "--weights", weights, *limits)
    cropped(tmp_path / "crops", done.stdout, corpus)
