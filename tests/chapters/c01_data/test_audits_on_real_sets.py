"""The audits on real sets, a few hundred images of each: what is known about them comes out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from faults.plant import plant

from dfstudy.chapters.c01_data import shortcuts
from dfstudy.chapters.c01_data.shortcuts import VERDICTS, audit_shortcuts
from dfstudy.data.index import index_study
from dfstudy.data.traits import read_traits
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import load_study


@pytest.fixture(autouse=True)
def few_shuffles(monkeypatch):
    monkeypatch.setattr(shortcuts, "SHUFFLES", 60)


def draw(source: Path, folder: Path, rows: pd.DataFrame) -> Path:
    """A set of the given images (path, label, method, group): links to the files, and an index.csv."""
    for path in rows["path"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(source / path)
    rows.to_csv(folder / "index.csv", index=False)
    return folder


def audit(folder: Path):
    study = load_study("small", data=str(folder), out=str(folder.with_name(folder.name + "_out")))
    rows = index_study(study, progress=False)
    rows = rows[rows["error"] == ""].assign(label=lambda table: table["label"].astype("int64"))
    traits = read_traits(study, rows, progress=False)
    return {found.family: found for found in audit_shortcuts(rows, traits, Evaluate(replicates=100))}


@pytest.fixture
def wild(shared_data, tmp_path) -> Path:
    """200 validation images a class of openforensics_7k."""
    source = shared_data / "openforensics_7k"
    names = [
        (f"Validation/{name}/{file.name}", label, name.lower(), "")
        for label, name in enumerate(("Real", "Fake"))
        for file in sorted((source / "Validation" / name).iterdir())[:200]
    ]
    rows = pd.DataFrame(names, columns=["path", "label", "method", "group"])
    return draw(source, tmp_path / "wild", rows)


def test_fakes_saved_as_png_are_caught_and_files_were_equal_before(wild):
    before = audit(wild)
    for family in ("container", "compression", "geometry"):
        assert before[family].verdict == "no sign" and float(before[family].interval.value) == 0.5
    plant(wild, wild.parent / "png", "format", 1.0)
    after = audit(wild.parent / "png")
    for family in ("container", "compression", "file_size"):
        assert after[family].verdict == "predicts the label" and after[family].interval.value > 0.99
    assert after["container"].trait == ("format", 1.0)
    for family in ("light", "detail", "border", "thumbnail"):  # PNG keeps the pixels, and JPEG nearly does
        assert after[family].interval.value == pytest.approx(float(before[family].interval.value), abs=0.05)


def test_blur_alone_gives_the_face_swaps_away(shared_data, tmp_path):
    """98 images of one swapping program against 300 of its own reals: one number of sharpness suffices."""
    source = shared_data / "ffhq_methods"
    table = pd.read_csv(source / "index.csv", dtype=str)
    fakes = table[table["method"] == "inswapper"]
    reals = table[(table["label"] == "real") & (table["pipeline"] == fakes["pipeline"].iloc[0])].head(300)
    rows = pd.concat([reals, fakes])[["path", "label", "method", "group"]]
    found = audit(draw(source, tmp_path / "swaps", rows))
    assert len(fakes) == 98 and found["detail"].verdict == VERDICTS[0]
    assert found["detail"].trait[1] > 0.8
    for family in ("container", "compression", "geometry"):
        assert found[family].verdict == "no sign"
