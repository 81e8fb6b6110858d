"""The leakage meter as a step of the report: what it leaves for chapter 01."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

from dfstudy.evaluate import meter
from dfstudy.invocation import Invocation, resolve
from dfstudy.report.plan import LEAKAGE
from dfstudy.report.steps import run_leakage


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """A step sets variables for its process; other tests must not see them."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.fixture
def faces(tmp_path) -> Invocation:
    """Twelve pictures of each class that nothing ties together."""
    noise = np.random.default_rng(0)
    for name in ("real", "fake"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for at in range(12):
            pixels = noise.integers(0, 256, (37, 53, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "faces" / name / f"{at}.png")
    return resolve(data=str(tmp_path / "faces"), out=str(tmp_path / "out"))


def test_without_groups_the_step_trains_nothing_and_says_so(faces, monkeypatch):
    assert run_leakage(faces) is False
    out = faces.settings.out
    assert json.loads((out / LEAKAGE).read_text())["applies"] is False
    assert not (out / "runs").exists()


def test_the_step_measures_with_the_study_and_its_split(faces, monkeypatch):
    seen = []
    monkeypatch.setattr(
        meter, "run_meter", lambda study, split: seen.append((study, len(split.rows))) or "found"
    )
    assert run_leakage(faces) is True
    assert seen == [(faces.settings, 24)]
    assert json.loads((faces.settings.out / LEAKAGE).read_text())["applies"] is True
