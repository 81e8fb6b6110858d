"""Calibration against scikit-learn, on pictures whose true probability is known, and its verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from dfstudy.evaluate.calibration import FITS, Calibration, fit_isotonic, fit_temperature, judge
from dfstudy.study import Evaluate

SETTINGS = Evaluate(replicates=300)


def made(seed, n=2000, sharp=3.0):
    """Logits that are `sharp` times too sure; groups of four."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 1.5, n)
    labels = (random.random(n) < expit(honest)).astype(int)
    return sharp * honest, labels, np.arange(n) // 4


def test_temperature_has_the_least_loss_and_finds_the_true_one():
    logits, labels, _ = made(0, n=20_000)
    found = fit_temperature(logits, labels)

    def loss(temperature):
        p = expit(logits / temperature[0])
        return -np.mean(np.where(labels == 1, np.log(p), np.log1p(-p)))

    assert found.temperature == pytest.approx(minimize(loss, [2.0], method="Nelder-Mead").x[0], rel=1e-3)
    assert found.temperature == pytest.approx(3, rel=0.05) and found.pictures == 20_000
    assert np.allclose(found(logits), expit(logits / found.temperature))
    assert fit_temperature(logits[::-1].copy(), labels[::-1]).temperature == pytest.approx(found.temperature)


def test_isotonic_is_scikit_learns_but_for_laplaces_rule():
    logits, labels, _ = made(1, n=5000)
    plain = IsotonicRegression(out_of_bounds="clip").fit(logits, labels).predict(logits)
    ours = fit_isotonic(logits, labels)(logits)
    sizes = np.unique(plain, return_counts=True)
    large = np.isin(plain, sizes[0][sizes[1] >= 100])
    assert large.mean() > 0.7
    # a step of n pictures moves by at most 1 / (n + 2)
    assert np.abs(ours - plain)[large].max() <= 1 / 102 + 1e-12
    assert ours.min() > 0 and ours.max() < 1


@given(st.integers(0, 10_000), st.integers(4, 60), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_every_calibration_rises_and_stays_inside(seed, n, levels):
    random = np.random.default_rng(seed)
    logits = random.integers(-levels, levels + 1, n).astype(float)
    labels = np.r_[0, 1, random.integers(0, 2, n - 2)]
    grid = np.linspace(-levels - 2, levels + 2, 101)
    for fit in FITS.values():
        found = fit(logits, labels)(grid)
        assert (np.diff(found) >= -1e-15).all() and found.min() >= 0 and found.max() <= 1
    steps = np.array(fit_isotonic(logits, labels).steps[1])
    assert steps.min() > 0 and steps.max() < 1  # whatever the pictures, no promise of 0 or 1


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
    assert judge([Calibration("temperature", 0.2)], logits, labels, units, SETTINGS).verdict() == "worsens"
    # a temperature fitted on few pictures of an honest network: no better, and said to be so
    idle = judge([fit_temperature(*made(5, n=400, sharp=1.0)[:2])], logits, labels, units, SETTINGS)
    assert idle.verdict() == "inconclusive"
    change = {n.id: n for n in idle.numbers()}["calibration.temperature.log_loss.change"]
    assert change.low < 0 < change.high and "calibration inconclusive" in change.note


def test_several_seeds_are_averaged_each_with_its_own_calibration():
    logits, labels, units = made(7)
    rows, fitted = np.stack([logits, logits / 2]), [Calibration("temperature", t) for t in (3.0, 1.5)]
    found = judge(fitted, rows, labels, units, SETTINGS)
    assert found.after["brier"].value == pytest.approx(sk.brier_score_loss(labels, expit(logits / 3)))
    before = np.mean([sk.brier_score_loss(labels, expit(row)) for row in rows])
    assert found.before["brier"].value == pytest.approx(before)
    numbers = {n.id: n for n in found.numbers()}
    assert numbers["calibration.temperature"].value == 2.25
    assert "mean over 2 training seeds" in numbers["calibration.temperature.brier.after"].note
    with pytest.raises(ValueError, match="one kind"):
        judge([fitted[0], Calibration("none")], rows, labels, units, SETTINGS)


def test_no_calibration_changes_nothing():
    logits, labels, units = made(6)
    found = judge([Calibration("none")], logits, labels, units, SETTINGS)
    assert all(float(change.value) == 0 for change in found.change.values())
    assert found.verdict() == "inconclusive"


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_refusals(fit):
    with pytest.raises(ValueError, match="both classes"):
        fit([0.1, 0.2], [1, 1])
    with pytest.raises(ValueError, match="finite"):
        fit([0.1, np.nan], [0, 1])
