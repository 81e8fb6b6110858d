"""Which trainings a comparison asks for, and what each of them may learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.study.comparisons import Forgeries
from dfstudy.study.recipe import Model
from dfstudy.study.study import load_study
from dfstudy.variants.registry import FORGERIES, RUNS, find_variants, list_variants

METHODS = ("Face Swap", "GAN", "reenactment")


@pytest.fixture
def study(tmp_path):
    study = load_study("full", out=str(tmp_path))
    recipe = study.training.model_copy(update={"devices": 4})
    return study.model_copy(update={"training": recipe})


@pytest.fixture
def split(tmp_path) -> Split:
    kinds = ["real", *METHODS]
    names = [
        (part, kind, number) for part in ("train", "val", "test") for kind in kinds for number in range(3)
    ]
    rows = pd.DataFrame(names, columns=["split", "method", "number"])
    rows["label"] = (rows["method"] != "real").astype(int)
    rows["path"] = rows["split"] + "/" + rows["method"] + "_" + rows["number"].astype(str) + ".png"
    rows["sha256"], rows["group"] = rows["path"], rows["path"]
    rows = rows.sort_values("path", ignore_index=True)
    nothing = rows.iloc[:0]
    return Split(rows, nothing, tmp_path, "f" * 64, True, (), nothing)


def wanting(study, **wanted):
    return study.model_copy(update={"forgeries": Forgeries(**wanted)})


def counts(split: Split, part: str) -> dict[str, int]:
    return split.part(part)["method"].value_counts().to_dict()


def test_the_study_itself_is_a_variant(study, split):
    (variant,) = list_variants(study, split, RUNS)
    assert variant.study is study and variant.split is split and variant.trained_on == METHODS
    assert variant.note(2) == "seed_2" and find_variants(study, split, [variant.name])[0] == variant


@pytest.mark.parametrize("kind", ["one", "all_but_one"])
def test_an_arm_learns_its_methods_and_is_tested_on_all(study, split, kind):
    variants = list_variants(wanting(study, train_on=kind, epochs=2), split, FORGERIES)
    assert len(variants) == len(METHODS)
    for variant, method in zip(variants, METHODS, strict=True):
        learned = {method} if kind == "one" else set(METHODS) - {method}
        for part in ("train", "val"):
            assert counts(variant.split, part) == dict.fromkeys({"real", *learned}, 3)
        assert counts(variant.split, "test") == counts(split, "test")
        assert set(variant.trained_on) == learned
        assert variant.study.training.epochs == 2 and variant.study.training.devices == 1
        assert variant.study.training.seeds == study.training.seeds[:1]
        assert variant.study.model == study.model and variant.study.augment == study.augment
    assert len({variant.split.fingerprint for variant in variants} | {split.fingerprint}) == len(variants) + 1
    assert [variant.name for variant in variants] == [
        f"{'only' if kind == 'one' else 'without'}_{name}" for name in ("face_swap", "gan", "reenactment")
    ]
    names = [variant.name for variant in variants]
    assert [variant.name for variant in find_variants(wanting(study, train_on=kind), split, names)] == names


def test_a_second_network_has_the_same_arms_and_the_same_recipe(study, split):
    second = Model(backbone="test_maxvit", size=96)
    variants = list_variants(wanting(study, second=second, seeds=2), split, FORGERIES)
    first, other = variants[: len(METHODS)], variants[len(METHODS) :]
    for one, two in zip(first, other, strict=True):
        assert two.name == f"{one.name}-second" and two.study.model == second
        assert two.split.fingerprint == one.split.fingerprint
        assert two.study.training == one.study.training and len(one.study.training.seeds) == 2
    notes = [variant.note(seed) for variant in variants for seed in variant.study.training.seeds]
    assert len(set(notes)) == len(notes)


def test_the_second_network_may_learn_fewer_times(study, split):
    wanted = {"second": Model(backbone="test_maxvit", size=96), "train_on": "all_but_one"}
    variants = list_variants(wanting(study, second_methods=["GAN"], **wanted), split, FORGERIES)
    assert [variant.name for variant in variants if variant.name.endswith("-second")] == [
        "without_gan-second"
    ]
    assert len(variants) == len(METHODS) + 1
    with pytest.raises(StudyError, match=r"no method 'GANs'.*did you mean 'GAN'"):
        list_variants(wanting(study, second_methods=["GANs"], **wanted), split, FORGERIES)


def test_an_arm_learns_reals_of_its_own_pipelines_and_is_tested_on_all(study, split):
    """Each method has its own pipeline; number 0 and 1 of the reals belong to two of them."""
    pipelines = {"Face Swap": "a", "GAN": "b", "reenactment": "a"}
    own = split.rows["method"].map(pipelines).fillna(split.rows["number"].map({0: "a", 1: "b", 2: "c"}))
    named = replace(split, rows=split.rows.assign(pipeline=own))
    variants = {
        variant.name: variant for variant in list_variants(wanting(study, train_on="one"), named, FORGERIES)
    }
    for name, word in (("only_face_swap", "a"), ("only_gan", "b")):
        rows = variants[name].split.rows
        learned = rows[(rows["label"] == 0) & (rows["split"] != "test")]
        assert set(learned["pipeline"]) == {word} and len(learned) == 2
        assert counts(variants[name].split, "test") == counts(split, "test")
    plain = replace(split, rows=split.rows.assign(pipeline=""))
    for variants in zip(*(list_variants(study, each, FORGERIES) for each in (split, plain)), strict=True):
        assert variants[0].split.fingerprint == variants[1].split.fingerprint


def test_without_two_methods_there_is_nothing_to_compare(study, split):
    one = split.rows[split.rows["method"].isin(["real", "GAN"])].reset_index(drop=True)
    assert list_variants(study, replace(split, rows=one), FORGERIES) == []
    assert list_variants(wanting(study, train_on="off"), split, FORGERIES) == []
    untrained = split.rows[(split.rows["method"] != "GAN") | (split.rows["split"] == "test")]
    variants = list_variants(study, replace(split, rows=untrained.reset_index(drop=True)), FORGERIES)
    assert [variant.trained_on for variant in variants] == [("Face Swap",), ("reenactment",)]


def test_a_wrong_name_is_answered_with_the_right_ones(study, split):
    with pytest.raises(StudyError, match=r"no training called 'only_gam'.*only_gan") as caught:
        find_variants(study, split, ["only_gam"])[0]
    assert "only_face_swap" in caught.value.hint


def test_the_order_of_rows_changes_no_variant(study, split):
    order = np.random.default_rng(0).permutation(len(split.rows))
    turned = replace(split, rows=split.rows.iloc[order].sort_values("path", ignore_index=True))
    fingerprints = [
        [variant.split.fingerprint for variant in list_variants(study, each, FORGERIES)]
        for each in (split, turned)
    ]
    assert fingerprints[0] == fingerprints[1]
