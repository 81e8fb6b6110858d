"""One score a video from the scores of its frames, by a strategy that validation chose.

Takes tables of frames (path, video, label, method, group, probability); gives one row a video. Strategies:
mean, median, maximum, mean of the highest three, and the confident strategy of the DFDC's winner. Which one
is best depends on the detector and on how many frames are forged, so all are compared on the validation
videos and the winner is applied to the test by name. Refused with `StudyError`: no column `video`, an empty
one, a video whose frames differ in label or group. A frame without a finite probability is left out and
counted; a video without any is one without a score, and is kept as such. Cost: one sort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.stats.intervals import Floats, group_interval, groups_behind
from dfstudy.stats.metrics import auc, log_loss
from dfstudy.stats.registry import METRICS
from dfstudy.stats.units import units_of

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

TOP = 3  # frames of `top_k`
SURE, SURELY_REAL = 0.8, 0.2  # of the confident strategy: a frame above, or below, is sure
MANY_FAKE, LEAST_FAKE = 2.5, 11  # more than frames // 2.5, and more than 11, sure fakes
MANY_REAL = 0.9  # more than this share of sure reals


def confident(probabilities: Floats) -> float:
    """Mean of the sure frames where enough agree, else of all.

    More sure fakes than both frames // 2.5 and 11: their mean. Else more than nine tenths sure reals: their
    mean. So with fewer than 12 frames it never settles on fake and mostly is the mean. Reference: Seferbekov,
    first place of the Deepfake Detection Challenge 2020, github.com/selimsef/dfdc_deepfake_challenge,
    `confident_strategy` in kernel_utils.py, whose constants these are (it read 32 frames a video).

    >>> confident(np.array([0.9] * 12 + [0.1] * 8))
    0.9
    """
    fakes, reals = probabilities[probabilities > SURE], probabilities[probabilities < SURELY_REAL]
    if len(fakes) > len(probabilities) // MANY_FAKE and len(fakes) > LEAST_FAKE:
        return float(fakes.mean())
    if len(reals) > MANY_REAL * len(probabilities):
        return float(reals.mean())
    return float(probabilities.mean())


def top_k(probabilities: Floats) -> float:
    """Mean of the three highest, or of all where there are fewer."""
    return float(np.sort(probabilities)[-TOP:].mean())


STRATEGIES: dict[str, Callable[[Floats], float]] = {
    "mean": lambda probabilities: float(probabilities.mean()),
    "median": lambda probabilities: float(np.median(probabilities)),
    "max": lambda probabilities: float(probabilities.max()),
    "top_k": top_k,
    "confident": confident,
}


def score_videos(frames: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """One row a video, in the columns of a table of `predict`, so that every metric of this room takes it.

    Args:
        frames: path, video, label, method, group and probability of every frame.
        strategy: a key of `STRATEGIES`.

    Returns:
        Sorted by path, which is the video's name: path, label, method, group, frames (with a probability),
        failed (without) and probability; NaN where no frame has one.

    Raises:
        StudyError: a frame names no video, or a video has frames of two labels, methods or groups.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"no strategy is called '{strategy}': {', '.join(STRATEGIES)}")
    table = frames.assign(video=units_of(frames, "video"))
    described = table.groupby("video")[["label", "method", "group"]]
    mixed = (described.min() != described.max()).any(axis=1)
    if mixed.any():
        raise StudyError(
            f"{int(mixed.sum()):,} videos have frames of two labels, methods or groups, the first "
            f"'{mixed.index[mixed][0]}'",
            "give each video a name of its own: an original and its fake are two videos",
        )
    scored = table["probability"].map(np.isfinite)
    counts = table.groupby("video").size()
    of_video = table[scored].sort_values("path").groupby("video")["probability"]
    videos = described.first().assign(frames=of_video.size())
    videos["frames"] = videos["frames"].fillna(0).astype("int64")
    videos["failed"] = counts - videos["frames"]
    videos["probability"] = of_video.agg(lambda each: STRATEGIES[strategy](each.to_numpy("float64")))
    return videos.rename_axis("path").reset_index()


def compare_strategies(validation: Sequence[pd.DataFrame], settings: Evaluate) -> pd.DataFrame:
    """Every strategy on the validation videos.

    Args:
        validation: one table of frames a training seed.

    Returns:
        A row a strategy, in the order of `STRATEGIES`: strategy, auc with low and high, log_loss, videos.
        Values are means over seeds; NaN where one class is missing.
    """
    rows = []
    for name in STRATEGIES:
        tables = [_scored(table, name) for table in validation]
        first = tables[0]
        if any(not one["path"].equals(first["path"]) for one in tables):
            raise ValueError("the seeds' tables hold different videos with a score")
        # videos of one group are related, as the rest of this room takes them
        groups = first["group"].to_numpy(str)

        def values(weights: Floats, tables: list[pd.DataFrame] = tables) -> Floats:
            return np.mean(
                [
                    [metric(t["label"], t["probability"], weights) for metric in (auc, log_loss)]
                    for t in tables
                ],
                axis=0,
            ).T

        found = group_interval(values, groups, settings=settings)
        ends = found[0].student("share", groups_behind(first["label"], groups))
        loss = float(found[1].value)
        rows.append((name, float(ends.value), float(ends.low), float(ends.high), loss, len(first)))
    return pd.DataFrame(rows, columns=["strategy", "auc", "low", "high", "log_loss", "videos"])


def choose_strategy(compared: pd.DataFrame) -> str:
    """The strategy with the highest validation AUC; of equal ones the smallest log-loss, then the first.

    Args:
        compared: as `compare_strategies` gives it.
    """
    if compared["auc"].isna().all():
        raise StudyError(
            "the validation videos are of one class, so no strategy can be chosen",
            "give validation videos of both classes, or name a strategy: " + ", ".join(compared["strategy"]),
        )
    ranked = compared.assign(auc=compared["auc"].round(12), log_loss=compared["log_loss"].round(12))
    ranked = ranked.sort_values(["auc", "log_loss"], ascending=[False, True], kind="stable")
    return str(ranked["strategy"].iloc[0])


def video_numbers(compared: pd.DataFrame, chosen: str) -> list[Number]:
    """Numbers `video.validation.auc.<strategy>` and `.log_loss.<strategy>`, the chosen marked in the note."""
    numbers = []
    for row in compared.itertuples(index=False):
        note = "on validation; chosen" if row.strategy == chosen else "on validation"
        known = np.isfinite(row.low)
        ends = (row.low, row.high) if known else (None, None)
        value = row.auc if np.isfinite(row.auc) else None
        told = note if value is not None else f"{note}; the videos lack a class"
        loss = row.log_loss if np.isfinite(row.log_loss) else None
        for name, found, interval in (("auc", value, ends), ("log_loss", loss, (None, None))):
            unit, name = METRICS[name].unit, f"video.validation.{name}.{row.strategy}"
            numbers.append(Number(name, found, unit, row.videos, *interval, note=told))
    return numbers


def _scored(frames: pd.DataFrame, strategy: str) -> pd.DataFrame:
    return score_videos(frames, strategy).dropna(subset="probability").reset_index(drop=True)
