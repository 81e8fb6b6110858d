"""The numbers of the test: every metric with its interval, overall and by method.

Takes one table of `predict` a training seed (the same pictures) and each seed's threshold from validation;
gives `Number`s. A value is the mean over seeds; its interval resamples groups of pictures (or what else
`settings.level` takes as independent), the same draw for every seed, so it covers the choice of pictures and
not the choice of seed, which `test.auc.seed_sd` and the interval of `test.auc.recipe` show. A
picture is called fake where its probability is at least the threshold. Cost: about 9 s a seed for
1,000 replicates of 20,000 predictions, and in proportion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.number import Number, name_methods
from dfstudy.stats import metrics
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.intervals import Floats, Interval, Scale, group_interval, groups_behind, sentences
from dfstudy.stats.recalibration import ROOT, calibration_error
from dfstudy.stats.seeds import seed_numbers, summarise_seeds
from dfstudy.stats.units import UNITS

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

CELLS = ("true_real", "false_fake", "false_real", "true_fake")


@dataclass(frozen=True)
class Measure:
    """One metric of the test: how it is called, and how it is computed with weights [replicates, n].

    `scale` is that of its Student's interval, and None where percentiles are meant; `needs` says which
    pictures stand behind it: they are its n, and their groups its degrees of freedom.
    """

    name: str
    unit: str
    note: str
    compute: Callable[[Floats, Floats, float, Floats], Floats]
    digits: int = 3
    scale: Scale | None = "share"
    needs: Literal["both", "reals", "fakes", "any"] = "both"

    def pictures(self, labels: NDArray[np.int64]) -> int:
        """Pictures behind it among these [n]: of its class, where it needs one only."""
        of_class = {"reals": labels == 0, "fakes": labels == 1}
        return int(of_class[self.needs].sum()) if self.needs in of_class else len(labels)


def _of_scores(metric: Callable[..., Floats]) -> Callable[..., Floats]:
    return lambda labels, scores, threshold, weights: metric(labels, scores, weights)


def _sensitivity_at(false_alarms: float) -> Callable[..., Floats]:
    return lambda labels, scores, threshold, weights: metrics.sensitivity_at(
        labels, scores, false_alarms, weights
    )


NO_PROBABILITIES = "the scores are no probabilities"
CHOSEN = "at the threshold from validation"
READ_OFF = "at the test pictures' own threshold for at most {} false alarms, a point of the ROC curve"
MEASURES = (
    Measure("auc", "AUC", "", _of_scores(metrics.auc)),
    Measure("average_precision", "1", "", _of_scores(metrics.average_precision)),
    Measure("eer", "1", "share of errors; smaller is better", _of_scores(metrics.equal_error_rate)),
    Measure("accuracy", "1", CHOSEN, metrics.accuracy, needs="any"),
    Measure(
        "accuracy_at_half",
        "1",
        "at a threshold of one half",
        lambda labels, scores, threshold, weights: metrics.accuracy(labels, scores, 0.5, weights),
        needs="any",
    ),
    Measure("balanced_accuracy", "1", CHOSEN, metrics.balanced_accuracy),
    Measure("sensitivity", "1", CHOSEN, metrics.sensitivity, needs="fakes"),
    Measure("specificity", "1", CHOSEN, metrics.specificity, needs="reals"),
    Measure("sensitivity_at_1", "1", READ_OFF.format("1 %"), _sensitivity_at(0.01)),
    Measure("sensitivity_at_5", "1", READ_OFF.format("5 %"), _sensitivity_at(0.05)),
    Measure(
        "log_loss", "nats", "smaller is better", _of_scores(metrics.log_loss), scale="positive", needs="any"
    ),
    Measure(
        "brier",
        "1",
        "mean squared error; smaller is better",
        _of_scores(metrics.brier),
        scale="positive",
        needs="any",
    ),
    *(
        Measure(
            cell,
            "pictures",
            CHOSEN,
            lambda labels, scores, threshold, weights, at=at: metrics.confusion(
                labels, scores, threshold, weights
            )[:, at],
            digits=0,
            scale=None,
        )
        for at, cell in enumerate(CELLS)
    ),
)
OWN_REALS = "compared with the reals of its own pipeline"
OF_A_METHOD = tuple(measure for measure in MEASURES if measure.name in ("auc", "sensitivity"))


def test_numbers(
    predictions: Sequence[pd.DataFrame],
    thresholds: Sequence[float],
    settings: Evaluate,
    set_aside: int = 0,
) -> list[Number]:
    """Numbers `test.*` over all test pictures.

    Args:
        predictions: one table of `predict` a seed.
        thresholds: each seed's threshold from validation, in the same order.
        settings: replicates, confidence, seed and level of the bootstrap.
        set_aside: test pictures that could not be read, which count against `test.coverage`.
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
                "set on the validation pictures for the best balanced accuracy, applied to the test",
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
    measures: Sequence[Measure] = MEASURES,
) -> list[Number]:
    """Numbers `test.<measure>`, `test.ece` (calibration error), and counts of what was tested."""
    units = test.units(settings.level)
    interval = group_interval(
        lambda weights: _mean_over_seeds(measures, test, thresholds, np.s_[:], weights),
        units,
        settings=settings,
    )
    asked = len(test) + test.failed + set_aside
    return [
        *_numbers(measures, interval, test, "test.{}", np.arange(len(test))),
        _error_number(test, units, settings),
        Number("test.pictures", len(test), "pictures", len(test)),
        Number("test.groups", interval.groups, UNITS[settings.level], len(test)),
        Number("test.fakes", int(test.labels.sum()), "pictures", len(test)),
        Number("test.coverage", len(test) / asked, "1", asked, note="share of the test with a prediction"),
    ]


def number_by_method(
    predictions: Sequence[pd.DataFrame], thresholds: Sequence[float], settings: Evaluate
) -> list[Number]:
    """Numbers `test.auc.method.<name>` and `test.sensitivity.method.<name>`, for each forgery method.

    A method's fakes stand against the reals of their own pipelines where the tables name pipelines, else
    against all reals. Names are lower case with `_` for other characters.
    """
    test = align(predictions)
    numbers: list[Number] = []
    for slug, method in name_methods(test.methods).items():
        rows = np.flatnonzero(test.against[method] | test.methods[method])
        own = OWN_REALS if test.against[method].sum() < (test.labels == 0).sum() else ""
        interval = group_interval(
            lambda weights, rows=rows: _mean_over_seeds(OF_A_METHOD, test, thresholds, rows, weights),
            test.units(settings.level)[rows],
            settings=settings,
        )
        told = [replace(one, note=sentences(one.note, own)) for one in OF_A_METHOD]
        numbers += _numbers(told, interval, test, f"test.{{}}.method.{slug}", rows)
    return numbers


# pytest would collect a function of this name from every module that imports it
test_numbers.__test__ = False  # type: ignore[attr-defined]


def _mean_over_seeds(
    measures: Sequence[Measure],
    test: Aligned,
    thresholds: Sequence[float],
    rows: slice | Floats,
    weights: Floats,
) -> Floats:
    """[replicates, measures]; NaN where a measure is not defined."""
    labels = test.labels[rows]
    seeds = [
        np.stack([measure.compute(labels, scores[rows], threshold, weights) for measure in measures], axis=1)
        for scores, threshold in zip(test.probabilities, thresholds, strict=True)
    ]
    return np.mean(seeds, axis=0)


def _numbers(
    measures: Sequence[Measure], interval: Interval, test: Aligned, pattern: str, rows: NDArray[np.int64]
) -> list[Number]:
    labels = test.labels[rows]
    reals = int((labels == 0).sum())
    of_reals, of_fakes = groups_behind(labels, test.units(interval.settings.level)[rows])
    behind = {
        "both": (of_reals, of_fakes),
        "reals": (of_reals,),
        "fakes": (of_fakes,),
        "any": (interval.groups,),
    }
    numbers = []
    for at, measure in enumerate(measures):
        few = f"with {reals} reals, none may be alarmed" if _too_few(measure.name, reals) else ""
        found = interval[at]
        if measure.scale is not None:
            found = found.student(measure.scale, behind[measure.needs])
        numbers.append(
            found.number(
                pattern.format(measure.name),
                unit=measure.unit,
                n=measure.pictures(labels),
                note=sentences(measure.note, few, _averaged(test)),
                # a mean of counts over seeds is no whole number
                digits=1 if measure.unit == "pictures" and test.seeds > 1 else measure.digits,
            )
        )
    return numbers


def _error_number(test: Aligned, units: NDArray[np.int64], settings: Evaluate) -> Number:
    scores = test.probabilities
    if scores.min() < 0 or scores.max() > 1:
        return Number("test.ece", None, "probability", len(test), note=NO_PROBABILITIES)
    found = calibration_error(test.labels, scores, units, settings)
    note = sentences(ROOT, _averaged(test))
    return found.number("test.ece", unit="probability", n=len(test), note=note)


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
