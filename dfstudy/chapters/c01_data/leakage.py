"""Leakage estimate: how much better a test looks where images of one group lie on both sides of the split.

Takes a study and its grouped split; trains the study's small network on that split and on one that deals
single images at random in the same shares, with each of three seeds, and tests each on its own test images.
Gives both AUCs and their difference with an interval over groups and seeds. Images, network, recipe and seeds
are the same, so the difference is what the leak pays. All are runs of `train`: found again by content,
resumed where they stopped; where the study's own runs are the same trainings, those are found. Where no group
has two images nothing can leak, and the numbers say so.
Cost: six short trainings; 2,000 images at 64 px take about two minutes of one core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.number import Number
from dfstudy.predict.predict import predict
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind
from dfstudy.stats.learning import judge_runs
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import LEAST_SEEDS, PairedDifference, difference_over
from dfstudy.stats.units import by_group
from dfstudy.variants.leakage import (
    KINDS,
    SHORT,
    draw_split,
    say_leakage_run,
    scatter,
    small_study,
    why_not,
)

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.study.study import Study


@dataclass(frozen=True)
class Leakage:
    """Trainings in pairs that differ in their split alone.

    Attributes:
        grouped, random: AUC on each one's test images, mean over seeds, interval over groups.
        inflation: random - grouped, interval over groups and seeds.
        pictures: test images of both.
        shared: share of the random split's test images whose group is also trained on.
        epochs: of both trainings.
        learned: one kind of training has learned. Where only groups can be known, the grouped one cannot;
            where neither has, there is nothing to leak.
    """

    grouped: Interval
    random: Interval
    inflation: PairedDifference
    pictures: int
    shared: float
    epochs: int = SHORT.epochs
    learned: bool = True


def measure_leakage(study: Study, split: Split, progress: bool = True) -> Leakage | None:
    """Train on both splits with each seed, test, compare; None where no group has two images.

    Args:
        study: as `small_study` gives it.
        split: the grouped split.
    Raises:
        StudyError: a training cannot be done; see `train`.
    """
    from dfstudy.train.run import train

    if not split.rows["group"].duplicated().any():
        return None
    grouped = draw_split(split, study.data.split_seed)
    random = scatter(grouped, study.data.split_seed)
    kinds = dict(zip(KINDS, (grouped, random), strict=True))
    runs = [
        [
            train(study, each, seed, progress, say_leakage_run(study, seed, kind))
            for seed in study.training.seeds
        ]
        for kind, each in kinds.items()
    ]
    tables = [
        [predict(run, each, "test", progress) for run in own]
        for own, each in zip(runs, (grouped, random), strict=True)
    ]
    learned = any(judge_runs(own, study.evaluate).learned for own in runs)
    seen = random.part("train")["group"]
    found = compare(*tables, study.evaluate, shared=float(tables[1][0]["group"].isin(seen).mean()))
    return replace(found, epochs=study.training.epochs, learned=learned)


def compare(
    grouped: Sequence[pd.DataFrame], random: Sequence[pd.DataFrame], settings: Evaluate, shared: float
) -> Leakage:
    """The meter's reading from tables of `predict`, one a seed.

    The two tests hold different images, so their groups are drawn independently of each other.
    """
    settings = by_group(settings)  # a group is what leaks

    def of(tables: Sequence[pd.DataFrame]) -> Callable[[Floats], Floats]:
        labels = tables[0]["label"].to_numpy()
        scores = [table["logit"].to_numpy() for table in tables]
        return lambda weights: np.stack([auc(labels, each, weights) for each in scores], axis=1)

    sides = [of(tables) for tables in (grouped, random)]
    units = [tables[0]["group"].to_numpy(str) for tables in (grouped, random)]
    behind = [
        groups_behind(tables[0]["label"], names)
        for tables, names in zip((grouped, random), units, strict=True)
    ]
    levels = [
        group_interval(
            lambda weights, side=side: side(weights).mean(axis=1), names, settings=settings
        ).student("share", counted)
        for side, names, counted in zip(sides, units, behind, strict=True)
    ]
    gain = difference_over(
        lambda one, other: sides[1](other) - sides[0](one),
        *units,
        behind=(*behind[0], *behind[1]),
        settings=settings,
    )
    return Leakage(*levels, gain, len(grouped[0]) + len(random[0]), shared)


def leakage_numbers(found: Leakage | None, split: Split) -> list[Number]:
    """Numbers `leakage.auc.grouped`, `leakage.auc.random`, `leakage.inflation`, `leakage.shared`."""
    names = ("auc.grouped", "auc.random", "inflation", "shared")
    if found is None:
        n, why = len(split.rows), "no group has two images: nothing names what could leak"
        return [Number(f"leakage.{name}", None, "AUC", n, note=why) for name in names]
    seeds = found.inflation.seeds
    few = f"{seeds} of at least {LEAST_SEEDS} seeds of each"  # below that, a value and no verdict
    told = f"{seeds} seeds of each" if seeds >= LEAST_SEEDS else few
    note = f"split at random minus by groups, the same small network, {told}"
    intervals: tuple[Interval | PairedDifference, ...] = (found.grouped, found.random, found.inflation)
    notes = ("grouped split", "random per-image split", note)
    return [
        *(
            each.number(f"leakage.{name}", unit="AUC", n=found.pictures, note=words)
            for name, each, words in zip(names, intervals, notes, strict=False)
        ),
        Number(
            "leakage.learned", int(found.learned), "1 = learned", found.pictures, note="one kind of training"
        ),
        Number(
            "leakage.shared",
            found.shared,
            "1",
            found.pictures,
            note="of the random split's test images have images of their group in training",
        ),
    ]


def run_meter(study: Study, split: Split, progress: bool = True) -> Leakage | None:
    """Measure, or find what was measured; None where `why_not` gives a reason.

    Raises:
        StudyError: a training cannot be done; see `dfstudy.train.run.train`.
    """
    if why_not(split):
        return None
    return measure_leakage(small_study(study, pictures=len(split.part("train"))), split, progress)


def meter_numbers(found: Leakage | None, split: Split) -> list[Number]:
    """Numbers `leakage.*`, with the reason where there is none."""
    numbers = leakage_numbers(found, split)
    return numbers if found else [replace(number, note=why_not(split) or number.note) for number in numbers]
