"""The probe: folds that split no group, shuffles that keep groups as they are, AUCs that count pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from dfstudy.data.traits import Family
from dfstudy.stats.metrics import auc
from dfstudy.stats.probe import held_out_ranks, make_folds, rank_auc, shuffle_labels

ONE = Family("", values=("x",))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), min_size=2, max_size=60), st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_folds_never_split_a_group(pairs, seed):
    groups, labels = np.array(pairs).T
    if len(np.unique(groups)) < 2 or np.bincount(labels).max() < 2:
        with pytest.raises(ValueError, match="too few groups"):
            make_folds(labels, groups, seed)
        return
    fold = make_folds(labels, groups, seed)
    assert fold.shape == labels.shape and len(np.unique(fold)) >= 2
    assert pd.Series(fold).groupby(groups).nunique().max() == 1


@given(st.lists(st.integers(1, 5), min_size=3, max_size=20), st.integers(0, 2**20 - 1), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_pure_groups_stay_pure_and_as_many_are_fake(sizes, bits, seed):
    of_group = np.array([bits >> at & 1 for at in range(len(sizes))])
    groups, labels = np.repeat(np.arange(len(sizes)), sizes), np.repeat(of_group, sizes)
    shuffled = shuffle_labels(labels, groups, 7, seed)
    assert shuffled.shape == (len(labels), 7)
    each = pd.DataFrame(shuffled).groupby(groups)
    assert (each.nunique() == 1).all().all()
    assert (each.first().sum() == of_group.sum()).all()


def test_mixed_groups_stay_mixed_and_every_picture_may_be_the_fake():
    groups = np.repeat(np.arange(50), 4)
    labels = np.tile([1, 0, 0, 0], 50)
    shuffled = shuffle_labels(labels, groups, 400, 0)
    assert (pd.DataFrame(shuffled).groupby(groups).sum() == 1).all().all()
    share = shuffled.reshape(50, 4, 400).mean(axis=(0, 2))
    assert np.abs(share - 0.25).max() < 0.02


def test_shuffles_repeat_with_their_seed_alone():
    labels, groups = np.arange(30) % 2, np.arange(30) // 3
    assert np.array_equal(shuffle_labels(labels, groups, 5, 1), shuffle_labels(labels, groups, 5, 1))
    assert not np.array_equal(shuffle_labels(labels, groups, 5, 1), shuffle_labels(labels, groups, 5, 2))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=2, max_size=30))
@settings(max_examples=80, deadline=None)
def test_rank_auc_counts_pairs(pairs):
    scores, labels = np.array(pairs, float).T
    found = rank_auc(scores[:, None], labels.astype(int)[:, None])[0]
    if len(np.unique(labels)) == 1:
        assert np.isnan(found)
        return
    assert found == pytest.approx(roc_auc_score(labels, scores))
    assert found == pytest.approx(auc(labels, scores))


def test_any_course_of_a_trait_is_seen_and_an_unknown_value_is_one_of_them():
    random = np.random.default_rng(0)
    labels, fold = np.arange(400) % 2, np.arange(400) // 2 % 5
    middle = np.where(labels == 1, random.normal(0, 0.1, 400), random.choice([-1.0, 1.0], 400))
    absent = np.where(labels == 1, np.nan, random.normal(0, 1, 400))
    for values in (middle, absent):
        ranks = held_out_ranks(pd.DataFrame({"x": values}), ONE, labels[:, None], fold)
        assert rank_auc(ranks, labels[:, None])[0] > 0.97
    linear = Family("", linear=("x",))
    ranks = held_out_ranks(pd.DataFrame({"x": middle}), linear, labels[:, None], fold)
    assert rank_auc(ranks, labels[:, None])[0] < 0.7


def test_a_constant_says_exactly_nothing_whatever_the_folds_mix():
    labels = np.r_[np.ones(40, int), np.zeros(60, int)]
    fold = np.r_[np.arange(40) % 2, np.arange(60) % 5]  # folds of very different mix
    for family, column in [(ONE, np.ones(100)), (Family("", texts=("x",)), ["JPEG"] * 100)]:
        ranks = held_out_ranks(pd.DataFrame({"x": column}), family, labels[:, None], fold)
        within = [np.ptp(ranks[fold == at]) for at in range(5)]
        assert within == [0] * 5 and rank_auc(ranks, labels[:, None])[0] == 0.5


def test_a_value_that_training_lacks_is_scored():
    labels, fold = np.arange(100) % 2, np.arange(100) // 20
    texts = [f"size {at}" if at % 7 == 0 else "usual" for at in range(100)]
    ranks = held_out_ranks(pd.DataFrame({"x": texts}), Family("", texts=("x",)), labels[:, None], fold)
    assert np.isfinite(ranks).all()


def test_models_side_by_side_are_those_one_by_one():
    random = np.random.default_rng(1)
    table = pd.DataFrame({"x": random.normal(size=120)})
    targets, fold = random.integers(0, 2, (120, 3)), np.arange(120) % 4
    together = held_out_ranks(table, ONE, targets, fold)
    for at in range(3):
        assert np.allclose(together[:, [at]], held_out_ranks(table, ONE, targets[:, [at]], fold))


@given(st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_of_a_rare_value_only_the_rare_count(seed):
    """Ten of 1,000 images are PNG, all of them fake: the other 990 tie, within folds and between."""
    random = np.random.default_rng(seed)
    labels, fold = random.permutation(np.arange(1000) % 2), random.integers(0, 5, 1000)
    rare = random.permutation(np.flatnonzero(labels == 1))[:10]
    texts = np.full(1000, "JPEG", object)
    texts[rare] = "PNG"
    shuffled = np.stack([random.permutation(labels) for _ in range(50)], axis=1)
    targets = np.column_stack([labels, shuffled])
    family = Family("", texts=("x",))
    aucs = rank_auc(held_out_ranks(pd.DataFrame({"x": texts}), family, targets, fold), targets)
    assert aucs[0] == pytest.approx(0.5 + 10 / 500 / 2)
    assert np.abs(aucs[1:] - 0.5).max() <= 0.01 + 1e-9
