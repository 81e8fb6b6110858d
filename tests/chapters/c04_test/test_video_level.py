"""Frames to videos: each strategy by hand, the choice on validation, and what is refused."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from dfstudy.chapters.c04_test import video_level as room
from dfstudy.chapters.c04_test.video_level import (
    STRATEGIES,
    choose_strategy,
    compare_strategies,
    score_videos,
)
from dfstudy.errors import StudyError
from dfstudy.stats import measures as testing
from dfstudy.study.comparisons import Evaluate

SETTINGS = Evaluate(replicates=100)
PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=40).map(np.array)


def frames_of(videos=40, seed=0, forged=1.0, frames=14):
    """Frames of reals and fakes; only a share of a fake's frames is forged."""
    random, rows = np.random.default_rng(seed), []
    for video in range(videos):
        label = video % 2
        for frame in range(frames - video % 5):
            fake = label and random.random() < forged
            score = 1 / (1 + np.exp(-random.normal(2.5 if fake else -1, 1)))
            method = "swap" if label else "real"
            rows.append(
                (f"v{video:02d}/{frame}.png", f"v{video:02d}", label, method, f"g{video // 2}", score)
            )
    return pd.DataFrame(rows, columns=["path", "video", "label", "method", "group", "probability"])


@given(PROBABILITIES)
def test_every_strategy_stays_within_its_frames_whatever_their_order(probabilities):
    for strategy in STRATEGIES.values():
        value = strategy(probabilities)
        assert probabilities.min() - 1e-12 <= value <= probabilities.max() + 1e-12
        assert strategy(probabilities[::-1]) == pytest.approx(value)


@pytest.mark.parametrize(
    ("fakes", "reals", "unsure", "expected"),
    [
        (12, 18, 0, None),  # of 30 frames it takes more than 30 // 2.5 = 12
        (13, 17, 0, 0.95),
        (11, 2, 0, None),  # never on 11 frames
        (0, 19, 1, 0.05),  # 19 of 20 sure reals
        (0, 18, 2, None),  # nine tenths are not more than nine tenths
    ],
)
def test_confident_at_its_edges(fakes, reals, unsure, expected):
    frames = np.repeat([0.95, 0.05, 0.5], [fakes, reals, unsure])
    found = STRATEGIES["confident"](frames)
    assert found == pytest.approx(frames.mean() if expected is None else expected)


def test_the_simple_ones_by_hand():
    frames = np.array([0.1, 0.9, 0.4, 0.8, 0.3])
    found = {name: STRATEGIES[name](frames) for name in ("mean", "median", "max", "top_k")}
    assert found == pytest.approx({"mean": 0.5, "median": 0.4, "max": 0.9, "top_k": 0.7})
    assert STRATEGIES["top_k"](np.array([0.2, 0.4])) == pytest.approx(0.3)


def test_a_video_is_a_row_that_every_metric_takes():
    frames = frames_of()
    videos = score_videos(frames.sample(frac=1, random_state=1), "median")
    expected = frames.groupby("video")["probability"].median()
    assert videos["path"].tolist() == expected.index.tolist()
    assert np.allclose(videos["probability"], expected) and videos["frames"].sum() == len(frames)
    numbers = {n.id: n for n in testing.test_numbers([videos], [0.5], SETTINGS)}
    assert numbers["test.auc"].n == 40 and numbers["test.auc"].groups == 20


def test_failed_frames_are_counted_and_a_video_without_any_keeps_its_row():
    frames = frames_of()
    frames.loc[frames["video"] == "v03", "probability"] = np.nan
    frames.loc[0, "probability"] = np.inf
    videos = score_videos(frames, "mean").set_index("path")
    assert len(videos) == 40 and np.isnan(videos.loc["v03", "probability"])
    assert videos.loc["v03", "frames"] == 0 and videos.loc["v00", "failed"] == 1
    numbers = {n.id: n for n in testing.test_numbers([videos.reset_index()], [0.5], SETTINGS)}
    assert numbers["test.coverage"].value == pytest.approx(39 / 40)


def test_compared_and_chosen_on_validation():
    few = frames_of(forged=0.25, videos=60)  # a quarter of the frames forged: the mean hides them
    table = compare_strategies([few, few], SETTINGS).set_index("strategy")
    for name in STRATEGIES:
        videos = score_videos(few, name)
        expected = roc_auc_score(videos["label"], videos["probability"])
        assert table.loc[name, "auc"] == pytest.approx(expected)
        assert table.loc[name, "log_loss"] == pytest.approx(log_loss(videos["label"], videos["probability"]))
        assert table.loc[name, "low"] <= expected <= table.loc[name, "high"]
    chosen = choose_strategy(table.reset_index())
    assert chosen in ("top_k", "max") and table.loc[chosen, "auc"] > table.loc["median", "auc"] + 0.05
    marked = {n.id: n.note for n in room.video_numbers(table.reset_index(), chosen)}
    assert marked[f"video.validation.auc.{chosen}"] == "on validation; chosen"


def test_ties_go_to_the_smaller_loss_then_to_the_first():
    rows = [("mean", 0.9, 0.4), ("median", 0.9, 0.3), ("max", 0.9, 0.3)]
    assert choose_strategy(pd.DataFrame(rows, columns=["strategy", "auc", "log_loss"])) == "median"


def test_refusals():
    frames = frames_of()
    with pytest.raises(StudyError, match="need a column 'video'"):
        score_videos(frames.drop(columns="video"), "mean")
    with pytest.raises(StudyError, match="2 videos have frames of two labels"):
        score_videos(frames.assign(video=frames["video"].replace({"v01": "v00", "v03": "v02"})), "mean")
    with pytest.raises(ValueError, match="no strategy is called 'mode'"):
        score_videos(frames, "mode")
    reals = frames[frames["label"] == 0]
    with pytest.raises(StudyError, match="of one class"):
        choose_strategy(compare_strategies([reals], SETTINGS))


def test_examples_in_the_text():
    found = doctest.testmod(room)
    assert found.attempted == 1 and found.failed == 0
