"""Numbers of robustness against plain counting, and the rules of where a network holds and breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from dfstudy.chapters.c07_robustness.measure import LEVEL, Robustness, measure_robustness, robustness_numbers
from dfstudy.chapters.find import find_chapter
from dfstudy.stats.intervals import group_interval
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=200)
THRESHOLDS = (0.5, 0.4)


@pytest.fixture
def table(made):
    return corrupted(made())


def corrupted(
    tables, policy="original", names=("jpeg", "blur"), severities=(1, 2, 3), harm=0.5
) -> pd.DataFrame:
    """Scores under made-up conditions: JPEG changes nothing, blur adds noise and lifts all scores."""
    random = np.random.default_rng(1)
    parts = []
    for seed, clean in enumerate(tables):
        conditions = [("none", 0), *((name, severity) for name in names for severity in severities)]
        for name, severity in conditions:
            logit = clean["logit"].to_numpy()
            if name == "blur":
                logit = logit + harm * severity * (1 + random.normal(0, 2, len(logit)))
            told = {"policy": policy, "seed": seed, "threshold": THRESHOLDS[seed]}
            told |= {"corruption": name, "severity": severity}
            rows = clean[["path", "label", "method", "group"]].assign(probability=1 / (1 + np.exp(-logit)))
            parts.append(rows.assign(**told))
    return pd.concat(parts, ignore_index=True)


def test_values_are_those_of_plain_counting(table):
    (measured,) = measure_robustness(table, SETTINGS)
    by = {key: part for key, part in table.groupby(["seed", "corruption", "severity"])}
    for name, severity in (("none", 0), ("blur", 1), ("blur", 3), ("jpeg", 2)):
        wanted = []
        for seed, threshold in enumerate(THRESHOLDS):
            clean, now = by[seed, "none", 0], by[seed, name, severity]
            labels, score = now["label"].to_numpy(), now["probability"].to_numpy()
            before, after = clean["probability"].to_numpy() >= threshold, score >= threshold
            auc = roc_auc_score(labels, score)
            wanted.append(
                {
                    "auc": auc,
                    "drop": roc_auc_score(labels, clean["probability"]) - auc,
                    "balanced_accuracy": balanced_accuracy_score(labels, after),
                    "flipped": (before != after).mean(),
                    "to_fake": (after & ~before).mean(),
                    "to_real": (before & ~after).mean(),
                }
            )
        for measure in wanted[0]:
            found = measured.interval(measure, name, severity)
            assert found.value == pytest.approx(np.mean([one[measure] for one in wanted]), abs=1e-12), measure
            if found.value not in (0, 1):
                assert found.low <= found.value <= found.high


def test_means_run_over_severities_and_over_corruptions(table):
    (measured,) = measure_robustness(table, SETTINGS)
    for measure in ("auc", "flipped"):
        each = [
            np.mean([measured.interval(measure, name, severity).value for severity in (1, 2, 3)])
            for name in ("jpeg", "blur")
        ]
        assert measured.interval(measure, "jpeg").value == pytest.approx(each[0])
        assert measured.interval(measure, "blur").value == pytest.approx(each[1])
        assert measured.interval(measure, "all").value == pytest.approx(np.mean(each))


def test_a_corruption_that_changes_nothing_costs_nothing_and_surely_so(table):
    (measured,) = measure_robustness(table, SETTINGS)
    lost = measured.interval("drop", "jpeg", 3)
    assert lost.value == lost.low == lost.high == 0
    assert measured.interval("flipped", "jpeg").value == 0
    # paired: the difference is much surer than the two values that it comes from
    blurred, drop = (measured.interval(measure, "blur", 1) for measure in ("auc", "drop"))
    assert drop.high - drop.low < 2 * (blurred.high - blurred.low)
    assert measured.interval("to_fake", "blur", 3).value > measured.interval("to_real", "blur", 3).value


def test_the_order_of_the_rows_does_not_matter(table):
    (first,) = measure_robustness(table, SETTINGS)
    mixed = table.sample(frac=1, random_state=3).sort_values(["corruption", "severity"], kind="stable")
    (second,) = measure_robustness(mixed, SETTINGS)
    for name, severity in first.conditions:
        assert first.interval("auc", name, severity).low == pytest.approx(
            second.interval("auc", name, severity).low, abs=1e-12
        )


def test_refuses_pictures_that_are_not_the_clean_ones(table):
    with pytest.raises(ValueError, match="are not the clean ones"):
        gone = (table["corruption"] == "blur") & (table["path"] == table["path"].iloc[0])
        measure_robustness(table[~gone], SETTINGS)


def held(*ends: tuple[float, float]) -> Robustness:
    """A result whose AUCs at rising severities have these intervals."""
    low, high = np.array(ends, float).T
    found = group_interval(lambda weights: np.ones((len(weights), len(ends))), ["a", "b"], settings=SETTINGS)
    interval = replace(found, value=(low + high) / 2, low=low, high=high)
    conditions = tuple(("blur", severity) for severity in range(1, len(ends) + 1))
    return Robustness("original", 1, 9, conditions, {"auc": interval})


def test_it_holds_while_the_whole_interval_is_above_and_breaks_where_it_is_below():
    above, across, below = (LEVEL, 0.9), (LEVEL - 0.1, LEVEL + 0.1), (0.4, LEVEL - 0.01)
    nothing = (np.nan, np.nan)
    assert (held(above, above).holds("blur"), held(above, above).broken("blur")) == (2, [])
    assert (held(above, across, below).holds("blur"), held(above, across, below).broken("blur")) == (1, [3])
    # what comes back above the level later is no longer counted as held
    back = held(above, below, above)
    assert (back.holds("blur"), back.broken("blur")) == (1, [2])
    assert (held(nothing, nothing).holds("blur"), held(nothing, nothing).broken("blur")) == (0, [])


def test_numbers_have_ids_of_their_own_and_those_that_the_chapter_declares(table, made):
    other = corrupted(made(seed=4), policy="none+grey")
    measured = measure_robustness(pd.concat([table, other]), SETTINGS)
    assert [one.policy for one in measured] == ["original", "none+grey"]
    numbers = robustness_numbers(measured, in_test=240)
    ids = {number.id: number for number in numbers}
    assert len(ids) == len(numbers)
    assert set(find_chapter("07_robustness").numbers) <= set(ids)
    assert ids["robust.auc.blur.s3"].value == measured[0].interval("auc", "blur", 3).value
    second = ids["robust.auc.blur.s3.policy.none_grey"]
    assert second.value == measured[1].interval("auc", "blur", 3).value
    assert second.n == 120 and second.groups == 30 and second.low < second.value < second.high
    assert "mean over 2 training seeds" in second.note and ids["robust.share"].value == 0.5
    assert ids["robust.holds.jpeg"].value == 3 and ids["robust.broken.jpeg"].value == 0
    assert not any("to_fake" in name for name in ids)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_said_and_verdicts_are_still_counted(table, label):
    measured = measure_robustness(table[table["label"] == label], SETTINGS)
    ids = {number.id: number for number in robustness_numbers(measured, in_test=240)}
    assert ids["robust.auc"].value is None and "lack a class" in ids["robust.auc"].note
    assert 0 < ids["robust.flipped.blur"].value < 1
    assert ids["robust.holds.blur"].value is ids["robust.broken.blur"].value is None
