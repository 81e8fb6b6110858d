"""Networks on images of other folders: the numbers against scikit-learn, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn import metrics as sk

from dfstudy.chapters.c06_transfer import external as room
from dfstudy.chapters.c06_transfer import figures_external as figures
from dfstudy.chapters.c06_transfer.external import elsewhere_numbers, measure_elsewhere
from dfstudy.data.external import Elsewhere, find_elsewhere
from dfstudy.data.index import index_study
from dfstudy.data.split import Split, split_study
from dfstudy.errors import StudyError
from dfstudy.model.checkpoint import read_checkpoint
from dfstudy.predict.predict import predict, predict_elsewhere
from dfstudy.present.numbers import say
from dfstudy.stats.calibration import FITS, USED
from dfstudy.stats.metrics import ECE_BINS
from dfstudy.stats.registry import listed
from dfstudy.study.comparisons import Evaluate, OtherPictures
from dfstudy.study.study import load_study
from dfstudy.train.run import Run

SETTINGS = Evaluate(replicates=200)


def table(strength: float, seed: int, groups: int, prefix: str = "") -> pd.DataFrame:
    """Two reals and two fakes a group."""
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 0, 1, 1], groups)
    number = np.arange(4 * groups)
    names = pd.Series(number).map("{:04d}".format)
    logit = rng.normal(strength * (labels - 0.5), 1) + np.repeat(rng.normal(0, 0.5, groups), 4)
    return pd.DataFrame(
        {
            "path": prefix + names + ".png",
            "label": labels,
            "method": np.where(labels, "swap", "real"),
            "group": [f"g{group}" for group in number // 4],
            "logit": logit,
            "probability": expit(logit),
        }
    )


RUNS = [
    SimpleNamespace(
        checkpoint={"threshold": threshold},
        clean=table(strength, 50 + number, 40).assign(part="val"),
    )
    for number, (threshold, strength) in enumerate(((0.5, 1.0), (0.35, 4.0)))
]


def folder(name: str, rows: pd.DataFrame, aside: int = 3) -> Elsewhere:
    left_out = pd.DataFrame({"path": [f"{at}.png" for at in range(aside)], "error": "unreadable"})
    slug = name.lower()
    return Elsewhere(name, slug, rows.attrs.get("root"), rows, len(rows), left_out, False, "f" * 64)


@pytest.fixture
def measured(monkeypatch):
    """Measure two seeds on an own test and on other folders, all made up: {name: strength}."""

    def measure(strengths: dict[str, float], own: float = 3.0, groups: int = 30):
        here = [table(own, seed, 40) for seed in range(2)]
        there = {name: [table(s, 9 + n, groups, "x") for n in range(2)] for name, s in strengths.items()}
        monkeypatch.setattr(room, "predict", lambda run, *_: here[RUNS.index(run)])
        monkeypatch.setattr(
            room, "predict_elsewhere", lambda run, other, _: there[other.name][RUNS.index(run)]
        )
        split = Split(here[0], here[0].iloc[:0], None, "f" * 64, True, (), here[0].iloc[:0])
        folders = [folder(name, tables[0]) for name, tables in there.items()]
        return here, there, measure_elsewhere(RUNS, split, folders, SETTINGS, progress=False)

    return measure


def test_values_are_means_over_seeds_at_the_studys_threshold_and_calibration(measured):
    here, there, [one] = measured({"Faces": 1.0})
    expected, errors = {}, []
    for run, scores in zip(RUNS, there["Faces"], strict=True):
        called = scores["probability"] >= run.checkpoint["threshold"]
        sure = FITS[USED](run.clean["logit"], run.clean["label"])(scores["logit"])
        parts = {
            "auc": sk.roc_auc_score(scores["label"], scores["probability"]),
            "balanced_accuracy": sk.balanced_accuracy_score(scores["label"], called),
            "sensitivity": sk.recall_score(scores["label"], called),
            "specificity": sk.recall_score(scores["label"], called, pos_label=0),
            "log_loss": sk.log_loss(scores["label"], sure),
        }
        errors.append(squared_error(scores, sure))
        for name, value in parts.items():
            expected.setdefault(name, []).append(value)
    assert set(expected) == {metric.name for metric in listed("external")}
    assert float(one.there["ece"].value) == pytest.approx(np.sqrt(max(0, np.mean(errors))))
    for name, values in expected.items():
        assert float(one.there[name].value) == pytest.approx(np.mean(values)), name
        assert one.there[name].low < one.there[name].value < one.there[name].high
    own = np.mean([sk.roc_auc_score(scores["label"], scores["probability"]) for scores in here])
    assert float(one.here["auc"].value) == pytest.approx(own)
    assert float(one.drop.value) == pytest.approx(own - np.mean(expected["auc"]))
    # two independent sets: variances add up
    spread = np.hypot(one.here["auc"].error, one.there["auc"].error)
    assert float(one.drop.error) == pytest.approx(float(spread), rel=0.25)


def squared_error(scores: pd.DataFrame, sure: np.ndarray) -> float:
    """Bin by bin, the products of what different groups are off by."""
    held, wrong = np.minimum((sure * ECE_BINS).astype(int), ECE_BINS - 1), scores["label"] - sure
    groups = scores["group"].nunique()
    sums = wrong.groupby([held, scores["group"]]).sum().groupby(level=0)
    apart = sums.sum() ** 2 - sums.apply(lambda each: (each**2).sum())
    return float((apart / np.bincount(held)[apart.index]).sum() / len(scores) * groups / (groups - 1))


def test_numbers_say_where_and_over_how_many(measured):
    _, _, both = measured({"Faces": 1.0, "more": 3.0})
    numbers = {number.id: number for number in elsewhere_numbers(both)}
    assert numbers["elsewhere_pooled.auc"].groups == numbers["elsewhere_pooled.mean_auc"].groups == 60
    auc, drop = numbers["elsewhere.faces.auc"], numbers["elsewhere.faces.drop"]
    assert (auc.n, auc.groups, drop.n, drop.groups) == (120, 30, 280, 70)
    found, spared = (numbers[f"elsewhere.faces.{name}"] for name in ("sensitivity", "specificity"))
    assert found.n == spared.n == 60
    assert "independently" in drop.note and "2 training seeds" in drop.note and drop.low > 0
    assert "own validation" in numbers["elsewhere.faces.balanced_accuracy"].note
    assert numbers["elsewhere.faces.pictures"].value == 120 and numbers["elsewhere.more.set_aside"].value == 3
    assert numbers["elsewhere.more.share"].value == numbers["elsewhere.more.coverage"].value == 1


def test_the_sentences_follow_from_the_intervals(measured):
    _, _, found = measured({"worse": 1.0, "alike": 3.0, "blind": 0.0})
    numbers = elsewhere_numbers(found)
    worse, alike, blind, pooled = say(figures.tell_elsewhere(found), numbers).data.splitlines()
    assert "less than in the study's own test by" in worse
    assert "inconclusive" in alike and "better than guessing" not in alike
    assert "not shown to be better than guessing" in blind
    assert "worse than chance" not in blind and "All of them" in pooled
    _, _, turned_round = measured({"inverse": -2.0})
    assert "worse than chance" in figures.tell_elsewhere(turned_round)
    decided = figures.decisions_table(found)
    assert decided["images"].tolist() == [figures.OWN, "worse", "alike", "blind"]
    by_id = {number.id: str(number) for number in numbers}
    assert decided["wrong among the unsure, if called"].iloc[1] == by_id["elsewhere.worse.band.wrong_unsure"]
    assert decided["after"].iloc[1] == by_id[f"elsewhere.worse.calibration.{USED}.log_loss.after"]
    assert "No other images" in figures.tell_elsewhere([])
    rows = figures.elsewhere_table(found)
    assert rows["reals scored"].tolist() == ["60"] * 3 and rows["excluded"].iloc[0] == "3 unreadable"
    assert "120 images of blind in 30 groups" in figures.describe_elsewhere(found)
    assert len(figures.draw_elsewhere(found).axes) == 3
    told = figures.describe_points(found)
    assert str({number.id: number for number in numbers}["elsewhere.blind.auc"]) in told


@pytest.fixture
def scored(make_run, write_noise, tmp_path):
    """A run of random weights, the split that it was trained on, and a folder of other images."""
    for at, name in enumerate(("own", "others")):
        for file in write_noise(tmp_path / name, 16):
            target = file.parent / ("real", "fake")[int(file.stem) % 2] / file.name
            target.parent.mkdir(exist_ok=True)
            # the second folder's images are other ones: turned upside down
            target.write_bytes(file.read_bytes() if not at else turned(file))
            file.unlink()
    study = load_study("small", data=str(tmp_path / "own"), out=str(tmp_path / "out"))
    study = study.model_copy(update={"test_on": [OtherPictures(root=str(tmp_path / "others"))]})
    split = split_study(study, index_study(study, progress=False))
    folder = make_run(tmp_path / "out" / "runs" / "x")
    told = read_checkpoint(folder) | {"fingerprint": split.fingerprint}
    run = Run("x", 0, folder, pd.DataFrame(), pd.DataFrame(), told)
    return run, split, find_elsewhere(study, split, progress=False)[0]


def turned(file: Path) -> bytes:
    return cv2.imencode(".png", cv2.imread(str(file))[::-1, ::-1])[1].tobytes()


def test_predictions_are_those_of_the_pictures_and_kept_beside_the_run(scored):
    run, split, other = scored
    made = predict_elsewhere(run, other, progress=False)
    assert list(made["path"]) == list(other.rows["path"]) and made["logit"].std() > 0
    file = run.folder / "predictions_elsewhere_others.csv"
    before = file.stat().st_mtime_ns
    pd.testing.assert_frame_equal(predict_elsewhere(run, other, progress=False), made)
    assert file.stat().st_mtime_ns == before
    own = predict(run, split, "test", progress=False)
    assert len(own) == len(split.part("test")) and file.is_file()


def test_pictures_checked_against_another_split_are_refused(scored):
    run, _, other = scored
    with pytest.raises(StudyError, match="other images than those that others was checked against"):
        predict_elsewhere(run, replace(other, checked_against="0" * 64), progress=False)
