"""Calibration against scikit-learn, on images whose true probability is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from dfstudy.stats.calibration import FITS, FLATTEST, Calibration, fit_isotonic, fit_platt
from dfstudy.stats.logistic import fit_line, fit_shift
from dfstudy.train.threshold import fit_temperature


def made(seed, n=2000, sharp=3.0):
    """Logits that are `sharp` times too sure; groups of four."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 1.5, n)
    labels = (random.random(n) < expit(honest)).astype(int)
    return sharp * honest, labels, np.arange(n) // 4


def by_scikit_learn(x, targets, weights=None):
    """Slope and intercept: an image is a fake with the weight of its target, and a real with the rest."""
    weight = np.ones(len(x)) if weights is None else weights
    doubled, labels = np.r_[x, x][:, None], np.repeat([1, 0], len(x))
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    model.fit(doubled, labels, sample_weight=np.r_[weight * targets, weight * (1 - targets)])
    return model.coef_[0, 0], model.intercept_[0]


@pytest.mark.parametrize("weighted", [False, True])
def test_a_line_is_scikit_learns(weighted):
    logits, labels, _ = made(0, n=600)
    weights = np.random.default_rng(1).uniform(0.2, 3, 600) if weighted else None
    assert fit_line(logits + 40, labels, weights) == pytest.approx(
        by_scikit_learn(logits + 40, labels, weights), rel=1e-4
    )
    shift = fit_shift(logits, labels, weights)
    assert np.average(expit(logits + shift) - labels, weights=weights) == pytest.approx(0, abs=1e-9)


def test_platt_is_scikit_learns_with_his_targets_and_finds_the_true_line():
    logits, labels, _ = made(0, n=20_000)
    logits = logits + 2
    found = fit_platt(logits, labels)
    fakes = labels.sum()
    targets = np.where(labels == 1, (fakes + 1) / (fakes + 2), 1 / (len(labels) - fakes + 2))
    assert (found.slope, found.intercept) == pytest.approx(by_scikit_learn(logits, targets), rel=1e-3)
    assert (found.slope, found.intercept) == pytest.approx((1 / 3, -2 / 3), abs=0.04)
    assert np.allclose(found(logits), expit(found.slope * logits + found.intercept))
    assert (found.pictures, found.fakes) == (20_000, labels.mean()) and not found.is_flat
    again = fit_platt(logits[::-1].copy(), labels[::-1])
    assert (again.slope, again.intercept) == pytest.approx((found.slope, found.intercept))


def test_probabilities_are_right_at_validations_mixture_where_training_weighed_the_classes():
    """Balanced weights move every log-odds as if half were fakes; a temperature cannot move it back."""
    random = np.random.default_rng(3)
    labels = (random.random(20_000) < 0.8).astype(int)
    logits = random.normal(2 * labels - 1, np.sqrt(2))  # log-odds where both classes are equally frequent
    validation, test = np.arange(20_000) % 2 == 0, np.arange(20_000) % 2 == 1
    temperature = fit_temperature(logits[validation], labels[validation])
    platt = fit_platt(logits[validation], labels[validation])
    assert np.mean(expit(logits[test] / temperature)) - labels[test].mean() < -0.1
    assert np.mean(platt(logits[test])) == pytest.approx(labels[test].mean(), abs=0.02)
    for low, high in ((0.5, 0.7), (0.8, 0.9)):
        within = (platt(logits[test]) >= low) & (platt(logits[test]) < high)
        assert labels[test][within].mean() == pytest.approx(platt(logits[test])[within].mean(), abs=0.03)


def test_classes_that_are_apart_or_reversed_have_a_finite_line_that_keeps_the_order():
    apart = fit_platt([-2.0, -1, 1, 2], [0, 0, 1, 1])
    assert apart(np.array([-2.0, 2])) == pytest.approx([0.25, 0.75], abs=0.06) and not apart.is_flat
    reversed_ = fit_platt([2.0, 1, -1, -2], [0, 0, 1, 1])
    assert reversed_.is_flat and reversed_.slope * np.std([2, 1, -1, -2]) == pytest.approx(FLATTEST)
    assert reversed_([0.0])[0] == pytest.approx(0.5)
    alike = fit_platt([3.0, 3.0, 3.0], [0, 1, 1])
    assert (
        alike.is_flat
        and alike([3.0])[0] == pytest.approx((1 / 3 + 0.75 + 0.75) / 3)
        and alike([4.0]) > alike([3.0])
    )


def test_a_weighted_line_is_that_of_balanced_classes():
    logits, labels, _ = made(9, n=3000, sharp=1.0)
    kept = (labels == 1) | (np.arange(3000) % 4 == 0)
    logits, labels = logits[kept], labels[kept]
    balance = 0.5 / np.where(labels == 1, labels.mean(), 1 - labels.mean())
    found = fit_platt(logits, labels, balance)
    assert np.average(found(logits), weights=balance) == pytest.approx(0.5, abs=0.003)
    assert np.mean(found(logits)) < labels.mean() - 0.1


def test_isotonic_is_scikit_learns_but_for_laplaces_rule():
    logits, labels, _ = made(1, n=5000)
    plain = IsotonicRegression(out_of_bounds="clip").fit(logits, labels).predict(logits)
    ours = fit_isotonic(logits, labels)(logits)
    sizes = np.unique(plain, return_counts=True)
    large = np.isin(plain, sizes[0][sizes[1] >= 100])
    assert large.mean() > 0.7
    # a step of n images moves by at most 1 / (n + 2)
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
        assert np.allclose(fit(logits, labels).log_odds(grid), np.log(found / (1 - found)))
        assert (np.diff(found) >= -1e-15).all() and found.min() >= 0 and found.max() <= 1
    steps = np.array(fit_isotonic(logits, labels).steps[1])
    assert steps.min() > 0 and steps.max() < 1  # whatever the images, no promise of 0 or 1


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_refusals(fit):
    with pytest.raises(ValueError, match="both classes"):
        fit([0.1, 0.2], [1, 1])
    with pytest.raises(ValueError, match="finite"):
        fit([0.1, np.nan], [0, 1])


def test_none_is_the_networks_own_probability():
    assert Calibration("none")([0.0, 2.0]) == pytest.approx(expit([0.0, 2.0]))
