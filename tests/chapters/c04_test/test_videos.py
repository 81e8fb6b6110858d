"""The test by video: pooled by hand, chosen on validation, and said where it cannot be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from dfstudy.chapters.c04_test.figures_videos import tell_videos
from dfstudy.chapters.c04_test.videos import NONE, SINGLE, measure_videos
from dfstudy.present.numbers import say
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=200)
SEEDS = 2


def make(frames: int = 6, videos: int = 60, photographs: int = 0, name=lambda at: f"clip{at:02d}"):
    """Runs, meaning and split: every video is real or fake, two share a group, half are validation."""
    random = np.random.default_rng(4)
    rows = []
    for video in range(videos):
        for frame in range(frames):
            method = "swap" if video % 2 else "real"
            part = "val" if video % 4 < 2 else "test"
            path = f"{video:02d}/{frame}.png"
            rows.append((path, video % 2, method, f"g{video // 2}", name(video), part))
    rows += [
        (f"photo{at}.png", at % 2, "x" if at % 2 else "real", f"p{at}", "", "test")
        for at in range(photographs)
    ]
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group", "video", "split"])
    of_video = dict(zip(table["video"], random.normal(0, 0.6, len(table)), strict=True))
    runs, tables = [], []
    for _ in range(SEEDS):
        noise = random.normal(0, 2, len(table)) + table["video"].map(of_video)
        scored = table.assign(logit=2 * table["label"] - 1 + noise)
        runs.append(
            SimpleNamespace(clean=scored.rename(columns={"split": "part"}).drop(columns=["method", "video"]))
        )
        test = scored[scored["split"] == "test"].drop(columns=["split", "video"]).sort_values("path")
        tables.append(test.assign(probability=expit(test["logit"])).reset_index(drop=True))
    return runs, SimpleNamespace(tables=tables), SimpleNamespace(rows=table)


def measured(given, settings=SETTINGS):
    found = measure_videos(*given, settings)
    return found, {number.id: number for number in found.numbers}


def test_the_numbers_are_those_of_pooled_frames():
    runs, meaning, split = make()
    found, numbers = measured((runs, meaning, split))
    assert found.reason == "" and set(found.strategies["strategy"]) == {
        "mean",
        "median",
        "max",
        "top_k",
        "confident",
    }
    best = found.strategies["auc"].max()
    assert found.strategies.set_index("strategy").loc[found.chosen, "auc"] == pytest.approx(best)
    pool = {"mean": np.mean, "median": np.median, "confident": np.mean}[found.chosen]
    aucs, losses, gains = [], [], []
    for table in meaning.tables:
        video = table["path"].map(split.rows.set_index("path")["video"])
        pooled = table.groupby(video.to_numpy()).agg(
            label=("label", "first"), probability=("probability", pool)
        )
        aucs.append(roc_auc_score(pooled["label"], pooled["probability"]))
        losses.append(log_loss(pooled["label"], pooled["probability"]))
        gains.append(aucs[-1] - roc_auc_score(table["label"], table["probability"]))
    assert numbers["test.video.auc"].value == pytest.approx(np.mean(aucs))
    assert numbers["test.video.log_loss"].value == pytest.approx(np.mean(losses))
    assert numbers["test.video.auc.gain"].value == pytest.approx(np.mean(gains))
    assert (numbers["test.video.videos"].value, numbers["test.video.frames"].value) == (30, 180)
    assert numbers["test.video.auc"].groups == 15 and found.chosen in numbers["test.video.auc"].note
    for name in ("auc", "balanced_accuracy", "log_loss", "auc.gain"):
        number = numbers[f"test.video.{name}"]
        assert number.low < number.value < number.high
    assert numbers["test.video.auc.gain"].low > 0  # six noisy frames say more than one


def test_the_test_chooses_nothing():
    """Other labels of the test move no strategy and no threshold."""
    runs, meaning, split = make()
    _, before = measured((runs, meaning, split))
    for table in meaning.tables:
        table["probability"] = 1 - table["probability"]
    _, after = measured((runs, meaning, split))
    same = ["test.video.threshold", *(name for name in before if name.startswith("video.validation"))]
    assert all(before[name] == after[name] for name in same) and len(same) == 11
    assert after["test.video.auc"].value < 0.5 < before["test.video.auc"].value


def test_photographs_are_left_out_and_counted():
    _, without = measured(make())
    _, beside = measured(make(photographs=8))
    assert beside["test.video.frames"].value == 180
    assert beside["test.video.frames"].note == "8 test images are no frame of a video and left out"
    assert beside["test.video.videos"] == without["test.video.videos"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (make(name=lambda at: ""), NONE),
        (make(frames=1), SINGLE),
        (make(name=lambda at: f"clip{at // 4}"), "videos have frames of two labels"),
        (make(name=lambda at: f"clip{at}" if at % 4 > 1 else ""), "no validation image"),
    ],
)
def test_what_is_no_video_is_said(given, reason):
    found, numbers = measured(given)
    assert reason in found.reason
    assert numbers["test.video.videos"].value == 0
    for name in ("auc", "balanced_accuracy", "log_loss", "auc.gain", "threshold"):
        assert numbers[f"test.video.{name}"].value is None and reason in numbers[f"test.video.{name}"].note
    told = say(tell_videos(found, numbers), numbers).data
    assert told.startswith("**No videos to judge:**") and ("index.csv" in told) == (reason == NONE)


def test_a_split_without_such_a_column_has_no_videos():
    runs, meaning, split = make()
    split.rows = split.rows.drop(columns="video")
    assert measured((runs, meaning, split))[0].reason == NONE


def test_the_words_name_the_chosen_and_every_number():
    found, numbers = measured(make())
    told = say(tell_videos(found, numbers), numbers).data
    table = [line for line in told.splitlines() if line.startswith("|")]
    assert len(table) == 7 and sum("| chosen |" in line for line in table) == 1
    assert str(numbers["test.video.auc"]) in told and "videos are ranked better than single frames" in told


def test_level_picture_still_resamples_groups():
    _, numbers = measured(make(), SETTINGS.model_copy(update={"level": "picture"}))
    assert numbers["test.video.auc"].groups == 15
