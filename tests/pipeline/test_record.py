"""Where a report comes from: its own trainings, whatever else lies in the folder."""

from __future__ import annotations

import json

from dfstudy.pipeline.page.record import report_rows
from dfstudy.pipeline.plan import PLAN, TRAINING
from dfstudy.study.study import load_study


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
