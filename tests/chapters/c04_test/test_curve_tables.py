"""Tables behind the figures of the test."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from dfstudy.chapters.c04_test.curve_tables import (
    chosen_points,
    find_mistakes,
    reliability,
    roc_band,
    seed_curves,
)
from dfstudy.stats.metrics import expected_calibration_error
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)
THRESHOLDS = [0.5, 0.4]


def test_seed_curves_equal_sklearn(predictions):
    for curve, table in zip(seed_curves(predictions), predictions, strict=True):
        alarms, hits, levels = sk.roc_curve(table["label"], table["probability"], drop_intermediate=False)
        assert np.allclose(curve["false_alarms"], alarms) and np.allclose(curve["sensitivity"], hits)
        assert np.array_equal(curve["threshold"], levels)
        precision, recall, _ = sk.precision_recall_curve(table["label"], table["probability"])
        ours = curve.iloc[1:]
        assert np.allclose(ours["precision"], precision[-2::-1])
        assert np.allclose(ours["sensitivity"], recall[-2::-1])


def test_roc_band_rises_and_holds_the_mean_curve(predictions):
    band = roc_band(predictions, SETTINGS)
    for column in ("sensitivity", "low", "high"):
        assert (np.diff(band[column]) >= 0).all()
    assert (band["low"] <= band["high"]).all() and (band["high"] - band["low"]).max() > 0.02
    at_half = [np.max(c["sensitivity"][c["false_alarms"] <= 0.5]) for c in seed_curves(predictions)]
    middle = band.loc[band["false_alarms"] == 0.5, "sensitivity"].item()
    assert middle == pytest.approx(np.mean(at_half))
    # where false alarms are few a step of one per cent would hide most of the fakes found
    assert (band["false_alarms"] < 0.01).sum() == 10 and band["false_alarms"].is_monotonic_increasing


def test_chosen_points_lie_on_the_curves(predictions):
    points = chosen_points(predictions, THRESHOLDS)
    for point, curve, threshold in zip(
        points.itertuples(), seed_curves(predictions), THRESHOLDS, strict=True
    ):
        last = curve[curve["threshold"] >= threshold].iloc[-1]
        assert point.false_alarms == pytest.approx(last["false_alarms"])
        assert point.sensitivity == pytest.approx(last["sensitivity"])
        assert point.precision == pytest.approx(last["precision"])


def test_reliability_counts_every_picture_in_the_bins_of_the_calibration_error(predictions):
    table = reliability(predictions[:1], SETTINGS)
    assert len(table) == 15 and table["pictures"].sum() == len(predictions[0])
    full = table[table["pictures"] > 0]
    assert full["probability"].between(full["left"], full["right"]).all()
    error = np.average((full["share"] - full["probability"]).abs(), weights=full["pictures"])
    known = predictions[0]
    assert error == pytest.approx(expected_calibration_error(known["label"], known["probability"]))
    inside = full.dropna(subset="low")
    assert (inside["low"] <= inside["share"]).all() and (inside["share"] <= inside["high"]).all()
    assert reliability(predictions, SETTINGS)["pictures"].sum() == pytest.approx(len(predictions[0]))


def test_mistakes_are_on_the_wrong_side_and_the_worst_come_first(predictions):
    table = predictions[0]
    found = find_mistakes([table], [0.4], most=1000)
    wrong = table[(table["probability"] >= 0.4) != (table["label"] == 1)]
    assert set(found["path"]) == set(wrong["path"]) and len(found) > 5
    assert found["beyond"].is_monotonic_decreasing
    assert np.allclose(found["beyond"], (found["probability"] - 0.4).abs())
    assert find_mistakes([table], [0.4], most=3).equals(found.head(3))


def test_mistakes_of_several_seeds_are_judged_by_their_mean_distance(predictions):
    found = find_mistakes(predictions, THRESHOLDS, most=1000)
    mean = np.mean([t["probability"] - at for t, at in zip(predictions, THRESHOLDS, strict=True)], axis=0)
    wrong = predictions[0]["path"][(mean >= 0) != (predictions[0]["label"] == 1)]
    assert set(found["path"]) == set(wrong)


def test_one_class_gives_empty_curves(predictions):
    fakes = [table[table["label"] == 1] for table in predictions]
    assert roc_band(fakes, SETTINGS).empty
    assert all(curve.empty for curve in seed_curves(fakes))
    points = chosen_points(fakes, THRESHOLDS)
    assert points["false_alarms"].isna().all() and points["sensitivity"].notna().all()
    assert reliability(fakes, SETTINGS)["pictures"].sum() == len(fakes[0])
