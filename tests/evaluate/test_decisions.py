"""Thresholds, bands and the risk-coverage curve against plain counting."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from dfstudy.evaluate import decisions as room
from dfstudy.evaluate.decisions import (
    Band,
    alarm_numbers,
    band_numbers,
    choose_band,
    false_alarm_threshold,
    risk_band,
)
from dfstudy.study import Evaluate

SETTINGS = Evaluate(replicates=200)


def made(seed, n=1000):
    random = np.random.default_rng(seed)
    honest = random.normal(0, 2, n)
    return (random.random(n) < expit(honest)).astype(int), expit(honest), np.arange(n) // 4


@st.composite
def scored(draw):
    count = draw(st.integers(2, 30))
    labels = np.array([0, 1, *draw(st.lists(st.integers(0, 1), min_size=count - 2, max_size=count - 2))])
    tenths = draw(st.lists(st.integers(0, 10), min_size=count, max_size=count))
    return labels, np.array(tenths) / 10


@given(scored(), st.sampled_from([0.0, 0.05, 0.25, 0.5, 1.0]))
def test_the_threshold_is_the_lowest_that_keeps_the_rate(pictures, rate):
    labels, scores = pictures
    threshold = false_alarm_threshold(labels, scores, rate)
    reals = scores[labels == 0]
    assert (reals >= threshold).mean() <= rate
    lower = scores[scores < threshold]  # one more score called fake would alarm too many
    if len(lower):
        assert (reals >= lower.max()).mean() > rate or rate == 1


def test_neighbouring_floats_are_kept_apart():
    silent = 1 - 2**-53
    scores = np.array([0.1, silent, 1.0, 1.0])
    assert silent < false_alarm_threshold([0, 0, 0, 1], scores, 0.34) <= 1.0
    band = choose_band([0, 0, 1, 1], scores, 0.0, threshold=0.5)
    assert band.verdicts(scores).tolist() == ["real", "unsure", "fake", "fake"]
    flipped = choose_band([0, 0, 1, 1], np.array([2**-54, 2**-54, np.nextafter(2**-54, 1), 0.9]), 0.0)
    assert flipped.verdicts([2**-54, np.nextafter(2**-54, 1), 0.9]).tolist() == ["real", "unsure", "fake"]


def test_the_promise_is_tested_where_it_was_not_made():
    chosen, kept = made(0), made(1)
    threshold = false_alarm_threshold(chosen[0], chosen[1], 0.05)
    numbers = {n.id: n for n in alarm_numbers(*kept, threshold, 0.05, SETTINGS)}
    alarms, found = numbers["test.false_alarms.at_5"], numbers["test.sensitivity.at_5"]
    labels, scores, _ = kept
    assert alarms.value == pytest.approx((scores[labels == 0] >= threshold).mean())
    assert found.value == pytest.approx((scores[labels == 1] >= threshold).mean())
    assert (alarms.n, found.n) == ((labels == 0).sum(), (labels == 1).sum()) and alarms.n != found.n
    assert alarms.low < 0.05 < alarms.high and "more than validation allowed" not in alarms.note
    shifted = {n.id: n for n in alarm_numbers(labels, expit(scores * 4), kept[2], threshold, 0.001, SETTINGS)}
    assert "more than validation allowed" in shifted["test.false_alarms.at_0_1"].note


def test_a_threshold_above_every_picture_alarms_none_and_says_how_sure_that_is():
    labels, scores = np.repeat([0, 1], 50), np.r_[np.ones(50), np.linspace(0, 1, 50)]
    assert false_alarm_threshold(labels, scores, 0.01) == np.inf
    numbers = alarm_numbers(labels, scores, np.arange(100), np.inf, 0.01, SETTINGS)
    assert (numbers[0].value, numbers[0].low) == (0, 0) and 0.03 < numbers[0].high < 0.1


def plain_curve(labels, scores) -> np.ndarray:
    """Risk with one picture more at a time; within a tie every picture stands for the tie's mean."""
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


@given(scored(), st.sampled_from([0.0, 0.1, 0.3]))
def test_a_band_keeps_its_target_on_both_sides_and_no_smaller_one_does(pictures, target):
    labels, scores = pictures
    band = choose_band(labels, scores, target)
    verdict = band.verdicts(scores)
    assert band.low <= 0.5 <= band.high
    for name, wrong, end in (("fake", labels == 0, scores), ("real", labels == 1, -scores)):
        told = verdict == name
        assert not told.any() or wrong[told].mean() <= target + 1e-12
        side = scores >= 0.5 if name == "fake" else scores <= 0.5
        for further in np.unique(end[side & ~told]):
            if name == "real" and further == -0.5:
                continue  # a score of one half is never called real
            assert wrong[end >= further].mean() > target


def test_a_band_chosen_on_validation_is_judged_on_test():
    chosen, (labels, scores, units) = made(5, n=4000), made(6, n=4000)
    band = choose_band(chosen[0], chosen[1], 0.05)
    assert 0 < band.low < 0.5 < band.high < 1
    numbers = {n.id: n for n in band_numbers(labels, scores, units, [band], SETTINGS)}
    verdict = band.verdicts(scores)
    assert numbers["test.band.answered"].value == pytest.approx((verdict != "unsure").mean())
    assert numbers["test.band.wrong_fake"].value == pytest.approx((labels[verdict == "fake"] == 0).mean())
    assert numbers["test.band.wrong_real"].value == pytest.approx((labels[verdict == "real"] == 1).mean())
    assert numbers["test.band.wrong"].high < 0.08 and numbers["test.band.high"].value == band.high


def test_several_seeds_share_their_verdicts():
    labels, scores, units = made(8, n=400)
    rows, bands = np.stack([scores, 1 - scores]), [Band(0.3, 0.7, 0.1), Band(0.4, 0.4, 0.1)]
    numbers = {n.id: n for n in band_numbers(labels, rows, units, bands, SETTINGS)}
    first, second = (band.verdicts(row) for band, row in zip(bands, rows, strict=True))
    both, truth = np.r_[first, second], np.r_[labels, labels]
    assert numbers["test.band.answered"].value == pytest.approx((both != "unsure").mean())
    assert numbers["test.band.wrong_real"].value == pytest.approx((truth[both == "real"] == 1).mean())
    assert numbers["test.band.low"].value == pytest.approx(0.35)
    alarms = alarm_numbers(labels, rows, units, (0.7, 0.4), 0.05, SETTINGS)[0]
    reals = labels == 0
    expected = ((scores[reals] >= 0.7).mean() + (1 - scores[reals] >= 0.4).mean()) / 2
    assert alarms.value == pytest.approx(expected)


def test_a_target_that_no_band_keeps_gives_no_verdicts():
    labels, scores = np.tile([0, 1], 20), np.repeat(np.linspace(0, 1, 20), 2)
    band = choose_band(labels, scores, 0.1)
    assert not band.reached and (band.verdicts(scores) == "unsure").all()
    numbers = {n.id: n for n in band_numbers(labels, scores, np.arange(40), [band], SETTINGS)}
    assert numbers["test.band.answered"].value == 0 and numbers["test.band.wrong"].value is None
    assert numbers["test.band.low"].value is None


def test_equal_ends_leave_nobody_unsure():
    assert Band(0.5, 0.5, 0.1).verdicts([0.2, 0.5, 0.9]).tolist() == ["real", "fake", "fake"]


def test_refusals():
    with pytest.raises(ValueError, match="needs reals"):
        false_alarm_threshold([1, 1], [0.1, 0.2], 0.1)
    with pytest.raises(ValueError, match="not at 5"):
        false_alarm_threshold([0, 1], [0.1, 0.2], 5)
    with pytest.raises(ValueError, match="both classes"):
        choose_band([0, 0], [0.1, 0.2], 0.1)


def test_examples_in_the_text():
    found = doctest.testmod(room)
    assert found.attempted == 1 and found.failed == 0
