"""Leakage meter: how much better a test looks where pictures of one group lie on both sides of the split.

Takes a study and its grouped split; trains the study's small network twice, once on that split and once on
one that deals single pictures at random in the same shares, each tested on its own test pictures. Gives both
AUCs and their difference with an interval over groups. Pictures, network, recipe and seed are the same, so
the difference is what the leak pays. Both are runs of `train`: found again by content, resumed where they
stopped. Where no group has two pictures nothing can leak, and the numbers say so.
Cost: two short trainings; 4,000 pictures at 64 px and 4 epochs take about a minute each on two cores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from dfstudy.data import Split
from dfstudy.data.deal import assign_groups
from dfstudy.data.traits import draw_pictures
from dfstudy.evaluate.intervals import Interval, group_interval, groups_behind
from dfstudy.evaluate.levels import by_group
from dfstudy.evaluate.metrics import auc
from dfstudy.evaluate.predict import predict
from dfstudy.number import Number
from dfstudy.provenance import digest
from dfstudy.study import Augment, Evaluate, Model, Study, Training

MOST = 4_000  # pictures: enough for a small network to remember people, few enough for a minute
# From scratch and small: the meter compares two splits, and needs no good detector.
SMALL = Model(backbone="test_resnet", size=64)
SHORT = Training(epochs=4, patience=4)
SEEN = 8_000  # pictures that a training sees at least: of few pictures it takes more epochs to learn anything


@dataclass(frozen=True)
class Leakage:
    """Two trainings that differ in their split alone.

    Attributes:
        grouped, random: AUC on each one's test pictures.
        inflation: random - grouped.
        pictures: test pictures of both.
        shared: share of the random split's test pictures whose group is also trained on.
        epochs: of both trainings.
    """

    grouped: Interval
    random: Interval
    inflation: Interval
    pictures: int
    shared: float
    epochs: int = SHORT.epochs


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
    """Train on both splits, test each, compare; None where no group has two pictures.

    Args:
        study: as `small_study` gives it.
        split: the grouped split.
    Raises:
        StudyError: a training cannot be done; see `train`.
    """
    from dfstudy.train import train

    if not split.rows["group"].duplicated().any():
        return None
    seed = study.training.seeds[0]
    grouped = draw_split(split, study.data.split_seed)
    random = scatter(grouped, study.data.split_seed)
    tables = [
        predict(train(study, each, seed, progress), each, "test", progress) for each in (grouped, random)
    ]
    seen = random.part("train")["group"]
    found = compare(*tables, study.evaluate, shared=float(tables[1]["group"].isin(seen).mean()))
    return replace(found, epochs=study.training.epochs)


def compare(grouped: pd.DataFrame, random: pd.DataFrame, settings: Evaluate, shared: float) -> Leakage:
    """The meter's reading from two tables of `predict`.

    The two tests hold different pictures, so their groups are drawn independently of each other.
    """

    def of(table: pd.DataFrame):
        labels, scores = table["label"].to_numpy(), table["logit"].to_numpy()
        return lambda weights: auc(labels, scores, weights)

    settings = by_group(settings)  # a group is what leaks
    first, second = of(grouped), of(random)
    groups = grouped["group"].to_numpy(str), random["group"].to_numpy(str)
    behind = [
        groups_behind(table["label"], names) for table, names in zip((grouped, random), groups, strict=True)
    ]
    gap = group_interval(lambda one, other: second(other) - first(one), *groups, settings=settings)
    return Leakage(
        group_interval(first, groups[0], settings=settings).student("share", behind[0]),
        group_interval(second, groups[1], settings=settings).student("share", behind[1]),
        gap.student("gap", (*behind[0], *behind[1])),
        len(grouped) + len(random),
        shared,
    )


def leakage_numbers(found: Leakage | None, split: Split) -> list[Number]:
    """Numbers `leakage.auc.grouped`, `leakage.auc.random`, `leakage.inflation`, `leakage.shared`."""
    names = ("auc.grouped", "auc.random", "inflation", "shared")
    if found is None:
        n, why = len(split.rows), "no group has two pictures: nothing names what could leak"
        return [Number(f"leakage.{name}", None, "AUC", n, note=why) for name in names]
    note = "split at random minus by groups, the same small network"
    intervals = (found.grouped, found.random, found.inflation)
    notes = ("groups whole", "pictures at random", note)
    return [
        *(
            each.number(f"leakage.{name}", unit="AUC", n=found.pictures, note=told)
            for name, each, told in zip(names, intervals, notes, strict=False)
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
