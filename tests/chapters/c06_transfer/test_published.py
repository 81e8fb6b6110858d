"""The published cross-forgery table, against sums written another way."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from dfstudy.chapters.c06_transfer.published import (
    CNN,
    TABLE,
    TRANSFORMER,
    published_models,
    published_numbers,
    read_published,
)  # fmt: skip
from dfstudy.study.comparisons import Evaluate


@pytest.fixture(scope="module")
def numbers():
    return {number.id: number for number in published_numbers(Evaluate(replicates=400))}


@pytest.fixture(scope="module")
def matrices() -> dict[str, np.ndarray]:
    """[15 trained on, 16 tested on] of each network, read without pandas; column 0 is real."""
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: np.array([float(row["accuracy"]) for row in rows if row["network"] == name]).reshape(15, 16)
        for name in (CNN, TRANSFORMER)
    }


def test_the_table_is_whole():
    table = read_published()
    assert len(table) == 2 * 15 * 16 and table["accuracy"].between(0, 1).all()
    assert not table.duplicated(["network", "trained_on", "tested_on"]).any()
    assert table.groupby("network")["trained_on"].nunique().to_dict() == {CNN: 15, TRANSFORMER: 15}


def test_means_are_those_of_the_matrix(numbers, matrices):
    for name, slug in ((CNN, "efficientnetv2_m"), (TRANSFORMER, "vit_b")):
        matrix = matrices[name]
        unseen = [np.delete(matrix[k, 1:], k).mean() for k in range(15)]
        assert numbers[f"published.{slug}.real"].value == pytest.approx(matrix[:, 0].mean(), abs=1e-12)
        assert numbers[f"published.{slug}.seen"].value == pytest.approx(
            np.diag(matrix[:, 1:]).mean(), abs=1e-12
        )
        assert numbers[f"published.{slug}.unseen"].value == pytest.approx(np.mean(unseen), abs=1e-12)
        balanced = (matrix[:, 0].mean() + np.mean(unseen)) / 2
        assert numbers[f"published.{slug}.balanced"].value == pytest.approx(balanced, abs=1e-12)


def test_the_findings_that_the_design_names(numbers):
    models = published_models()
    expected = np.corrcoef(models["real"], models["unseen"])[0, 1]
    assert numbers["published.correlation"].value == pytest.approx(expected, abs=1e-12)
    assert round(expected, 2) == -0.94
    assert round(numbers["published.efficientnetv2_m.balanced"].value, 3) == 0.561
    assert round(numbers["published.vit_b.balanced"].value, 3) == 0.538
    difference = numbers["published.difference.balanced"]
    assert difference.value == pytest.approx(
        numbers["published.vit_b.balanced"].value - numbers["published.efficientnetv2_m.balanced"].value
    )


def test_an_interval_is_paired_and_says_what_was_drawn(numbers):
    for number in numbers.values():
        assert number.low < number.value < number.high and number.groups == 15
        assert "2206.13829" in number.note and "15 training methods" in number.note
    assert numbers["published.correlation"].n == 30 and numbers["published.vit_b.real"].n == 15
    # drawn together, the same methods for both networks: narrower than if they were drawn apart
    width = {name: number.high - number.low for name, number in numbers.items()}
    apart = np.hypot(width["published.vit_b.unseen"], width["published.efficientnetv2_m.unseen"])
    assert width["published.difference.unseen"] < apart
