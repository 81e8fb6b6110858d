"""The registry of metrics: what an entry says holds, and a new one appears wherever metrics are listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c05_policies import per_metric
from dfstudy.chapters.c07_robustness.measure import measure_robustness, robustness_numbers
from dfstudy.chapters.c08_protocol import effect
from dfstudy.scoring.paired_comparison import compare_scores
from dfstudy.scoring.scores import evaluate_scores
from dfstudy.scoring.scores_file import read_scores
from dfstudy.stats.calibration import FITS
from dfstudy.stats.calibration_effect import judge
from dfstudy.stats.measures import number_by_method
from dfstudy.stats.measures import test_numbers as numbers_of_test
from dfstudy.stats.registry import EVERYWHERE, METRICS, listed
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)
LABELS = np.array([0, 0, 0, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.7, 0.22, 0.2, 0.9, 0.8, 0.95])


@pytest.mark.parametrize("name", METRICS)
def test_the_direction_of_a_metric_is_that_of_better_scores(name):
    metric = METRICS[name]
    assert metric.name == name and metric.title and metric.unit and metric.shown <= EVERYWHERE
    ones = np.ones((1, len(LABELS)))
    perfect, now, inverted = (
        float(metric(LABELS, scores, ones, 0.5)[0]) for scores in (LABELS * 0.98 + 0.01, SCORES, 1 - SCORES)
    )
    if metric.better:
        assert metric.better * (perfect - now) > 0 and metric.better * (now - inverted) >= 0
    else:
        assert metric.unit == "images" and metric.digits == 0


@pytest.mark.parametrize("name", METRICS)
def test_what_a_metric_needs_is_what_it_says(name):
    metric, ones = METRICS[name], np.ones((1, len(LABELS)))
    fakes, reals = LABELS == 1, LABELS == 0
    lacking = {"both": (fakes, reals), "reals": (fakes,), "fakes": (reals,), "any": ()}[metric.classes]
    for rows in lacking if metric.better else ():  # counts are defined without a class
        assert np.isnan(metric(LABELS[rows], SCORES[rows], ones[:, rows], 0.5)[0])
    assert metric.images(LABELS) == {"reals": 3, "fakes": 4}.get(metric.classes, 7)
    if metric.threshold:
        with pytest.raises(ValueError, match="needs a threshold"):
            metric(LABELS, SCORES, ones)
    else:
        assert metric(LABELS, SCORES, ones) == metric(LABELS, SCORES, ones, 0.9)
    whole = metric(LABELS, SCORES, ones, 0.5)[0]
    alone = [metric(LABELS[[i]], SCORES[[i]], np.ones((1, 1)), 0.5)[0] for i in range(7)]
    assert metric.is_mean == (metric.classes == "any" and whole == pytest.approx(np.mean(alone)))


def test_chapters_05_and_08_compare_what_the_registry_lists():
    assert {metric.name for metric in listed("policies")} <= set(per_metric.QUANTITIES)
    assert [metric.name for metric in listed("protocol")] == list(effect.QUANTITIES)
    for name, quantity in per_metric.QUANTITIES.items():
        if name in METRICS:
            assert (quantity.unit, quantity.gain) == (METRICS[name].unit, METRICS[name].better)


def test_a_new_metric_is_a_number_of_the_test_and_of_each_method(new_metric, predictions):
    numbers = {x.id: x for x in numbers_of_test(predictions, [0.5, 0.4], SETTINGS)}
    numbers |= {x.id: x for x in number_by_method(predictions, [0.5, 0.4], SETTINGS)}
    expected = np.mean([np.abs(one["probability"] - one["label"]).mean() for one in predictions])
    found = numbers["test.distance"]
    assert found.value == pytest.approx(expected) and found.low < found.value < found.high
    assert found.unit == "1" and found.n == len(predictions[0]) and "smaller is better" in found.note
    assert numbers["test.distance.method.swap"].value is not None


def test_a_new_metric_is_judged_of_tables_made_elsewhere(new_metric, predictions, tmp_path):
    tables = []
    for at, one in enumerate(predictions):
        one[["path", "label", "group"]].assign(score=one["probability"]).to_csv(tmp_path / f"{at}.csv")
        tables.append(read_scores(tmp_path / f"{at}.csv"))
    numbers = {x.id: x for x in evaluate_scores(tables[0], SETTINGS)[0]}
    numbers |= {x.id: x for x in compare_scores(*tables, SETTINGS)[0]}
    first, second = (numbers[f"compare.{name}.distance"].value for name in ("first", "second"))
    assert numbers["test.distance"].value == first
    assert numbers["compare.distance.difference"].value == pytest.approx(second - first)
    assert "compare.distance.p" not in numbers  # what is tested was settled beforehand
    logits = predictions[0][["path", "label", "group"]].assign(score=predictions[0]["logit"])
    logits.to_csv(tmp_path / "logits.csv")
    tables[1] = read_scores(tmp_path / "logits.csv")
    numbers = {x.id: x for x in evaluate_scores(tables[1], SETTINGS)[0]}
    numbers |= {x.id: x for x in compare_scores(*tables, SETTINGS)[0]}
    for name in ("test.distance", "compare.first.distance"):
        assert numbers[name].value is None and numbers[name].note == "the scores are no probabilities"


def test_a_new_metric_is_judged_of_a_calibration_and_under_corruptions(new_metric, predictions):
    first = predictions[0]
    fitted = FITS["platt"](first["logit"].to_numpy(), first["label"].to_numpy())
    judged = judge([fitted], first["logit"], first["label"], first["group"], SETTINGS)
    assert {"distance", "log_loss", "brier"} == set(judged.change)
    assert "calibration.platt.distance.change" in {x.id for x in judged.numbers()}
    told = {"policy": "none", "seed": 0, "threshold": 0.5}
    under = [first.assign(**told, corruption=name, severity=at) for at, name in enumerate(("none", "blur"))]
    measured = measure_robustness(pd.concat(under), SETTINGS)
    numbers = {x.id: x for x in robustness_numbers(measured, len(first))}
    assert numbers["robust.distance.blur.s1"].value == numbers["robust.clean.distance"].value
