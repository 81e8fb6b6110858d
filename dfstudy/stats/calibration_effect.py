"""What a calibration changes on images that it has not seen: it improves, worsens, or is inconclusive.

Takes calibrations fitted on validation, and logits, labels and units of the test; gives log-loss and Brier
score before and after with their change on the same groups and a verdict, and the calibration error,
intercept and slope of the probabilities after it. Nothing here is fitted on test. Refused with ValueError:
calibrations of two kinds. Cost: as two metrics a replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from dfstudy.number import Number
from dfstudy.stats.calibration import Calibration
from dfstudy.stats.intervals import Floats, Interval, group_interval, sentences
from dfstudy.stats.recalibration import ROOT, calibration_error, calibration_intercept, calibration_slope
from dfstudy.stats.registry import METRICS, listed
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, WORSENS, Decision

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

FLAT = "the slope lies at its lower end: validation's scores hardly tell the classes apart"


@dataclass(frozen=True)
class Judgement:
    """What a calibration changes on images that it has not seen.

    Attributes:
        calibrations: as fitted, one a training seed.
        before, after: each metric that is listed for a calibration, averaged over seeds, with its interval.
        change: after minus before, on the same groups.
        error: `calibration_error` after it.
        intercept, slope: of the test's labels on the log-odds after it; 0 and 1 are right.
        pictures: test images.
    """

    calibrations: tuple[Calibration, ...]
    before: dict[str, Interval]
    after: dict[str, Interval]
    change: dict[str, Interval]
    error: Interval
    intercept: Interval
    slope: Interval
    pictures: int

    @property
    def remarks(self) -> tuple[str, ...]:
        """What validation did not say, in words; empty as a rule."""
        return (FLAT,) if any(each.is_flat for each in self.calibrations) else ()

    def verdict(self, loss: str = "log_loss") -> Decision:
        """`improves` where the whole interval of the change is better than none, `worsens` where worse."""
        change, better = self.change[loss], METRICS[loss].better
        low, high = sorted((better * float(change.low), better * float(change.high)))
        if low > 0:
            return IMPROVES
        return WORSENS if high < 0 else INCONCLUSIVE

    def numbers(self, prefix: str = "calibration") -> list[Number]:
        """Numbers `<prefix>.<kind>.<loss>.before`, `.after`, `.change` for each loss, and `.ece.after`.

        Also `.slope` and `.intercept` of the test, and of a line what validation fitted, `.fitted_slope` and
        `.fitted_intercept`.
        """
        kind, seeds = self.calibrations[0].kind, len(self.calibrations)
        stem, averaged = f"{prefix}.{kind}", f"mean over {seeds} training seeds" if seeds > 1 else ""
        numbers = []
        for metric in listed("calibration"):
            loss = metric.name
            for when, found in (("before", self.before), ("after", self.after), ("change", self.change)):
                note = f"after minus before: calibration {self.verdict(loss)}" if when == "change" else ""
                told = sentences(note, averaged)
                name = f"{stem}.{loss}.{when}"
                shown = found[loss].number(name, unit=metric.unit, n=self.pictures, note=told, digits=4)
                numbers.append(shown)
        unit, told = METRICS["ece"].unit, sentences(ROOT, averaged)
        numbers.append(self.error.number(f"{stem}.ece.after", unit=unit, n=self.pictures, note=told))
        return numbers + self._lines(stem, averaged)

    def _lines(self, stem: str, averaged: str) -> list[Number]:
        numbers = []
        for name, right, unit in (("intercept", "0", "log-odds"), ("slope", "1", "1")):
            if self.calibrations[0].kind == "platt":
                fitted = float(np.mean([getattr(each, name) for each in self.calibrations]))
                note = sentences("of the logit, fitted on validation", *self.remarks, averaged)
                n = self.calibrations[0].pictures
                numbers.append(Number(f"{stem}.fitted_{name}", fitted, unit, n, note=note))
            found: Interval = getattr(self, name)
            note = sentences(f"of the test on the calibrated log-odds; {right} is right", averaged)
            if np.isnan(found.value):
                why = "the images lack a class, or scores tell the classes apart without a mistake"
                numbers.append(Number(f"{stem}.{name}", None, unit, self.pictures, note=why))
            else:
                numbers.append(found.number(f"{stem}.{name}", unit=unit, n=self.pictures, note=note))
        return numbers


def judge(
    calibrations: Sequence[Calibration],
    logits: ArrayLike,
    labels: ArrayLike,
    units: ArrayLike,
    settings: Evaluate,
) -> Judgement:
    """Losses of the test before and after calibration, and their change on the same groups.

    Args:
        calibrations: one a training seed, of one kind.
        logits: [seeds, n] of the test images.
        labels, units: [n]; units that count as independent.
    """
    label, rows = np.asarray(labels), np.atleast_2d(np.asarray(logits, float))
    if len({each.kind for each in calibrations}) != 1:
        raise ValueError("judge calibrations of one kind together")
    plain = np.stack([Calibration("none")(row) for row in rows])
    odds = np.stack([each.log_odds(row) for each, row in zip(calibrations, rows, strict=True)])
    mapped = np.stack([each(row) for each, row in zip(calibrations, rows, strict=True)])

    asked = listed("calibration")

    def losses(weights: Floats) -> Floats:
        """[replicates, 3, losses]: before, after, change; means over seeds."""
        of = [
            np.stack(
                [np.mean([metric(label, row, weights) for row in each], axis=0) for metric in asked],
                axis=1,
            )
            for each in (plain, mapped)
        ]
        return np.stack([*of, of[1] - of[0]], axis=1)

    found = group_interval(losses, units, settings=settings)
    before, after = (
        {metric.name: metric.interval(found[when, at], label, units) for at, metric in enumerate(asked)}
        for when in (0, 1)
    )
    change = {one.name: one.interval_apart(found[2, at], label, units) for at, one in enumerate(asked)}
    return Judgement(
        tuple(calibrations),
        before,
        after,
        change,
        calibration_error(label, mapped, units, settings),
        calibration_intercept(label, odds, units, settings),
        calibration_slope(label, odds, units, settings),
        len(label),
    )
