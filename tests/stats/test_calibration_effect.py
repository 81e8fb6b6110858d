"""What a calibration changes on a test: against scikit-learn, and its verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics as sk

from dfstudy.stats.calibration import FITS, Calibration, fit_platt
from dfstudy.stats.calibration_effect import FLAT, judge
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=300)


def made(seed, n=2000, sharp=3.0):
    """Logits that are `sharp` times too sure; groups of four."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 1.5, n)
    labels = (random.random(n) < expit(honest)).astype(int)
    return sharp * honest, labels, np.arange(n) // 4


def test_calibrating_an_overconfident_network_improves_held_out_loss():
    for fit in FITS.values():
        found = judge([fit(*made(2)[:2])], *made(3), SETTINGS)
        assert found.verdict() == "improves" and found.verdict("brier") == "improves"
        numbers = {n.id: n for n in found.numbers()}
        kind = found.calibrations[0].kind
        logits, labels, _ = made(3)
        before, after = (numbers[f"calibration.{kind}.log_loss.{when}"].value for when in ("before", "after"))
        assert before == pytest.approx(sk.log_loss(labels, expit(logits)))
        assert after == pytest.approx(sk.log_loss(labels, found.calibrations[0](logits)))
        change = numbers[f"calibration.{kind}.log_loss.change"]
        assert change.value == pytest.approx(after - before) and change.high < 0
        assert "calibration improves" in change.note and change.groups == 500
        assert numbers[f"calibration.{kind}.brier.after"].value == pytest.approx(
            sk.brier_score_loss(labels, found.calibrations[0](logits))
        )


def test_a_wrong_calibration_worsens_and_an_idle_one_is_inconclusive():
    logits, labels, units = made(4, sharp=1.0)
    assert judge([Calibration("platt", 5.0)], logits, labels, units, SETTINGS).verdict() == "worsens"
    # fitted to an honest network: no better, and said to be so
    idle = judge([fit_platt(*made(5, sharp=1.0)[:2])], logits, labels, units, SETTINGS)
    assert idle.verdict() == "inconclusive"
    change = {n.id: n for n in idle.numbers()}["calibration.platt.log_loss.change"]
    assert change.low < 0 < change.high and "calibration inconclusive" in change.note


def test_several_seeds_are_averaged_each_with_its_own_calibration():
    logits, labels, units = made(7)
    rows, fitted = np.stack([logits, logits / 2]), [Calibration("platt", 1 / t) for t in (3.0, 1.5)]
    found = judge(fitted, rows, labels, units, SETTINGS)
    assert found.after["brier"].value == pytest.approx(sk.brier_score_loss(labels, expit(logits / 3)))
    before = np.mean([sk.brier_score_loss(labels, expit(row)) for row in rows])
    assert found.before["brier"].value == pytest.approx(before)
    numbers = {n.id: n for n in found.numbers()}
    assert numbers["calibration.platt.fitted_slope"].value == pytest.approx(0.5)
    assert numbers["calibration.platt.slope"].value == pytest.approx(1, abs=0.1)
    assert "mean over 2 training seeds" in numbers["calibration.platt.brier.after"].note
    with pytest.raises(ValueError, match="one kind"):
        judge([fitted[0], Calibration("none")], rows, labels, units, SETTINGS)


def test_no_calibration_changes_nothing():
    logits, labels, units = made(6)
    found = judge([Calibration("none")], logits, labels, units, SETTINGS)
    assert all(float(change.value) == 0 for change in found.change.values())
    assert found.verdict() == "inconclusive"


def test_what_is_left_is_said_by_intercept_slope_and_error():
    logits, labels, units = made(8)
    right, moved, bold = (
        judge([Calibration("platt", slope, shift)], logits, labels, units, SETTINGS)
        for slope, shift in ((1 / 3, 0.0), (1 / 3, 0.5), (1.0, 0.0))
    )
    assert right.intercept.low < 0 < right.intercept.high and right.slope.low < 1 < right.slope.high
    assert moved.intercept.high < 0 and moved.error.low > 0.02
    assert bold.slope.high < 1 and bold.error.value > right.error.value
    numbers = {n.id: n for n in moved.numbers()}
    assert "0 is right" in numbers["calibration.platt.intercept"].note
    assert numbers["calibration.platt.fitted_intercept"].value == 0.5
    assert numbers["calibration.platt.ece.after"].unit == "probability"


def test_a_validation_that_ranks_nothing_is_remarked():
    logits, labels, units = made(10, n=200)
    found = judge([fit_platt(-logits, labels)], logits, labels, units, SETTINGS)
    assert found.remarks == (FLAT,)
    assert FLAT in {n.id: n for n in found.numbers()}["calibration.platt.fitted_slope"].note


def test_classes_that_are_apart_have_no_slope():
    labels, units = np.repeat([0, 1], 20), np.arange(40)
    found = judge([Calibration("platt")], np.where(labels == 1, 2.0, -2.0), labels, units, SETTINGS)
    number = {n.id: n for n in found.numbers()}["calibration.platt.slope"]
    assert number.value is None and "without a mistake" in number.note
