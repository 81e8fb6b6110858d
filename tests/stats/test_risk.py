"""The risk-coverage curve against plain counting."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures.predictions import calibrated as made
from hypothesis import given, settings
from hypothesis import strategies as st

from dfstudy.stats.risk import risk_band
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=200)


@st.composite
def scored(draw):
    count = draw(st.integers(2, 30))
    labels = np.array([0, 1, *draw(st.lists(st.integers(0, 1), min_size=count - 2, max_size=count - 2))])
    tenths = draw(st.lists(st.integers(0, 10), min_size=count, max_size=count))
    return labels, np.array(tenths) / 10


def plain_curve(labels, scores) -> np.ndarray:
    """Risk with one image more at a time; within a tie every image stands for the tie's mean."""
    wrong, sure = ((scores >= 0.5) != (labels == 1)).astype(float), np.abs(scores - 0.5)
    _, tie = np.unique(-sure, return_inverse=True)
    level = (np.bincount(tie, weights=wrong) / np.bincount(tie))[tie]
    return np.cumsum(level[np.argsort(-sure, kind="stable")]) / np.arange(1, len(scores) + 1)


@given(scored())
@settings(max_examples=25, deadline=None)
def test_the_plain_curve_equals_counting_all_orders_of_ties_on_average(pictures):
    labels, scores = pictures
    risk = plain_curve(labels, scores)
    wrong = (scores >= 0.5) != (labels == 1)
    random, total = np.random.default_rng(0), np.zeros(len(labels))
    sure = np.abs(scores - 0.5)
    for _ in range(300):
        order = np.lexsort([random.random(len(labels)), -sure])
        total += np.cumsum(wrong[order]) / np.arange(1, len(labels) + 1)
    assert risk == pytest.approx(total / 300, abs=0.16)
    assert risk[-1] == pytest.approx(wrong.mean())


def test_sureness_lowers_the_risk_and_useless_sureness_does_not():
    labels, scores, units = made(2, n=2_000)
    whole = ((scores >= 0.5) != labels).mean()
    assert risk_band(labels, scores, units, SETTINGS)["risk"].mean() < 0.6 * whole
    random = np.random.default_rng(3)
    noise = np.where(labels == 1, 1, 0) ^ (random.random(len(labels)) < 0.2)
    useless = 0.5 + (noise - 0.5) * random.random(len(labels))
    assert risk_band(labels, useless, units, SETTINGS)["risk"].mean() == pytest.approx(0.2, abs=0.03)


def test_the_curve_with_its_interval_follows_the_plain_one():
    labels, scores, units = made(4)
    band, plain = risk_band(labels, scores, units, SETTINGS), plain_curve(labels, scores)
    at = np.minimum(np.ceil(band["coverage"] * len(labels) - 1e-9).astype(int), len(labels)) - 1
    assert np.allclose(band["risk"], plain[at])
    assert (band["low"] <= band["risk"] + 1e-12).mean() > 0.95 and band["coverage"].iloc[-1] == 1
