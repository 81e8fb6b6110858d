"""Another threshold with its errors, and one test image with its map."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c04_test.explain import explain
from dfstudy.chapters.c04_test.try_it import (
    count_errors,
    show_map,
    show_threshold,
    slide_map,
    slide_threshold,
)
from dfstudy.errors import StudyError
from dfstudy.predict.predict import predict
from dfstudy.study.comparisons import Evaluate

from .test_explain import runs, split  # noqa: F401 -- fixtures

SETTINGS = Evaluate(replicates=100)


@pytest.fixture
def table(made) -> pd.DataFrame:
    return made(seeds=1)[0]


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_errors_are_counted_as_a_loop_would(table, threshold):
    wrong = {0: 0, 1: 0}
    for row in table.itertuples():
        wrong[row.label] += (row.probability >= threshold) != (row.label == 1)
    of = table["label"].value_counts()
    alarms, missed, alarm_rate, miss_rate = count_errors(table, threshold, SETTINGS)
    assert (alarms.value, alarms.n, missed.value, missed.n) == (wrong[0], of[0], wrong[1], of[1])
    assert alarm_rate.value == pytest.approx(wrong[0] / of[0])
    assert miss_rate.value == pytest.approx(wrong[1] / of[1])
    assert alarm_rate.low <= alarm_rate.value <= alarm_rate.high and alarm_rate.groups == 30


def test_a_threshold_that_nothing_passes_has_its_interval_too(table):
    alarms, missed, alarm_rate, miss_rate = count_errors(table, 1.1, SETTINGS)
    assert (alarms.value, alarm_rate.value) == (0, 0) and missed.value == missed.n and miss_rate.value == 1
    assert alarm_rate.high > 0 and miss_rate.low < 1


def test_a_class_that_is_not_there_has_no_rate(table):
    *_, alarm_rate, miss_rate = count_errors(table[table["label"] == 1], 0.5, SETTINGS)
    assert alarm_rate.value is None and miss_rate.value is not None


def test_the_slider_begins_at_the_threshold_of_validation(table):
    slider = slide_threshold(table, 0.437, SETTINGS)
    assert slider.values[slider.start] == 0.437 and "validation" in slider.start
    assert list(slider.values.values()) == sorted(slider.values.values())
    shown = slider.at(slider.start).data
    assert "threshold 0.437" in shown and "try.false_alarms" in shown
    assert show_threshold(table, 0.437, SETTINGS).data == shown


def test_a_map_is_the_one_of_the_report(runs, split):  # noqa: F811
    tables = [predict(run, split, progress=False) for run in runs]
    every = explain(runs, tables, split, SETTINGS, progress=False)
    from dfstudy.chapters.c04_test.explain import map_images

    for at, path in enumerate(every.test.pictures["path"]):
        own = map_images(runs[1], tables[1][tables[1]["path"] == path], split)
        assert np.allclose(own.maps[0, 0], every.maps[1, at], atol=1e-5) and own.layer == every.layer
        assert own.known[0] == every.known[at]


def test_the_slider_goes_through_the_test_by_probability(runs, split):  # noqa: F811
    table = predict(runs[0], split, progress=False)
    run = dataclasses.replace(runs[0], checkpoint={**runs[0].checkpoint, "threshold": 0.5})
    slider = slide_map(run, table, split)
    probabilities = table.set_index("path")["probability"]
    shown = [probabilities[path] for path in slider.values.values()]
    assert shown == sorted(shown) and len(shown) == len(table)
    start = table.set_index("path").loc[slider.values[slider.start]]
    wrong = (table["probability"] >= 0.5) != (table["label"] == 1)
    if wrong.any():
        assert (start["probability"] >= 0.5) != (start["label"] == 1)
    found = show_map(run, table, split, "1.png")
    assert found.caption.startswith("1.png: fake, swap; probability of fake ") and "layer" in found.caption
    with pytest.raises(StudyError, match=r"no test image is called 11\.png"):
        show_map(run, table, split, "11.png")


def test_a_network_without_a_map_says_so_in_its_place(runs, split, monkeypatch):  # noqa: F811
    def refuse(*_):
        raise StudyError("no stage keeps places apart", "choose another")

    monkeypatch.setattr("dfstudy.model.maps.find_layer", refuse)
    slider = slide_map(runs[0], predict(runs[0], split, progress=False), split)
    assert "no stage keeps places apart" in slider.at(slider.start).data
