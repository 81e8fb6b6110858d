"""Which steps run again after an edit of one file of the package: those that it shapes, and no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from dfstudy.system.provenance import PACKAGE

# plans the sample's report in a copied checkout, edits one file after the other, and plans again
SCRIPT = """
import json, sys
from pathlib import Path
import pandas as pd
from dfstudy.data.split import Split
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.plan import write_plan
from dfstudy.pipeline.reads import differences
from dfstudy.pipeline.resources import Site

root, names = Path(sys.argv[1]), sys.argv[2:]
METHODS = ("real", "entire_synthesis", "face_editing")
rows = pd.DataFrame(
    [(part, kind) for part in ("train", "val", "test") for kind in METHODS],
    columns=["split", "method"],
).assign(label=[0, 1, 1] * 3, **{name: list("abcdefghi") for name in ("path", "sha256", "group")})
split = Split(rows, rows.iloc[:0], Path(), "f" * 64, True, (), rows.iloc[:0])
invocation = resolve(out=str(root / "out"))

def read():
    write_plan(invocation, split, Site(2, 0))
    steps = json.loads((root / "out/study/reads.json").read_text())["steps"]
    return {Path(step["note"]).stem: step["reads"] for step in steps}

before, told = read(), {}
for name in names:
    file = root / name
    text = file.read_text("utf-8")
    file.write_text(text + "\\nEDITED = 1\\n", "utf-8")
    after = read()
    told[name] = [step for step in before if differences(before[step], after[step])]
    file.write_text(text, "utf-8")
assert read() == before
told["all"] = list(before)
print(json.dumps(told))
"""
MEASURE = "dfstudy/chapters/c07_robustness/measure.py"
QUESTIONS = "dfstudy/chapters/c08_protocol/questions.py"
NOTHING = (
    "dfstudy/portraits/hair.py",
    "dfstudy/faces/track.py",
    "dfstudy/data/layouts/celebdf.py",
    "dfstudy/train/log.py",
    "dfstudy/pipeline/execute.py",
    "dfstudy/cli/main.py",
    "dfstudy/scoring/paired_comparison.py",
)
DETECTOR = "dfstudy/scoring/detector.py"
LOSS, STYLE, THRESHOLD = "dfstudy/train/protocol.py", "dfstudy/present/style.py", "dfstudy/train/threshold.py"
EDITED = (MEASURE, QUESTIONS, *NOTHING, DETECTOR, LOSS, STYLE, THRESHOLD)


@pytest.fixture(scope="module")
def reading(tmp_path_factory) -> dict[str, list[str]]:
    """For each edited file, the steps whose own reading differs; `all` are all steps."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, root / "dfstudy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKAGE.parent / "notebooks", root / "notebooks")
    (root / "pyproject.toml").write_text("")
    command = [sys.executable, "-c", SCRIPT, root, *EDITED]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_an_edit_of_chapter_07_runs_it_again_and_what_reads_its_numbers(reading):
    """09 and the page follow by the result that they read: their own list is the same."""
    assert reading[MEASURE] == ["07_robustness"]


def test_an_edited_detector_runs_the_chapter_again_whose_last_cell_uses_it(reading):
    assert reading[DETECTOR] == ["04_test"]


def test_an_edited_question_asks_again_and_measures_nothing(reading):
    assert reading[QUESTIONS] == ["10_conclusions", "page"]


@pytest.mark.parametrize("name", NOTHING)
def test_what_shapes_no_result_runs_nothing_again(reading, name):
    assert reading[name] == []


def test_an_edited_loss_trains_everything_again(reading):
    trainings = [step for step in reading["all"] if step.startswith("training_")]
    assert trainings and set(trainings) | {"leakage"} <= set(reading[LOSS])


def test_an_edited_threshold_trains_and_runs_no_leakage_meter_for_nothing(reading):
    """A finished run is found under the same key, and its threshold is chosen anew."""
    assert "04_test" in reading[THRESHOLD] and "02_view_augmentation" not in reading[THRESHOLD]


def test_an_edited_figure_style_runs_chapters_and_no_training(reading):
    assert not [step for step in reading[STYLE] if step.startswith(("training_", "leakage"))]
    assert len([step for step in reading[STYLE] if step[0] == "0"]) >= 8
