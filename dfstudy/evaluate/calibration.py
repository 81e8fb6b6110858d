"""Probabilities that mean what they say: fitted on validation, judged on test, kept or said to be no better.

Takes logits [n] and labels [n] of validation; gives a map from logit to probability (temperature, or isotonic
regression), and from test pictures the change of log-loss, Brier score and calibration error with intervals
over the same groups, and a verdict. Nothing here is fitted on test. Deterministic, in float64. Refused with
ValueError: one class, logits that are not finite. Cost: milliseconds to fit; as three metrics to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from dfstudy.evaluate.intervals import Floats, Interval, group_interval, sentences
from dfstudy.evaluate.metrics import brier, expected_calibration_error, log_loss
from dfstudy.evaluate.weighted import checked
from dfstudy.number import Number
from dfstudy.study import Evaluate

Verdict = Literal["improves", "worsens", "inconclusive"]
LOSSES = {
    "log_loss": (log_loss, "nats"),
    "brier": (brier, "1"),
    "ece": (expected_calibration_error, "probability"),
}


@dataclass(frozen=True)
class Calibration:
    """A map from logit to probability of fake, fitted on validation.

    Attributes:
        kind: `none`, `temperature` or `isotonic`.
        temperature: 1 but for kind `temperature`.
        steps: logits [k] and probabilities [k] between which isotonic regression is linear; empty else.
        pictures: validation pictures behind it.
    """

    kind: Literal["none", "temperature", "isotonic"]
    temperature: float = 1.0
    steps: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    pictures: int = 0

    @property
    def at_end(self) -> str:
        """What it says of the validation that the temperature lies at an end of its range; else nothing."""
        # torch comes with it, which reading numbers does without
        from dfstudy.train.selection import TEMPERATURES

        lowest, highest = TEMPERATURES
        if np.isclose(self.temperature, highest, rtol=1e-3):
            return "at the upper end of its range: validation's scores hardly tell the classes apart"
        if np.isclose(self.temperature, lowest, rtol=1e-3):
            return "at the lower end of its range: no score of validation stands against its class"
        return ""

    def __call__(self, logits: ArrayLike) -> Floats:
        """Probabilities [n] of fake, float64."""
        exact = np.asarray(logits, np.float64)
        if self.kind == "isotonic":
            return np.interp(exact, *self.steps)
        return expit(exact / self.temperature)


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> Calibration:
    """The temperature that training keeps in the checkpoint: least log-loss of sigmoid(logit / T).

    Where the classes are apart, or reversed, T stays at the end of its range, 0.05..20. Ranking does not
    change. Reference: Guo et al. 2017, arXiv 1706.04599.
    """
    # torch comes with it, which reading numbers does without
    from dfstudy.train.selection import fit_temperature as fit

    fake, logit, _ = _both_classes(labels, logits)
    return Calibration("temperature", temperature=fit(logit, fake.astype(int)), pictures=len(logit))


def fit_isotonic(logits: ArrayLike, labels: ArrayLike) -> Calibration:
    """The rising map with the least squared error, linear between its steps (pool adjacent violators).

    Each step is drawn to the share of fakes that Laplace's rule gives, (fakes + 1) / (pictures + 2), so that
    no picture of the test is promised 0 or 1 and one mistake cannot make the log-loss infinite. Ranking
    keeps, but for ties. Needs more pictures than a temperature: about 1,000 (Niculescu-Mizil and Caruana
    2005). Reference: Zadrozny and Elkan 2002.
    """
    fake, logit, _ = _both_classes(labels, logits)
    # imported here: judging a table of scores passes through this room and needs no scikit-learn
    from sklearn.isotonic import IsotonicRegression

    levels = IsotonicRegression(out_of_bounds="clip").fit(logit, fake.astype(float)).predict(logit)
    # equal levels are one step; their rounding is the same, because they are one mean
    _, step, sizes = np.unique(levels, return_inverse=True, return_counts=True)
    fakes = np.bincount(step, weights=fake)
    # small steps are drawn further to one half, which may break the order of neighbours
    drawn = np.maximum.accumulate((fakes + 1) / (sizes + 2))
    least, most = (
        np.array([pick(logit[step == at]) for at in range(len(sizes))]) for pick in (np.min, np.max)
    )
    knots, values = np.stack([least, most], axis=1).ravel(), np.repeat(drawn, 2)
    kept = np.append(True, np.diff(knots) > 0)
    return Calibration(
        "isotonic", steps=(tuple(knots[kept].tolist()), tuple(values[kept].tolist())), pictures=len(logit)
    )


FITS: dict[str, Callable[[ArrayLike, ArrayLike], Calibration]] = {
    "temperature": fit_temperature,
    "isotonic": fit_isotonic,
}


@dataclass(frozen=True)
class Judgement:
    """What a calibration changes on pictures that it has not seen.

    Attributes:
        calibrations: as fitted, one a training seed.
        before, after: each loss of `LOSSES`, averaged over seeds, with its interval.
        change: after less before, on the same groups; negative is better.
        pictures: test pictures.
    """

    calibrations: tuple[Calibration, ...]
    before: dict[str, Interval]
    after: dict[str, Interval]
    change: dict[str, Interval]
    pictures: int

    def verdict(self, loss: str = "log_loss") -> Verdict:
        """`improves` where the whole interval of the change lies below 0, `worsens` where above."""
        change = self.change[loss]
        if change.high < 0:
            return "improves"
        return "worsens" if change.low > 0 else "inconclusive"

    def numbers(self, prefix: str = "calibration") -> list[Number]:
        """Numbers `<prefix>.<kind>.<loss>.before`, `.after`, `.change` for each loss, and the temperature."""
        kind, seeds = self.calibrations[0].kind, len(self.calibrations)
        averaged = f"mean over {seeds} training seeds" if seeds > 1 else ""
        numbers = []
        for loss, (_, unit) in LOSSES.items():
            for when, found in (("before", self.before), ("after", self.after), ("change", self.change)):
                note = f"after less before: calibration {self.verdict(loss)}" if when == "change" else ""
                name = f"{prefix}.{kind}.{loss}.{when}"
                told = sentences(note, averaged)
                numbers.append(found[loss].number(name, unit=unit, n=self.pictures, note=told, digits=4))
        if kind == "temperature":
            fitted = float(np.mean([each.temperature for each in self.calibrations]))
            note = "divides the logit; fitted on validation; above 1 the network was too sure"
            ends = sentences(*dict.fromkeys(each.at_end for each in self.calibrations))
            n = self.calibrations[0].pictures
            numbers.append(
                Number(f"{prefix}.temperature", fitted, "1", n, note=sentences(note, ends, averaged))
            )
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
        logits: [seeds, n] of the test pictures.
        labels, units: [n]; units that count as independent.
    """
    label, rows = np.asarray(labels), np.atleast_2d(np.asarray(logits, float))
    if len({each.kind for each in calibrations}) != 1:
        raise ValueError("judge calibrations of one kind together")
    plain = expit(rows)
    mapped = np.stack([each(row) for each, row in zip(calibrations, rows, strict=True)])

    def losses(weights: Floats) -> Floats:
        """[replicates, 3, losses]: before, after, change; means over seeds."""
        of = [
            np.stack(
                [np.mean([loss(label, row, weights) for row in each], axis=0) for loss, _ in LOSSES.values()],
                axis=1,
            )
            for each in (plain, mapped)
        ]
        return np.stack([*of, of[1] - of[0]], axis=1)

    found = group_interval(losses, units, settings=settings)
    groups = (found.groups,)
    before, after, change = (
        {name: found[when, at].student(scale, groups) for at, name in enumerate(LOSSES)}
        for when, scale in enumerate(("positive", "positive", "plain"))
    )
    return Judgement(tuple(calibrations), before, after, change, len(label))


def _both_classes(labels: ArrayLike, logits: ArrayLike) -> tuple[Floats, Floats, Floats]:
    fake, logit, weight = checked(labels, logits, None)
    if fake.all() or not fake.any():
        raise ValueError("a calibration is fitted on both classes, and the pictures are of one")
    return fake, logit, weight
