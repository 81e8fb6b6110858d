"""Probabilities that mean what they say: fitted on validation, judged on test, kept or said to be no better.

Takes logits [n] and labels [n] of validation; gives a map from logit to probability (temperature, or isotonic
regression), and from test pictures the change of log-loss, Brier score and calibration error with intervals
over the same groups, and a verdict. Nothing here is fitted on test. Deterministic, in float64. Refused with
ValueError: one class, logits that are not finite. Cost: milliseconds to fit; as three metrics to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from dfstudy.evaluate.intervals import Floats, Interval, group_interval
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
        calibration: as fitted.
        before, after: each loss of `LOSSES` with its interval.
        change: after less before, on the same groups; negative is better.
        pictures: test pictures.
    """

    calibration: Calibration
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
        kind = self.calibration.kind
        numbers = []
        for loss, (_, unit) in LOSSES.items():
            for when, found in (("before", self.before), ("after", self.after), ("change", self.change)):
                note = f"after less before: calibration {self.verdict(loss)}" if when == "change" else ""
                name = f"{prefix}.{kind}.{loss}.{when}"
                numbers.append(found[loss].number(name, unit=unit, n=self.pictures, note=note, digits=4))
        if kind == "temperature":
            fitted, n = self.calibration.temperature, self.calibration.pictures
            note = "divides the logit; fitted on validation; above 1 the network was too sure"
            numbers.append(Number(f"{prefix}.temperature", fitted, "1", n, note=note))
        return numbers


def judge(
    calibration: Calibration, logits: ArrayLike, labels: ArrayLike, units: ArrayLike, settings: Evaluate
) -> Judgement:
    """Losses of the test before and after a calibration, and their change on the same groups.

    Args:
        logits, labels, units: [n] of the test pictures; units that count as independent.
    """
    label, plain, mapped = np.asarray(labels), expit(np.asarray(logits, float)), calibration(logits)

    def losses(weights: Floats) -> Floats:
        """[replicates, 3, losses]: before, after, change."""
        of = [
            np.stack([loss(label, each, weights) for loss, _ in LOSSES.values()], axis=1)
            for each in (plain, mapped)
        ]
        return np.stack([*of, of[1] - of[0]], axis=1)

    found = group_interval(losses, units, settings=settings)
    groups = (found.groups,)
    before, after, change = (
        {name: found[when, at].student(scale, groups) for at, name in enumerate(LOSSES)}
        for when, scale in enumerate(("positive", "positive", "plain"))
    )
    return Judgement(calibration, before, after, change, len(label))


def _both_classes(labels: ArrayLike, logits: ArrayLike) -> tuple[Floats, Floats, Floats]:
    fake, logit, weight = checked(labels, logits, None)
    if fake.all() or not fake.any():
        raise ValueError("a calibration is fitted on both classes, and the pictures are of one")
    return fake, logit, weight
