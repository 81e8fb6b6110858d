"""Tables of several seeds are joined by path, and nothing is lost in silence."""

from __future__ import annotations

import numpy as np
import pytest

from dfstudy.stats.aligned import align


def test_joins_by_path_never_by_position(predictions):
    first, second = predictions
    shuffled = second.sample(frac=1, random_state=0)
    one, two = align([first, second]), align([first, shuffled])
    assert one.pictures.equals(two.pictures)
    assert np.array_equal(one.probabilities, two.probabilities)
    assert one.probabilities[1].tolist() == second["probability"].tolist()


def test_a_picture_without_a_prediction_is_left_out_of_every_seed_and_counted(predictions):
    first, second = (table.copy() for table in predictions)
    second.loc[3, "probability"] = np.nan
    test = align([first, second])
    assert test.failed == 1 and len(test) == len(first) - 1
    assert first["path"][3] not in set(test.pictures["path"])
    assert test.probabilities.shape == (2, len(first) - 1)


def test_methods_are_of_fakes_only(predictions):
    test = align(predictions)
    assert list(test.methods) == ["blend", "swap"]
    assert sum(mask.sum() for mask in test.methods.values()) == test.labels.sum()


@pytest.mark.parametrize("column", ["label", "method", "group"])
def test_refuses_tables_of_different_pictures(predictions, column):
    first, second = predictions
    other = second.copy()
    other[column] = 1 if column == "label" else "other"
    with pytest.raises(ValueError, match="different images"):
        align([first, other])
    with pytest.raises(ValueError, match="different images"):
        align([first, second.iloc[1:]])


def test_refuses_a_path_twice_and_no_table(predictions):
    first, _ = predictions
    with pytest.raises(ValueError, match="twice"):
        align([first.iloc[[0, 0, 1]]])
    with pytest.raises(ValueError, match="at least one"):
        align([])
