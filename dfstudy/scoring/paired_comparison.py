"""Two tables of scores over the same images: how the second differs from the first, and whether by chance.

Takes two `ScoredTable`s, settings and perhaps each one's threshold; gives `Number`s, differences always the
second less the first, and remarks. Rows are joined by path; images in one table only, or without a score in
one, are left out, counted and named. Every interval and p goes over whole units; what holds for independent
images only (DeLong, McNemar's own p) is not defined where a group has several. Refused: tables that
disagree about a label or about what belongs together, and tables that share no scored image. Cost: as four
metrics a replicate and two a permutation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.scoring.scores import NO_THRESHOLD, given_threshold, why_not, wrong_way
from dfstudy.scoring.scores_file import MOST_NAMED, NO_GROUPS, ScoredTable
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.comparisons import (
    auc_difference,
    balanced_accuracy_difference,
    holm,
    mcnemar,
    minimum_detectable,
    permutation_test,
)
from dfstudy.stats.delong import compare_delong
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind
from dfstudy.stats.measures import NO_PROBABILITIES, measure
from dfstudy.stats.registry import METRICS, Metric, listed
from dfstudy.stats.units import UNITS

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

NAMES = ("first", "second")
QUESTIONS = ("auc", "balanced_accuracy")  # what is tested; other metrics are compared without a p
POWER = 0.8
ONE_CLASS = "the images lack a class that it needs"
RELATED = "for independent images only, and here groups have several"

Thresholds = tuple[float, float]


def compare_scores(
    first: ScoredTable, second: ScoredTable, settings: Evaluate, thresholds: Thresholds | None = None
) -> tuple[list[Number], list[str]]:
    """Numbers `compare.*` and remarks for the reader.

    Args:
        first, second: as `read_scores` gives them.
        thresholds: of the first and of the second; an image is called fake where its score is at least this.

    Raises:
        StudyError: the tables contradict each other or share no scored image.
    """
    both, remarks = _match(first, second, settings.level)
    groups = both.pictures["group"]
    alone = groups.is_unique and len(np.unique(both.units(settings.level))) == len(both)
    probabilities = first.probabilities and second.probabilities
    able = [one for one in listed("compared") if not why_not(one, probabilities, thresholds is not None)]
    numbers = [*_about(both, settings), *_own(both, settings, thresholds, able)]
    asked = [_question(name, both, settings, thresholds) for name in QUESTIONS]
    corrected = _corrected([p for _, p, _ in asked])
    for (difference, p, detectable), adjusted in zip(asked, corrected, strict=True):
        numbers += [difference, p, adjusted, detectable]
    numbers += [_difference(one, both, settings, thresholds) for one in able if one.name not in QUESTIONS]
    numbers += _by_delong(both, alone, settings) + _by_mcnemar(both, alone, settings, thresholds)
    if np.array_equal(*both.probabilities):
        remarks.append("the two tables score every image alike")
    areas = {number.id: number for number in numbers}
    for name in NAMES:
        remarks += [f"{name}: {said}" for said in wrong_way(areas[f"compare.{name}.auc"])]
    return numbers, remarks


def _match(first: ScoredTable, second: ScoredTable, level: str) -> tuple[Aligned, list[str]]:
    """Both tables' scores of the images that they share, [2, n], and what is to be said of the rest."""
    own = [table.pictures.set_index("path") for table in (first, second)]
    shared = own[0].index.intersection(own[1].index)
    _refuse_other_labels(own[0].loc[shared, "label"], own[1].loc[shared, "label"])
    remarks = []
    for name, table, pictures, other in zip(NAMES, (first, second), own, reversed(own), strict=True):
        remarks += [f"{name}: {said}" for said in table.remarks if said != NO_GROUPS]
        only = pictures.index.difference(other.index)
        if len(only):
            count = f"{len(only):,} of its images are not in the other table and left out"
            remarks.append(f"{name}: {count}: {_named(only)}")
    described = own[0].loc[shared, ["label"]].assign(method=own[0].loc[shared, "label"].map(CLASS_NAMES))
    for column in dict.fromkeys(["group", level]):
        if column != "picture" and any(column in pictures for pictures in own):
            described[column] = _agreed(column, *(pictures.reindex(shared) for pictures in own))
    unnamed = described["group"] == ""
    described["group"] = described["group"].where(~unnamed, described.index)
    if unnamed.all():
        remarks.append(NO_GROUPS)
    tables = [
        described.assign(probability=pictures.loc[shared, "probability"]).rename_axis("path").reset_index()
        for pictures in own
    ]
    both = align(tables)
    if not len(both):
        raise StudyError(
            f"the two tables share {len(shared):,} images, and none with a score in both",
            "write the paths in both tables alike",
        )
    if both.failed:
        lost = shared.difference(both.pictures["path"])
        count = f"{both.failed:,} shared images lack a score in one table and are left out"
        remarks.append(f"{count}: {_named(lost)}")
    return both, remarks


def _refuse_other_labels(first: pd.Series, second: pd.Series) -> None:
    differs = first != second
    if differs.any():
        raise StudyError(
            f"the two tables disagree about the label of {int(differs.sum()):,} images, the first "
            f"'{first.index[differs][0]}'",
            "fake is 1 and real is 0: see whether one of the two has them the other way round",
        )


def _agreed(column: str, *tables: pd.DataFrame) -> pd.Series:
    """What either table names, by path; empty where neither does."""
    told = []
    for table in tables:
        # `read_scores` fills a group that is not named with the path
        named = table[column].fillna("") if column in table else pd.Series("", index=table.index)
        told.append(named.where(named != table.index, "") if column == "group" else named)
    first, second = told
    differs = (first != "") & (second != "") & (first != second)
    if differs.any():
        raise StudyError(
            f"the two tables disagree about the {column} of {int(differs.sum()):,} images, the first "
            f"'{differs.index[differs][0]}'",
            f"name each {column} alike in both, or in one of them only",
        )
    return first.where(first != "", second)


def _about(both: Aligned, settings: Evaluate) -> list[Number]:
    n, units = len(both), len(np.unique(both.units(settings.level)))
    return [
        Number("compare.pictures", n, "images", n, note="with a score in both tables"),
        Number("compare.groups", units, UNITS[settings.level], n),
        Number("compare.fakes", int(both.labels.sum()), "images", n),
    ]


def _own(
    both: Aligned, settings: Evaluate, thresholds: Thresholds | None, able: Sequence[Metric]
) -> list[Number]:
    """Each table's own values on the shared images, of all metrics that are compared.

    Args:
        able: those that the scores can answer.
    """
    numbers = []
    for at, name in enumerate(NAMES):
        alone = Aligned(both.pictures, both.probabilities[at : at + 1], 0)
        level = 0.0 if thresholds is None else thresholds[at]
        told = given_threshold(level)  # of no metric where there is no threshold
        found = {number.id: number for number in measure(alone, [level], settings, asked=able, chosen=told)}
        for one in listed("compared"):
            why = NO_THRESHOLD if one.threshold and thresholds is None else NO_PROBABILITIES
            number = found.get(f"test.{one.name}") or Number("", None, one.unit, len(both), note=why)
            numbers.append(replace(number, id=f"compare.{name}.{one.name}"))
    return numbers


def _difference(metric: Metric, both: Aligned, settings: Evaluate, thresholds: Thresholds | None) -> Number:
    """Second less first in a metric that is no question: with its interval, and no p."""
    levels = thresholds or (None, None)

    def difference(weights: Floats) -> Floats:
        first, second = (
            metric(both.labels, scores, weights, level)
            for scores, level in zip(both.probabilities, levels, strict=True)
        )
        return second - first

    units = both.units(settings.level)
    found = metric.interval_apart(group_interval(difference, units, settings=settings), both.labels, units)
    n, name = metric.images(both.labels), f"compare.{metric.name}.difference"
    return found.number(name, unit=metric.unit, n=n, note="second less first, paired")


def _question(
    name: str, both: Aligned, settings: Evaluate, thresholds: Thresholds | None
) -> tuple[Number, Number, Number]:
    """Difference, p of the permutation test and smallest difference to be found, of one of `QUESTIONS`."""
    unit, n = METRICS[name].unit, len(both)
    stem, units = f"compare.{name}", both.units(settings.level)
    by_verdict = name == "balanced_accuracy"
    why = "" if 0 < int(both.labels.sum()) < n else ONE_CLASS
    if by_verdict and thresholds is None:
        why = NO_THRESHOLD
    if why:
        ids = ((f"{stem}.difference", unit), (f"{stem}.p", "1"), (f"{stem}.detectable", unit))
        difference, p, detectable = (Number(told, None, of, n, note=why) for told, of in ids)
        return difference, p, detectable
    told = (both.labels, *both.probabilities)
    if by_verdict and thresholds is not None:
        found = balanced_accuracy_difference(*told, thresholds, units, settings)
        chance = permutation_test(*told, units, settings, thresholds)
    else:
        found = auc_difference(*told, units, settings)
        chance = permutation_test(*told, units, settings)
    swapped = f"permutation test over {UNITS[settings.level]}, {settings.replicates:,} permutations"
    return (
        found.number(f"{stem}.difference", unit=unit, n=n, note="second minus first, paired"),
        Number(f"{stem}.p", chance, "1", n, groups=found.groups, note=swapped, digits=4),
        _detectable(f"{stem}.detectable", found, both, settings, unit),
    )


def _corrected(found: Sequence[Number]) -> list[Number]:
    """The p-values that are defined, after Holm's correction over them."""
    asked = {p.id: p.value for p in found if p.value is not None}
    adjusted = dict(zip(asked, holm(list(asked.values())).tolist(), strict=True))
    note = "Holm's correction over AUC and balanced accuracy" if len(asked) > 1 else "the one question asked"
    return [
        replace(p, id=f"{p.id}_holm", value=adjusted.get(p.id), note=note if p.id in adjusted else p.note)
        for p in found
    ]


def _detectable(name: str, found: Interval, both: Aligned, settings: Evaluate, unit: str) -> Number:
    behind = groups_behind(both.labels, both.units(settings.level))
    least = minimum_detectable(found, behind, POWER, 1 - settings.confidence)
    note = f"smallest true difference found with a probability of {POWER:g}; a smaller one proves nothing"
    if least is None:
        note = "too few groups"
    elif not least:
        least, note = None, "the difference does not vary with the images drawn"
    return Number(name, least, unit, len(both), groups=found.groups, note=note)


def _by_delong(both: Aligned, alone: bool, settings: Evaluate) -> list[Number]:
    """Difference of AUCs and its p after DeLong."""
    n, fakes = len(both), int(both.labels.sum())
    why = "" if alone else RELATED
    if alone and min(fakes, n - fakes) < 2:
        why = "it needs two images of each class"
    found = None if why else compare_delong(both.labels, *both.probabilities, settings.confidence)
    if found and np.isinf(found.z):
        found, why = None, "its variance is zero here, whatever the number of images"
    stem = "compare.auc.delong"
    if found is None:
        ids = (("difference", "AUC"), ("p", "1"))
        return [Number(f"{stem}.{name}", None, unit, n, note=why) for name, unit in ids]
    made = f"{100 * settings.confidence:g} % interval after DeLong, for independent images"
    return [
        Number(f"{stem}.difference", found.value, "AUC", n, found.low, found.high, note=made),
        Number(f"{stem}.p", found.p, "1", n, note="DeLong's test, for independent images", digits=4),
    ]


def _by_mcnemar(
    both: Aligned, alone: bool, settings: Evaluate, thresholds: Thresholds | None
) -> list[Number]:
    """Images that one table alone judges rightly, and whether these are equally many."""
    n, stem = len(both), "compare.mcnemar"
    if thresholds is None:
        return [Number(f"{stem}.p", None, "1", n, note=NO_THRESHOLD)]
    right = (both.probabilities >= np.reshape(thresholds, (2, 1))) == (both.labels == 1)
    found = mcnemar(*right, both.units(settings.level))
    numbers = [
        Number(f"{stem}.{name}", count, "images", n, note=f"judged rightly by the {name[5:]} alone")
        for name, count in (("only_first", found.only_first), ("only_second", found.only_second))
    ]
    for name, p, note in (
        ("p", found.p_mid, "mid-p, for independent images"),
        ("p_exact", found.p_exact, "exact and cautious, for independent images"),
    ):
        value, said = (p, note) if alone else (None, RELATED)
        numbers.append(Number(f"{stem}.{name}", value, "1", n, note=said, digits=4))
    units = UNITS[settings.level]
    note = f"for images related within {units}; with under a dozen {units} judged differently do not use it"
    numbers.append(Number(f"{stem}.p_groups", found.p_groups, "1", n, note=note, digits=4))
    return numbers


def _named(paths: pd.Index) -> str:
    more = f" and {len(paths) - MOST_NAMED:,} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(f"'{path}'" for path in paths[:MOST_NAMED]) + more
