"""The real chapters from nothing to the page, on rendered portraits and on a folder of images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup
from fixtures.patience import PATIENCE
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent / "drills"))
from unlisted import OPENED, find_unlisted, read_steps

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.pipeline.page.page_check import page_problems

SMALL = {
    "name": "tiny",
    "title": "A tiny study",
    "data": {"root": "sample", "sample": {"identities": 12, "frames": 2, "size": 48}},
    "model": {"size": 48},
    "training": {"epochs": 2, "seeds": [0], "threads": 1, "workers": 0, "runs_a_step": 12},
    "evaluate": {"replicates": 100},
    "policies": {
        "names": ["none", "original"],
        "budgets": [],
        "leave_one_out": False,
        "add_one": False,
        "strengths": [],
    },
}
NETWORK = """
from torch import nn


def build():
    layers = [nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1))
"""


def report(folder: Path, *options: str) -> str:
    """Make the report with the network cut off; what its steps open is written into `opened`."""
    command = [sys.executable, "-m", "dfstudy", "report", "--study", "tiny.yaml", "--out", "out", *options]
    (folder / "opened").mkdir(exist_ok=True)
    path = os.pathsep.join([str(OPENED), os.environ.get("PYTHONPATH", "")])
    cut = {"DFSTUDY_CUT_OFF": str(folder / "connections")}
    watched = os.environ | {"PYTHONPATH": path, "DFSTUDY_OPENED": str(folder / "opened")} | cut
    done = subprocess.run(command, cwd=folder, env=watched, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    connections = folder / "connections"
    assert not connections.exists(), connections.read_text()
    return done.stdout


def faces(folder: Path) -> Path:
    """Two classes in given splits, one method, no groups, and one image that cannot be read."""
    noise = np.random.default_rng(0)
    for part, count in (("Train", 24), ("Validation", 10)):
        for name in ("Real", "Fake"):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = noise.normal(128, 40 if name == "Real" else 55, (53, 37, 3)).clip(0, 255)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / part / name / f"{number}.jpg")
    (folder / "Train" / "Real" / "broken.jpg").write_bytes(b"no image")
    return folder


@pytest.mark.parametrize("pictures", ["sample", "folder"])
def test_a_report_from_nothing(pictures, tmp_path, without_provenance):
    folder = faces(tmp_path / "Faces of Zoë")
    options = ["--data", str(folder), "--own-code", "network.py"] if pictures == "folder" else []
    # the sample shows every chapter; the folder, what is left where comparisons are off
    left = {
        "defects": {"measured": False},
        "policies": SMALL["policies"] | {"names": []},
        "model": {"backbone": "network.py:build", "size": 48},  # and a network of the user's own
    }
    (tmp_path / "network.py").write_text(NETWORK)
    tested = {"test_on": [folder.name]} if pictures == "sample" else left
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(SMALL | tested))
    said = report(tmp_path, *options)
    assert "the report is at out/index.html" in said and "Training, seed 0" in said

    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    soup = BeautifulSoup(page, "html.parser")
    assert page_problems(page) == []
    for chapter in CHAPTERS:
        assert soup.find("details", id=chapter.id) is not None
        for name in chapter.figures:
            assert soup.find("figure", id=name) is not None
            assert list((tmp_path / "out" / "figures").glob(f"{name}.*"))
    files = (tmp_path / "out" / "numbers").glob("*.json")
    numbers = {number["id"]: number for file in files for number in json.loads(file.read_text("utf-8"))}
    assert numbers["data.pictures"]["value"] == (48 if pictures == "sample" else 68)
    assert numbers["data.set_aside"]["value"] == (0 if pictures == "sample" else 1)
    assert (soup.find("figure", id="forgeries_elsewhere") is not None) == (pictures == "sample")
    if pictures == "sample":  # the folder's given test part
        assert numbers["elsewhere.faces_of_zo.pictures"]["value"] == 20
    assert ("rendered" in soup.find(id="summary").get_text()) == (pictures == "sample")

    rest = without_provenance(page)
    assert str(tmp_path) not in rest and tmp_path.name not in rest
    assert "Traceback" not in rest and "Warning" not in soup.get_text()
    assert "nothing changed" in report(tmp_path, *options)
    check_reads(tmp_path)


def check_reads(folder: Path) -> None:
    """Every file that a step opened is among what it reads; one that is taken from the list is found."""
    out, steps = folder / "out", read_steps(folder / "out")

    def find() -> list[str]:
        return find_unlisted(folder / "opened", out, folder / "tiny.yaml", steps)

    assert find() == []
    taken = {
        "06_cross_forgery": "dfstudy/chapters/c06_transfer/cross_forgery.csv",
        "04_test": "dfstudy/chapters/c04_test/localisation.py",
        "01_explore_data": "notebooks/01_explore_data.ipynb",
        "page": "dfstudy/pipeline/page/templates/page.css",
    }
    for step, name in taken.items():
        del steps[step]["reads"][name]
    assert find() == sorted(f"{step}: {name}" for step, name in taken.items())
