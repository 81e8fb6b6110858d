"""Selection on validation against slow second implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from dfstudy.errors import StudyError
from dfstudy.train.selection import (
    Scores,
    check_both_classes,
    is_better,
    score,
)
from dfstudy.train.threshold import best_threshold, fit_temperature

# few distinct values, so that ties are common
logits_and_labels = st.lists(
    st.tuples(st.integers(-4, 4).map(lambda n: n / 2), st.integers(0, 1)), min_size=2, max_size=30
).filter(lambda pairs: len({label for _, label in pairs}) == 2)


def arrays(pairs) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = zip(*pairs, strict=True)
    return np.array(logits, np.float32), np.array(labels)


def balanced_accuracy(probabilities, labels, threshold) -> float:
    calls = probabilities >= threshold
    return (calls[labels == 1].mean() + (~calls[labels == 0]).mean()) / 2


@given(logits_and_labels)
@settings(deadline=None, max_examples=60)
def test_no_threshold_is_better_and_ties_go_to_the_middle(pairs):
    logits, labels = arrays(pairs)
    probabilities = expit(logits.astype(float))
    found = best_threshold(logits, labels)
    levels = np.unique(np.concatenate([[0.0], probabilities, [1.0]]))
    candidates = (levels[1:] + levels[:-1]) / 2
    values = np.array([balanced_accuracy(probabilities, labels, level) for level in candidates])
    assert balanced_accuracy(probabilities, labels, found) == pytest.approx(values.max())
    equal = candidates[values >= values.max() - 1e-12]
    assert abs(found - 0.5) <= np.abs(equal - 0.5).min() + 1e-9


@given(logits_and_labels)
@settings(deadline=None, max_examples=30)
def test_threshold_does_not_depend_on_the_order(pairs):
    logits, labels = arrays(pairs)
    assert best_threshold(logits, labels) == best_threshold(logits[::-1], labels[::-1])


@given(logits_and_labels)
@settings(deadline=None, max_examples=30)
def test_scores_are_means_over_pictures(pairs):
    logits, labels = arrays(pairs)
    found = score(torch.from_numpy(logits), labels, 2.5)
    losses = [
        math.log1p(math.exp(-x)) * 2.5 if y else math.log1p(math.exp(x))
        for x, y in zip(logits.tolist(), labels.tolist(), strict=True)
    ]
    assert found.loss == pytest.approx(sum(losses) / len(losses))
    assert found.accuracy == pytest.approx(np.mean((logits >= 0) == (labels == 1)))
    fakes, reals = logits[labels == 1], logits[labels == 0]
    won = [(f > r) + 0.5 * (f == r) for f in fakes for r in reals]
    assert found.auc == pytest.approx(np.mean(won))


def test_temperature_is_logistic_regression_without_an_intercept():
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 400)
    logits = (3 * (labels - 0.5) * 2 + random.normal(0, 4, 400)).astype(np.float32)
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(logits[:, None], labels)
    assert fit_temperature(logits, labels) == pytest.approx(1 / model.coef_[0, 0], rel=1e-3)


def test_temperature_stays_in_its_range_where_classes_are_apart_or_reversed():
    labels = np.array([0, 0, 1, 1])
    assert fit_temperature(np.array([-2.0, -1, 1, 2]), labels) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(np.array([2.0, 1, -1, -2]), labels) == pytest.approx(20, rel=0.01)


def test_an_equal_epoch_does_not_replace_the_earlier_one():
    scores = Scores(loss=0.5, accuracy=0.7, auc=0.8)
    assert is_better(scores, None, "auc")
    assert not is_better(scores, 0.8, "auc")
    assert not is_better(scores, 0.5, "loss")
    assert is_better(scores, 0.79, "auc")
    assert not is_better(scores, 0.49, "loss")
    assert is_better(scores, 0.51, "loss")


def test_one_class_in_validation_is_refused_by_name():
    with pytest.raises(StudyError, match="validation part holds one class"):
        check_both_classes(np.zeros(5), "validation")
