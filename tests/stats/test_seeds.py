"""Seeds and images told apart, on tests whose true variances are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from dfstudy.stats.intervals import group_interval
from dfstudy.stats.metrics import auc
from dfstudy.stats.seeds import around_mean, seed_numbers, summarise_seeds, with_seeds
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=200)


def made(random, seeds=5, groups=60, seed_sd=0.3):
    """A seed shifts all fakes by its own amount; images are shared by all seeds."""
    units = np.repeat(np.arange(groups), 4)
    labels = np.tile([0, 0, 1, 1], groups)
    shared = random.normal(0, 0.6, groups)[units] + random.normal(0, 0.6, len(units))
    gains = 1.2 + seed_sd * random.normal(0, 1, seeds)
    return labels, shared + gains[:, None] * labels + random.normal(0, 0.5, (seeds, len(units))), units


def test_values_are_each_seeds_and_their_mean():
    labels, scores, units = made(np.random.default_rng(0))
    found = summarise_seeds(labels, scores, units, SETTINGS)
    each = [roc_auc_score(labels, row) for row in scores]
    assert found.each.value == pytest.approx(each) and found.mean.value == pytest.approx(np.mean(each))
    assert found.seed_sd <= np.std(each, ddof=1)
    assert found.low < found.mean.low < found.mean.high < found.high


def test_equal_seeds_have_no_variance_of_their_own():
    labels, scores, units = made(np.random.default_rng(1), seeds=1)
    found = summarise_seeds(labels, np.repeat(scores, 3, axis=0), units, SETTINGS)
    assert found.seed_sd == 0 and found.seed_share == 0
    assert (found.low, found.high) == pytest.approx((float(found.mean.low), float(found.mean.high)))


def test_what_pictures_add_to_single_seeds_is_not_called_a_seed():
    """Seeds that differ by noise of their images alone: on average no variance between seeds is left."""
    random = np.random.default_rng(2)
    left, plain = [], []
    for _ in range(40):
        labels, scores, units = made(random, seeds=4, seed_sd=0.0)
        found = summarise_seeds(labels, scores, units, Evaluate(replicates=100))
        left.append(found.seed_sd**2)
        plain.append(np.var(found.each.value, ddof=1))
    assert np.mean(left) < 0.55 * np.mean(plain)


def test_the_interval_covers_the_recipe_where_that_over_pictures_does_not():
    random, trials, held = np.random.default_rng(3), 150, {"both": 0, "pictures": 0}
    sd = np.sqrt(2 * (0.36 + 0.36 + 0.25))
    truth = np.mean(norm.cdf((1.2 + 0.5 * norm.ppf((np.arange(999) + 0.5) / 999)) / sd))
    for _ in range(trials):
        labels, scores, units = made(random, seeds=4, groups=40, seed_sd=0.5)
        found = summarise_seeds(labels, scores, units, Evaluate(replicates=100))
        held["both"] += found.low <= truth <= found.high
        held["pictures"] += bool(found.mean.low <= truth <= found.mean.high)
    assert 0.90 <= held["both"] / trials <= 1 and held["pictures"] / trials < 0.85


def test_numbers_and_refusals():
    labels, scores, units = made(np.random.default_rng(4), seeds=3)
    numbers = {n.id: n for n in seed_numbers(summarise_seeds(labels, scores, units, SETTINGS), len(labels))}
    assert set(numbers) == {f"test.auc.{n}" for n in ("recipe", "seed_sd", "sampling_error", "seed_share")}
    assert "other images and other seeds" in numbers["test.auc.recipe"].note
    assert 0 <= numbers["test.auc.seed_share"].value <= 1
    fakes = labels == 1
    one_class = seed_numbers(summarise_seeds(labels[fakes], scores[:, fakes], units[fakes], SETTINGS), 3)
    assert all(number.value is None for number in one_class)
    with pytest.raises(ValueError, match="at least two"):
        summarise_seeds(labels, scores[:1], units, SETTINGS)


@pytest.mark.parametrize("scale", ["share", "gap", "positive", "plain"])
def test_the_interval_of_a_mean_covers_its_seeds_on_every_scale(scale):
    """Seeds alike leave the interval over images; seeds far apart widen it by their own Student quantile."""
    labels, scores, units = made(np.random.default_rng(5), seeds=1, groups=40)
    wide = {}
    for name, shift in (("alike", 0.0), ("apart", 0.1)):
        steps = shift * np.array([-1.0, 0.0, 1.0])

        def statistic(weights, steps=steps):
            return around_mean(auc(labels, scores[0], weights)[:, None] / 2 + steps)

        found = group_interval(statistic, units, settings=SETTINGS)
        behind = (40, 40)
        alone, both = found[0].student(scale, behind), with_seeds(found[0], found[1:], scale, behind)
        wide[name] = float(both.high - both.low)
        assert float(both.value) == float(alone.value) and both.low <= both.value <= both.high
        if name == "alike":
            assert [float(both.low), float(both.high)] == pytest.approx([float(alone.low), float(alone.high)])
    assert wide["apart"] > 2 * wide["alike"]


def test_one_seed_has_the_interval_over_images():
    labels, scores, units = made(np.random.default_rng(6), seeds=1)
    found = group_interval(
        lambda weights: around_mean(auc(labels, scores[0], weights)[:, None]), units, settings=SETTINGS
    )
    alone, both = found[0].student("share", (60, 60)), with_seeds(found[0], found[1:], "share", (60, 60))
    assert (both.low, both.high) == (alone.low, alone.high)
