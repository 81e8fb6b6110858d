"""Tracked reports: no photograph of anybody."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fixtures.published import study_of

from dfstudy.errors import StudyError
from dfstudy.pipeline import reference


def test_a_tracked_report_holds_no_photograph(finished_report, tmp_path, monkeypatch):
    study = study_of(finished_report)
    assert list((study.out / "figures").glob("*.jpg"))  # they lie beside the charts
    monkeypatch.setattr(reference, "resolve", lambda name: SimpleNamespace(settings=study))
    monkeypatch.setattr(reference, "exhibit_folder", lambda name: tmp_path / name)
    monkeypatch.setattr(reference, "project_root", lambda: tmp_path)
    monkeypatch.setattr(reference, "results_table", lambda: "")
    (tmp_path / "README.md").write_text("no tables")
    reference.publish_exhibit("tiny")
    shown = {file.name for file in (tmp_path / "tiny").rglob("*") if file.is_file()}
    assert "roc.png" in shown and not any(name.endswith(".jpg") for name in shown)
    shown_faces = study.model_copy(update={"report": study.report.model_copy(update={"faces": True})})
    monkeypatch.setattr(reference, "resolve", lambda name: SimpleNamespace(settings=shown_faces))
    with pytest.raises(StudyError, match="shows photographs of people"):
        reference.publish_exhibit("tiny")
