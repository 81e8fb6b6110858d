"""The predicted precision: against tables, against simulated detectors, and in its limits."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from dfstudy.pipeline import precision as room
from dfstudy.stats.intervals import Interval
from dfstudy.stats.paired import paired_difference
from dfstudy.study.comparisons import Evaluate

# of two normal scores whose AUCs correlate by one half at .85 (Hanley and McNeil 1983, table 1)
CORRELATED = 0.56
SLOPE = np.sqrt(2) / norm.pdf(norm.ppf(room.AUC))  # distance of two normal scores that adds 1 to their AUC


def test_of(groups: int, each: int = 1) -> pd.DataFrame:
    """`each` reals and fakes of every group."""
    labels = np.tile([0, 1], groups * each)
    return pd.DataFrame({"label": labels, "group": np.repeat(np.arange(groups), 2 * each)})


test_of.__test__ = False


def test_the_variance_is_that_of_the_literature():
    """Hanley and McNeil 1982, table 3: 51 abnormal and 58 normal images, AUC .893, standard error .032."""
    assert np.sqrt(room._variance(0.893, 51, 58)) == pytest.approx(0.0325, abs=0.0008)


def test_the_variance_is_that_of_simulated_scores():
    """Exponential scores have exactly the Q1 and Q2 of the formula."""
    random = np.random.default_rng(0)
    auc, fakes, reals = room.AUC, 30, 40
    rate = (1 - auc) / auc  # P(fake > real) = 1 / (1 + rate) for mean 1 / rate against 1
    areas = [
        np.mean(random.exponential(1 / rate, (fakes, 1)) > random.exponential(1, (1, reals)))
        for _ in range(4000)
    ]
    assert np.mean(areas) == pytest.approx(auc, abs=0.005)
    assert np.var(areas) == pytest.approx(room._variance(auc, fakes, reals), rel=0.08)


def test_degrees_of_freedom_are_those_of_intervals():
    none = np.zeros(())
    made = Interval(none, none, none, none, none, 99, 1e9, Evaluate())
    assert room._freedom([17, 40]) == pytest.approx(made.freedom([17, 40]))


@given(st.integers(3, 300), st.integers(1, 6), st.integers(2, 5))
def test_more_seeds_and_more_groups_are_more_precise(groups, each, seeds):
    found, more = (room.predict_detectable(test_of(groups, each), count) for count in (seeds, seeds + 1))
    assert 0 < more.low <= more.high < found.high and more.low < found.low
    one, other = (room.predict_detectable(test_of(count, each), 1) for count in (groups, groups + 1))
    assert other.low < one.low and other.high < one.high
    assert (one.low == one.high) == (each == 1)


def test_the_prediction_is_what_the_chapters_rule_gives():
    """Paired networks simulated under the assumptions: the rule's own detectable difference, on average."""
    random, seeds, people = np.random.default_rng(1), 3, 60
    labels, units = np.tile([0, 1], people), np.repeat(np.arange(people), 2)
    shift = np.sqrt(2) * norm.ppf(room.AUC)  # of two normal scores
    found = []
    for _ in range(30):
        common = random.normal(size=2 * people)
        scores = [
            np.sqrt(CORRELATED) * common
            + np.sqrt(1 - CORRELATED) * random.normal(size=2 * people)
            + labels * (shift + random.normal(0, SLOPE * room.SEED_DEVIATION))
            for _ in range(2 * seeds)
        ]
        difference = paired_difference(
            labels, scores[:seeds], scores[seeds:], units, Evaluate(replicates=100)
        )
        found.append(difference.detectable)
    expected = room.predict_detectable(test_of(people), seeds)
    assert np.median(found) == pytest.approx(expected.high, rel=0.25)


def test_what_cannot_be_compared_is_said():
    assert room.predict_detectable(test_of(1), 2) is None
    assert "nothing can be compared" in room.say_detectable(test_of(1), 2)
    assert "two networks, not two recipes" in room.say_detectable(test_of(50), 1)
    assert re.search(r"difference of 0\.\d\d AUC", room.say_detectable(test_of(200, 1), 3))
    assert re.search(r"difference of 0\.\d\d to 0\.\d\d AUC", room.say_detectable(test_of(50, 4), 3))
    text = room.say_detectable(test_of(50, 4), 3)
    assert "3 seeds and 50 groups" in text and str(room.CORRELATION) in text and "recipes" not in text
