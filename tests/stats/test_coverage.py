"""The coverage drill in small: reported intervals hold the truth, the naive ones and DeLong's do not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from dfstudy.stats.comparisons import auc_difference, balanced_accuracy_difference
from dfstudy.stats.metrics import auc
from dfstudy.study.comparisons import Evaluate

FILE = Path(__file__).parents[1] / "drills" / "interval_coverage.py"


@pytest.fixture(scope="module")
def drill():
    described = importlib.util.spec_from_file_location("coverage_drill", FILE)
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


@pytest.mark.parametrize("world", ["mixed", "apart"])
def test_reported_intervals_cover_and_naive_ones_do_not(drill, world):
    sets = 240
    shares, unusable = drill.cover(world, groups=40, sets=sets, replicates=200)
    usable = sets - unusable
    assert usable > 0.95 * sets
    # four statistics: a share that a coverage of 93 to 97 % gives less than once in 10,000 runs is a defect
    least = binom.ppf(1e-4 / 4, usable, drill.LOW) / usable
    most = binom.ppf(1 - 1e-4 / 4, usable, drill.HIGH) / usable
    assert (shares["reported"] >= least).all() and (shares["reported"] <= most).all(), shares
    assert shares["naive"].mean() < 0.91 and shares["reported"].mean() > shares["naive"].mean() + 0.05
    assert np.nanmax(shares["DeLong"]) < 0.93 and np.isnan(shares["DeLong"][[1, 3]]).all()


def test_the_truths_are_those_of_very_many_groups(drill):
    labels, scores, _ = drill.make_set(np.random.default_rng(0), "apart", 40_000)
    aucs = [auc(labels, each) for each in scores]
    balanced = [
        ((each[labels == 1] >= drill.THRESHOLD).mean() + (each[labels == 0] < drill.THRESHOLD).mean()) / 2
        for each in scores
    ]
    found = [aucs[0], balanced[0], aucs[1] - aucs[0], balanced[1] - balanced[0]]
    assert found == pytest.approx(drill.truths(), abs=0.012)


def test_the_drill_asks_the_intervals_that_are_reported(drill):
    labels, scores, group = drill.make_set(np.random.default_rng(1), "mixed", 30)
    settings = Evaluate(replicates=100)
    ends = drill.intervals_of(labels, scores, group, settings)["reported"]
    at = drill.THRESHOLD
    paired = (
        auc_difference(labels, *scores, group, settings),
        balanced_accuracy_difference(labels, *scores, (at, at), group, settings),
    )
    for drilled, reported in zip(ends[2:], paired, strict=True):
        assert drilled == pytest.approx((float(reported.low), float(reported.high)))


def test_the_headline_holds_the_recipe_with_three_seeds_and_images_alone_do_not(drill):
    sets = 120
    both, images = drill.cover_recipe(spread=0.4, own=0.8, sets=sets, replicates=100)
    assert both * sets >= binom.ppf(1e-4, sets, drill.LOW) and images < 0.85


def test_misses_allow_for_chance_only(drill):
    assert not drill.misses(0.93, 1000) and drill.misses(0.90, 1000) and drill.misses(0.995, 1000)
    assert not drill.misses(0.90, 30)
