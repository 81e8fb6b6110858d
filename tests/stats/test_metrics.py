"""Each metric against an independent implementation, and the laws that all of them keep."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn import metrics as sk

from dfstudy.stats import metrics
from dfstudy.stats.weighted import MetricUndefined

THRESHOLD = 0.5
EVERY = {
    "auc": metrics.auc,
    "average_precision": metrics.average_precision,
    "eer": metrics.equal_error_rate,
    "sensitivity_at": lambda y, s, w=None: metrics.sensitivity_at(y, s, 0.3, w),
    "accuracy": lambda y, s, w=None: metrics.accuracy(y, s, THRESHOLD, w),
    "sensitivity": lambda y, s, w=None: metrics.sensitivity(y, s, THRESHOLD, w),
    "specificity": lambda y, s, w=None: metrics.specificity(y, s, THRESHOLD, w),
    "balanced_accuracy": lambda y, s, w=None: metrics.balanced_accuracy(y, s, THRESHOLD, w),
    "confusion": lambda y, s, w=None: metrics.confusion(y, s, THRESHOLD, w),
    "log_loss": metrics.log_loss,
    "brier": metrics.brier,
    "ece": metrics.expected_calibration_error,
}
NEED_BOTH = ("auc", "average_precision", "eer", "sensitivity_at", "balanced_accuracy")
every = pytest.mark.parametrize("metric", EVERY.values(), ids=EVERY.keys())


@st.composite
def scored(draw, both=True):
    """Labels and probabilities with many ties (tenths), and whole weights that keep both classes."""
    count = draw(st.integers(2, 25))
    labels = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    if both:
        labels[:2] = [0, 1]
    tenths = draw(st.lists(st.integers(0, 10), min_size=count, max_size=count))
    weights = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    if both:
        weights[:2] = [max(weights[0], 1), max(weights[1], 1)]
    return np.array(labels), np.array(tenths) / 10, np.array(weights)


def count_pairs(labels, scores):
    pairs = [(f > r) + (f == r) / 2 for f in scores[labels == 1] for r in scores[labels == 0]]
    return sum(pairs) / len(pairs)


def meeting_point(labels, scores):
    """The EER by root finding on the ROC curve, drawn as one line through its points."""
    alarms, hits, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    along = np.arange(len(alarms))
    at = brentq(lambda t: 1 - np.interp(t, along, hits) - np.interp(t, along, alarms), 0, along[-1])
    return np.interp(at, along, alarms)


def binned_error(labels, scores):
    total = 0.0
    for b in range(15):
        upper = scores <= 1 if b == 14 else scores * 15 < b + 1
        inside = (scores * 15 >= b) & upper
        if inside.any():
            total += inside.sum() * abs(labels[inside].mean() - scores[inside].mean())
    return total / len(labels)


SLOW = {
    "auc": count_pairs,
    "average_precision": sk.average_precision_score,
    "eer": meeting_point,
    "accuracy": lambda y, s: sk.accuracy_score(y, s >= THRESHOLD),
    "sensitivity": lambda y, s: sk.recall_score(y, s >= THRESHOLD),
    "specificity": lambda y, s: sk.recall_score(1 - y, s < THRESHOLD),
    "balanced_accuracy": lambda y, s: sk.balanced_accuracy_score(y, s >= THRESHOLD),
    "confusion": lambda y, s: sk.confusion_matrix(y, s >= THRESHOLD).ravel(),
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "ece": binned_error,
}


@pytest.mark.parametrize("name", SLOW)
@given(scored())
@settings(max_examples=60, deadline=None)
def test_equals_a_second_implementation(name, case):
    labels, scores, _ = case
    assert np.allclose(EVERY[name](labels, scores), SLOW[name](labels, scores), atol=1e-9)


@given(scored(), st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.3, 1.0]))
@settings(max_examples=60, deadline=None)
def test_sensitivity_at_equals_sklearn_roc(case, rate):
    labels, scores, _ = case
    alarms, hits, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    assert metrics.sensitivity_at(labels, scores, rate) == pytest.approx(hits[alarms <= rate + 1e-12].max())


def test_every_metric_has_a_second_implementation():
    assert set(EVERY) - set(SLOW) == {"sensitivity_at"}  # compared above, with several rates


def test_auc_equals_sklearn_without_ties():
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 500)
    scores = random.normal(labels, 1.0)
    assert metrics.auc(labels, scores) == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-12)


@every
@given(scored())
@settings(max_examples=40, deadline=None)
def test_a_whole_weight_is_repetition(metric, case):
    labels, scores, weights = case
    repeated = metric(np.repeat(labels, weights), np.repeat(scores, weights))
    assert np.allclose(metric(labels, scores, weights), repeated, atol=1e-9)


@every
@given(scored(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_does_not_matter(metric, case, random):
    labels, scores, weights = case
    order = list(range(len(labels)))
    random.shuffle(order)
    shuffled = metric(labels[order], scores[order], weights[order])
    assert np.allclose(metric(labels, scores, weights), shuffled, atol=1e-12)


@every
def test_replicates_equal_single_calls(metric):
    random = np.random.default_rng(2)
    labels, scores = random.integers(0, 2, 40), random.integers(0, 11, 40) / 10
    weights = random.integers(0, 4, (6, 40))
    single = [metric(labels, scores, row) for row in weights]
    assert np.allclose(metric(labels, scores, weights), single, atol=1e-12)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("name", NEED_BOTH)
def test_one_class_is_undefined(name, label):
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.8])
    with pytest.raises(MetricUndefined, match="lack a class"):
        EVERY[name](labels[labels == label], scores[labels == label])
    weights = np.stack([labels == label, np.ones(4)])
    replicates = EVERY[name](labels, scores, weights)
    assert math.isnan(replicates[0]) and np.isfinite(replicates[1])


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "brier", "ece", "confusion"])
def test_one_class_is_defined_where_the_metric_needs_no_other(name):
    assert np.isfinite(EVERY[name]([1, 1], [0.2, 0.9])).all()


def test_shares_of_an_absent_class_are_undefined():
    with pytest.raises(MetricUndefined):
        metrics.sensitivity([0, 0], [0.1, 0.9], 0.5)
    with pytest.raises(MetricUndefined):
        metrics.specificity([1, 1], [0.1, 0.9], 0.5)


def test_no_picture_at_all_is_undefined():
    for name in (*NEED_BOTH, "accuracy", "log_loss", "brier", "ece"):
        with pytest.raises(MetricUndefined):
            EVERY[name]([], [])


@given(scored())
@settings(max_examples=40, deadline=None)
def test_polarity_fake_is_one(case):
    labels, scores, _ = case
    assert metrics.auc(labels, scores) == pytest.approx(1 - metrics.auc(labels, 1 - scores))
    assert metrics.auc(labels, labels) == 1
    assert metrics.auc(labels, 1 - labels) == 0


def test_a_rate_allows_as_many_false_alarms_as_it_says():
    labels = np.array([0] * 10 + [1])
    scores = np.append(np.arange(10) / 10, 0.65)
    # three reals lie above the only fake: 3 of 10 must be enough, 2.9 of 10 not
    assert metrics.sensitivity_at(labels, scores, 0.3) == 1
    assert metrics.sensitivity_at(labels, scores, 0.29) == 0
    assert metrics.sensitivity_at(labels, scores, [0.29, 0.3]).tolist() == [0, 1]


def test_a_saturated_probability_costs_what_it_costs_in_sklearn():
    assert metrics.log_loss([0, 1], [1.0, 0.9]) == pytest.approx(sk.log_loss([0, 1], [1.0, 0.9]))


@pytest.mark.parametrize(
    ("labels", "scores", "weights", "match"),
    [
        ([0, 2], [0.1, 0.2], None, "labels"),
        ([0, 1], [0.1, float("nan")], None, "finite"),
        ([0, 1], [0.1, 0.2, 0.3], None, "shapes"),
        ([0, 1], [0.1, 0.2], [1, 1, 1], "shapes"),
        ([0, 1], [0.1, 0.2], [1, -1], "negative"),
    ],
)
def test_refuses(labels, scores, weights, match):
    with pytest.raises(ValueError, match=match):
        metrics.auc(labels, scores, weights)


def test_probabilities_must_lie_in_0_to_1():
    with pytest.raises(ValueError, match="probabilities"):
        metrics.brier([0, 1], [0.1, 1.2])


def test_examples_in_the_docstrings():
    outcome = doctest.testmod(metrics)
    assert outcome.failed == 0 and outcome.attempted >= len(EVERY)
