"""DeLong against placement values over all pairs, a permutation of images, and simulation."""

from __future__ import annotations

import doctest
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dfstudy.stats import delong as room
from dfstudy.stats.comparisons import auc_difference
from dfstudy.stats.delong import compare_delong, delong
from dfstudy.stats.intervals import group_interval
from dfstudy.stats.metrics import auc
from dfstudy.stats.weighted import MetricUndefined
from dfstudy.study.comparisons import Evaluate


def by_pairs(labels, scores):
    """AUCs and covariance from the definition: every real against every fake."""
    wins = [
        (s[labels == 1][:, None] > s[labels == 0]) + (s[labels == 1][:, None] == s[labels == 0]) / 2
        for s in scores
    ]
    of_fakes = np.array([w.mean(axis=1) for w in wins])
    of_reals = np.array([w.mean(axis=0) for w in wins])
    covariance = np.cov(of_fakes) / of_fakes.shape[1] + np.cov(of_reals) / of_reals.shape[1]
    return of_fakes.mean(axis=1), covariance


def made(random, n=120, models=3, step=1.0):
    labels = (random.random(n) < 0.3).astype(int)
    shared = random.normal(labels * step, 1)
    return labels, np.stack([shared + random.normal(0, k / 2, n) for k in range(models)])


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_equals_placement_values_over_all_pairs_with_many_ties(seed, levels):
    random = np.random.default_rng(seed)
    labels = np.r_[0, 0, 1, 1, random.integers(0, 2, 20)]
    scores = random.integers(0, levels, (2, 24)).astype(float)
    found, (auc, covariance) = delong(labels, scores), by_pairs(labels, scores)
    assert np.allclose(found.auc, auc) and np.allclose(found.covariance, covariance)


def test_auc_and_paired_test_equal_independent_formulae():
    labels, scores = made(np.random.default_rng(1))
    auc, covariance = by_pairs(labels, scores)
    statistic = stats.mannwhitneyu(scores[0][labels == 1], scores[0][labels == 0]).statistic
    assert delong(labels, scores).auc[0] == pytest.approx(
        statistic / (labels.sum() * (1 - labels).sum()), abs=1e-12
    )
    contrast = np.array([-1, 0, 1])
    z = contrast @ auc / np.sqrt(contrast @ covariance @ contrast)
    test = compare_delong(labels, scores[0], scores[2])
    assert (test.z, test.p) == pytest.approx((z, 2 * stats.norm.sf(abs(z))))
    swapped = compare_delong(labels, scores[2], scores[0])
    assert (swapped.z, swapped.p, swapped.low) == pytest.approx((-test.z, test.p, -test.high))


def test_only_the_order_counts():
    labels, scores = made(np.random.default_rng(2), models=2)
    plain, bent = delong(labels, scores), delong(labels, np.exp(3 * scores) - 7)
    assert np.allclose(plain.covariance, bent.covariance)


def test_a_model_against_itself_and_two_that_never_agree():
    labels, scores = made(np.random.default_rng(3))
    same = compare_delong(labels, scores[0], 5 * scores[0] + 1)
    assert (same.value, same.z, same.p) == (0, 0, 1)
    perfect = compare_delong(labels, -labels, labels)
    assert perfect.value == 1 and perfect.p == 0 and perfect.z == np.inf


def test_intervals_stay_inside_and_a_perfect_one_is_not_promised():
    labels, scores = made(np.random.default_rng(4), n=40, models=2, step=3.0)
    (low, high), _ = delong(labels, scores).interval()
    assert 0 < low < delong(labels, scores).auc[0] < high < 1
    assert np.isnan(delong(labels, labels).interval()).all()


def test_the_interval_near_one_covers_better_on_its_scale_than_plain():
    random = np.random.default_rng(5)
    truth, trials, held = stats.norm.cdf(2.2 / np.sqrt(2)), 1000, {"ours": 0, "plain": 0}
    labels = np.repeat([0, 1], [25, 25])
    for _ in range(trials):
        found = delong(labels, random.normal(2.2 * labels, 1))
        low, high = np.nan_to_num(found.interval()[0], nan=1.0)
        half = 1.96 * np.sqrt(found.covariance[0, 0])
        held["ours"] += low <= truth <= high
        held["plain"] += abs(found.auc[0] - truth) <= half
    assert 0.93 <= held["ours"] / trials <= 0.975 and held["plain"] / trials < 0.93


def test_p_values_are_even_where_both_models_are_equally_good():
    random = np.random.default_rng(6)
    labels, p = np.repeat([0, 1], 60), []
    for _ in range(400):
        shared = random.normal(labels, 1)
        p.append(compare_delong(labels, *(shared + random.normal(0, 1, (2, 120)))).p)
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_a_hundred_thousand_pictures_take_no_pairs():
    labels, scores = made(np.random.default_rng(7), n=100_000, models=2)
    start = time.process_time()
    delong(labels, scores)
    assert time.process_time() - start < 10  # 0.1 s on a quick machine, where 4.2 billion pairs take minutes


def test_agrees_with_the_bootstrap_over_single_pictures():
    labels, scores = made(np.random.default_rng(8), n=1500, models=2)
    plain, alone = Evaluate(replicates=3000), np.arange(1500)
    found = delong(labels, scores)
    error = group_interval(lambda w: auc(labels, scores[0], w), alone, settings=plain).error
    assert error == pytest.approx(np.sqrt(found.covariance[0, 0]), rel=0.06)  # sd of 3,000 draws: 1.3 %
    paired, drawn = compare_delong(labels, *scores), auc_difference(labels, *scores, alone, plain)
    assert drawn.value == pytest.approx(paired.value)
    width = float(drawn.high - drawn.low) / (paired.high - paired.low)
    assert width == pytest.approx(1, abs=0.06)


def test_refusals():
    with pytest.raises(MetricUndefined, match="1 real, 2 fake"):
        delong([0, 1, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="finite"):
        delong([0, 0, 1, 1], [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, np.nan, 0.4]])


def test_examples_in_the_text():
    found = doctest.testmod(room)
    assert found.attempted == 3 and found.failed == 0
