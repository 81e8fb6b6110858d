"""Numbers of the training, from runs made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from dfstudy.chapters.c03_training.numbers import training_numbers
from dfstudy.study.comparisons import Evaluate
from dfstudy.train.run import Run

SETTINGS = Evaluate(replicates=200)


def clean_table(seed: int, learned: float = 3.0) -> pd.DataFrame:
    """60 training images in groups of two and 20 of validation in groups of one to three."""
    random = np.random.default_rng(seed)
    parts = []
    for part, count, shift in (("train", 60, learned), ("val", 20, 1.0)):
        label = np.arange(count) % 2
        groups = [f"{part}{i // 2}" if part == "train" else f"{part}{int(i**0.8)}" for i in range(count)]
        logit = random.normal(shift * label, 1.0)
        paths = [f"{part}/{i:03d}.png" for i in range(count)]
        parts.append(
            pd.DataFrame({"part": part, "path": paths, "label": label, "group": groups, "logit": logit})
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def make_runs(tmp_path):
    def make(*tables: pd.DataFrame) -> list[Run]:
        runs = []
        for seed, table in enumerate(tables):
            folder = tmp_path / f"seed{seed}"
            folder.mkdir()
            table.to_csv(folder / "clean.csv", index=False)
            told = {
                "best_epoch": 3 + seed,
                "epochs": 6,
                "parameters": 900,
                "trainable": 90,
                "fake_weight": 1.0,
                "temperature": 1.0,
            }
            history = pd.DataFrame({"val_loss": [0.6, 0.5, 0.4, 0.4, 0.39, 0.39]})
            runs.append(Run(f"seed{seed}", seed, folder, history, pd.DataFrame(), told))
        return runs

    return make


def by_id(runs) -> dict:
    return {number.id: number for number in training_numbers(runs, SETTINGS)}


def auc_of(table, part) -> float:
    rows = table[table["part"] == part]
    return roc_auc_score(rows["label"], rows["logit"])


def test_the_gap_is_training_less_validation_on_the_mean_over_seeds(make_runs):
    tables = [clean_table(0), clean_table(1)]
    found = by_id(make_runs(*tables))
    seen, unseen = (np.mean([auc_of(table, part) for table in tables]) for part in ("train", "val"))
    assert found["train.auc"].value == pytest.approx(seen)
    assert found["train.val_auc"].value == pytest.approx(unseen)
    assert found["train.auc_gap"].value == pytest.approx(seen - unseen)
    assert found["train.auc_gap"].low < found["train.auc_gap"].value < found["train.auc_gap"].high
    assert found["train.auc_gap"].groups == tables[0]["group"].nunique()
    assert found["train.auc_gap"].n == 80


def test_no_gap_where_nothing_was_learned_by_heart(make_runs):
    gap = by_id(make_runs(clean_table(3, learned=1.0)))["train.auc_gap"]
    assert gap.low < 0 < gap.high


def test_counts_and_epochs(make_runs):
    found = by_id(make_runs(clean_table(0), clean_table(1)))
    assert found["train.best_epoch"].value == 3.5
    assert found["train.best_epoch"].note == "3 of 6, 4 of 6"
    assert (found["train.pictures"].value, found["train.val_pictures"].value) == (60, 20)
    assert found["train.learned"].value in (0, 1) and found["train.improving"].value == 0
    assert (found["train.parameters"].value, found["train.trainable"].value) == (900, 90)


def test_one_run_has_a_whole_epoch(make_runs):
    assert str(by_id(make_runs(clean_table(0)))["train.best_epoch"]) == "3"


def test_runs_of_different_splits_are_refused(make_runs):
    other = clean_table(1).assign(path=lambda table: "other/" + table["path"])
    with pytest.raises(ValueError, match="different splits"):
        training_numbers(make_runs(clean_table(0), other), SETTINGS)
