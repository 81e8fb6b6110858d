"""Whose a folder of results is: no report replaces another without a word, and moved images are known."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from dfstudy.data import images
from dfstudy.data.index import index_study
from dfstudy.errors import StudyError
from dfstudy.pipeline.folder import claimed
from dfstudy.pipeline.invocation import resolve


@pytest.fixture
def study(tmp_path):
    """Writes a study file on a folder of images; results always go to one folder."""
    noise = np.random.default_rng(0)
    for name in ("real", "fake"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for at in range(4):
            pixels = noise.integers(0, 256, (37, 53, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "faces" / name / f"{at}.png")

    def write(file: str = "mine.yaml", data: str = "faces", **settings):
        told = {"name": "mine", "title": "Mine", "data": {"root": data}} | settings
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(yaml.safe_dump(told))
        return resolve(str(tmp_path / file), out=str(tmp_path / "out")).settings

    return write


def report(study, replace: bool = False) -> None:
    with claimed(study, replace):
        index_study(study, progress=False)


def test_another_study_of_the_same_name_is_refused_until_it_may_replace_the_first(study):
    report(study())
    report(study(title="Edited"))  # its own file may change
    other = study("other.yaml", title="Another study")
    with pytest.raises(
        StudyError, match=r"holds another report \(file: .*mine.yaml, now .*other.yaml\)"
    ) as told:
        report(other)
    assert "another OUT=" in told.value.hint and "FORCE=1" in told.value.hint
    report(other, replace=True)
    report(other)
    with pytest.raises(StudyError, match="holds another report"):
        report(study())


def test_a_study_file_that_was_moved_is_the_same_study(study):
    report(study())
    report(study("moved.yaml"))


def test_pictures_that_were_moved_are_known_by_their_content(study, tmp_path, monkeypatch):
    report(study())
    read, original = [], images.read_bytes
    monkeypatch.setattr(images, "read_bytes", lambda path: read.append(path) or original(path))
    shutil.move(tmp_path / "faces", tmp_path / "moved")
    report(study(data="moved"))
    assert not read  # a folder that was renamed holds the same files
    shutil.copytree(tmp_path / "moved", tmp_path / "copied")
    for file in (tmp_path / "copied").rglob("*.png"):
        os.utime(file, (1, 1))
    report(study(data="copied"))
    assert len(read) == 8  # once, although they are compared first


def test_a_folder_that_was_moved_with_all_of_it_may_go_on_changing(study, tmp_path):
    report(study())
    there = tmp_path / "there"
    there.mkdir()
    for name in ("mine.yaml", "faces", "out"):
        shutil.move(tmp_path / name, there / name)
    shutil.copy(there / "faces/real/0.png", there / "faces/real/9.png")
    (there / "mine.yaml").write_text("name: mine\ntitle: Edited\ndata: {root: faces}\n")
    report(resolve(str(there / "mine.yaml"), out=str(there / "out")).settings)


def test_a_mark_of_an_earlier_version_names_study_and_pictures_alone(study, tmp_path):
    report(study())
    mark = tmp_path / "out/study/report.json"
    mark.write_text(json.dumps({"study": "mine", "pictures": str(tmp_path / "faces")}))
    report(study("other.yaml"))
    mark.write_text(json.dumps({"study": "mine", "pictures": "/elsewhere"}))
    (tmp_path / "faces/real/0.png").unlink()
    with pytest.raises(StudyError, match="pictures: /elsewhere"):
        report(study("other.yaml"))


def test_other_pictures_are_refused_and_nothing_is_touched(study, tmp_path):
    report(study())
    shutil.copytree(tmp_path / "faces", tmp_path / "others")
    shutil.copy(tmp_path / "others/real/0.png", tmp_path / "others/real/9.png")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*") if file.is_file()}
    with pytest.raises(StudyError, match=r"holds another report \(pictures: .*faces, now .*others\)"):
        report(study(data="others"))
    assert {file: file.stat().st_mtime_ns for file in before} == before
    with pytest.raises(StudyError, match="pictures"):
        report(study(data=str(Path("nowhere"))))
    report(study(data="others"), replace=True)
