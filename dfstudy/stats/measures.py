"""The numbers of the test: every metric with its interval, overall and by method.

Takes one table of `predict` a training seed (the same images) and each seed's threshold from validation;
gives `Number`s. A value is the mean over seeds; its interval resamples groups of images (or what else
`settings.level` takes as independent), the same draw for every seed, so it covers the choice of images and
not the choice of seed, which `test.auc.seed_sd` and the interval of `test.auc.recipe` show. A
image is called fake where its probability is at least the threshold. Cost: about 9 s a seed for
1,000 replicates of 20,000 predictions, and in proportion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.number import Number, name_methods
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.intervals import Floats, Interval, group_interval, sentences
from dfstudy.stats.recalibration import ROOT, calibration_error
from dfstudy.stats.registry import METRICS, Metric, listed
from dfstudy.stats.seeds import seed_numbers, summarise_seeds
from dfstudy.stats.units import UNITS

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

NO_PROBABILITIES = "the scores are no probabilities"
CHOSEN = "at the threshold from validation"
OWN_REALS = "compared with the reals of its own pipeline"


def test_numbers(
    predictions: Sequence[pd.DataFrame],
    thresholds: Sequence[float],
    settings: Evaluate,
    set_aside: int = 0,
) -> list[Number]:
    """Numbers `test.*` over all test images.

    Args:
        predictions: one table of `predict` a seed.
        thresholds: each seed's threshold from validation, in the same order.
        settings: replicates, confidence, seed and level of the bootstrap.
        set_aside: test images that could not be read, which count against `test.coverage`.
    """
    test = align(predictions)
    numbers = measure(test, thresholds, settings, set_aside)
    numbers.append(
        Number(
            "test.threshold",
            float(np.mean(thresholds)),
            "probability",
            len(test),
            note=sentences(
                "set on the validation images for the best balanced accuracy, applied to the test",
                _averaged(test),
            ),
        )
    )
    return numbers + _spread(test, settings)


def measure(
    test: Aligned,
    thresholds: Sequence[float],
    settings: Evaluate,
    set_aside: int = 0,
    asked: Sequence[Metric] | None = None,
    chosen: str = CHOSEN,
) -> list[Number]:
    """Numbers `test.<metric>`, `test.ece` (calibration error), and counts of what was tested.

    Args:
        asked: metrics; those that the registry lists for the test where it is None.
        chosen: what is said of the threshold.
    """
    asked = listed("test") if asked is None else asked
    units = test.units(settings.level)
    interval = group_interval(
        lambda weights: _mean_over_seeds(asked, test, thresholds, np.s_[:], weights),
        units,
        settings=settings,
    )
    whole = len(test) + test.failed + set_aside
    remarks = {metric.name: sentences(metric.remark, chosen * metric.threshold) for metric in asked}
    return [
        *_numbers(asked, interval, test, "test.{}", np.arange(len(test)), remarks),
        _error_number(test, units, settings),
        Number("test.pictures", len(test), "images", len(test)),
        Number("test.groups", interval.groups, UNITS[settings.level], len(test)),
        Number("test.fakes", int(test.labels.sum()), "images", len(test)),
        Number("test.coverage", len(test) / whole, "1", whole, note="share of the test with a prediction"),
    ]


def number_by_method(
    predictions: Sequence[pd.DataFrame],
    thresholds: Sequence[float],
    settings: Evaluate,
    asked: Sequence[Metric] | None = None,
    chosen: str = CHOSEN,
) -> list[Number]:
    """Numbers `test.<metric>.method.<name>`, such as the AUC, for each forgery method.

    A method's fakes stand against the reals of their own pipelines where the tables name pipelines, else
    against all reals. Names are lower case with `_` for other characters.

    Args:
        asked: metrics; those that the registry lists for methods where it is None.
        chosen: what is said of the threshold.
    """
    asked = listed("methods") if asked is None else asked
    test = align(predictions)
    numbers: list[Number] = []
    for slug, method in name_methods(test.methods).items():
        rows = np.flatnonzero(test.against[method] | test.methods[method])
        own = OWN_REALS if test.against[method].sum() < (test.labels == 0).sum() else ""
        interval = group_interval(
            lambda weights, rows=rows: _mean_over_seeds(asked, test, thresholds, rows, weights),
            test.units(settings.level)[rows],
            settings=settings,
        )
        remarks = {metric.name: sentences(metric.remark, chosen * metric.threshold, own) for metric in asked}
        numbers += _numbers(asked, interval, test, f"test.{{}}.method.{slug}", rows, remarks)
    return numbers


# pytest would collect a function of this name from every module that imports it
test_numbers.__test__ = False  # type: ignore[attr-defined]


def _mean_over_seeds(
    asked: Sequence[Metric],
    test: Aligned,
    thresholds: Sequence[float],
    rows: slice | NDArray[np.int64],
    weights: Floats,
) -> Floats:
    """[replicates, metrics]; NaN where a metric is not defined."""
    labels = test.labels[rows]
    seeds = [
        np.stack([metric(labels, scores[rows], weights, threshold) for metric in asked], axis=1)
        for scores, threshold in zip(test.probabilities, thresholds, strict=True)
    ]
    mean: Floats = np.mean(seeds, axis=0)
    return mean


def _numbers(
    asked: Sequence[Metric],
    interval: Interval,
    test: Aligned,
    pattern: str,
    rows: NDArray[np.int64],
    remarks: Mapping[str, str],
) -> list[Number]:
    labels, units = test.labels[rows], test.units(interval.settings.level)[rows]
    reals = int((labels == 0).sum())
    numbers = []
    for at, metric in enumerate(asked):
        few = f"with {reals} reals, none may be alarmed" if _too_few(metric.name, reals) else ""
        numbers.append(
            metric.interval(interval[at], labels, units).number(
                pattern.format(metric.name),
                unit=metric.unit,
                n=metric.images(labels),
                note=sentences(remarks[metric.name], few, _averaged(test)),
                # a mean of counts over seeds is no whole number
                digits=1 if metric.unit == "images" and test.seeds > 1 else metric.digits,
            )
        )
    return numbers


def _error_number(test: Aligned, units: NDArray[np.int64], settings: Evaluate) -> Number:
    scores = test.probabilities
    if scores.min() < 0 or scores.max() > 1:
        return Number("test.ece", None, METRICS["ece"].unit, len(test), note=NO_PROBABILITIES)
    found = calibration_error(test.labels, scores, units, settings)
    note = sentences(ROOT, _averaged(test))
    return found.number("test.ece", unit=METRICS["ece"].unit, n=len(test), note=note)


def _too_few(name: str, reals: int) -> bool:
    return (name == "sensitivity_at_1" and reals < 100) or (name == "sensitivity_at_5" and reals < 20)


def _averaged(test: Aligned) -> str:
    return f"mean over {test.seeds} training seeds" if test.seeds > 1 else ""


def _spread(test: Aligned, settings: Evaluate) -> list[Number]:
    """What the seeds change; one seed says nothing of it."""
    if test.seeds < 2:
        return []
    summary = summarise_seeds(test.labels, test.probabilities, test.units(settings.level), settings)
    return seed_numbers(summary, len(test))
