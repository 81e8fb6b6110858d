"""Comparisons against brute force, published formulae and simulation."""

from __future__ import annotations

import doctest
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from dfstudy.stats import comparisons as room
from dfstudy.stats.comparisons import (
    auc_difference,
    balanced_accuracy_difference,
    holm,
    mcnemar,
    minimum_detectable,
    permutation_test,
)
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=300)


def made(seed, groups=40, gain=0.5, noise=0.7):
    """Two detectors; the second's fakes lie `gain` higher; images of a group are alike."""
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 6, groups)
    units = np.repeat(np.arange(groups), sizes)
    labels = np.concatenate([random.permutation(np.arange(size) % 2) for size in sizes])
    shared = random.normal(0, 1, groups)[units] + labels
    own = random.normal(0, noise, (2, groups))[:, units] + random.normal(0, noise, (2, len(units)))
    return labels, shared + own[0], shared + own[1] + gain * labels, units


def test_differences_are_those_of_the_parts_and_of_means_over_seeds():
    labels, one, other, units = made(0)
    found = auc_difference(labels, one, np.stack([other, one]), units, SETTINGS)
    expected = (roc_auc_score(labels, other) - roc_auc_score(labels, one)) / 2
    assert found.value == pytest.approx(expected) and found.low < found.value < found.high
    balanced = balanced_accuracy_difference(labels, one, other, (0.3, 0.6), units, SETTINGS)
    parts = [balanced_accuracy_score(labels, s >= t) for s, t in ((one, 0.3), (other, 0.6))]
    assert balanced.value == pytest.approx(parts[1] - parts[0])
    back = auc_difference(labels, np.stack([other, one]), one, units, SETTINGS)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_a_detector_against_itself_differs_by_nothing():
    labels, one, _, units = made(1)
    found = auc_difference(labels, one, one, units, SETTINGS)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert permutation_test(labels, one, 10 * one + 3, units, SETTINGS) == 1


def test_permutation_equals_all_swaps_of_few_groups():
    labels, one, other, units = made(2, groups=7, gain=1.2)
    ranks = [stats.rankdata(s) for s in (one, other)]

    def difference(swapped):
        kept = np.array(swapped)[units]
        first, second = np.where(kept, ranks[1], ranks[0]), np.where(kept, ranks[0], ranks[1])
        return roc_auc_score(labels, second) - roc_auc_score(labels, first)

    every = np.array([difference(swap) for swap in product([False, True], repeat=7)])
    exact = np.mean(np.abs(every) >= abs(every[0]) - 1e-12)
    drawn = permutation_test(labels, one, other, units, Evaluate(replicates=6000))
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 6000) + 1 / 6000)


def test_permutation_of_verdicts_equals_sign_flips_of_groups():
    labels, one, other, units = made(3, groups=30, gain=0.8)
    p = permutation_test(labels, one, other, units, Evaluate(replicates=4000), thresholds=(0.5, 0.5))
    weight = np.where(labels == 1, 1 / (labels == 1).sum(), 1 / (labels == 0).sum()) / 2
    gained = ((other >= 0.5) == labels).astype(float) - ((one >= 0.5) == labels)
    surplus = np.bincount(units, weights=weight * gained)
    signs = np.random.default_rng(1).choice([-1, 1], (20_000, 30))
    flipped = np.mean(np.abs(signs @ surplus) >= abs(surplus.sum()) - 1e-12)
    assert p == pytest.approx(flipped, abs=4 * np.sqrt(p / 4000) + 1e-3)


def test_permutation_by_groups_keeps_its_level_where_by_pictures_it_does_not():
    refused = {"groups": 0, "pictures": 0}
    trials = 250
    for trial in range(trials):
        random = np.random.default_rng(trial)
        units = np.repeat(np.arange(20), 6)
        labels = np.tile([0, 0, 0, 1, 1, 1], 20)
        shared = random.normal(labels, 1)
        # each detector has a taste of its own for fakes of each person
        one, other = shared + random.normal(0, 1, (2, 20, 2))[:, units, labels]
        for kind, unit in (("groups", units), ("pictures", np.arange(120))):
            refused[kind] += permutation_test(labels, one, other, unit, Evaluate(replicates=100)) <= 0.05
    assert 0.02 <= refused["groups"] / trials <= 0.09  # 0.05 and 3 sd of chance
    assert refused["pictures"] / trials > 0.15


@given(st.integers(0, 12), st.integers(0, 12))
def test_mcnemar_equals_the_published_formulae(b, c):
    one = np.r_[np.ones(b), np.zeros(c), np.ones(5)].astype(bool)
    other = np.r_[np.zeros(b), np.ones(c), np.ones(5)].astype(bool)
    found = mcnemar(one, other, np.arange(b + c + 5))
    chance = [stats.binom.pmf(k, b + c, 0.5) for k in range(b + c + 1)]
    tail = sum(chance[: min(b, c) + 1])
    exact = min(1.0, 2 * tail)
    mid = 2 * (tail - chance[b] / 2) if b != c else 1 - chance[b] / 2 if b + c else 1.0
    assert (found.only_first, found.only_second) == (b, c)
    assert (found.p_exact, found.p_mid) == pytest.approx((exact, mid))
    assert 0 < found.p_mid <= found.p_exact <= 1
    if b + c:  # with one image a unit, Obuchowski's is McNemar's own chi-square
        assert found.p_groups == pytest.approx(stats.chi2.sf((b - c) ** 2 / (b + c), 1))


def test_mcnemar_by_groups_asks_for_more_than_by_pictures():
    units = np.repeat(np.arange(8), 10)
    one, other = np.repeat([0, 0, 0, 0, 0, 1, 1, 1], 10), np.repeat([1, 1, 1, 1, 1, 0, 0, 0], 10)
    found = mcnemar(one, other, units)
    assert found.p_exact < 0.05 and found.p_groups > 0.4  # five people against three


def test_holm_equals_the_definition():
    p = np.random.default_rng(0).random(9) ** 2
    order = np.argsort(p)
    expected = [max(min(1, (9 - j) * p[order[j]]) for j in range(list(order).index(i) + 1)) for i in range(9)]
    assert holm(p) == pytest.approx(expected)
    assert holm([]).tolist() == [] and holm([0.7, 0.9]).tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"0\.\.1"):
        holm([0.2, np.nan])


def test_the_minimum_detectable_difference_is_found_as_often_as_it_says():
    """Means of groups with a true gain of exactly that size: a t-test finds four in five."""
    random, found, trials = np.random.default_rng(4), 0, 1500
    error, groups = 0.1, 25
    interval = room.Interval(*map(np.array, (0.0, -1.0, 1.0, error, 0)), groups, float(groups), Evaluate())
    gain = minimum_detectable(interval, (groups,))
    for _ in range(trials):
        found += stats.ttest_1samp(random.normal(gain, error * np.sqrt(groups), groups), 0).pvalue < 0.05
    assert found / trials == pytest.approx(0.8, abs=0.035)
    assert minimum_detectable(interval, (groups,), power=0.9) > gain
    assert minimum_detectable(interval, (1, groups)) is None


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        auc_difference([0, 1], [0.1, 0.2], [0.1, 0.2, 0.3], [0, 1], SETTINGS)


def test_examples_in_the_text():
    found = doctest.testmod(room)
    assert found.attempted == 3 and found.failed == 0
