"""The drill of a recipe against itself, with made-up networks: what is drawn, what is called false."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import networks as trained
import same_recipe as drill
from made_up import Skill, make_tested

from dfstudy.data.split import Split
from dfstudy.stats.verdicts import UNTRAINED
from dfstudy.study.comparisons import Evaluate
from dfstudy.variants.defects import correct_variant

WORK = Path("nowhere")
QUICK = Evaluate(replicates=100)


@pytest.fixture
def networks(monkeypatch):
    """Makes twelve networks of one recipe; the study asks for few replicates."""
    real = trained.study_in

    def quick(work: Path):
        return real(work).model_copy(update={"evaluate": QUICK})

    monkeypatch.setattr(drill, "study_in", quick)

    def make(skill: Skill, seed: int = 0) -> list[trained.Network]:
        study = quick(WORK)
        many = study.training.model_copy(update={"seeds": list(range(12))})
        policies = study.policies.model_copy(update={"seeds": 12})
        study = study.model_copy(update={"training": many, "policies": policies})
        made = make_tested(np.random.default_rng(seed), study, {"none": skill, "original": skill})
        one = next(iter(made.values()))
        return [
            trained.Network(one.learned, test, clean, corrupted, losses)
            for test, clean, corrupted, losses in zip(
                one.test, one.clean, one.corrupted, one.losses, strict=True
            )
        ]

    return make


def test_sides_are_disjoint_and_a_case_is_always_the_same():
    one, other = drill.draw("none", 40, 2, 3)
    assert len({*one, *other}) == 6 and len(one) == drill.SEEDS
    assert [side.tolist() for side in drill.draw("none", 40, 2, 3)] == [one.tolist(), other.tolist()]
    assert drill.draw("none", 40, 2, 4)[0].tolist() != one.tolist()


def test_a_recipe_against_itself_and_against_a_worse_one(networks):
    have = networks(Skill(4.0, 2.1))
    told = pd.DataFrame(drill.compare_sides(WORK, have[:3], have[3:6]))
    asked = set(told["asked"])
    assert {"auc", "gap", "unseen", "robust", "log_loss", "ece", "answer.augmentation.auc"} <= asked
    worse = [replace(one, test=two.test) for one, two in zip(have, networks(Skill(4.0, 1.0)), strict=True)]
    told = pd.DataFrame(drill.compare_sides(WORK, have[:3], worse[3:6])).set_index("asked")
    assert told["said"]["auc"] == "worsens" and told["said"]["answer.augmentation.auc"] == "no"
    assert told["false"]["auc"] and told["false"]["answer.augmentation.auc"]


def test_of_what_learned_nothing_nothing_is_said(networks):
    have = networks(Skill(4.0, 0.0))
    told = pd.DataFrame(drill.compare_sides(WORK, have[:3], have[3:6]))
    assert set(told["said"]) == {UNTRAINED} and not told["false"].any()


def test_an_audit_of_one_recipe_asks_every_defect(networks, monkeypatch):
    have = networks(Skill(4.0, 2.1))
    study, (test, clean) = drill.study_in(WORK), (have[0].test, have[0].clean)
    rows = pd.concat([test.assign(split="test"), clean.rename(columns={"part": "split"})])
    rows["method"] = rows["method"].fillna("swap").where(rows["label"] == 1, "real")
    rows = rows.assign(sha256=rows["path"])[["path", "sha256", "label", "method", "group", "split"]]
    rows = rows.sort_values("path", ignore_index=True)
    split = Split(rows, rows.iloc[:0], Path("pictures"), "f" * 64, True, (), rows.iloc[:0])
    monkeypatch.setattr(drill, "arms_in", lambda work: {"defects": correct_variant(study, split)})
    told = pd.DataFrame(drill.audit_sides(WORK, [have[at % 4 * 3 :][:3] for at in range(20)]))
    assert "timm_head, change" in set(told["asked"]) and "all, change" in set(told["asked"])
    assert "answer.protocol.cost" in set(told["asked"])


def test_the_table_counts_and_judges():
    rows = [
        {
            "kind": "05",
            "recipe": "none",
            "case": case,
            "asked": asked,
            "said": said,
            "false": said == "improves",
        }
        for case in range(20)
        for asked, said in (
            ("auc", "improves" if case < 2 else "inconclusive"),
            ("answer.augmentation.auc", "cannot tell"),
        )
    ]
    rows.append({"kind": "permuted", "recipe": "permuted", "case": 0, "asked": "auc", "said": UNTRAINED})
    table = pd.DataFrame(rows).fillna({"false": False})
    assert drill.summarise(table)["false"].tolist() == [2, 0, 0]
    (wrong,) = drill.verdict_of(table)
    assert wrong == "05, none, auc: 10.0% false" and not drill.studies_wrong(table).any()
    table.loc[table["kind"] == "permuted", "said"] = "improves"
    assert drill.verdict_of(table)[-1] == "permuted labels: 1 verdicts"
    assert drill.share(pd.Series([True] + [False] * 19))["per cent"] == "5.0 [0.1, 24.9]"


def test_permuted_labels_stay_with_their_methods_and_their_part():
    rows = pd.DataFrame(
        {
            "path": [f"{at:03d}" for at in range(60)],
            "sha256": "",
            "label": [0, 1, 1] * 20,
            "method": ["real", "swap", "gan"] * 20,
            "group": "g",
            "split": ["train"] * 30 + ["val"] * 15 + ["test"] * 15,
        }
    )
    split = Split(rows, rows.iloc[:0], Path("x"), "f" * 64, True, (), rows.iloc[:0])
    found = trained.permute_labels(split, 0).rows
    assert found["label"][45:].equals(rows["label"][45:]) and not found["label"].equals(rows["label"])
    assert found.groupby("split")["label"].sum().equals(rows.groupby("split")["label"].sum())
    assert ((found["method"] == "real") == (found["label"] == 0)).all() and found["label"].dtype == "int64"
