"""One quantity of every training, as a statistic of weights: AUC, gap, log-loss, calibration, robustness.

Takes `TestedVariant` trainings; gives `Sheet`s, from which any difference between trainings can be
bootstrapped with one set of draws. All trainings are measured on the same images. Refused with ValueError:
trainings on different images. Cost of a value: a metric a training and seed; robustness, one a corruption.

All quantities but `gap` and `unseen` ask about forgery methods that were learned, `unseen` about the others,
each together with all real images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.intervals import Floats, Scale, groups_behind, sentences
from dfstudy.stats.metrics import auc
from dfstudy.stats.registry import METRICS, Metric, listed
from dfstudy.stats.units import by_group

if TYPE_CHECKING:
    from dfstudy.chapters.c05_policies.tested import TestedVariant
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.variants.policies import Trained


@dataclass(frozen=True)
class PolicyQuantity:
    """What is measured of a training.

    Attributes:
        name: part of an id.
        spoken: as a sentence calls it.
        gain: 1 where higher is better, -1 where lower is.
        scale, apart: of the intervals of its values and of its differences.
        note: what a reader must know of it.
        least: the smallest gain worth having, in its unit; None where none is settled.
    """

    name: str
    spoken: str
    unit: str
    gain: int
    scale: Scale
    apart: Scale
    note: str
    least: float | None = None


# An AUC that rises by a hundredth ranks one pair of a real and a fake in a hundred better: less than that is
# no reason to prefer a recipe. Of the gap, two hundredths: as much as overfitting that matters.
LEAST_AUC, LEAST_GAP = 0.01, 0.02
AUC = METRICS["auc"]


def _of_auc(name: str, spoken: str, note: str) -> PolicyQuantity:
    """An AUC of which a hundredth is worth having."""
    return PolicyQuantity(name, spoken, AUC.unit, AUC.better, "share", AUC.apart, note, LEAST_AUC)


def _of_metric(metric: Metric) -> PolicyQuantity:
    """A metric of the registry on the test, calibrated."""
    note = sentences("calibrated" * metric.probabilities, "less is better" * (metric.better < 0))
    scale = metric.scale or "plain"
    return PolicyQuantity(metric.name, metric.title, metric.unit, metric.better, scale, metric.apart, note)


QUANTITIES = {
    one.name: one
    for one in (
        _of_auc("auc", "test AUC", "forgery methods that were learned"),
        _of_auc("unseen", "AUC on unseen forgeries", "methods not learned"),
        PolicyQuantity(
            "gap",
            "overfitting gap (train − val AUC)",
            AUC.unit,
            -1,
            "gap",
            "gap",
            "AUC on clean images; lower is better",
            LEAST_GAP,
        ),
        *(_of_metric(metric) for metric in listed("policies") if metric is not AUC),
        _of_auc("robust", "AUC when corrupted", "mean over corruptions, severity 3"),
    )
}


@dataclass(frozen=True)
class Sheet:
    """One quantity of several trainings.

    Attributes:
        trained: as the axis of the statistic.
        units: the independent unit of every image, for each set of images.
        behind: units of each class that it needs, in each set.
        n: images.
        each: takes one array of weights [replicates, n] a set; gives [replicates, trainings, seeds].
        settings: with the level at which units were counted.
    """

    trained: tuple[Trained, ...]
    units: tuple[NDArray[np.generic], ...]
    behind: tuple[int, ...]
    n: int
    each: Callable[..., Floats]
    settings: Evaluate


def make_sheet(name: str, tested: Mapping[Trained, TestedVariant], settings: Evaluate) -> Sheet | None:
    """The sheet of a quantity; None where no training has it, such as `unseen` with every method learned."""
    if name == "gap":
        return _gap(tested, settings)
    if name == "robust":
        return _robust({key: one for key, one in tested.items() if one.corrupted}, settings)
    test = align([table for one in tested.values() for table in one.test])
    rows = _asked(test, _learned(tested), name == "unseen")
    if not test.labels[rows].any():
        return None
    labels, units = test.labels[rows], test.units(settings.level)[rows]
    scores = test.probabilities[:, rows].reshape(len(tested), -1, len(labels))
    metric = METRICS["auc" if name == "unseen" else name]
    return Sheet(
        tuple(tested),
        (units,),
        metric.units(labels, units),
        len(labels),
        lambda weights: _stacked(scores, lambda each: metric(labels, each, weights)),
        settings,
    )


def _gap(tested: Mapping[Trained, TestedVariant], settings: Evaluate) -> Sheet:
    """AUC on clean training images less AUC on validation images, two sets of groups."""
    every = [table for one in tested.values() for table in one.clean]
    parts = {name: _part(every, name) for name in ("train", "val")}
    (seen, of_seen), (unseen, of_unseen) = (
        (table, logits.reshape(len(tested), -1, logits.shape[-1])) for table, logits in parts.values()
    )
    labels = [table["label"].to_numpy("int64") for table in (seen, unseen)]
    units = tuple(table["group"].to_numpy(str) for table in (seen, unseen))

    def each(first: Floats, second: Floats) -> Floats:
        known = _stacked(of_seen, lambda scores: auc(labels[0], scores, first))
        return known - _stacked(of_unseen, lambda scores: auc(labels[1], scores, second))

    behind = (*groups_behind(labels[0], units[0]), *groups_behind(labels[1], units[1]))
    # what a run keeps of its training names no video and no identity
    return Sheet(tuple(tested), units, behind, len(seen) + len(unseen), each, by_group(settings))


def _robust(tested: Mapping[Trained, TestedVariant], settings: Evaluate) -> Sheet | None:
    """Mean AUC over the corruptions."""
    if not tested:
        return None
    conditions: list[Aligned] = []
    every = [table for one in tested.values() for table in one.corrupted]
    names = [name for name in dict.fromkeys(every[0]["corruption"]) if name != "none"]
    for name in names:
        conditions.append(align([table[table["corruption"] == name] for table in every]))
    test = conditions[0]
    if not all(one.pictures.equals(test.pictures) for one in conditions):
        raise ValueError("the corruptions show different images")
    rows = _asked(test, _learned(tested), unseen=False)
    labels, units = test.labels[rows], test.units(settings.level)[rows]
    if not labels.any():
        return None
    scores = [one.probabilities[:, rows].reshape(len(tested), -1, len(labels)) for one in conditions]

    def each(weights: Floats) -> Floats:
        return np.mean(
            [_stacked(own, lambda one: auc(labels, one, weights)) for own in scores], axis=0, dtype=float
        )

    return Sheet(tuple(tested), (units,), groups_behind(labels, units), len(labels), each, settings)


def methods_not_learned(tested: Mapping[Trained, TestedVariant]) -> list[str]:
    """Forgery methods of the test that no training saw."""
    shown = next(iter(tested.values())).test[0]
    return sorted(set(shown.loc[shown["label"] == 1, "method"]) - set(_learned(tested)))


def _learned(tested: Mapping[Trained, TestedVariant]) -> tuple[str, ...]:
    every = {one.learned for one in tested.values()}
    if len(every) != 1:
        raise ValueError("the trainings learned different forgery methods")
    return every.pop()


def _asked(test: Aligned, learned: tuple[str, ...], unseen: bool) -> NDArray[np.int64]:
    """Rows of the reals and of the fakes that were learned, or were not."""
    known = test.pictures["method"].isin(learned).to_numpy()
    return np.flatnonzero((test.labels == 0) | (known != unseen))


def _stacked(scores: Floats, metric: Callable[[Floats], Floats]) -> Floats:
    """The metric of scores [trainings, seeds, n], one by one: [replicates, trainings, seeds]."""
    return np.stack([np.stack([metric(each) for each in own], axis=1) for own in scores], axis=1)


def _part(tables: list[pd.DataFrame], name: str) -> tuple[pd.DataFrame, Floats]:
    """Images of one part, and logits [tables, n]."""
    rows = [table[table["part"] == name].reset_index(drop=True) for table in tables]
    first = rows[0].drop(columns="logit")
    if not all(one.drop(columns="logit").equals(first) for one in rows):
        raise ValueError("the runs were trained on different images")
    return first, np.stack([one["logit"].to_numpy("float64") for one in rows])
