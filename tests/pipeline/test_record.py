"""Where a report comes from: its own trainings, whatever else lies in the folder."""

from __future__ import annotations

import json

from dfstudy.pipeline.page.record import report_rows
from dfstudy.pipeline.plan import PLAN, TRAINING
from dfstudy.study.study import load_study
from dfstudy.system.kept import write_if_changed


def test_trainings_of_an_earlier_study_are_no_part_of_the_report(tmp_path):
    study = load_study(out=str(tmp_path))
    described = {
        name: {"key": f"{name}-key", "seed": seed, "device": device}
        for name, seed, device in (("seed_0", 0, "cpu"), ("seed_9", 9, "another device"))
    }
    notes = {TRAINING.format(name): {"runs": {name: told}} for name, told in described.items()}
    notes |= {f"runs/{name}.json": told for name, told in described.items()}
    notes["data/fingerprint.json"] = {"pictures": 9, "fingerprint": "f" * 64}
    notes[PLAN] = {"training": [{"rule": "training", "steps": {"seed_0": {}}}]}
    for name, content in notes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    rows = dict(report_rows(study))
    assert (rows["Training runs"], rows["Device of the training"]) == ("seed_0-key", "cpu")


def test_the_report_of_a_built_in_study_names_its_command(tmp_path):
    write_if_changed(tmp_path / "data/fingerprint.json", {"pictures": 9, "fingerprint": "f" * 64})
    write_if_changed(tmp_path / "out/data/fingerprint.json", {"pictures": 9, "fingerprint": "f" * 64})
    assert dict(report_rows(load_study(out=str(tmp_path))))["Command"] == "make report"
    photographs = load_study("dfdc_6k", out=str(tmp_path))
    assert dict(report_rows(photographs))["Command"] == "make report STUDY=dfdc_6k"
    own = load_study("small", data=str(tmp_path), out=str(tmp_path / "out"))
    other = load_study(out=str(tmp_path), overrides={"training.epochs": 1})
    assert not any("Command" in dict(report_rows(study)) for study in (own, other))
