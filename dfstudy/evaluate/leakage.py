"""Leakage meter: how much better a test looks where images of one group lie on both sides of the split.

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

import numpy as np
import pandas as pd

from dfstudy.data import Split
from dfstudy.data.deal import assign_groups
from dfstudy.data.traits import draw_pictures
from dfstudy.evaluate.intervals import Floats, Interval, group_interval, groups_behind
from dfstudy.evaluate.learning import judge_runs
from dfstudy.evaluate.levels import by_group
from dfstudy.evaluate.metrics import auc
from dfstudy.evaluate.paired import LEAST_SEEDS, PairedDifference, difference_over
from dfstudy.evaluate.predict import predict
from dfstudy.number import Number
from dfstudy.provenance import digest
from dfstudy.study import Augment, Evaluate, Model, Study, Training

MOST = 2_000  # images: enough for a small network to remember people, few enough for two minutes
# Pretrained and small: the meter compares two splits, and a network that learned nothing leaks nothing.
SMALL = Model(backbone="tf_efficientnet_lite0", weights="package", size=64, trainable_stages=2)
SHORT = Training(epochs=5, patience=5, learning_rate=1e-3, batch_size=32, seeds=[0, 1, 2])
SEEN = 2_500  # images that a training sees at least: of few images it takes more epochs to learn anything


@dataclass(frozen=True)
class Leakage:
    """Trainings in pairs that differ in their split alone.

    Attributes:
        grouped, random: AUC on each one's test pictures, mean over seeds, interval over groups.
        inflation: random - grouped, interval over groups and seeds.
        pictures: test pictures of both.
        shared: share of the random split's test pictures whose group is also trained on.
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


def small_study(
    study: Study, model: Model = SMALL, training: Training = SHORT, pictures: int = SEEN
) -> Study:
    """The study with the meter's network and recipe; pictures, split, threads and statistics stay its own.

    Args:
        pictures: of the training part; few are shown in more epochs.
    """
    epochs = max(training.epochs, -(-SEEN // pictures))
    own = study.training.model_dump(include={"threads", "workers"})
    return study.model_copy(
        update={
            "model": model,
            "training": training.model_copy(update={**own, "epochs": epochs, "patience": epochs}),
            "augment": Augment(policy="none+horizontal_flip"),
        }
    )


def draw_split(split: Split, seed: int, most: int = MOST) -> Split:
    """The same split of at most about `most` pictures, in whole groups.

    Each part gives in proportion, and both its classes: where groups are large, a draw from all at once could
    leave one part without.
    """
    parts = split.rows.groupby("split", sort=False)
    drawn = [draw_pictures(own, seed, max(1, most * len(own) // len(split.rows))) for _, own in parts]
    return _with_rows(split, pd.concat(drawn).sort_values("path"))


def scatter(split: Split, seed: int) -> Split:
    """The split as it would be without groups: single pictures dealt at random, in the same shares.

    Classes and methods are as even as in the grouped split. The column `group` keeps the true groups, which
    now lie on both sides. For measuring what that pays, and for nothing else.
    """
    parts = split.rows["split"].value_counts(normalize=True)
    shares = {name: float(parts[name]) for name in ("test", "val")}
    alone = split.rows.assign(group=split.rows["path"])
    dealt = assign_groups(alone, shares, seed)
    return _with_rows(split, split.rows.assign(split=split.rows["path"].map(dealt)))


def measure_leakage(study: Study, split: Split, progress: bool = True) -> Leakage | None:
    """Train on both splits with each seed, test, compare; None where no group has two pictures.

    Args:
        study: as `small_study` gives it.
        split: the grouped split.
    Raises:
        StudyError: a training cannot be done; see `train`.
    """
    from dfstudy.train import train

    if not split.rows["group"].duplicated().any():
        return None
    grouped = draw_split(split, study.data.split_seed)
    random = scatter(grouped, study.data.split_seed)
    runs = [
        [train(study, each, seed, progress) for seed in study.training.seeds] for each in (grouped, random)
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

    The two tests hold different pictures, so their groups are drawn independently of each other.
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
        n, why = len(split.rows), "no group has two pictures: nothing names what could leak"
        return [Number(f"leakage.{name}", None, "AUC", n, note=why) for name in names]
    seeds = found.inflation.seeds
    few = f"{seeds} of at least {LEAST_SEEDS} seeds of each"  # below that, a value and no verdict
    told = f"{seeds} seeds of each" if seeds >= LEAST_SEEDS else few
    note = f"split at random minus by groups, the same small network, {told}"
    intervals = (found.grouped, found.random, found.inflation)
    notes = ("groups whole", "pictures at random", note)
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
            note="of the random split's test pictures have pictures of their group in training",
        ),
    ]


def _with_rows(split: Split, rows: pd.DataFrame) -> Split:
    rows = rows.reset_index(drop=True)
    content = rows[["path", "sha256", "label", "group", "split"]].to_numpy().tolist()
    return replace(split, rows=rows, fingerprint=digest(content))
