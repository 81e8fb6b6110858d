"""The numbers of robustness: to which corruptions networks are robust, and where they break.

Takes the table of `predict_corrupted`; gives one `Robustness` a policy, with intervals, `Number`s and tables.
Values are means over training seeds; intervals resample groups of images, the same draw for every seed and
condition, so that a difference to the clean images is paired. Thresholds come from validation, on clean
images: whoever uses a detector does not know what an image went through. A verdict is flipped where it
differs from that on the clean image, right or wrong. Cost: 2 s for 45 conditions, two seeds, 400 images
and 1,000 replicates, and in proportion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.number import Number, name_methods
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.intervals import Floats, Interval, group_interval, sentences
from dfstudy.stats.measures import CHOSEN
from dfstudy.stats.registry import METRICS, listed
from dfstudy.stats.weighted import mean

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

LEVEL = 0.75  # AUC halfway between guessing and perfect: below it a network is taken for broken
CLEAN = ("none", 0)
ALL = "all"  # stands for the corruption of a mean over all of them

DROP = "AUC of the clean images minus AUC of the corrupted ones, paired"
FLIPS = {
    "flipped": "share of verdicts that differ from those on the clean images",
    "to_fake": "share of images called fake that were called real when clean",
    "to_real": "share of images called real that were called fake when clean",
}
DRAWN = ("to_fake", "to_real")  # the directions of the flips are for the figure


@dataclass(frozen=True)
class Robustness:
    """One policy under every condition.

    Attributes:
        policy: under which its networks were trained.
        seeds: training seeds that values are means over.
        pictures: of the test, under each condition.
        conditions: (corruption, severity) in the order of the table; severity 0 of a corruption is the mean
            over its severities, `("all", 0)` the mean over everything, `("none", 0)` the clean images.
        intervals: by quantity, of values [conditions].
    """

    policy: str
    seeds: int
    pictures: int
    conditions: tuple[tuple[str, int], ...]
    intervals: dict[str, Interval]

    @property
    def corruptions(self) -> tuple[str, ...]:
        """Names, in the order of the table."""
        return tuple(dict.fromkeys(name for name, severity in self.conditions if severity))

    def severities(self, corruption: str) -> list[int]:
        """Those that were tested, the weakest first."""
        return sorted(severity for name, severity in self.conditions if name == corruption and severity)

    def interval(self, measure: str, corruption: str, severity: int = 0) -> Interval:
        """One value with its interval."""
        return self.intervals[measure][self.conditions.index((corruption, severity))]

    @property
    def sound(self) -> bool:
        """Whether there is something to break: the AUC's interval on clean images reaches `LEVEL`."""
        return not self.interval("auc", *CLEAN).high < LEVEL

    def holds(self, corruption: str) -> int:
        """Severities, from the weakest on, at which the AUC's whole interval lies at `LEVEL` or above."""
        held = 0
        for severity in self.severities(corruption):
            if not self.interval("auc", corruption, severity).low >= LEVEL:
                break
            held += 1
        return held

    def broken(self, corruption: str) -> list[int]:
        """Severities at which the AUC's whole interval lies below `LEVEL`."""
        every = self.severities(corruption)
        return [severity for severity in every if self.interval("auc", corruption, severity).high < LEVEL]


def measure_robustness(predictions: pd.DataFrame, settings: Evaluate) -> list[Robustness]:
    """One result a policy, in the order of the table.

    Args:
        predictions: table of `predict_corrupted`.
        settings: replicates, confidence, seed and level of the bootstrap.
    Raises:
        ValueError: a run lacks a condition or an image that another has.
    """
    policies = dict.fromkeys(predictions["policy"])
    return [_measure(predictions[predictions["policy"] == policy], policy, settings) for policy in policies]


def _measure(predictions: pd.DataFrame, policy: str, settings: Evaluate) -> Robustness:
    asked = list(dict.fromkeys(zip(predictions["corruption"], predictions["severity"], strict=True)))
    asked = [CLEAN, *(condition for condition in asked if condition != CLEAN)]
    by_condition = predictions.groupby(["corruption", "severity"])
    seeds = list(dict.fromkeys(predictions["seed"]))
    aligned = []
    for condition in asked:
        part = by_condition.get_group(condition)
        aligned.append(align([part[part["seed"] == seed] for seed in seeds]))
        if not aligned[-1].pictures.equals(aligned[0].pictures):
            raise ValueError(f"corruption {condition}: its images are not the clean ones")
    thresholds = predictions.groupby("seed")["threshold"].first()[seeds].tolist()
    test, units = aligned[0], aligned[0].units(settings.level)
    found = group_interval(
        lambda weights: _averaged(_values(aligned, thresholds, weights), asked), units, settings=settings
    )
    intervals = {}
    metrics = {metric.name: metric for metric in listed("robustness")}
    for at, name in enumerate(_quantities()):
        own = found[:, at]
        if name == "drop":
            intervals[name] = METRICS["auc"].interval_apart(own, test.labels, units)
        elif name in FLIPS:
            intervals[name] = own.student("share", (found.groups,))
        else:
            intervals[name] = metrics[name].interval(own, test.labels, units)
    conditions = (*asked, *((name, 0) for name in _named(asked)), (ALL, 0))
    return Robustness(policy, len(seeds), len(test), conditions, intervals)


def _quantities() -> dict[str, tuple[str, str]]:
    """Unit and remark of everything that is measured, in the order of the numbers; the AUC is the first."""
    metrics = [
        (metric.name, (metric.unit, sentences(metric.remark, CHOSEN * metric.threshold)))
        for metric in listed("robustness")
    ]
    drop = ("drop", (METRICS["auc"].unit, DROP))
    return dict([metrics[0], drop, *metrics[1:], *((name, ("1", told)) for name, told in FLIPS.items())])


def _values(aligned: Sequence[Aligned], thresholds: Sequence[float], weights: Floats) -> Floats:
    """[replicates, conditions, quantities], means over seeds; the first condition is clean."""
    labels, metrics = aligned[0].labels, listed("robustness")
    place = {name: at for at, name in enumerate(_quantities())}
    values = np.zeros((len(weights), len(aligned), len(place)))
    for seed, threshold in enumerate(thresholds):
        clean = aligned[0].probabilities[seed] >= threshold
        for at, condition in enumerate(aligned):
            scores = condition.probabilities[seed]
            called = scores >= threshold
            for metric in metrics:
                values[:, at, place[metric.name]] += metric(labels, scores, weights, threshold)
            values[:, at, place["to_fake"]] += mean(weights, called & ~clean)
            values[:, at, place["to_real"]] += mean(weights, clean & ~called)
    values /= len(thresholds)
    areas = values[:, :, place["auc"]]
    values[:, :, place["drop"]] = areas[:, :1] - areas
    values[:, :, place["flipped"]] = values[:, :, place["to_fake"]] + values[:, :, place["to_real"]]
    return values


def _named(asked: Sequence[tuple[str, int]]) -> list[str]:
    return list(dict.fromkeys(name for name, severity in asked if severity))


def _averaged(values: Floats, asked: Sequence[tuple[str, int]]) -> Floats:
    """With a mean over the severities of each corruption, and a mean of those, behind the conditions."""
    names = np.array([name for name, _ in asked])
    means = [values[:, names == name].mean(axis=1) for name in _named(asked)]
    return np.concatenate([values, np.stack([*means, np.mean(means, axis=0)], axis=1)], axis=1)


def robustness_numbers(measured: Sequence[Robustness], in_test: int) -> list[Number]:
    """Numbers `robust.<quantity>.<corruption>.s<severity>`, means, and how far each corruption is stood.

    Means over severities are `robust.<quantity>.<corruption>`, over everything `robust.<quantity>`, those of
    clean images `robust.clean.<metric>`. Ids of a second policy and others end in `.policy.<name>`.

    Args:
        in_test: images of the test, of which those measured may be a part.
    """
    others = name_methods(one.policy for one in measured[1:])
    endings = [
        "",
        *(f".policy.{slug}" for one in measured[1:] for slug, p in others.items() if p == one.policy),
    ]
    first = measured[0]
    numbers = [
        Number("robust.pictures", first.pictures, "images", first.pictures),
        Number("robust.share", first.pictures / in_test, "1", in_test, note="of the test images"),
        Number(
            "robust.level",
            LEVEL,
            "AUC",
            first.pictures,
            note="set before any image was corrupted",
            digits=2,
        ),
    ]
    for one, ending in zip(measured, endings, strict=True):
        numbers += _numbers(one, ending)
    return numbers


def _numbers(one: Robustness, ending: str) -> list[Number]:
    over = f"mean over {one.seeds} training seeds" if one.seeds > 1 else ""
    numbers = []
    for name, (unit, note) in _quantities().items():
        if name in DRAWN:
            continue
        for corruption, severity in one.conditions:
            if (corruption, severity) == CLEAN:
                if name == "drop" or name in FLIPS:
                    continue
                place = f"clean.{name}"
            else:
                parts = [name, "" if corruption == ALL else corruption, f"s{severity}" if severity else ""]
                place = ".".join(filter(None, parts))
            found = one.interval(name, corruption, severity)
            told = sentences(note, over)
            numbers.append(found.number(f"robust.{place}{ending}", unit=unit, n=one.pictures, note=told))
    measured = not np.isnan(one.interval("auc", *CLEAN).value)
    for corruption in one.corruptions:
        unit = f"severities of {len(one.severities(corruption))}"
        for name, count, told in (
            (
                "holds",
                one.holds(corruption),
                "the AUC's interval lies at the level or above, from the weakest on",
            ),
            ("broken", len(one.broken(corruption)), "the AUC's interval lies below the level"),
        ):
            numbers.append(
                Number(
                    f"robust.{name}.{corruption}{ending}",
                    count if measured else None,
                    unit,
                    one.pictures,
                    note=told if measured else "the images lack a class that it needs",
                )
            )
    return numbers
