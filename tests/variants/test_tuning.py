"""Variants of chapter 09: every way with both policies; the study's own is trained once for two chapters."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.study.study import Study, load_study
from dfstudy.variants.policies import list_policy_variants
from dfstudy.variants.tuning import list_tuning

SETTINGS = {
    "name": "tiny",
    "title": "Tiny",
    "training": {"seeds": [0, 1, 2, 3]},
    "model": {"trainable_stages": 2},
}


def tuned(**asked) -> Study:
    return Study.model_validate({**SETTINGS, "tuning": asked})


@pytest.fixture
def split() -> Split:
    rows = [
        (f"{at}", at % 2, ("real", "swap")[at % 2], f"g{at // 2}", ("train", "val", "test")[at // 2 % 3])
        for at in range(24)
    ]
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group", "split"])
    table = table.assign(sha256=table["path"])
    return Split(table, table.iloc[:0], Path(), "f" * 64, True, (), table.iloc[:0])


def test_none_are_asked_for_by_default(split):
    assert list_tuning(Study.model_validate(SETTINGS), split) == []


def test_the_studys_own_way_is_what_chapter_05_trains(split):
    study = tuned(modes=["stages", "norm", "all", "lora"], rank=4)
    made = {variant.name: variant for variant in list_tuning(study, split)}
    assert list(made)[:3] == ["tuning_stages-none", "tuning_stages-original", "tuning_norm-none"]
    theirs = {variant.name: variant for variant in list_policy_variants(study, split)}
    for policy in ("none", "original"):
        own = made[f"tuning_stages-{policy}"]
        assert (
            own.identity(0) == theirs[f"policy_{policy}"].identity(0) and len(own.study.training.seeds) == 3
        )
        for mode, changed in {
            "norm": {"tuning": "norm"},
            "all": {"trainable_stages": "all"},
            "lora": {"tuning": "lora", "rank": 4},
        }.items():
            other = made[f"tuning_{mode}-{policy}"].study
            assert other.model == study.model.model_copy(update=changed)
            assert (other.training, other.augment) == (own.study.training, own.study.augment)


def test_a_way_may_have_a_rate_of_its_own(split):
    study = tuned(modes=["stages", "head"], learning_rates={"head": 0.5}, seeds=2)
    rates = [variant.study.training.learning_rate for variant in list_tuning(study, split)]
    assert rates == [study.training.learning_rate] * 2 + [0.5] * 2


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"tuning": {"modes": ["norm", "norm"]}}, "modes names one twice"),
        ({"tuning": {"policies": ["none"]}}, "policies"),
        ({"tuning": {"modes": ["stages"]}, "model": {"tuning": "head"}}, "model.tuning is head"),
    ],
)
def test_what_compares_nothing_is_refused(settings, why):
    with pytest.raises(ValueError, match=why):
        Study.model_validate({"name": "tiny", "title": "Tiny", **settings})


def test_the_study_of_foundation_models_compares_ways_of_tuning_with_weights_of_the_hub():
    study = load_study("foundation", out="nowhere")
    assert study.model.weights == "hub" and study.tuning.modes and len(study.training.seeds) >= 3
    with pytest.raises(StudyError, match=r"tuning\.rank"):
        load_study("foundation", out="nowhere", overrides={"tuning.rank": 0})
