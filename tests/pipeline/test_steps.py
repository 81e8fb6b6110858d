"""Steps of the report: what the leakage estimate leaves for chapter 01, and trainings that diverge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dfstudy.chapters.c01_data import leakage
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import Diverged, StudyError
from dfstudy.pipeline.folder import forget_damaged
from dfstudy.pipeline.invocation import Invocation, resolve
from dfstudy.pipeline.plan import LEAKAGE, TRAINING
from dfstudy.pipeline.steps import run_leakage, run_training
from dfstudy.system.finished import NEEDED
from dfstudy.train import run as training
from dfstudy.variants.registry import find_variants


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """A step sets variables for its process; other tests must not see them."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.fixture
def faces(tmp_path) -> Invocation:
    """Twelve images of each class that nothing ties together."""
    noise = np.random.default_rng(0)
    for name in ("real", "fake"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for at in range(12):
            pixels = noise.integers(0, 256, (37, 53, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "faces" / name / f"{at}.png")
    return resolve(data=str(tmp_path / "faces"), out=str(tmp_path / "out"))


@pytest.mark.parametrize("name", NEEDED)
def test_a_training_step_is_not_done_where_a_file_of_its_run_is_gone(tmp_path, make_run, name):
    run = make_run(tmp_path / "runs" / "seed0-key")
    for table in ("history.csv", "timings.csv"):
        (run / table).write_text("epoch\n1\n")
    (tmp_path / "runs" / "seed_0.json").write_text('{"key": "seed0-key"}')
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "training_seed_0.json").write_text('{"runs": ["seed_0"]}')
    (tmp_path / "steps" / "page.json").write_text('{"files": {}}')
    assert forget_damaged(tmp_path) == [] and len(list((tmp_path / "steps").iterdir())) == 2
    (run / name).unlink()
    assert forget_damaged(tmp_path) == ["training_seed_0"] and not list((tmp_path / "steps").iterdir())


def test_without_groups_the_step_trains_nothing_and_says_so(faces, monkeypatch):
    assert run_leakage(faces) is False
    out = faces.settings.out
    assert json.loads((out / LEAKAGE).read_text())["applies"] is False
    assert not (out / "runs").exists()


def test_the_step_measures_with_the_study_and_its_split(faces, monkeypatch):
    seen = []
    monkeypatch.setattr(
        leakage, "run_meter", lambda study, split: seen.append((study, len(split.rows))) or "found"
    )
    assert run_leakage(faces) is True
    assert seen == [(faces.settings, 24)]
    assert json.loads((faces.settings.out / LEAKAGE).read_text())["applies"] is True


def test_a_defect_that_diverges_is_noted_and_nothing_else_may(faces, monkeypatch, capsys):
    asked = []

    def diverge(study, split, seed, *_):
        asked.append(study.protocol.raw_pixels)
        raise Diverged(f"the loss is not finite any more: seed {seed}, epoch 1", "a lower rate")

    monkeypatch.setattr(training, "train", diverge)
    assert run_training(faces, ["defect_raw_pixels:0"], step="defects_01") == []
    told = json.loads((faces.settings.out / TRAINING.format("defects_01")).read_text())
    assert told["runs"] == {} and list(told["diverged"]) == ["defect_raw_pixels-seed_0"]
    assert "chapter 08 tells of it" in capsys.readouterr().err
    with pytest.raises(Diverged):
        run_training(faces, ["main:0"], step="seed_0")
    assert asked == [True, False]
    assert not (faces.settings.out / TRAINING.format("seed_0")).exists()


def test_the_note_says_which_run_it_tells_of(faces, monkeypatch):
    made = SimpleNamespace(
        key="seed0-x", seed=0, checkpoint={"device": "cpu"}, timings={"seconds": np.ones(1)}
    )
    monkeypatch.setattr(training, "train", lambda *_: made)
    assert run_training(faces, ["main:0"]) == ["seed0-x"]
    study = faces.settings
    [main] = find_variants(study, split_study(study, index_study(study, progress=False)), ["main"])
    note = json.loads((study.out / "runs" / "seed_0.json").read_text())
    assert note["identity"] == main.identity(0) and note["key"] == "seed0-x"


@pytest.mark.parametrize("seed", ["x", "99", "-1"])
def test_a_seed_that_the_arm_does_not_have_is_refused_before_any_other_trains(faces, monkeypatch, seed):
    monkeypatch.setattr(training, "train", lambda *_: pytest.fail("trained"))
    with pytest.raises(StudyError, match=f"'main' with no seed '{seed}'") as error:
        run_training(faces, ["main:0", f"main:{seed}"])
    assert error.value.hint == "give one of " + ", ".join(f"main:{s}" for s in faces.settings.training.seeds)


def test_a_step_starts_without_what_takes_long_to_load_and_serves_nothing(tmp_path):
    """Networks, scipy's distributions, and a grammar of web addresses that jsonschema would build."""
    code = f"""
import contextlib, sys
from dfstudy.pipeline import build, steps
from dfstudy.pipeline.invocation import resolve
with contextlib.suppress(Exception):  # no chapter has run there
    steps.run_page(resolve(out={str(tmp_path)!r}))
import dfstudy.pipeline.execute, dfstudy.pipeline.page.render
print([name for name in ("torch", "scipy.stats", "lark") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
