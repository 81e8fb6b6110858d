"""Was training needed: detector and probe on the same test images, with what was planted in both."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from dfstudy.chapters.c04_test import frozen as room
from dfstudy.present.numbers import say
from dfstudy.study.study import load_study

STUDY = load_study()


def detect(split, strength: float, seeds: int = 3, seed: int = 1) -> list:
    """Tables of a detector whose fakes lie so many standard deviations above reals."""
    random = np.random.default_rng(seed)
    test = split.part("test").sort_values("path", ignore_index=True)
    tables = []
    for _ in range(seeds):
        logit = random.normal(strength * test["label"], 1)
        tables.append(
            test[["path", "label", "method", "group"]].assign(logit=logit, probability=expit(logit))
        )
    return tables


def measure(monkeypatch, probed, shift: float, strength: float, study=STUDY, **given):
    split, features = probed({"swap": shift}, **given)
    monkeypatch.setattr(room, "study_features", features)
    tables = detect(split, strength)
    numbers = {number.id: number for number in room.probe_test(study, split, tables, progress=False)}
    assert set(numbers) == {room.PROBE, room.DIFFERENCE}
    return numbers, tables


@pytest.mark.parametrize(
    ("shift", "strength", "word"),
    [(0.4, 2.5, "Training was needed"), (1.8, 0.5, "Training was not needed"), (1.0, 1.4, "cannot be told")],
)
def test_the_interval_of_the_difference_decides(monkeypatch, probed, shift, strength, word):
    numbers, tables = measure(monkeypatch, probed, shift, strength)
    planted = norm.cdf(shift * np.sqrt(2) / np.sqrt(2))  # two columns shifted, one deviation each
    assert numbers[room.PROBE].value == pytest.approx(planted, abs=0.06)
    detector = np.mean([roc_auc_score(table["label"], table["probability"]) for table in tables])
    assert numbers[room.DIFFERENCE].value == pytest.approx(detector - numbers[room.PROBE].value)
    assert "3 seeds" in numbers[room.DIFFERENCE].note
    assert numbers[room.PROBE].groups == numbers[room.DIFFERENCE].groups == 50
    assert word in room.tell_probe(numbers)
    shown = say(room.tell_probe(numbers), {**numbers, "test.auc": numbers[room.PROBE]}).data
    assert str(numbers[room.DIFFERENCE]) in shown


def test_the_test_teaches_nothing(monkeypatch, probed):
    """Labels of test images are turned: the probe that comes out is the same."""
    found = []
    for turned in (False, True):
        split, features = probed({"swap": 0.8})
        if turned:
            test = split.rows["split"] == "test"
            split.rows.loc[test, "label"] = 1 - split.rows.loc[test, "label"]
        monkeypatch.setattr(room, "study_features", features)
        numbers = room.probe_test(STUDY, split, detect(split, 1.0), progress=False)
        found.append(numbers[0].value)
    assert sum(found) == pytest.approx(1)


def test_images_without_a_score_are_left_out_of_both(monkeypatch, probed):
    split, features = probed({"swap": 0.8})
    monkeypatch.setattr(room, "study_features", features)
    tables = detect(split, 1.0)
    tables[1].loc[:3, "probability"] = np.nan
    numbers = room.probe_test(STUDY, split, tables, progress=False)
    assert [number.n for number in numbers] == [len(tables[0]) - 4] * 2


def test_one_seed_covers_no_other(monkeypatch, probed):
    split, features = probed({"swap": 0.8})
    monkeypatch.setattr(room, "study_features", features)
    numbers = room.probe_test(STUDY, split, detect(split, 1.0, seeds=1), progress=False)
    assert "one seed: it covers no other" in numbers[1].note


def test_without_pretrained_weights_it_says_so(probed):
    split, _ = probed({"swap": 0.8})
    plain = STUDY.model_copy(update={"model": STUDY.model.model_copy(update={"weights": "none"})})
    numbers = room.probe_test(plain, split, detect(split, 1.0), progress=False)
    assert [number.value for number in numbers] == [None, None]
    told = room.tell_probe({number.id: number for number in numbers})
    assert told.startswith("**Not measured:** no pretrained weights (model.weights is none)")


def test_too_few_groups_are_said(monkeypatch, probed):
    split, features = probed({"swap": 0.8}, groups=8)
    monkeypatch.setattr(room, "study_features", features)
    rows = split.rows
    rows.drop(rows.index[(rows["split"] == "val") & (rows["label"] == 0)], inplace=True)
    numbers = room.probe_test(STUDY, split, detect(split, 1.0), progress=False)
    assert numbers[0].value is None and "lacks a class" in numbers[0].note
