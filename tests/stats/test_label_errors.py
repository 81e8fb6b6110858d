"""Suspicious labels: the rule by hand, its ranking, and errors that were planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from dfstudy.stats.label_errors import find_label_errors, flip_labels, hit_rate
from dfstudy.study.comparisons import Evaluate

QUICK = Evaluate(replicates=200)


def test_the_rule_by_hand():
    labels = [0, 0, 0, 1, 1, 1]
    fake = [0.1, 0.1, 0.7, 0.25, 0.9, 0.6]
    found = find_label_errors(labels, fake)
    assert found.thresholds == pytest.approx((0.7, 1.75 / 3))
    # the third reaches fake's threshold and the fourth that of real; the last is doubtful, and no more
    assert found.suspicious.tolist() == [False, False, True, True, False, False]
    assert found.margin == pytest.approx([0.68, 0.68, -0.52, -0.38, 0.92, 0.32], abs=0.005)
    assert found.ranks.tolist() == [4, 5, 1, 2, 6, 3]


def test_a_class_that_is_less_sure_is_not_suspected_for_that():
    labels, fake = np.repeat([0, 1], 50), np.concatenate([np.full(50, 0.05), np.full(50, 0.45)])
    fake[0] = 0.45  # as fake as fakes are here, though below one half
    found = find_label_errors(labels, fake)
    assert np.flatnonzero(found.suspicious).tolist() == [0] and found.ranks[0] == 1


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class only"):
        find_label_errors([1, 1], [0.2, 0.3])


def test_planted_errors_come_first_as_often_as_the_scores_allow():
    random = np.random.default_rng(0)
    true = np.repeat([0, 1], 500)
    groups = np.arange(1000) // 4
    planted = flip_labels(1000, 0.05, seed=1)
    given = np.where(planted, 1 - true, true)
    assert planted.sum() == 50 and (flip_labels(1000, 0.05, 2) != planted).any()
    for spread, least, most in ((0.3, 0.9, 1.0), (1.5, 0.1, 0.8), (1e3, 0.0, 0.2)):
        scores = expit((2 * true - 1) + random.normal(0, spread, 1000))
        hits = find_label_errors(given, scores).ranks[planted] <= 50
        found = hit_rate(hits, groups[planted], QUICK)
        assert least <= found.value <= most and found.low <= found.value <= found.high
        assert found.groups == len(set(groups[planted]))


def flipped_and_found(share, seed, random):
    """Hits and groups of labels that were flipped, in 160 groups of eight images that share some noise."""
    true, groups = np.tile([0, 1], 640), np.repeat(np.arange(160), 8)
    evidence = (2 * true - 1) + 0.5 * random.normal(size=160)[groups] + random.normal(size=1280)
    planted = flip_labels(1280, share, seed)
    ranks = find_label_errors(np.where(planted, 1 - true, true), expit(2 * evidence)).ranks
    return ranks[planted] <= planted.sum(), groups[planted]


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_the_interval_holds_the_share_that_is_found_on_average_in_nine_of_ten(share):
    random = np.random.default_rng(1)
    usual = np.mean([flipped_and_found(share, seed, random)[0].mean() for seed in range(500)])
    held = [hit_rate(*flipped_and_found(share, 500 + seed, random), QUICK) for seed in range(100)]
    assert np.mean([one.low <= usual <= one.high for one in held]) >= 0.9
    assert np.mean([one.high - one.low for one in held]) < 0.5  # and says something
