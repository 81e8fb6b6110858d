"""What runs again when something changes: the dataset card trains nothing, the pictures' settings do."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from dfstudy.data import Split
from dfstudy.invocation import Invocation, resolve
from dfstudy.report.plan import FINGERPRINT, LEAKAGE, write_plan
from dfstudy.report.resources import Site
from dfstudy.study import Card, Study

PARTS = ("study", "data", "model", "augment", "training", "card", "versions")
# two methods in every part, so that further networks are planned to be compared
ROWS = pd.DataFrame(
    [(part, method) for part in ("train", "val", "test") for method in ("real", "swap", "warp")],
    columns=["split", "method"],
).assign(label=[0, 1, 1] * 3, **{name: list("abcdefghi") for name in ("path", "sha256", "group")})
SPLIT = Split(ROWS, ROWS.iloc[:0], Path(), "f" * 64, True, (), ROWS.iloc[:0])


@pytest.fixture
def planned(tmp_path):
    """Writes the plan of the sample with other settings of its pictures; the parts' texts."""
    invocation = resolve(out=str(tmp_path))

    def plan(**data) -> dict[str, str]:
        study: Study = invocation.settings
        changed = study.model_copy(update={"data": study.data.model_copy(update=data)})
        write_plan(Invocation("sample", "", str(tmp_path), changed), SPLIT, Site(2, 0))
        return {name: (tmp_path / "study" / f"{name}.json").read_text() for name in PARTS}

    return plan


def read_plan(folder) -> dict:
    return json.loads((folder / "study" / "plan.json").read_text())


def test_words_on_the_pictures_change_the_card_and_nothing_that_trains(planned, tmp_path):
    before = planned()
    plan = read_plan(tmp_path)
    after = planned(card=Card(origin="elsewhere", licence="none"))
    assert [name for name in PARTS if before[name] != after[name]] == ["card"]
    assert "elsewhere" in after["card"] and read_plan(tmp_path) == plan
    readers = [x["id"] for x in plan["chapters"] if "study/card.json" in x["inputs"]]
    assert readers == ["01_explore_data", "04_test"] and "study/card.json" in plan["page"]["inputs"]
    other = planned(split_seed=5)
    assert [name for name in PARTS if before[name] != other[name]] == ["study", "data"]


def test_the_leakage_meter_stands_between_the_pictures_and_chapter_01(planned, tmp_path):
    planned()
    plan = read_plan(tmp_path)
    meter = plan["leakage"]["inputs"]
    assert {"study/data.json", "study/versions.json", FINGERPRINT} <= set(meter)
    for module in ("evaluate/leakage", "data/traits", "data/deal", "train/loop", "evaluate/predict"):
        assert any(name.endswith(f"dfstudy/{module}.py") for name in meter), module
    assert not any("report/" in name or "training.json" in name for name in meter)
    readers = [x["id"] for x in plan["chapters"] if LEAKAGE in x["inputs"]]
    assert readers == ["01_explore_data"] and plan["leakage"]["threads"] == 2


def test_every_training_is_a_step_of_its_own_with_what_shapes_it(planned, tmp_path):
    planned()
    plan = read_plan(tmp_path)
    runs = plan["training"]["runs"]
    own = {name for name, run in runs.items() if run["group"] == "runs"}
    assert own == {"seed_0", "seed_1"} and len(set(runs) - own) == 2
    for name, run in runs.items():
        assert {"study/training.json", "study/versions.json", FINGERPRINT} <= set(run["inputs"])
        # another choice of forgeries to learn trains the study's own networks not again
        assert ("study/forgeries.json" in run["inputs"]) == (name not in own)
        assert f"runs/{name}.json" in plan["page"]["inputs"]
    readers = {
        chapter["id"]: {name for name in runs if f"runs/{name}.json" in chapter["inputs"]}
        for chapter in plan["chapters"]
    }
    assert readers["04_test"] == own and readers["06_cross_forgery"] == set(runs)
