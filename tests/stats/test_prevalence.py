"""What a verdict is worth where fakes are rare: Bayes' rule, and ends that err to the wide side."""

from __future__ import annotations

import numpy as np
import pytest

from dfstudy.stats.decisions import called_shares
from dfstudy.stats.prevalence import prevalence_numbers
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)


def numbers_of(labels, scores):
    shares = called_shares(labels, scores, np.arange(len(labels)), 0.5, SETTINGS)
    found = prevalence_numbers(*shares, int((labels == 0).sum()), int(labels.sum()), "x")
    return {number.id.removeprefix("x."): number for number in found}


def test_precision_falls_with_prevalence_as_bayes_says():
    labels = np.repeat([0, 1], 100)
    scores = np.r_[np.repeat([0.9, 0.1], [10, 90]), np.repeat([0.9, 0.1], [80, 20])]
    found = numbers_of(labels, scores)
    assert found["false_alarms"].value == pytest.approx(0.1)
    assert found["precision.at_1"].value == pytest.approx(0.01 * 0.8 / (0.01 * 0.8 + 0.99 * 0.1))
    assert found["precision.at_10"].value == pytest.approx(0.1 * 0.8 / (0.1 * 0.8 + 0.9 * 0.1))
    assert found["alarms.at_1"].value == pytest.approx(99) and found["missed.at_1"].value == pytest.approx(2)
    for number in found.values():
        assert number.low < number.value < number.high, number.id


def test_no_false_alarm_among_few_promises_little_and_silence_is_no_precision():
    labels = np.repeat([0, 1], 20)
    perfect = numbers_of(labels, labels * 0.8 + 0.1)
    assert perfect["precision.at_1"].value == 1 and perfect["precision.at_1"].low < 0.1
    assert numbers_of(labels, np.zeros(40))["precision.at_1"].value is None
