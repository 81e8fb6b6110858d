"""Learning curves: planted laws are found, intervals hold them, and nothing is said too far out."""

from __future__ import annotations

import numpy as np
import pytest

from dfstudy.stats.learning_curve import FARTHEST, Law, fit_curve, fit_law, resample_aucs
from dfstudy.study.comparisons import Evaluate

SHARES, GROUPS, DRAWS = np.array([0.1, 0.2, 0.4, 0.7, 1.0]), 200, 5
SIZES = SHARES * GROUPS
SETTINGS = Evaluate()


def law(floor: float, factor: float, exponent: float) -> Law:
    return Law(*(np.array([one]) for one in (floor, factor, exponent)))


def plant(true: Law, learning: float, testing: float, seed: int, replicates: int = 200):
    """AUCs of nested draws from one set of groups, and their replicates over test groups.

    Draws share more groups the larger they are; the whole set is off the law by a luck of its own.
    """
    random = np.random.default_rng(seed)
    luck = random.normal(0, learning / np.sqrt(GROUPS))
    drawn = random.normal(0, 1, (DRAWS, len(SIZES))) * learning * np.sqrt((1 - SHARES) / SIZES)
    common, own = 0.9 * testing, 0.3 * testing
    exact = np.array([1 - true.error(size)[0] for size in SIZES])
    aucs = exact + luck + drawn + random.normal(0, common) + random.normal(0, own, len(SIZES))
    shape = (replicates, 1, len(SIZES))
    return aucs, aucs + random.normal(0, common, (replicates, 1, 1)) + random.normal(0, own, shape)


@pytest.mark.parametrize("true", [law(0.05, 0.8, 0.5), law(0.0, 0.5, 0.25), law(0.02, 1.5, 0.7)])
@pytest.mark.parametrize("learning", [0.1, 0.2])
def test_intervals_hold_planted_laws_nine_times_in_ten(true, learning):
    truth = np.array(
        [true.gain(GROUPS, 2 * GROUPS)[0], true.needed(GROUPS, 0.01)[0] - GROUPS, 1 - true.error(GROUPS)[0]]
    )
    held = np.zeros(3)
    for seed in range(100):
        curve = fit_curve(SIZES, *plant(true, learning, 0.01, seed), SHARES, SETTINGS)
        ends = [curve.gain(2), curve.needed(0.01), (0.0, curve.low[-1], curve.high[-1])]
        held += [low <= value <= high for value, (_, low, high) in zip(truth, ends, strict=True)]
    assert (held >= 88).all(), held


def test_an_exact_curve_gives_its_law_back():
    true = law(0.05, 0.8, 0.5)
    found = fit_law(SIZES, np.array([[true.error(size)[0] for size in SIZES]]))
    assert found.exponent == pytest.approx(0.5, abs=0.04) and found.floor == pytest.approx(0.05, abs=0.01)
    assert found.gain(200, 800) == pytest.approx(true.gain(200, 800), abs=0.002)
    three = fit_law(SIZES[-3:], np.array([[true.error(size)[0] for size in SIZES[-3:]]]))
    assert three.floor == 0 and three.error(200) == pytest.approx(true.error(200), abs=0.005)


def test_nothing_is_said_beyond_four_times_as_many():
    true = law(0.05, 0.8, 0.5)
    curve = fit_curve(SIZES, *plant(true, 0.1, 0.01, seed=0), SHARES, SETTINGS)
    with pytest.raises(ValueError, match="not carried beyond"):
        curve.gain(FARTHEST * 1.01)
    assert curve.needed(0.2) == (np.inf, np.inf, np.inf)
    flat = fit_curve(SIZES, np.full((DRAWS, 5), 0.8), np.full((50, DRAWS, 5), 0.8), SHARES, SETTINGS)
    assert flat.needed(0.01)[0] == np.inf and flat.gain(2) == pytest.approx((0, 0, 0), abs=1e-12)


def test_aucs_and_their_replicates_are_of_the_scores_and_the_same_again():
    random = np.random.default_rng(0)
    labels, groups = np.tile([0, 1], 60), np.repeat(np.arange(40), 3)
    scores = labels + random.normal(0, 1, (2, 3, 120))
    found = [resample_aucs(labels, scores, groups, Evaluate(replicates=100)) for _ in range(2)]
    assert found[0][0].shape == (2, 3) and found[0][1].shape == (100, 2, 3)
    assert np.array_equal(found[0][1], found[1][1])
    assert found[0][1].mean(axis=0) == pytest.approx(found[0][0], abs=0.03)
    with pytest.raises(ValueError, match="two draws"):
        fit_curve(SIZES[:3], *(part[..., :1, :] for part in found[0]), SHARES[:3], SETTINGS)
