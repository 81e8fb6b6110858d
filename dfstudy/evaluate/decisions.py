"""From probability to verdict: a threshold for a stated false-alarm rate, and a band without a verdict.

Takes probabilities (or any scores that rise with fake; [n]), labels [n] and units; what is chosen is chosen
on validation, and what is said of it comes from test, with intervals over units. A picture is called fake
where its score is at least the upper end, real where it is below the lower, and unsure between. Refused with
ValueError: one class, scores that are not finite, rates outside 0..1. Cost: one sort; a test interval as one
metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from dfstudy.data.layouts.names import FAKE, REAL
from dfstudy.evaluate.intervals import Floats, group_interval, groups_behind
from dfstudy.evaluate.metrics import sensitivity, specificity
from dfstudy.evaluate.weighted import checked, divide
from dfstudy.number import Number
from dfstudy.study import Evaluate

RISK_POINTS = 101  # shares of pictures at which the risk-coverage curve is computed


@dataclass(frozen=True)
class Band:
    """Where no verdict is given: low <= score < high.

    Attributes:
        low, high: ends; equal ends give a verdict on every picture.
        target: share of errors among the verdicts that validation allowed.
        reached: False where no band kept the target on validation, so that nothing gets a verdict.
    """

    low: float
    high: float
    target: float
    reached: bool = True

    def verdicts(self, scores: ArrayLike) -> NDArray[np.str_]:
        """[n] of `real`, `fake` and `unsure`."""
        score = np.asarray(scores, float)
        if not self.reached:
            return np.full(score.shape, "unsure")
        return np.select([score >= self.high, score < self.low], ["fake", "real"], "unsure")


def false_alarm_threshold(labels: ArrayLike, scores: ArrayLike, rate: float) -> float:
    """The lowest threshold that calls at most this share of the validation's reals fake.

    It lies half way to the next lower score, so that it does not hang on one picture; infinity where even
    the highest scores alarm too many. With n reals a rate under 1/n allows none: `alarm_numbers` says on
    test what became of the promise.

    >>> round(false_alarm_threshold([0, 0, 0, 0, 1], [0.1, 0.2, 0.3, 0.8, 0.9], 0.25), 12)
    0.55
    """
    fake, score, _ = checked(labels, scores, None)
    if fake.all():
        raise ValueError("a false-alarm rate needs reals, and there is none")
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate lies in 0..1, not at {rate}")
    reals = np.sort(score[~fake])
    allowed = int(np.floor(rate * len(reals) * (1 + 1e-12)))
    if allowed == len(reals):
        return float(reals[0])
    last_silent = reals[len(reals) - allowed - 1]  # the highest real that must not alarm
    above = score[score > last_silent]
    return _between(last_silent, above.min()) if len(above) else float("inf")


def alarm_numbers(
    labels: ArrayLike,
    scores: ArrayLike,
    units: ArrayLike,
    thresholds: ArrayLike,
    rate: float,
    settings: Evaluate,
    prefix: str = "test",
) -> list[Number]:
    """Numbers `<prefix>.false_alarms.at_<rate>` and `.sensitivity.at_<rate>` of thresholds from validation.

    The n of a share are the pictures of its class.

    Args:
        scores: [n], or [seeds, n], over which the shares are averaged.
        thresholds: one, or one a seed.
        rate: the share that validation allowed; named in the ids in per cent, such as `at_1` or `at_0_1`.
    """
    label = np.asarray(labels)
    # an infinite threshold alarms on nothing, which is a share like any other
    called = (np.atleast_2d(scores) >= np.reshape(thresholds, (-1, 1))).astype(float)
    of_reals, of_fakes = groups_behind(label, units)
    percent = f"{100 * rate:g}"
    what = f"at the validation's threshold for {percent} % false alarms"
    numbers = []
    for name, metric, kind, behind in (
        ("false_alarms", specificity, REAL, of_reals),
        ("sensitivity", sensitivity, FAKE, of_fakes),
    ):

        def share(weights: Floats, metric=metric, name=name) -> Floats:
            found = np.mean([metric(label, each, 0.5, weights) for each in called], axis=0)
            return 1 - found if name == "false_alarms" else found

        found = group_interval(share, units, settings=settings).student("share", (behind,))
        note = what
        if name == "false_alarms" and not np.isnan(found.low) and found.low > rate:
            note += "; more than validation allowed: chance among its few reals, or other pictures"
        ending, pictures = percent.replace(".", "_"), int((label == kind).sum())
        numbers.append(found.number(f"{prefix}.{name}.at_{ending}", unit="1", n=pictures, note=note))
    return numbers


def risk_band(
    labels: ArrayLike,
    probabilities: ArrayLike,
    units: ArrayLike,
    settings: Evaluate,
    threshold: ArrayLike = 0.5,
) -> pd.DataFrame:
    """Share of errors among the pictures that get a verdict, the surest first, by drawing units.

    Surest is furthest from the threshold, and ties stand as the pictures do. That order stays; a drawn unit's
    pictures count as often as it was drawn. Reference: El-Yaniv and Wiener 2010, JMLR 11:1605; Geifman and
    El-Yaniv 2017.

    Args:
        probabilities: [n], or [seeds, n], over which the risk is averaged.
        threshold: one, or one a seed.

    Returns:
        Columns coverage, risk, low, high at 101 shares from 1 % to all.
    """
    rows = np.atleast_2d(np.asarray(probabilities, float))
    limits = np.broadcast_to(np.asarray(threshold, float), len(rows))
    shares = np.linspace(0.01, 1, RISK_POINTS)
    seeds = []
    for row, limit in zip(rows, limits, strict=True):
        fake, score, _ = checked(labels, row, None)
        seeds.append(
            (np.argsort(-np.abs(score - limit), kind="stable"), ((score >= limit) != fake).astype(float))
        )

    def risks_of(weights: Floats, order: NDArray[np.int64], wrong: Floats) -> Floats:
        drawn = weights[:, order]
        held, errors = np.cumsum(drawn, axis=1), np.cumsum(drawn * wrong[order], axis=1)
        wanted = shares * held[:, -1:]
        at = np.stack([np.searchsorted(*row) for row in zip(held, wanted * (1 - 1e-12), strict=True)])
        at = np.minimum(at, held.shape[1] - 1)
        return divide(np.take_along_axis(errors, at, axis=1), np.take_along_axis(held, at, axis=1))

    def risks(weights: Floats) -> Floats:
        return np.mean([risks_of(weights, *each) for each in seeds], axis=0)

    found = group_interval(risks, units, settings=settings)
    return pd.DataFrame({"coverage": shares, "risk": found.value, "low": found.low, "high": found.high})


def choose_band(labels: ArrayLike, probabilities: ArrayLike, target: float, threshold: float = 0.5) -> Band:
    """The band that leaves most validation pictures a verdict with at most `target` of fakes and reals wrong.

    Each side is chosen by itself: among the pictures called fake at most `target` are real, and among those
    called real at most `target` are fake, so that neither verdict hides behind the other. The sides never
    cross the threshold. A share read off few pictures is a hope: `band_numbers` says what became of it.

    Args:
        probabilities: of validation, calibrated, so that the test's mean the same.
        target: largest share of wrong verdicts of each kind, 0..1.
    """
    fake, score, _ = checked(labels, probabilities, None)
    if fake.all() or not fake.any():
        raise ValueError("a band is chosen on both classes, and the pictures are of one")
    if not 0 <= target < 1:
        raise ValueError(f"a target error lies in 0..1, not at {target}")
    high, low = float("inf"), float("-inf")
    if told := _reach(score[score >= threshold], ~fake[score >= threshold], target):
        high = threshold if told[1] is None else _between(told[1], told[0])
    # a score at the threshold is called fake, so the side of the reals begins below it
    if told := _reach(-score[score < threshold], fake[score < threshold], target):
        low = threshold if told[1] is None else _between(-told[0], -told[1])
    return Band(low, high, target, reached=bool(np.isfinite(high) or np.isfinite(low)))


def _reach(score: Floats, wrong: NDArray[np.bool_], target: float) -> tuple[float, float | None] | None:
    """How far down a side may be told with at most `target` wrong: last score told, and first not told.

    None where not even the highest may; the second is None where the whole side is told.
    """
    order = np.argsort(-score, kind="stable")
    score, errors = score[order], np.cumsum(wrong[order])
    last = np.append(score[1:] != score[:-1], score.size > 0)  # a tie is taken whole
    fits = np.flatnonzero(last & (errors <= target * np.arange(1, len(score) + 1) * (1 + 1e-12)))
    if not len(fits):
        return None
    at = fits[-1]
    return float(score[at]), float(score[at + 1]) if at + 1 < len(score) else None


def _between(below: float, above: float) -> float:
    """Half way, so that a threshold hangs on no single picture; above `below` whatever the rounding."""
    return float(max((below + above) / 2, np.nextafter(below, np.inf)))


def band_numbers(
    labels: ArrayLike,
    probabilities: ArrayLike,
    units: ArrayLike,
    bands: Sequence[Band],
    settings: Evaluate,
    prefix: str = "test.band",
) -> list[Number]:
    """Numbers `<prefix>.answered`, `.wrong`, `.wrong_fake`, `.wrong_real` on test, and the band's ends.

    `wrong_fake` is the share of reals among the pictures called fake, `wrong_real` of fakes among those
    called real. With several seeds verdicts are counted over all of them.

    Args:
        probabilities: [n], or [seeds, n].
        bands: one a seed.
    """
    fake = np.asarray(labels) == 1
    rows = np.atleast_2d(np.asarray(probabilities, float))
    verdict = np.stack([band.verdicts(row) for band, row in zip(bands, rows, strict=True)])
    told_fake, told_real = verdict == "fake", verdict == "real"
    told, wrong = told_fake | told_real, (told_fake & ~fake) | (told_real & fake)
    shares = {
        "answered": (told, np.ones_like(told)),
        "wrong": (wrong, told),
        "wrong_fake": (told_fake & ~fake, told_fake),
        "wrong_real": (told_real & fake, told_real),
    }
    units = np.asarray(units)
    numbers = []
    for name, masks in shares.items():
        part, whole = (mask.sum(axis=0).astype(float) for mask in masks)  # [n] verdicts over seeds
        if not whole.any():
            numbers.append(Number(f"{prefix}.{name}", None, "1", 0, note="no such verdict was given"))
            continue
        found = group_interval(
            lambda weights, part=part, whole=whole: divide(weights @ part, weights @ whole),
            units,
            settings=settings,
        ).student("share", (len(np.unique(units[whole > 0])),))
        allowed = f"of {int(whole.sum()):,} verdicts; validation allowed {100 * bands[0].target:g} %"
        note = "share of test pictures with a verdict" if name == "answered" else allowed
        numbers.append(found.number(f"{prefix}.{name}", unit="1", n=int((whole > 0).sum()), note=note))
    for name, ends in (("low", [band.low for band in bands]), ("high", [band.high for band in bands])):
        known = bool(np.isfinite(ends).all()) and all(band.reached for band in bands)
        note = "chosen on validation" if known else "no end kept the target on validation"
        value = float(np.mean(ends)) if known else None
        numbers.append(Number(f"{prefix}.{name}", value, "probability", len(fake), note=note))
    return numbers
