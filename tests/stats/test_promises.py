"""Bounds for a share: against scipy's exact ones, and what related images are worth."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dfstudy.stats import promises as room
from dfstudy.stats.promises import design_effect, least_images, promises


@given(st.integers(0, 40), st.integers(1, 400), st.sampled_from([0.01, 0.05, 0.1, 0.3]))
def test_a_promise_is_the_one_sided_exact_bound_of_scipy(errors, images, rate):
    errors = min(errors, images)
    bound = binomtest(errors, images, alternative="less").proportion_ci(0.95, "exact").high
    if abs(bound - rate) > 1e-9:
        assert promises(errors, images, rate) == (bound <= rate)


def test_fewest_images_are_those_that_just_promise():
    for rate in (0.003, 0.01, 0.05, 0.1, 0.5):
        assert promises(0, least_images(rate), rate) and not promises(0, least_images(rate) - 1, rate)


def test_no_image_and_only_errors_promise_nothing():
    assert not promises(0, 0, 0.5) and not promises(7, 7, 0.5)


def test_strangers_are_worth_themselves_and_copies_one():
    random = np.random.default_rng(0)
    marks = random.random(4000) < 0.3
    assert design_effect(marks, np.arange(4000)) == 1
    assert design_effect(marks, np.arange(4000) // 4) == pytest.approx(1, abs=0.15)
    copied = np.repeat(marks[:1000], 4)
    assert design_effect(copied, np.arange(4000) // 4) == pytest.approx(4, rel=0.01)


def test_the_effect_is_one_plus_the_correlation_times_the_others():
    random = np.random.default_rng(1)
    groups = np.arange(40_000) // 5
    scores = random.normal(size=8000)[groups] + random.normal(size=40_000)
    marks = scores > 0
    pairs = marks.reshape(-1, 5)[:, :2].T.astype(float)
    assert design_effect(marks, groups) == pytest.approx(1 + 4 * np.corrcoef(pairs)[0, 1], rel=0.05)


def test_of_several_marks_the_most_dependent_counts_and_without_any_they_are_copies():
    groups = np.arange(400) // 4
    alike = groups % 2 == 0
    mixed = np.arange(400) % 2 == 0
    assert design_effect([mixed, alike], groups) == design_effect(alike, groups) > 3.9
    assert design_effect(np.zeros(400), groups) == pytest.approx(4, rel=0.05)
    assert design_effect(np.zeros(4), [0] * 4) == math.inf


def test_few_groups_count_for_less():
    marks, groups = np.tile([1, 1, 0, 0], 8) == 1, np.arange(32) // 2
    few = design_effect(marks[:8], groups[:8])
    assert few > design_effect(marks, groups) > 2


def test_examples_in_the_text():
    found = doctest.testmod(room)
    assert found.attempted == 2 and found.failed == 0
