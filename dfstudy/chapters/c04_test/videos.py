"""The test video by video: a strategy chosen on validation, its scores on test.

Takes runs, their calibrated tables of the test and their split; gives `Videos`: the strategies on validation,
the one chosen there, and `Number`s `test.video.*` with intervals over groups, means over training seeds. The
threshold is that with the best balanced accuracy on the validation videos. Where the images name no videos,
or they cannot be told apart, the reason is said and the numbers are not defined. Images that are no frame
of a video are left out here and counted. Cost: as five metrics of `testing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import logit

from dfstudy.chapters.c04_test.video_level import (
    choose_strategy,
    compare_strategies,
    score_videos,
    video_numbers,
)
from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.calibration import calibrate_run
from dfstudy.stats.intervals import Floats, group_interval, groups_behind, sentences
from dfstudy.stats.measures import measure
from dfstudy.stats.metrics import auc
from dfstudy.stats.registry import METRICS, listed
from dfstudy.stats.units import by_group

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.stats.score_meaning import Meaning
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.train.run import Run

NONE = "no image is named as a frame of a video"
SINGLE = "no video of the test has more than one frame"
EDGE = 1e-12  # from 0 and 1, where a probability has no logit


@dataclass(frozen=True)
class Videos:
    """What the test says of whole videos.

    Attributes:
        strategies: as `compare_strategies` gives it, on validation; empty where there is a reason.
        chosen: the strategy whose test numbers these are.
        numbers: `test.video.*` and `video.validation.*`.
        reason: why videos cannot be judged; empty where they are.
    """

    strategies: pd.DataFrame
    chosen: str
    numbers: list[Number]
    reason: str = ""


def measure_videos(runs: Sequence[Run], meaning: Meaning, split: Split, settings: Evaluate) -> Videos:
    """Choose a strategy on the validation videos, apply it to the test's.

    Args:
        runs: one a seed.
        meaning: of `calibrate`, whose probabilities are those that `dfstudy score` gives.
        split: that the runs trained on; its `video` says which frames belong together.
    """
    test = [_frames(table, split) for table in meaning.tables]
    if test[0].empty:
        return _nothing(NONE)
    if not test[0]["video"].duplicated().any():
        return _nothing(SINGLE)
    own = by_group(settings)
    try:
        validation = [_validation(run, split) for run in runs]
        compared = compare_strategies(validation, own)
        chosen = choose_strategy(compared)
        thresholds = [_threshold(table, chosen) for table in validation]
        scored = [score_videos(table, chosen) for table in test]
    except StudyError as error:
        return _nothing(error.message)
    left_out = len(meaning.tables[0]) - len(test[0])
    numbers = _numbers(scored, thresholds, chosen, own)
    numbers.append(_frame_count(test[0], left_out))
    numbers.append(_gain(test, scored, own))
    return Videos(compared, chosen, numbers + video_numbers(compared, chosen))


def _frames(table: pd.DataFrame, split: Split) -> pd.DataFrame:
    """Rows that are frames, with their video, sorted by path."""
    rows = split.rows
    named = rows.set_index("path")["video"] if "video" in rows else pd.Series("", index=rows["path"])
    videos = table["path"].map(named).fillna("")
    return table.assign(video=videos)[videos != ""].sort_values("path", ignore_index=True)


def _validation(run: Run, split: Split) -> pd.DataFrame:
    """Frames of the validation, calibrated as those of the test."""
    clean = run.clean
    rows = clean[clean["part"] == "val"]
    table = rows[["path"]].assign(probability=calibrate_run(run)(rows["logit"].to_numpy()))
    said = split.rows[["path", "label", "method", "group"]]
    frames = _frames(table.merge(said, on="path"), split)
    if frames.empty:
        raise StudyError("no validation image is named as a frame of a video", "name more of them")
    return frames


def _threshold(frames: pd.DataFrame, strategy: str) -> float:
    from dfstudy.train.threshold import best_threshold

    videos = score_videos(frames, strategy).dropna(subset="probability")
    probability = videos["probability"].clip(EDGE, 1 - EDGE)
    return best_threshold(logit(probability.to_numpy()), videos["label"].to_numpy())


def _numbers(
    scored: Sequence[pd.DataFrame], thresholds: Sequence[float], strategy: str, settings: Evaluate
) -> list[Number]:
    videos = align(scored)
    asked = listed("videos")
    found = measure(videos, thresholds, settings, asked=asked)
    wanted = {f"test.{metric.name}": f"test.video.{metric.name}" for metric in asked}
    note = f"by video: {strategy} of its frames"
    numbers = [replace(x, id=wanted[x.id], note=sentences(note, x.note)) for x in found if x.id in wanted]
    value = float(np.mean(thresholds))
    said = "best balanced accuracy on the validation videos"
    return [
        *numbers,
        Number("test.video.videos", len(videos), "videos", len(videos)),
        Number("test.video.threshold", value, "probability", len(videos), note=said),
    ]


def _frame_count(frames: pd.DataFrame, left_out: int) -> Number:
    note = f"{left_out:,} test images are no frame of a video and left out" if left_out else ""
    return Number("test.video.frames", len(frames), "images", len(frames), note=note)


def _gain(frames: Sequence[pd.DataFrame], scored: Sequence[pd.DataFrame], settings: Evaluate) -> Number:
    """AUC by video minus AUC by frame, of the same frames, paired: both weigh groups alike."""
    single, whole = align(frames), align(scored)
    # a video's weight is that of its first frame: all are of one group
    first = single.pictures.drop_duplicates("video").reset_index()
    at = first.set_index("video")["index"].loc[whole.pictures["path"]].to_numpy()

    def difference(weights: Floats) -> Floats:
        return _mean_auc(whole, weights[:, at]) - _mean_auc(single, weights)

    units = single.units(settings.level)
    found = group_interval(difference, units, settings=settings)
    ends = found.student("gap", groups_behind(single.labels, units))
    note = "AUC by video minus AUC by frame, paired"
    return ends.number("test.video.auc.gain", unit="AUC", n=len(single), note=note)


def _mean_auc(test: Aligned, weights: Floats) -> Floats:
    return np.mean([auc(test.labels, scores, weights) for scores in test.probabilities], axis=0)


def _nothing(reason: str) -> Videos:
    units = {metric.name: metric.unit for metric in listed("videos")}
    units |= {"auc.gain": METRICS["auc"].unit, "threshold": "1"}
    undefined = [Number(f"test.video.{name}", None, unit, 0, note=reason) for name, unit in units.items()]
    none = Number("test.video.videos", 0, "videos", 0, note=reason)
    columns = ["strategy", "auc", "low", "high", "log_loss", "videos"]
    return Videos(pd.DataFrame(columns=columns), "", [none, *undefined], reason)
