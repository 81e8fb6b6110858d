"""Fewer images: how many, which classes and groups, and that nothing but names and seed decides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.data.subsample import SHARE, WHOLE, nest_groups, nest_images, thin_groups


def rows_of(*sizes: tuple[int, int]) -> pd.DataFrame:
    """Groups of so many reals and fakes."""
    made = [
        (f"g{at}/{label}_{number:04d}.png", label, f"g{at}")
        for at, counts in enumerate(sizes)
        for label, count in enumerate(counts)
        for number in range(count)
    ]
    return pd.DataFrame(made, columns=["path", "label", "group"]).sort_values("path", ignore_index=True)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=40),
    st.integers(1, 300),
    st.integers(0, 9),
)
def test_it_keeps_at_most_so_many_both_classes_and_small_groups_whole(sizes, most, seed):
    rows = rows_of(*sizes)
    found = thin_groups(rows, most, seed)
    assert len(found) <= most and (len(found) or rows.empty)
    assert found.equals(rows.loc[found.index])
    if most >= 2 * max(WHOLE, most // SHARE):
        assert set(found["label"]) == set(rows["label"])
    whole = rows["group"].value_counts()
    for group, count in found["group"].value_counts().items():
        assert count == whole[group] or whole[group] > min(most, max(WHOLE, most // SHARE))
    shuffled = thin_groups(rows.sample(frac=1, random_state=1), most, seed)
    assert sorted(shuffled["path"]) == sorted(found["path"])


@pytest.mark.parametrize("seed", range(5))
def test_long_videos_are_all_there_and_none_is_everything(seed):
    rows = rows_of(*[(300, 0), (0, 300)] * 5)
    found = thin_groups(rows, 200, seed)
    assert found["group"].nunique() == 10 and len(found) >= 100 and found["label"].mean() == 0.5
    mixed = rows_of(*[(1500, 0)] * 3, *[(0, 1500)] * 3, *[(1, 0), (0, 1)] * 30)
    found = thin_groups(mixed, 1000, seed)
    assert found["group"].nunique() == 66 and len(found) == 6 * 50 + 60


@pytest.mark.parametrize("seed", range(5))
def test_what_does_not_fit_is_skipped_and_not_the_end(seed):
    rows = rows_of(*[(4, 4)] * 3, *[(1, 1)] * 30)
    found = thin_groups(rows, 41, seed)
    assert len(found) in (40, 41)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20), st.integers(0, 9))
def test_nested_parts_grow_keep_both_classes_and_end_with_everything(sizes, seed):
    rows = rows_of((1, 0), (0, 1), *sizes)
    shares = (0.1, 0.4, 1.0)
    groups, images = (nest(rows, shares, 3, seed) for nest in (nest_groups, nest_images))
    for masks in (groups, images):
        assert (np.diff(masks.astype(int), axis=1) >= 0).all() and masks[:, -1].all()
        assert all(rows["label"][mask].nunique() == 2 for draw in masks for mask in draw)
    assert all(not set(rows["group"][mask]) & set(rows["group"][~mask]) for draw in groups for mask in draw)
    assert all(set(rows["group"][mask]) == set(rows["group"]) for draw in images for mask in draw)
    shuffled = rows.sample(frac=1, random_state=seed)
    assert np.array_equal(nest_groups(shuffled, shares, 3, seed)[:, :, np.argsort(shuffled.index)], groups)


def test_draws_differ():
    rows = rows_of(*[(2, 2)] * 30)
    for nest in (nest_groups, nest_images):
        first, second = nest(rows, (0.5, 1.0), 2, seed=0)[:, 0]
        assert (first != second).any() and first.sum() == second.sum() == len(rows) // 2
