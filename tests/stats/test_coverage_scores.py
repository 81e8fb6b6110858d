"""The drill of what scores mean, in small: intervals hold the truth, promises are kept."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom

from dfstudy.stats.intervals import group_interval
from dfstudy.stats.metrics import expected_calibration_error
from dfstudy.stats.recalibration import calibration_error
from dfstudy.study.comparisons import Evaluate

FILE = Path(__file__).parents[1] / "drills" / "coverage_scores.py"
RARE = 1e-4  # how seldom a test may fail by chance


@pytest.fixture(scope="module")
def drill():
    described = importlib.util.spec_from_file_location("coverage_scores_drill", FILE)
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["calibrated", "shifted by 0.3"])
def test_error_intercept_and_slope_hold_the_truth(drill, name):
    sets = 150
    shares = drill.cover_calibration(name, 640, grouped=True, sets=sets)
    assert (shares * sets >= binom.ppf(RARE / 3, sets, drill.LOW)).all(), shares


@pytest.mark.parametrize("images", [300, 1000])
def test_promises_are_kept_where_images_are_related(drill, images):
    sets = 100
    kept, given = drill.keep_promises("AUC .92", images, grouped=True, sets=sets)
    assert (kept * sets >= binom.ppf(RARE / 4, sets, drill.LOW)).all(), kept
    assert given[1] > 0.95 and (images == 300 or (given > 0.4).all()), given


def test_the_mean_distance_of_bins_never_holds_that_of_a_calibrated_detector(drill):
    """With a bootstrap over groups, as it was reported before: its interval begins far above 0."""
    random, settings = np.random.default_rng(0), Evaluate(replicates=200)
    held = 0
    for _ in range(8):
        labels, odds, group = drill.make_set(random, 640, False, 1.5, 0.0)
        chance = expit(odds)
        old = group_interval(
            lambda weights, y=labels, p=chance: expected_calibration_error(y, p, weights),
            group,
            settings=settings,
        ).student("positive", (640,))
        assert old.low > 0.01
        held += calibration_error(labels, chance, group, settings).low == 0
    assert held >= 6


def test_truths_are_those_of_very_many_images(drill):
    random = np.random.default_rng(1)
    labels, honest, _ = drill.make_set(random, 400_000, True, 3.0, 0.0)
    risks = drill.true_risks("AUC .92")
    for cut in (0.6, 0.95):
        told = expit(honest) >= cut
        alarms, fake, real = (
            np.interp(-cut, -risks["cut"], risks[kind]) for kind in ("alarms", "fake", "real")
        )
        assert told[labels == 0].mean() == pytest.approx(alarms, abs=0.004)
        assert (labels[told] == 0).mean() == pytest.approx(fake, abs=0.004)
        assert (labels[~told] == 1).mean() == pytest.approx(real, abs=0.006)
    error, intercept, slope = drill.true_calibration("7 of 10 fake, shifted by 1")
    assert (error, intercept, slope) == pytest.approx((0.143, -1.0, 1.0), abs=0.002)


def test_misses_allow_for_chance_only(drill):
    assert not drill.misses(0.93, 1000) and drill.misses(0.90, 1000) and drill.misses(0.995, 1000)
    assert not drill.misses(1.0, 1000, most=1.0)
