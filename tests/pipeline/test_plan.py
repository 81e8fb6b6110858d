"""What runs again when something changes: the dataset card trains nothing, the images' settings do."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from dfstudy.data.split import Split
from dfstudy.pipeline import listing
from dfstudy.pipeline.invocation import Invocation, resolve
from dfstudy.pipeline.plan import LEAKAGE, PAGE, TRAINING, list_runs, write_plan
from dfstudy.pipeline.reads import Reads, differences
from dfstudy.pipeline.resources import Site
from dfstudy.study.comparisons import OtherPictures
from dfstudy.study.pictures import Card
from dfstudy.study.study import Study, load_study
from dfstudy.variants.registry import CONTROLS, FORGERIES, POLICIES, RUNS
from dfstudy.variants.registry import GROUPS as VARIANT_GROUPS
from dfstudy.variants.variant import Variant

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
    """Writes the plan of the sample with other settings of its images; what each step reads, by note."""
    invocation = resolve(out=str(tmp_path))

    def plan(training=None, test_on=(), policies=None, **data) -> dict[str, Reads]:
        study: Study = invocation.settings
        recipe = study.training.model_copy(update=training or {})
        parts = {"data": study.data.model_copy(update=data), "training": recipe, "test_on": list(test_on)}
        parts["policies"] = study.policies.model_copy(update=policies or {})
        changed = study.model_copy(update=parts)
        write_plan(Invocation("sample", "", str(tmp_path), changed), SPLIT, Site(2, 0))
        return read_reads(tmp_path)

    return plan


def read_reads(folder) -> dict[str, Reads]:
    listed = json.loads((folder / "study" / "reads.json").read_text())["steps"]
    return {step["note"]: step["reads"] for step in listed}


def changed(before: dict[str, Reads], after: dict[str, Reads]) -> dict[str, list[str]]:
    """What differs for each step that would run again."""
    found = {note: differences(before[note], after[note]) for note in before}
    return {note: words for note, words in found.items() if words}


def read_plan(folder) -> dict:
    return json.loads((folder / "study" / "plan.json").read_text())


def test_words_on_the_pictures_change_the_card_and_nothing_that_trains(planned, tmp_path):
    before = planned()
    plan = read_plan(tmp_path)
    after = planned(card=Card(origin="elsewhere", licence="none"))
    readers = ["steps/01_explore_data.json", "steps/04_test.json", PAGE]
    assert changed(before, after) == {note: ["setting card changed"] for note in readers}
    assert read_plan(tmp_path) == plan
    other = changed(before, planned(split_seed=5))
    assert list(other) == list(before) and other[PAGE] == ["setting data changed"]
    assert "shaping part of data changed" in other[TRAINING.format("seed_0")]


def test_where_things_lie_is_no_part_of_what_is_read(planned):
    other = [OtherPictures(root="/one/faces")]
    before = planned(root="/one/portraits", test_on=other)
    after = planned(root="/other/place/portraits", test_on=[OtherPictures(root="/other/place/faces")])
    assert changed(before, after) == {}
    assert not any(
        "/one" in name or "/one" in value for reads in before.values() for name, value in reads.items()
    )
    renamed = changed(before, planned(root="/one/people", test_on=other))
    assert PAGE in renamed and TRAINING.format("seed_0") not in renamed


def test_another_number_of_cores_makes_all_of_it_again_or_nothing(planned, monkeypatch):
    """Else a chapter would train for its own number of threads what the others show of another one."""
    before = planned(training={"threads": "auto"})
    fixed = planned(training={"threads": 1})
    monkeypatch.setattr(listing, "steady_environment", lambda: {"OMP_NUM_THREADS": "7"})
    again = changed(before, planned(training={"threads": "auto"}))
    assert set(again) == {*before} - {PAGE}
    assert again[TRAINING.format("seed_0")][0].endswith("threads 7")
    again = changed(fixed, planned(training={"threads": 1}))
    assert set(again) == {note for note in before if "training" not in note} - {LEAKAGE, PAGE}


def test_the_leakage_meter_stands_between_the_pictures_and_chapter_01(planned, tmp_path):
    meter = planned()[LEAKAGE]
    plan = read_plan(tmp_path)
    assert {"shaping part of data", "version of torch", "pictures", "device"} <= set(meter)
    for module in ("variants/leakage", "data/traits", "data/assign", "train/loop", "predict/predict"):
        assert f"dfstudy/{module}.py" in meter, module
    assert not any("pipeline/" in name or name.endswith(" training") for name in meter)
    readers = [x["id"] for x in plan["chapters"] if LEAKAGE in x["inputs"]]
    assert readers == ["01_explore_data"] and plan["leakage"]["threads"] == 1


def test_every_training_is_a_step_of_its_own_with_what_shapes_it(planned, tmp_path):
    reads = planned(training={"runs_a_step": 1}, policies={"leave_one_out": True})
    plan, steps = read_plan(tmp_path), read_steps(tmp_path)
    own = {name for name, step in steps.items() if step["group"] == RUNS}
    others = {name for name, step in steps.items() if step["group"] == FORGERIES}
    policies = {name for name, step in steps.items() if step["group"] in (POLICIES, CONTROLS)}
    assert own == {f"seed_{seed}" for seed in plan_seeds(tmp_path)} and others
    for name in steps:
        read = reads[TRAINING.format(name)]
        assert {"shaping part of training", "version of torch", "pictures", "split", "device"} <= set(read)
        # another choice of forgeries to learn trains the study's own networks not again
        assert ("setting forgeries" in read) == (name in others)
        assert ("setting policies" in read) == (name in policies)
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
    shared = " ".join(step["which"] for step in steps.values()).split("--variant ")
    assert sorted(map(str.strip, shared)) == sorted(map(str.strip, " ".join(alone).split("--variant ")))
    sizes = [len(step["which"].split("--variant ")) - 1 for step in steps.values() if step["group"] != RUNS]
    assert max(sizes) <= 3 and len(sizes) < len(alone)
    last = list(steps.values())[-1]["group"]
    halved = [len(step["which"].split("--variant ")) - 1 for step in steps.values() if step["group"] == last]
    assert max(halved) == 2  # of 3: so that cores which share the last steps end together


def test_a_run_that_two_groups_ask_for_is_trained_once(planned, tmp_path, monkeypatch):
    study = load_study(out=str(tmp_path))
    twin = lambda study, split: [Variant("twin", (), study, split)]  # noqa: E731
    monkeypatch.setitem(VARIANT_GROUPS, FORGERIES, twin)
    runs = list_runs(study, SPLIT)
    assert [variant.name for variant, _ in runs[RUNS]] == ["main"] * len(study.training.seeds)
    assert runs[FORGERIES] == []
    # what changes speed alone makes no other run, what shapes weights does
    recipe = study.training
    for changed, new in (({"workers": 3, "runs_a_step": 5}, 0), ({"learning_rate": 1e-5}, len(recipe.seeds))):
        other = study.model_copy(update={"training": recipe.model_copy(update=changed)})
        monkeypatch.setitem(VARIANT_GROUPS, FORGERIES, lambda study, split, other=other: twin(other, split))
        assert len(list_runs(study, SPLIT)[FORGERIES]) == new


def test_the_comparison_of_policies_waits_for_the_shortcut_probe_that_it_draws(planned, tmp_path):
    planned()
    plan = json.loads((tmp_path / "study" / "plan.json").read_text())
    readers = [step["id"] for step in plan["chapters"] if "steps/01_explore_data.json" in step["inputs"]]
    assert readers == ["05_compare_augmentation", "10_conclusions"]
    after = {
        step["note"]: step["after"]
        for step in json.loads((tmp_path / "study" / "reads.json").read_text())["steps"]
    }
    assert "steps/01_explore_data.json" in after["steps/05_compare_augmentation.json"]


def test_groups_are_trained_in_the_order_in_which_a_report_needs_them(planned, tmp_path):
    planned()
    rules = [rule["rule"] for rule in read_plan(tmp_path)["training"]]
    assert rules[0] == "training" and set(rules[1:]) <= {f"training_{group}" for group in VARIANT_GROUPS}
    assert rules[1:] == [f"training_{group}" for group in VARIANT_GROUPS if f"training_{group}" in rules]


def test_other_weights_in_the_file_of_the_second_network_change_what_its_steps_read(tmp_path):
    study, file = load_study(out=str(tmp_path)), tmp_path / "second.safetensors"
    second = study.model.model_copy(update={"weights": str(file)})
    study = study.model_copy(update={"forgeries": study.forgeries.model_copy(update={"second": second})})
    read = []
    for content in ("one", "other"):
        file.write_text(content)
        write_plan(Invocation("sample", "", str(tmp_path), study), SPLIT, Site(2, 0))
        read.append(read_reads(tmp_path))
    again = changed(*read)
    assert {word for words in again.values() for word in words} == {"weights of forgeries changed"}
    groups = {name: step["group"] for name, step in read_steps(tmp_path).items()}
    assert {groups[name] for name in groups if TRAINING.format(name) in again} == {FORGERIES}


def test_chapter_06_waits_for_the_folders_that_it_tests_on(planned, tmp_path):
    reads = planned(test_on=[OtherPictures(root="faces"), OtherPictures(root="more", name="Faces II")])
    waiting = [note for note, read in reads.items() if any(name.startswith("images of ") for name in read)]
    assert waiting == ["steps/06_cross_forgery.json"]
    assert {"images of faces", "images of faces_ii"} <= set(reads[waiting[0]])


def read_steps(folder) -> dict:
    return {name: step for rule in read_plan(folder)["training"] for name, step in rule["steps"].items()}


def plan_seeds(folder) -> list[int]:
    return load_study(out=str(folder)).training.seeds
