"""The numbers of the test: what they mean over seeds, by method, and where a class is missing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from dfstudy.stats import measures as testing
from dfstudy.stats.measures import number_by_method
from dfstudy.stats.registry import CELLS, listed
from dfstudy.study.comparisons import Evaluate

THRESHOLDS = [0.5, 0.4]
SETTINGS = Evaluate(replicates=100)


def numbers_of(tables, thresholds=THRESHOLDS, **more):
    return {n.id: n for n in testing.test_numbers(tables, thresholds[: len(tables)], SETTINGS, **more)}


def test_every_value_is_the_mean_over_seeds(predictions):
    numbers = numbers_of(predictions)
    labels = predictions[0]["label"]

    def mean(metric):
        return np.mean(
            [metric(table["probability"], t) for table, t in zip(predictions, THRESHOLDS, strict=True)]
        )

    aucs = [sk.roc_auc_score(labels, table["probability"]) for table in predictions]
    assert numbers["test.auc"].value == pytest.approx(np.mean(aucs))
    assert numbers["test.auc.recipe"].value == pytest.approx(np.mean(aucs))
    assert 0 <= numbers["test.auc.seed_sd"].value <= np.std(aucs, ddof=1)
    assert numbers["test.accuracy"].value == pytest.approx(
        mean(lambda p, t: sk.accuracy_score(labels, p >= t))
    )
    assert numbers["test.accuracy_at_half"].value == pytest.approx(
        mean(lambda p, t: sk.accuracy_score(labels, p >= 0.5))
    )
    for at, cell in enumerate(CELLS):
        expected = mean(lambda p, t, at=at: sk.confusion_matrix(labels, p >= t).ravel()[at])
        assert numbers[f"test.{cell}"].value == pytest.approx(expected)
    assert numbers["test.threshold"].value == pytest.approx(0.45)


def test_every_measure_has_an_interval_that_holds_its_value(predictions):
    numbers = numbers_of(predictions)
    for measure in listed("test"):
        number = numbers[f"test.{measure.name}"]
        assert number.low < number.high and number.low <= number.value <= number.high, number
        assert number.groups == 30
        assert "100 resamples of groups" in number.note and "mean over 2 training seeds" in number.note


def test_the_n_of_a_share_are_the_pictures_of_its_class(predictions):
    tables = [table[~table["path"].isin(table["path"][:12:4])] for table in predictions]  # fewer fakes
    labels = tables[0]["label"]
    fakes, reals = int((labels == 1).sum()), int((labels == 0).sum())
    assert fakes != reals
    numbers = numbers_of(tables)
    for measure in listed("test"):
        expected = {"sensitivity": fakes, "specificity": reals}.get(measure.name, len(labels))
        assert numbers[f"test.{measure.name}"].n == expected, measure.name
    by_method = {n.id: n for n in number_by_method(tables, THRESHOLDS, SETTINGS)}
    assert by_method["test.sensitivity.method.swap"].n == (tables[0]["method"] == "swap").sum()
    assert numbers_of([table[table["label"] == 0] for table in tables])["test.sensitivity"].n == 0


def test_the_numbers_that_the_report_needs_are_there(predictions):
    named = "auc average_precision eer accuracy balanced_accuracy sensitivity_at_1 sensitivity_at_5 log_loss"
    more = "brier ece threshold auc.seed_sd true_real false_fake false_real true_fake pictures groups"
    assert {f"test.{name}" for name in f"{named} {more}".split()} <= set(numbers_of(predictions))


def test_one_seed_has_no_standard_deviation_and_whole_counts(predictions):
    numbers = numbers_of(predictions[:1])
    assert not any(name.startswith("test.auc.") for name in numbers)
    assert "seeds" not in numbers["test.auc"].note
    assert str(numbers["test.true_fake"]).split()[0] == f"{numbers['test.true_fake'].value:.0f}"


def test_same_numbers_again(predictions):
    assert numbers_of(predictions) == numbers_of([table.copy() for table in predictions])


def test_coverage_counts_failed_and_set_aside_pictures(predictions):
    tables = [table.copy() for table in predictions]
    tables[1].loc[[0, 5], "probability"] = np.nan
    coverage = numbers_of(tables, set_aside=3)["test.coverage"]
    assert coverage.n == len(tables[0]) + 3
    assert coverage.value == pytest.approx((len(tables[0]) - 2) / (len(tables[0]) + 3))


def test_few_reals_are_said(predictions, made):
    reals = int((predictions[0]["label"] == 0).sum())
    assert f"with {reals} reals, none may be alarmed" in numbers_of(predictions)["test.sensitivity_at_1"].note
    assert "none may be alarmed" not in numbers_of(predictions)["test.sensitivity_at_5"].note
    assert "none may be alarmed" not in numbers_of(made(groups=80))["test.sensitivity_at_1"].note


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_gives_numbers_without_value_and_a_reason(predictions, label):
    numbers = numbers_of([table[table["label"] == label] for table in predictions])
    for name in ("auc", "average_precision", "eer", "balanced_accuracy", "sensitivity_at_1", "auc.seed_sd"):
        assert numbers[f"test.{name}"].value is None and "lack a class" in numbers[f"test.{name}"].note
    assert numbers["test.accuracy"].value is not None and numbers["test.brier"].value is not None


def test_by_method_sets_its_fakes_against_all_reals(predictions):
    numbers = {n.id: n for n in number_by_method(predictions, THRESHOLDS, SETTINGS)}
    assert set(numbers) == {
        f"test.{measure}.method.{method}"
        for measure in ("auc", "sensitivity")
        for method in ("blend", "swap")
    }
    rows = predictions[0]["method"].isin(["real", "swap"])
    parts = [table[rows] for table in predictions]
    expected = np.mean([sk.roc_auc_score(p["label"], p["probability"]) for p in parts])
    assert numbers["test.auc.method.swap"].value == pytest.approx(expected)
    assert numbers["test.auc.method.swap"].n == rows.sum()
    assert numbers["test.auc.method.blend"].value > numbers["test.auc.method.swap"].value


def test_by_method_sets_its_fakes_against_the_reals_of_its_own_pipelines(predictions):
    even = predictions[0]["group"].str[1:].astype(int) % 2 == 0
    fits = even | (predictions[0]["method"] != "swap")  # swaps of one pipeline only
    tables = [table.assign(pipeline=np.where(even, "a", "b"))[fits] for table in predictions]
    numbers = {n.id: n for n in number_by_method(tables, THRESHOLDS, SETTINGS)}
    rows = tables[0]["method"].isin(["real", "swap"]) & (tables[0]["pipeline"] == "a")
    parts = [table[rows] for table in tables]
    expected = np.mean([sk.roc_auc_score(p["label"], p["probability"]) for p in parts])
    swap, blend = numbers["test.auc.method.swap"], numbers["test.auc.method.blend"]
    assert swap.value == pytest.approx(expected) and swap.n == rows.sum()
    assert "own pipeline" in swap.note and "pipeline" not in blend.note
    # a pipeline that no real has, or none named, says nothing: all reals, as without the column
    for word in ("elsewhere", ""):
        unknown = [table.assign(pipeline=word).where(table["label"] == 1, table) for table in tables]
        found = {n.id: n for n in number_by_method(unknown, THRESHOLDS, SETTINGS)}
        plain = number_by_method([t.drop(columns="pipeline") for t in tables], THRESHOLDS, SETTINGS)
        assert [found[n.id] for n in plain] == plain


def test_one_method_is_the_whole_test(made):
    tables = made(methods=("only",))
    [auc, _] = number_by_method(tables, THRESHOLDS, SETTINGS)
    whole = numbers_of(tables)["test.auc"]
    assert (auc.value, auc.low, auc.high) == pytest.approx((whole.value, whole.low, whole.high))


def test_names_of_methods_become_parts_of_ids():
    named = testing.name_methods(["Face2Face", "face 2 face", "face-2-face", "GAN (v2)", "换脸"])
    assert named == {
        "face2face": "Face2Face",
        "face_2_face": "face 2 face",
        "face_2_face-2": "face-2-face",
        "gan_v2": "GAN (v2)",
        "unnamed": "换脸",
    }


def test_an_interval_is_wider_by_groups_than_by_pictures(made):
    tables = made(groups=60)
    alone = [table.assign(group=table["path"]) for table in tables]

    def width(number):
        return number.high - number.low

    assert width(numbers_of(tables)["test.brier"]) != width(numbers_of(alone)["test.brier"])
    assert numbers_of(alone)["test.brier"].groups == len(tables[0])
