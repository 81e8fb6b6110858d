"""What runs again when something changes: the dataset card trains nothing, the pictures' settings do."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from dfstudy.data import Split
from dfstudy.evaluate.arms import CONTROLS, FORGERIES, POLICIES, RUNS, Arm
from dfstudy.evaluate.arms import GROUPS as ARM_GROUPS
from dfstudy.invocation import Invocation, resolve
from dfstudy.report.plan import FINGERPRINT, LEAKAGE, TRAINING, list_runs, write_plan
from dfstudy.report.resources import Site
from dfstudy.study import Card, OtherPictures, Study, load_study

PARTS = ("study", "data", "model", "augment", "training", "protocol", "card", "versions")
# two methods in every part, so that further networks are planned to be compared
ROWS = pd.DataFrame(
    [
        (part, method)
        for part in ("train", "val", "test")
        for method in ("real", "entire_synthesis", "face_editing")
    ],
    columns=["split", "method"],
).assign(label=[0, 1, 1] * 3, **{name: list("abcdefghi") for name in ("path", "sha256", "group")})
SPLIT = Split(ROWS, ROWS.iloc[:0], Path(), "f" * 64, True, (), ROWS.iloc[:0])


@pytest.fixture
def planned(tmp_path):
    """Writes the plan of the sample with other settings of its pictures; the parts' texts."""
    invocation = resolve(out=str(tmp_path))

    def plan(training=None, test_on=(), policies=None, **data) -> dict[str, str]:
        study: Study = invocation.settings
        recipe = study.training.model_copy(update=training or {})
        parts = {"data": study.data.model_copy(update=data), "training": recipe, "test_on": list(test_on)}
        parts["policies"] = study.policies.model_copy(update=policies or {})
        changed = study.model_copy(update=parts)
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
    assert readers == ["01_explore_data"] and plan["leakage"]["threads"] == 1


def test_every_training_is_a_step_of_its_own_with_what_shapes_it(planned, tmp_path):
    planned(training={"runs_a_step": 1}, policies={"leave_one_out": True})
    plan, steps = read_plan(tmp_path), read_steps(tmp_path)
    own = {name for name, step in steps.items() if step["group"] == RUNS}
    others = {name for name, step in steps.items() if step["group"] == FORGERIES}
    policies = {name for name, step in steps.items() if step["group"] in (POLICIES, CONTROLS)}
    assert own == {f"seed_{seed}" for seed in plan_seeds(tmp_path)} and others
    for name, step in steps.items():
        assert {"study/training.json", "study/versions.json", FINGERPRINT} <= set(step["inputs"])
        # another choice of forgeries to learn trains the study's own networks not again
        assert ("study/forgeries.json" in step["inputs"]) == (name in others)
        assert ("study/policies.json" in step["inputs"]) == (name in policies)
        assert TRAINING.format(name) in plan["page"]["inputs"]
    readers = {
        chapter["id"]: {name for name in steps if TRAINING.format(name) in chapter["inputs"]}
        for chapter in plan["chapters"]
    }
    shared = readers["06_cross_forgery"] - others  # runs that chapter 05 asks for as well
    assert readers["04_test"] == own and others <= readers["06_cross_forgery"]
    assert own <= shared and {steps[name]["group"] for name in shared - own} <= {POLICIES}
    assert readers["05_compare_augmentation"] == policies
    assert {"policy_none-seed_0", "leave_out_grey-seed_1"} <= policies


def test_several_small_runs_share_a_step_and_none_is_lost(planned, tmp_path):
    planned(training={"runs_a_step": 1})
    alone = [step["which"] for step in read_steps(tmp_path).values()]
    planned(training={"runs_a_step": 3})
    steps = read_steps(tmp_path)
    shared = " ".join(step["which"] for step in steps.values()).split("--arm ")
    assert sorted(map(str.strip, shared)) == sorted(map(str.strip, " ".join(alone).split("--arm ")))
    sizes = [len(step["which"].split("--arm ")) - 1 for step in steps.values() if step["group"] != RUNS]
    assert max(sizes) <= 3 and len(sizes) < len(alone)
    last = list(steps.values())[-1]["group"]
    halved = [len(step["which"].split("--arm ")) - 1 for step in steps.values() if step["group"] == last]
    assert max(halved) == 2  # of 3: so that cores which share the last steps end together


def test_a_run_that_two_groups_ask_for_is_trained_once(planned, tmp_path, monkeypatch):
    study = load_study(out=str(tmp_path))
    twin = lambda study, split: [Arm("twin", (), study, split)]  # noqa: E731
    monkeypatch.setitem(ARM_GROUPS, FORGERIES, twin)
    runs = list_runs(study, SPLIT)
    assert [arm.name for arm, _ in runs[RUNS]] == ["main"] * len(study.training.seeds)
    assert runs[FORGERIES] == []
    # what changes speed alone makes no other run, what shapes weights does
    recipe = study.training
    for changed, new in (({"workers": 3, "runs_a_step": 5}, 0), ({"learning_rate": 1e-5}, len(recipe.seeds))):
        other = study.model_copy(update={"training": recipe.model_copy(update=changed)})
        monkeypatch.setitem(ARM_GROUPS, FORGERIES, lambda study, split, other=other: twin(other, split))
        assert len(list_runs(study, SPLIT)[FORGERIES]) == new


def test_groups_are_trained_in_the_order_in_which_a_report_needs_them(planned, tmp_path):
    planned()
    rules = [rule["rule"] for rule in read_plan(tmp_path)["training"]]
    assert rules[0] == "training" and set(rules[1:]) <= {f"training_{group}" for group in ARM_GROUPS}
    assert rules[1:] == [f"training_{group}" for group in ARM_GROUPS if f"training_{group}" in rules]


def test_other_weights_in_the_file_of_the_second_network_change_what_its_steps_read(tmp_path):
    study, file = load_study(out=str(tmp_path)), tmp_path / "second.safetensors"
    second = study.model.model_copy(update={"weights": str(file)})
    study = study.model_copy(update={"forgeries": study.forgeries.model_copy(update={"second": second})})
    parts = []
    for content in ("one", "other"):
        file.write_text(content)
        write_plan(Invocation("sample", "", str(tmp_path), study), SPLIT, Site(2, 0))
        parts.append(
            {name: (tmp_path / "study" / f"{name}.json").read_text() for name in (*PARTS, "forgeries")}
        )
    changed = [name for name in parts[0] if parts[0][name] != parts[1][name]]
    assert changed == ["study", "forgeries"]


def test_chapter_06_waits_for_the_folders_that_it_tests_on(planned, tmp_path):
    planned(test_on=[OtherPictures(root="faces"), OtherPictures(root="more", name="Faces II")])
    waiting = [
        c["id"] for c in read_plan(tmp_path)["chapters"] if any("elsewhere/" in x for x in c["inputs"])
    ]
    inputs = next(c["inputs"] for c in read_plan(tmp_path)["chapters"] if c["id"] == waiting[0])
    assert waiting == ["06_cross_forgery"]
    assert {f"elsewhere/{slug}/data/fingerprint.json" for slug in ("faces", "faces_ii")} <= set(inputs)


def read_steps(folder) -> dict:
    return {name: step for rule in read_plan(folder)["training"] for name, step in rule["steps"].items()}


def plan_seeds(folder) -> list[int]:
    return json.loads((folder / "study" / "study.json").read_text())["training"]["seeds"]
