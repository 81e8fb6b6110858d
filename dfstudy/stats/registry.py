"""The one list of metrics: what each is called, how it is computed, and where it is shown.

Everything that lists metrics asks here: the numbers of the test and of videos, `dfstudy evaluate` with one
table or two, the model card, external test sets, calibration, and chapters 05, 07 and 08. A metric is added
as one more entry of `METRICS`, and appears in all of them; `shown` leaves places out. The order of the
entries is the order of the numbers. Cost: that of `metrics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfstudy.stats import metrics
from dfstudy.stats.intervals import Floats, Interval, Scale, groups_behind, sentences

Place = Literal[
    "test",  # numbers of chapter 04, and `dfstudy evaluate`
    "methods",  # the same, for each forgery method
    "card",  # the model card
    "videos",  # chapter 04, by video
    "calibration",  # what a calibration changes; only what needs probabilities
    "external",  # chapter 06, test sets of other folders
    "compared",  # `dfstudy evaluate --against`
    "policies",  # chapter 05; only what needs no threshold
    "robustness",  # chapter 07
    "protocol",  # chapter 08, at a threshold of one half
]
EVERYWHERE: frozenset[Place] = frozenset(
    (
        "test", "methods", "card", "videos", "calibration", "external", "compared", "policies", "robustness",
        "protocol",
    )
)  # fmt: skip
CELLS = ("true_real", "false_fake", "false_real", "true_fake")  # as `metrics.confusion` counts


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: part of the ids of its numbers.
        title: as a sentence, a table or a figure calls it.
        unit: of its values.
        better: 1 where more is better, -1 where less is, 0 for a count.
        function: of `metrics`: takes labels, scores, the threshold if `threshold`, and weights.
        probabilities: whether the scores must be probabilities.
        threshold: whether it needs a threshold.
        classes: images behind it: they are its n, and their groups its degrees of freedom.
        is_mean: whether its value is the mean of a value of each image.
        scale: of Student's interval of a value; None where percentiles are meant.
        apart: of Student's interval of a difference.
        note: what a reader must know beside title, direction and threshold.
        digits: decimals shown.
        short: an abbreviation of the title, where there is a common one.
        shown: where it is listed.
    """

    name: str
    title: str
    unit: str
    better: Literal[1, -1, 0]
    function: Callable[..., Any]
    probabilities: bool = False
    threshold: bool = False
    classes: Literal["both", "reals", "fakes", "any"] = "both"
    is_mean: bool = False
    scale: Scale | None = "share"
    apart: Scale = "gap"
    note: str = ""
    digits: int = 3
    short: str = ""
    shown: frozenset[Place] = EVERYWHERE

    def __call__(
        self, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike, threshold: float | None = None
    ) -> Floats:
        """One value for each row of weights [replicates, n].

        Raises:
            ValueError: it needs a threshold and none is given.
        """
        if not self.threshold:
            return np.asarray(self.function(labels, scores, weights=weights))
        if threshold is None:
            raise ValueError(f"{self.title} needs a threshold")
        return np.asarray(self.function(labels, scores, threshold, weights))

    @property
    def remark(self) -> str:
        """Its note, and that less is better where it is."""
        return sentences(self.note, "smaller is better" if self.better < 0 else "")

    def images(self, labels: NDArray[np.int64]) -> int:
        """Images behind it among these [n]: of its class, where it needs one only."""
        of_class = {"reals": labels == 0, "fakes": labels == 1}
        return int(of_class[self.classes].sum()) if self.classes in of_class else len(labels)

    def interval(self, found: Interval, labels: ArrayLike, units: ArrayLike) -> Interval:
        """The interval of a value that was resampled over these units [n]."""
        return found if self.scale is None else found.student(self.scale, self.units(labels, units))

    def interval_apart(self, found: Interval, labels: ArrayLike, units: ArrayLike) -> Interval:
        """The interval of a difference on the same images."""
        return found.student(self.apart, self.units(labels, units))

    def units(self, labels: ArrayLike, units: ArrayLike) -> tuple[int, ...]:
        """How many independent units stand behind it: of each class where it needs both."""
        reals, fakes = groups_behind(labels, units)
        if self.classes == "any":
            return (len(np.unique(units)),)
        return {"both": (reals, fakes), "reals": (reals,), "fakes": (fakes,)}[self.classes]


def listed(place: Place) -> list[Metric]:
    """The metrics that a place shows, in the order of the registry, as far as it can compute them."""
    return [
        metric
        for metric in METRICS.values()
        if place in metric.shown
        and (metric.probabilities or place != "calibration")
        and not (metric.threshold and place == "policies")
    ]


def _accuracy_at_half(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> Any:
    return metrics.accuracy(labels, scores, 0.5, weights)


def _cell(at: int, labels: ArrayLike, scores: ArrayLike, threshold: float, weights: ArrayLike) -> Floats:
    return metrics.confusion(labels, scores, threshold, weights)[:, at]


def _at(*places: Place) -> frozenset[Place]:
    return frozenset(places)


READ_OFF = "at the test images' own threshold for at most {} false alarms, a point of the ROC curve"
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("auc", "AUC", "AUC", 1, metrics.auc, shown=EVERYWHERE - {"calibration"}),
        Metric(
            "average_precision",
            "average precision",
            "1",
            1,
            metrics.average_precision,
            shown=_at("test", "card"),
        ),
        Metric(
            "eer",
            "equal error rate",
            "1",
            -1,
            metrics.equal_error_rate,
            note="share of errors",
            shown=_at("test"),
        ),
        Metric(
            "accuracy",
            "accuracy",
            "1",
            1,
            metrics.accuracy,
            threshold=True,
            classes="any",
            is_mean=True,
            shown=_at("test", "protocol"),
        ),
        Metric(
            "accuracy_at_half",
            "accuracy at one half",
            "1",
            1,
            _accuracy_at_half,
            probabilities=True,
            classes="any",
            is_mean=True,
            note="at a threshold of one half",
            shown=_at("test"),
        ),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            "1",
            1,
            metrics.balanced_accuracy,
            threshold=True,
            shown=_at("test", "card", "videos", "external", "compared", "robustness"),
        ),
        Metric(
            "sensitivity",
            "sensitivity",
            "1",
            1,
            metrics.sensitivity,
            threshold=True,
            classes="fakes",
            shown=_at("test", "methods", "card", "videos", "external"),
        ),
        Metric(
            "specificity",
            "specificity",
            "1",
            1,
            metrics.specificity,
            threshold=True,
            classes="reals",
            shown=_at("test", "card", "videos", "external"),
        ),
        *(
            Metric(
                f"sensitivity_at_{percent}",
                f"sensitivity at {percent} % false alarms",
                "1",
                1,
                partial(metrics.sensitivity_at, false_alarms=percent / 100),
                note=READ_OFF.format(f"{percent} %"),
                shown=_at("test"),
            )
            for percent in (1, 5)
        ),
        Metric(
            "log_loss",
            "log-loss",
            "nats",
            -1,
            metrics.log_loss,
            probabilities=True,
            classes="any",
            is_mean=True,
            scale="positive",
            apart="plain",
            shown=_at("test", "card", "videos", "calibration", "external", "policies", "protocol"),
        ),
        Metric(
            "brier",
            "Brier score",
            "1",
            -1,
            metrics.brier,
            probabilities=True,
            classes="any",
            is_mean=True,
            scale="positive",
            apart="plain",
            note="mean squared error",
            shown=_at("test", "card", "calibration"),
        ),
        *(
            Metric(
                cell,
                cell.replace("_", " "),
                "images",
                0,
                partial(_cell, at),
                threshold=True,
                scale=None,
                digits=0,
                shown=_at("test"),
            )
            for at, cell in enumerate(CELLS)
        ),
        # chapters 04 and 06 give `recalibration.calibration_error` instead, without what chance adds
        Metric(
            "ece",
            "calibration error",
            "probability",
            -1,
            metrics.expected_calibration_error,
            probabilities=True,
            classes="any",
            scale="positive",
            short="ECE",
            shown=_at("policies", "protocol"),
        ),
    )
}
