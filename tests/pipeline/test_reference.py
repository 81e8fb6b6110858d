"""Tracked reports: no photograph of anybody, and what other splits of the same images say."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from fixtures.published import study_of

from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.pipeline import reference

AUC = Number("test.auc", 0.9, "AUC", 40, 0.85, 0.95)
SOLVED = Number("answer.solved", 1, "1", 40, note="yes: it does")


def finished(folder, *numbers):
    (folder / "numbers").mkdir(parents=True)
    (folder / "numbers/04_test.json").write_text(json.dumps([asdict(number) for number in numbers]))
    return folder


@pytest.fixture
def shown(tmp_path):
    (tmp_path / "published").mkdir()
    return tmp_path / "published"


@pytest.mark.parametrize(("word", "agree"), [("yes", "1 of 1"), ("no", "0 of 1")])
def test_another_split_is_compared_and_the_readme_says_what_it_agrees_on(tmp_path, shown, word, agree):
    made = finished(tmp_path / "faces", AUC, SOLVED)
    answer = Number(SOLVED.id, int(word == "yes"), "1", 40, note=f"{word}: it does")
    other = finished(tmp_path / "faces+data.split_seed=1", AUC, answer)
    before = f"<main>{reference.BEFORE}</main>"
    assert reference.tell_on_page(before, shown) == before
    reference.compare_splits(made, [other], shown, {SOLVED.id: "Is it solved?"})
    line = reference.tell_on_page(before, shown)
    assert f'<a href="other_splits.html">1 other split of the same images</a>: {agree} verdicts' in line
    assert ("answered otherwise: Is it solved? (yes, no)" in line) == (word == "no")
    assert line.index("other_splits") < line.index(reference.BEFORE)
    page = (shown / "other_splits.html").read_text()
    assert "reports/faces+data.split_seed=1" in page and str(tmp_path) not in page


def test_settings_and_numbers_of_three_splits_stand_side_by_side(tmp_path, shown):
    seeds = [finished(tmp_path / f"faces+data.split_seed={seed}", AUC, SOLVED) for seed in (1, 2)]
    reference.compare_splits(finished(tmp_path / "faces", AUC, SOLVED), seeds, shown)
    told = json.loads((shown / "other_splits.json").read_text())
    assert told["reports"] == ["reports/faces", *(f"reports/{folder.name}" for folder in seeds)]
    assert reference._tell_splits(shown, "{splits}") == ["2 other splits"]


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
