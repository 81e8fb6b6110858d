"""Calibration intercept, slope and error: against scikit-learn, refitting, and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from dfstudy.stats.metrics import ECE_BINS
from dfstudy.stats.recalibration import calibration_error, calibration_intercept, calibration_slope
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate()


def made(seed, n=600, slope=1.0, shift=0.0, size=3):
    """Labels, log-odds that are `slope` times too bold and `shift` too high, groups."""
    random = np.random.default_rng(seed)
    honest = random.normal(0.3, 1.5, n)
    return (random.random(n) < expit(honest)).astype(int), slope * honest + shift, np.arange(n) // size


def refitted(labels, odds) -> tuple[float, float]:
    """Slope, and intercept with the slope held at 1, by other means."""
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(odds[:, None], labels)
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(odds + middle).mean() < labels.mean() else (low, middle)
    return model.coef_[0, 0], low


def test_values_and_errors_are_those_of_refitting_without_each_group():
    labels, odds, groups = made(0, n=150, slope=1.4, shift=0.5)
    slope = calibration_slope(labels, odds, groups, SETTINGS)
    intercept = calibration_intercept(labels, odds, groups, SETTINGS)
    assert (float(slope.value), float(intercept.value)) == pytest.approx(refitted(labels, odds), abs=1e-4)
    left = np.array([refitted(labels[groups != one], odds[groups != one]) for one in range(50)])
    jackknife = np.sqrt(49 / 50 * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    assert (float(slope.error), float(intercept.error)) == pytest.approx(jackknife, rel=0.05)
    assert slope.low < slope.value < slope.high and slope.groups == 50


def test_several_seeds_are_averaged_on_the_same_groups():
    labels, odds, groups = made(1)
    rows = np.stack([odds, 0.5 * odds])
    both = calibration_slope(labels, rows, groups, SETTINGS)
    each = [calibration_slope(labels, row, groups, SETTINGS) for row in rows]
    assert both.value == pytest.approx(np.mean([one.value for one in each]))
    # the same images: errors add up and do not cancel
    assert both.error == pytest.approx(np.mean([one.error for one in each]), rel=1e-6)


def test_one_class_and_classes_apart_are_not_defined():
    odds = np.linspace(-2, 2, 40)
    for ask in (calibration_slope, calibration_intercept):
        assert np.isnan(ask(np.ones(40, int), odds, np.arange(40), SETTINGS).value)
    apart = (odds > 0).astype(int)
    assert np.isnan(calibration_slope(apart, odds, np.arange(40), SETTINGS).value)
    assert np.isfinite(calibration_intercept(apart, odds, np.arange(40), SETTINGS).value)
    assert np.isnan(calibration_intercept(apart, odds, np.zeros(40), SETTINGS).low)


@given(st.integers(0, 10_000), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_the_squared_error_is_a_mean_over_pairs_of_groups(seed, seeds):
    random = np.random.default_rng(seed)
    groups = random.integers(0, 6, 30)
    groups[:2] = [0, 1]
    labels, rows = random.integers(0, 2, 30), random.random((seeds, 30))
    found = calibration_error(labels, rows, groups, SETTINGS)
    many, total = len(np.unique(groups)), 0.0
    for row in rows:
        bins, wrong = np.minimum((row * ECE_BINS).astype(int), ECE_BINS - 1), row - labels
        for one in np.unique(bins):
            inside = bins == one
            apart = groups[inside][:, None] != groups[inside]
            pairs = (np.outer(wrong[inside], wrong[inside]) * apart).sum() * many / (many - 1)
            total += pairs / inside.sum() / 30 / seeds
    assert float(found.value) == pytest.approx(np.sqrt(max(total, 0)), abs=1e-9)
    assert 0 <= found.low <= found.high <= 1 and found.high > 0
    assert found.low <= found.value + 1e-9 and found.value <= found.high + 1e-9


def test_a_calibrated_detector_has_an_error_of_nothing_on_average_and_its_interval_says_so():
    """The mean distance of bins, over a bootstrap, holds this 0 in none of the cases."""
    held, squares = 0, []
    for seed in range(60):
        labels, odds, groups = made(seed, n=640)
        found = calibration_error(labels, expit(odds), groups, SETTINGS)
        held += found.low == 0
        squares.append(float(found.value) ** 2)
    assert held >= 51 and np.sqrt(np.mean(squares)) < 0.04


def test_a_large_error_is_found():
    labels, odds, groups = made(5, n=4000, shift=1.0)
    found = calibration_error(labels, expit(odds), groups, SETTINGS)
    honest = np.random.default_rng(0).normal(0.3, 1.5, 400_000)
    truth = np.sqrt(np.mean((expit(honest + 1) - expit(honest)) ** 2))
    assert found.low < truth < found.high and found.low > 0.5 * truth


def test_nothing_that_varies_has_no_interval():
    labels = np.repeat([0, 1], 10)
    found = calibration_error(labels, labels.astype(float), np.arange(20), SETTINGS)
    assert found.value == 0 and np.isnan(found.low)
    assert "no interval" in found.number("x", unit="probability", n=20).note
    assert np.isnan(calibration_error(labels, np.full(20, 0.4), np.zeros(20), SETTINGS).low)


def test_the_note_says_how_it_was_made():
    labels, odds, groups = made(6)
    error = calibration_error(labels, expit(odds), groups, SETTINGS).number("x", unit="probability", n=600)
    assert error.note == "95 % interval over groups (values that the images do not contradict)"
    slope = calibration_slope(labels, odds, groups, SETTINGS).number("y", unit="1", n=600)
    assert slope.note == "95 % interval over groups (Student's interval by leaving out one at a time)"
