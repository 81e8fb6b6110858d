"""What scores mean: everything from validation, judged on test, with one seed or several, however small."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from dfstudy.number import Number
from dfstudy.stats.calibration_effect import FLAT
from dfstudy.stats.measures import test_numbers
from dfstudy.stats.risk import risk_band
from dfstudy.stats.score_meaning import RATES, calibrate, meaning_numbers, risk_curve
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)


def runs_of(made, seeds=2, groups=25, sharpness=1.0):
    """Runs that know their validation and nothing else; training rows would mislead every fit."""
    tables = made(groups=groups, seeds=seeds, seed=7)
    runs = []
    for table in tables:
        val = table.assign(part="val", logit=table["logit"] * sharpness)
        train = table.assign(part="train", logit=-50.0 * table["label"])
        rows = pd.concat([val, train])[["part", "path", "label", "group", "logit"]]
        runs.append(SimpleNamespace(clean=rows, checkpoint={"threshold": 0.6}))
    return runs


def sharpen(tables, sharpness):
    logits = [table["logit"] * sharpness for table in tables]
    return [
        table.assign(logit=logit, probability=expit(logit))
        for table, logit in zip(tables, logits, strict=True)
    ]


def by_id(meaning) -> dict[str, Number]:
    return {number.id: number for number in meaning_numbers(meaning, SETTINGS)}


def test_too_sure_a_network_is_mended_and_keeps_its_verdicts(made):
    tables = sharpen(made(groups=40), 4.0)
    meaning = calibrate(runs_of(made, sharpness=4.0), tables, SETTINGS)
    assert meaning.judgements["platt"].verdict() == "improves"
    for plain, mended, threshold in zip(tables, meaning.tables, meaning.thresholds, strict=True):
        assert ((plain["probability"] >= 0.6) == (mended["probability"] >= threshold)).all()
        assert np.abs(mended["probability"] - 0.5).mean() < np.abs(plain["probability"] - 0.5).mean()
    numbers = by_id(meaning)
    assert numbers["test.calibration.platt.fitted_slope"].value < 0.5
    assert numbers["test.calibration.platt.log_loss.change"].high < 0
    before = {n.id: n for n in test_numbers(tables, [0.6, 0.6], SETTINGS)}
    after = {n.id: n for n in test_numbers(meaning.tables, meaning.thresholds, SETTINGS)}
    assert numbers["test.calibration.platt.ece.after"].value == pytest.approx(after["test.ece"].value)
    for loss in ("log_loss", "brier"):
        change = numbers[f"test.calibration.platt.{loss}.change"].value
        told = numbers[f"test.calibration.platt.{loss}.after"]
        assert told.value == pytest.approx(after[f"test.{loss}"].value)
        assert change == pytest.approx(told.value - before[f"test.{loss}"].value)
    assert not any(name.endswith(".before") for name in numbers)


def test_thresholds_keep_their_promise_on_validation(made):
    runs = runs_of(made, groups=300)
    meaning = calibrate(runs, made(groups=40), SETTINGS)
    for at, run in enumerate(runs):
        val = run.clean[run.clean["part"] == "val"]
        scores = meaning.judgements["platt"].calibrations[at](val["logit"])
        reals = scores[val["label"] == 0]
        chosen = [meaning.alarms[rate][at].threshold for rate in RATES]
        assert all((reals >= t).mean() < 0.8 * rate for t, rate in zip(chosen, RATES, strict=True))
        assert chosen[0] >= chosen[1] >= chosen[2]


def test_a_small_validation_promises_what_it_can(made):
    meaning = calibrate(runs_of(made, groups=40), made(), SETTINGS)
    numbers = by_id(meaning)
    assert all(alarm.threshold is None for alarm in meaning.alarms[0.01])
    for name in ("false_alarms", "sensitivity"):
        assert numbers[f"test.{name}.at_1"].value is None and "299" in numbers[f"test.{name}.at_1"].note
        assert numbers[f"test.{name}.at_10"].value is not None


def test_order_of_rows_does_not_matter(made):
    tables, runs = made(groups=20), runs_of(made)
    mixed = [table.sample(frac=1, random_state=3).reset_index(drop=True) for table in tables]
    assert by_id(calibrate(runs, mixed, SETTINGS)) == by_id(calibrate(runs, tables, SETTINGS))


def test_risk_is_a_mean_over_seeds(made):
    tables, runs = made(groups=20), runs_of(made)
    meaning = calibrate(runs, tables, SETTINGS)
    curve = risk_curve(meaning, SETTINGS)
    alone = [
        risk_band(t["label"], t["probability"], t["group"], SETTINGS, limit)["risk"]
        for t, limit in zip(meaning.tables, meaning.thresholds, strict=True)
    ]
    assert curve["risk"].to_numpy() == pytest.approx(np.mean(alone, axis=0))
    wrong = [
        ((t["probability"] >= limit) != t["label"]).mean()
        for t, limit in zip(meaning.tables, meaning.thresholds, strict=True)
    ]
    assert curve["risk"].iloc[-1] == pytest.approx(np.mean(wrong))


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize(("val_groups", "test_groups"), [(1, 1), (2, 2), (2, 12)])
def test_few_groups_give_numbers_or_a_reason(made, seeds, val_groups, test_groups):
    tables = made(groups=test_groups, seeds=seeds)
    meaning = calibrate(runs_of(made, seeds, val_groups), tables, SETTINGS)
    for number in [*by_id(meaning).values(), *test_numbers(tables, [0.5] * seeds, SETTINGS)]:
        assert number.value is not None or number.note
    assert len(risk_curve(meaning, SETTINGS)) == 101


@pytest.mark.parametrize("label", [0, 1])
def test_a_test_of_one_class_says_what_is_not_defined(made, label):
    tables = [table[table["label"] == label] for table in made()]
    numbers = by_id(calibrate(runs_of(made, groups=80), tables, SETTINGS))
    absent = "sensitivity" if label == 0 else "false_alarms"
    assert numbers[f"test.{absent}.at_5"].value is None and numbers[f"test.{absent}.at_5"].note
    assert numbers["test.calibration.platt.brier.after"].value is not None


def test_a_validation_that_says_nothing_is_told(made):
    runs = runs_of(made, seeds=1, sharpness=-1.0)
    numbers = by_id(calibrate(runs, made(seeds=1), SETTINGS))
    assert FLAT in numbers["test.calibration.platt.fitted_slope"].note
