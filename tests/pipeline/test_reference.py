"""Tracked reports: no photograph of anybody."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from fixtures.published import study_of

from dfstudy.errors import StudyError
from dfstudy.pipeline import reference
from dfstudy.pipeline.other_splits import BEFORE


@pytest.fixture
def study(finished_report, tmp_path, monkeypatch):
    """Finished, and to be published beside a README without tables."""
    study = study_of(finished_report)
    shutil.copytree(study.out, tmp_path / "made")
    study = study.model_copy(update={"out": tmp_path / "made"})
    page = study.out / "index.html"
    page.write_text(page.read_text() + BEFORE)
    monkeypatch.setattr(reference, "resolve", lambda name: SimpleNamespace(settings=study))
    monkeypatch.setattr(reference, "exhibit_folder", lambda name: tmp_path / "tiny")
    monkeypatch.setattr(reference, "project_root", lambda: tmp_path)
    monkeypatch.setattr(reference, "results_table", lambda: "")
    (tmp_path / "README.md").write_text("no tables")
    return study


def test_a_tracked_report_holds_no_photograph(study, tmp_path, monkeypatch):
    assert list((study.out / "figures").glob("*.jpg"))  # they lie beside the charts
    reference.publish_exhibit("tiny")
    shown = {file.name for file in (tmp_path / "tiny").rglob("*") if file.is_file()}
    assert "roc.png" in shown and not any(name.endswith(".jpg") for name in shown)
    shown_faces = study.model_copy(update={"report": study.report.model_copy(update={"faces": True})})
    monkeypatch.setattr(reference, "resolve", lambda name: SimpleNamespace(settings=shown_faces))
    with pytest.raises(StudyError, match="shows photographs of people"):
        reference.publish_exhibit("tiny")


def test_splits_made_elsewhere_are_added_to_the_tracked_report_as_it_stands(study, tmp_path, monkeypatch):
    with pytest.raises(StudyError, match="no published report"):
        reference.add_splits("tiny")
    reference.publish_exhibit("tiny")
    before = {file: file.read_bytes() for file in (tmp_path / "tiny").rglob("*") if file.is_file()}
    with pytest.raises(StudyError, match="no finished report of tiny on another split"):
        reference.add_splits("tiny")
    other = study.out.with_name(f"{study.out.name}+data.split_seed=1")
    study.out.rename(other)  # as on the machine that made the other split
    monkeypatch.setattr(reference, "share_tests", lambda study, seeds: 0.25)
    said = reference.add_splits("tiny")
    assert "compared with 1 other split;" in said
    page = tmp_path / "tiny/index.html"
    once = page.read_text()
    assert once.count("1 other split of the same images") == 1
    assert "25 % of the test images are in both" in once
    assert all(file.read_bytes() == content for file, content in before.items() if file != page)
    monkeypatch.setattr(reference, "share_tests", lambda study, seeds: 0.5)
    reference.add_splits("tiny")
    assert page.read_text() == once.replace("25 % of", "50 % of")  # the line anew, and not twice
