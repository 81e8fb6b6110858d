"""The command line: a user's mistake is a message with a next step and exit status 1."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from fixtures.patience import PATIENCE
from PIL import Image

from dfstudy.cli import doctor
from dfstudy.cli.main import main
from dfstudy.system.provenance import PACKAGE


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Twenty images a class, of different sizes and colours."""
    noise = np.random.default_rng(0)
    for name in ("real", "fake"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for number in range(20):
            pixels = noise.integers(0, 255, (37, 53, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "faces" / name / f"{number}.png")
    return tmp_path / "faces"


def run(*arguments: object, status: int = 0) -> str:
    """Run a command; every failure must end with the next step and without a traceback."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == status, done.output
    if status == 1:
        assert "error:" in done.output
        assert done.output.rstrip().splitlines()[-1].startswith("  next step:"), done.output
    return done.output


def test_index_counts_and_says_what_is_set_aside(faces, tmp_path):
    (faces / "fake" / "broken.jpg").write_bytes(b"no image")
    said = run("index", "--data", faces, "--out", tmp_path / "out")
    assert "40 images of Deepfake detection on faces are used:" in said
    assert "1 are excluded:" in said and said.count("fake") >= 3


def test_audit_prints_verdicts_and_duplicates(faces, tmp_path):
    for number in range(20):
        picture = Image.open(faces / "fake" / f"{number}.png")
        picture.save(faces / "fake" / f"{number}.jpg", quality=95)
        picture.close()
        (faces / "fake" / f"{number}.png").unlink()
    (faces / "real" / "again.png").write_bytes((faces / "real" / "3.png").read_bytes())
    said = run("audit", "--data", faces, "--out", tmp_path / "out")
    (telling,) = [line for line in said.splitlines() if "file format" in line]
    assert "predicts the label" in telling and "1.000 [0.832, 1.000]" in telling
    assert "copies: 1; under both labels: 0; near-duplicates between groups: 0" in said
    assert "nothing names groups" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["audit", "--data", "nowhere", "--out", "out"], "there is no folder"),
        (["report", "--study", "samples"], "did you mean 'sample'"),
        (["report", "--data", "nowhere", "--out", "out"], "there is no folder"),
        (["index", "--data", "nowhere", "--out", "out"], "there is no folder"),
        (["chapter", "04_tset", "--out", "out"], "did you mean '04_test'"),
        (["render", "--out", "out"], "has not run"),
        (["tensorboard", "--out", "out"], "nothing has been trained yet"),
    ],
)
def test_mistakes_are_answered(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in run(*arguments, status=1)


def test_help_lists_commands_in_the_order_of_use():
    said = run("--help")
    assert said.index("report") < said.index("index") < said.index("doctor") < said.index("train")
    assert "..." not in said.partition("Commands:")[2]


def test_doctor_finds_nothing_bad_here():
    checks = doctor.examine()
    assert [check.name for check in checks if check.state == "bad"] == []
    assert {"versions", "OpenCV", "GPU", "disk"} <= {check.name for check in checks}


def test_doctor_names_what_differs_from_the_lock(monkeypatch):
    have = importlib.metadata.version("click")
    numpy = importlib.metadata.version("numpy")
    lock = f"click==0.1\nnumpy=={numpy}\nabsent-here==1 ; sys_platform == 'win32'\ngone==2\n"
    assert doctor.differing_versions(lock) == [("click", have, "0.1"), ("gone", "absent", "2")]
    twice = f"click==0.1 ; python_version < '3'\nclick=={have} ; python_version >= '3'\n"
    assert doctor.differing_versions(twice) == []


def test_doctor_sees_the_code_of_another_checkout_and_of_none(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "PACKAGE", tmp_path / "moved" / "dfstudy")
    check = doctor._code()
    assert check.state == "note" and f"make runs {tmp_path / 'moved'}" in check.found
    assert f"--editable '{tmp_path / 'moved'}'" in check.hint
    gone = subprocess.CompletedProcess([], 1, "", "ModuleNotFoundError: No module named 'dfstudy'")
    monkeypatch.setattr(doctor, "_try", lambda code, **options: gone)
    assert doctor._code().state == "bad" and "was the checkout moved?" in doctor._code().found


def test_doctor_says_when_cv2_does_not_import(monkeypatch):
    missing = "ImportError: libGL.so.1: cannot open shared object file"
    failed = subprocess.CompletedProcess([], 1, "", f"Traceback\n{missing}\n")
    monkeypatch.setattr(doctor, "_try", lambda code: failed)
    (check,) = doctor._opencv()
    assert check.state == "bad" and missing in check.found and "opencv-python-headless" in check.hint


def test_doctor_ends_with_status_one_where_something_is_bad(monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Check("disk", "bad", "full", "make room")])
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1 and "next step: make room" in done.output


@pytest.mark.parametrize("option", ["--data", "--out", "--study"])
def test_a_name_that_no_notebook_can_hold_is_refused(faces, tmp_path, option):
    given = {"--data": str(faces), "--out": str(tmp_path / "out")} | {option: os.fsdecode(b"caf\xe9")}
    said = run("index", *[word for pair in given.items() for word in pair], status=1)
    assert r"=caf\xe9: the name is not UTF-8" in said


@pytest.mark.parametrize("command", ["index", "train", "report"])
def test_a_script_without_a_main_guard_ends_with_a_word(tmp_path, command):
    """Its children run it again: none of them may wait for a lock that the script itself holds."""
    script = tmp_path / "mine.py"
    script.write_text(
        "import sys\nfrom dfstudy.portraits import folder\nfolder._cores = lambda: 2\n"
        "from dfstudy.cli.main import main\nmain(sys.argv[1:])\n"
    )
    study = tmp_path / "few.yaml"
    study.write_text("name: few\ntitle: Few\ndata: {root: sample, sample: {identities: 24, frames: 1}}\n")
    words = [command, "--study", study, "--out", tmp_path / "out"]
    done = subprocess.run([sys.executable, script, *words], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "a script without a main guard runs again" in done.stderr
    assert '__name__ == "__main__"' in done.stderr.rstrip().splitlines()[-1]


def test_no_lock_is_taken_but_by_those_who_may_wait():
    """Everywhere in the package, so that the guard is asked first."""
    files = PACKAGE.rglob("*.py")
    taking = [file.name for file in files if re.search(r"\bFileLock\(", file.read_text("utf-8"))]
    assert taking == ["lock.py"]
