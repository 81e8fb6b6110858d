"""Which trainings chapter 05 asks for: one policy apart, everything else alike, and none of them twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.study import recipe
from dfstudy.study.comparisons import Forgeries, Policies
from dfstudy.study.recipe import ORIGINAL_TRANSFORMS
from dfstudy.study.study import Study, load_study
from dfstudy.variants.controls import permute_labels
from dfstudy.variants.policies import list_comparisons, name_variants
from dfstudy.variants.registry import CONTROLS, POLICIES, find_variants, list_variants

METHODS = ("Face Swap", "GAN", "reenactment")


def make_split() -> Split:
    names = [
        (part, kind, number)
        for part in ("train", "val", "test")
        for kind in ("real", *METHODS)
        for number in range(3)
    ]
    rows = pd.DataFrame(names, columns=["split", "method", "number"])
    rows["label"] = (rows["method"] != "real").astype(int)
    rows["path"] = rows["split"] + "/" + rows["method"] + "_" + rows["number"].astype(str) + ".png"
    rows["sha256"], rows["group"] = rows["path"], rows["path"]
    rows = rows.sort_values("path", ignore_index=True)
    nothing = rows.iloc[:0]
    return Split(rows, nothing, Path("somewhere"), "f" * 64, True, (), nothing)


SPLIT = make_split()


def wanting(epochs: int = 16, **wanted) -> Study:
    study = load_study("sample", out="somewhere")
    recipe = study.training.model_copy(
        update={"epochs": epochs, "patience": epochs, "seeds": [3, 4, 5], "devices": 4}
    )
    return study.model_copy(
        update={"training": recipe, "policies": Policies(**wanted), "forgeries": Forgeries()}
    )


def listed(**wanted):
    return list_variants(wanting(**wanted), SPLIT, POLICIES)


def content(variant) -> tuple:
    return variant.study.model_dump_json(), variant.split.fingerprint


def test_all_arms_differ_from_each_other_in_policy_and_length_alone():
    variants = listed(names=["none", "original", "original-grey"])
    plain = [
        (
            variant.study.model,
            variant.study.training.model_copy(update={"epochs": 1, "patience": 1, "step_epochs": 1}),
            variant.split.fingerprint,
        )
        for variant in variants
    ]
    assert all(one == plain[0] for one in plain)
    assert variants[0].study.training.seeds == [3, 4, 5] and variants[0].study.training.devices == 1
    assert all(variant.study.training.patience >= variant.study.training.epochs for variant in variants)
    assert Counter(variant.study.training.epochs for variant in variants).keys() == {4, 8, 16}


def test_names_say_policy_and_budget():
    variants = {variant.name: variant for variant in listed(names=["none", "dfdc_winner"], strengths=[0.5])}
    told = {
        name: (variant.study.augment.policy, variant.study.training.epochs)
        for name, variant in variants.items()
    }
    assert told["policy_dfdc_winner"] == ("dfdc_winner", 16)
    assert told["policy_none-at_25"] == ("none", 4)
    assert told["policy_original-at_50"] == (
        "original",
        8,
    )  # what parts are measured against, though not named
    assert told["leave_out_grey"] == ("original-grey", 8) and told["add_colour"] == ("none+colour", 8)
    assert told["strength_0_5"] == ("original*0.5", 8)
    assert len(variants) == 3 * 2 + 1 + 2 * len(ORIGINAL_TRANSFORMS) + 1
    assert (
        find_variants(wanting(names=["none", "dfdc_winner"]), SPLIT, ["add_grey"])[0].study.augment.policy
        == "none+grey"
    )


def test_the_base_of_the_parts_is_the_one_of_the_curves_where_budgets_meet():
    wanted = {"names": ["none", "original"], "leave_one_out": True, "add_one": False, "strengths": []}
    shared = {variant.name for variant in listed(**wanted, parts_budget=0.5)}
    assert {"policy_original", "policy_original-at_50", "policy_original-at_25"} <= shared
    apart = {variant.name for variant in listed(**wanted, parts_budget=0.75)}
    assert apart - shared == {"policy_original-at_75"} and shared <= apart
    whole = {variant.name: variant for variant in listed(**wanted, parts_budget=1)}
    assert whole["leave_out_grey"].study.training.epochs == 16 and not shared - set(whole)


@given(
    epochs=st.integers(1, 40),
    names=st.lists(
        st.sampled_from(["none", "original", "original-grey", "none+grey", "original*0.5"]), max_size=5
    ),
    strengths=st.lists(st.sampled_from([0.5, 1.0, 2.0]), max_size=3),
    budgets=st.lists(st.sampled_from([0.1, 0.25, 0.333, 0.5, 1.0]), max_size=4),
    parts_budget=st.sampled_from([0.25, 0.5, 0.6, 1.0]),
    parts=st.booleans(),
)
def test_no_training_stands_under_two_names(epochs, names, strengths, budgets, parts_budget, parts):
    study = wanting(
        epochs,
        names=names,
        strengths=strengths,
        budgets=budgets,
        parts_budget=parts_budget,
        leave_one_out=parts,
        add_one=parts,
    )
    variants = list_variants(study, SPLIT, POLICIES)
    assert len({variant.name for variant in variants}) == len(variants) == len(set(map(content, variants)))
    known, comparisons = name_variants(study), list_comparisons(study)
    assert all(one.first in known and one.second in known for one in comparisons)
    assert all(one.first.epochs == one.second.epochs for one in comparisons)
    assert len({one.stem for one in comparisons}) == len(comparisons)
    assert bool(variants) == bool(names)


def test_nothing_held_out_leaves_the_split_and_the_main_recipe_as_they_are():
    study = wanting(epochs=12, names=["none", "original"])
    variant = find_variants(study, SPLIT, ["policy_original"])[0]
    main = study.training.model_copy(update={"devices": 1})
    assert (
        variant.split is SPLIT
        and variant.study.training == main
        and variant.study.augment.policy == "original"
    )


def test_what_is_held_out_is_tested_and_never_learned():
    variants = listed(names=["none", "original"], unseen=["GAN"])
    assert (
        {variant.split.fingerprint for variant in variants}
        == {variants[0].split.fingerprint}
        != {SPLIT.fingerprint}
    )
    for variant in variants:
        assert variant.trained_on == ("Face Swap", "reenactment")
        for part in ("train", "val"):
            assert "GAN" not in set(variant.split.part(part)["method"])
        pd.testing.assert_frame_equal(variant.split.part("test"), SPLIT.part("test"))


@pytest.mark.parametrize(
    ("unseen", "words"),
    [(["face swap"], "no method 'face swap'.*'Face Swap'"), (list(METHODS), "no fake is left")],
)
def test_what_cannot_be_held_out_is_said(unseen, words):
    with pytest.raises(StudyError, match=words) as caught:
        listed(unseen=unseen)
    assert "reenactment" in caught.value.hint


def test_a_shorter_training_goes_through_the_whole_schedule():
    study = load_study("original", out="somewhere")
    variants = {variant.name: variant for variant in list_variants(study, SPLIT, POLICIES)}
    full, half = (variants[name].study.training for name in ("policy_original", "policy_original-at_50"))
    assert (full.epochs, full.step_epochs, full.patience) == (30, 15, 30)  # none stops early
    assert (half.epochs, half.step_epochs) == (15, 8)
    cosine = load_study("full", out="somewhere")
    variants = {variant.name: variant for variant in list_variants(cosine, SPLIT, POLICIES)}
    assert variants["policy_none-at_50"].study.training.warmup_epochs == 0.5


def test_no_policy_named_trains_nothing():
    assert listed(names=[]) == [] == list_comparisons(wanting(names=[]))


def test_one_policy_alone_is_trained_and_compared_with_nothing():
    study = wanting(names=["original"], leave_one_out=False, add_one=False, strengths=[])
    assert [variant.name for variant in list_variants(study, SPLIT, POLICIES)] == ["policy_original"]
    assert list_comparisons(study) == []


def test_the_transforms_are_those_of_the_policy():
    from dfstudy.augment.policies import build_policy

    assert tuple(name for name in build_policy("original", 32).names if name != "pad") == ORIGINAL_TRANSFORMS


def test_policies_that_a_study_takes_are_those_that_can_be_built():
    from dfstudy.augment.recipes import RECIPES

    assert tuple(RECIPES) == recipe.POLICIES
    with pytest.raises(ValidationError, match="unknown policy"):
        Policies(names=["none", "orginal"])


def test_the_order_of_rows_changes_no_variant():
    turned = replace(
        SPLIT, rows=SPLIT.rows.sample(frac=1, random_state=0).sort_values("path", ignore_index=True)
    )
    study = wanting(unseen=["GAN"])
    variants = [list_variants(study, split, POLICIES) for split in (SPLIT, turned)]
    assert [content(variant) for variant in variants[0]] == [content(variant) for variant in variants[1]]


def test_controls_repeat_the_first_policy_with_other_seeds_and_with_lost_labels():
    study = wanting(names=["none", "original"], seeds=3, unseen=["GAN"])
    same, lost = list_variants(study, SPLIT, CONTROLS)
    first = next(
        variant for variant in list_variants(study, SPLIT, POLICIES) if variant.study.augment.policy == "none"
    )
    assert same.study.training.seeds == [0, 1, 2] and first.study.training.seeds == [3, 4, 5]
    alike = same.study.training.model_copy(update={"seeds": [3, 4, 5]})
    assert (alike, same.split.fingerprint) == (first.study.training, first.split.fingerprint)
    assert lost.study.training.seeds == [3] and lost.split.fingerprint != first.split.fingerprint
    assert "GAN" not in set(lost.split.part("train")["method"])
    assert list_variants(wanting(names=["none"], controls=False), SPLIT, CONTROLS) == []
    assert list_variants(wanting(names=[]), SPLIT, CONTROLS) == []


@given(st.integers(0, 2**31 - 1))
def test_permuted_labels_keep_the_counts_of_each_part_and_the_test(seed):
    lost = permute_labels(SPLIT, seed).rows
    assert lost["path"].tolist() == SPLIT.rows["path"].tolist()
    for part in ("train", "val", "test"):
        rows, own = (table[table["split"] == part] for table in (SPLIT.rows, lost))
        assert sorted(rows["method"]) == sorted(own["method"])
        assert ((own["method"] != "real") == (own["label"] == 1)).all()
        assert part != "test" or rows["label"].tolist() == own["label"].tolist()
    assert lost.equals(permute_labels(SPLIT, seed).rows)


def test_a_quantity_is_asked_once():
    with pytest.raises(ValidationError, match="gap is asked twice"):
        Policies(primary="gap")
