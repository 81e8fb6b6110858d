"""From probability to verdict: a threshold that promises few false alarms, and a band without a verdict.

Takes probabilities (or any scores that rise with fake; [n]), labels [n] and groups [n]; what is chosen is
chosen on validation so that it holds on other images like those with a confidence of 95 % (`promises`), and
what is said of it comes from test, with intervals over units. An image is called fake where its score is at
least the upper end, real where it is below the lower, and unsure between. What validation has too few images
to promise has no threshold. Refused with ValueError: one class, scores that are not finite, rates outside
0..1. Cost: one sort; a test interval as one metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfstudy.data.layouts.names import FAKE, REAL
from dfstudy.number import Number
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind, sentences
from dfstudy.stats.metrics import sensitivity, specificity
from dfstudy.stats.promises import CONFIDENCE, design_effect, least_images, promises
from dfstudy.stats.weighted import checked, divide

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

SURE = f"with {100 * CONFIDENCE:g} % confidence"
MORE = f"more than was promised {SURE}: the one case in twenty, or images unlike validation's"
# Shares of the reals that score below the levels at which groups are asked how alike their images are.
# Dependence may lie in the middle of the scores or in their tail, where the false alarms are.
LEVELS = (0.5, 0.75, 0.9, 0.95)
FIRST = 0.1  # share of a side that is tested first, where that is enough: one error must not end it all


@dataclass(frozen=True)
class Alarm:
    """A threshold for few false alarms.

    Attributes:
        rate: share of reals that may be called fake, 0..1.
        threshold: that keeps it with a confidence of 95 %; None where validation has too few reals to
            promise it, infinity where nothing may be called fake.
        reals: of validation.
        independent: as many independent reals as they are worth.
    """

    rate: float
    threshold: float | None
    reals: int
    independent: float

    @property
    def lacks(self) -> str:
        """Why there is no threshold."""
        return (
            f"not enough real validation images to promise it: {least_images(self.rate):,} independent ones "
            f"are needed, and these {self.reals:,} are worth {self.independent:,.0f}"
        )


@dataclass(frozen=True)
class Band:
    """Where no verdict is given: low <= score < high.

    Attributes:
        low, high: ends; equal ends give a verdict on every image, infinite ones never that verdict.
        target: share of errors among the verdicts of each kind that was promised.
        reached: False where validation promises it for no end, so that nothing gets a verdict.
        threshold: that of the verdict which an unsure image would get without a band.
    """

    low: float
    high: float
    target: float
    reached: bool = True
    threshold: float = 0.5

    def verdicts(self, scores: ArrayLike) -> NDArray[np.str_]:
        """[n] of `real`, `fake` and `unsure`."""
        score = np.asarray(scores, float)
        if not self.reached:
            return np.full(score.shape, "unsure")
        return np.select([score >= self.high, score < self.low], ["fake", "real"], "unsure")


def false_alarm_threshold(labels: ArrayLike, scores: ArrayLike, groups: ArrayLike, rate: float) -> Alarm:
    """The lowest threshold that promises to call at most this share of reals fake.

    With k of m independent reals at or above it, the true share lies below the Clopper-Pearson bound of k / m
    with a confidence of 95 %; that holds although the threshold is one of the reals' own scores (order
    statistics: Wilks 1941). It lies half way to the next lower score, so that it does not hang on one
    image.

    Args:
        groups: [n] what is related; images of one group count for less than as many strangers.
        rate: above 0, below 1.

    >>> false_alarm_threshold([0] * 100 + [1], [*range(100), 200], range(101), 0.05)
    Alarm(rate=0.05, threshold=98.5, reals=100, independent=100.0)
    """
    fake, score, _ = checked(labels, scores, None)
    if fake.all():
        raise ValueError("a false-alarm rate needs reals, and there is none")
    if not 0 < rate < 1:
        raise ValueError(f"a rate lies between 0 and 1, not at {rate}")
    reals = np.sort(score[~fake])
    many = len(reals)
    marks = score[~fake] > np.quantile(reals, LEVELS)[:, None]
    effect = design_effect(marks, np.asarray(groups)[~fake])
    kept = np.flatnonzero(promises(np.arange(many) / effect, many / effect, rate))
    if not len(kept):
        return Alarm(rate, None, many, many / effect)
    silent = reals[many - kept[-1] - 1]  # the highest real that must not alarm
    above = score[score > silent]
    threshold = _between(silent, above.min()) if len(above) else float("inf")
    return Alarm(rate, threshold, many, many / effect)


def alarm_numbers(
    labels: ArrayLike,
    scores: ArrayLike,
    units: ArrayLike,
    alarms: Sequence[Alarm],
    settings: Evaluate,
    prefix: str = "test",
) -> list[Number]:
    """Numbers `<prefix>.false_alarms.at_<rate>` and `.sensitivity.at_<rate>` of thresholds from validation.

    The n of a share are the images of its class. Not defined where a seed has no threshold.

    Args:
        scores: [n], or [seeds, n], over which the shares are averaged.
        alarms: one a seed, of one rate; named in the ids in per cent, such as `at_1` or `at_0_1`.
    """
    label, rate = np.asarray(labels), alarms[0].rate
    percent = f"{100 * rate:g}"
    ids = [f"{prefix}.{name}.at_{percent.replace('.', '_')}" for name in ("false_alarms", "sensitivity")]
    pictures = [int((label == kind).sum()) for kind in (REAL, FAKE)]
    thresholds = [alarm.threshold for alarm in alarms if alarm.threshold is not None]
    missing = [alarm for alarm in alarms if alarm.threshold is None]
    if missing:
        worst = min(missing, key=lambda alarm: alarm.independent)
        return [Number(name, None, "1", n, note=worst.lacks) for name, n in zip(ids, pictures, strict=True)]
    shares = called_shares(label, scores, units, thresholds, settings)
    what = f"at the threshold for which validation promises at most {percent} % false alarms {SURE}"
    broken = MORE if shares[0].low > rate else ""
    return [
        share.number(name, unit="1", n=n, note=sentences(what, note))
        for name, n, share, note in zip(ids, pictures, shares, (broken, ""), strict=True)
    ]


def called_shares(
    labels: ArrayLike, scores: ArrayLike, units: ArrayLike, thresholds: ArrayLike, settings: Evaluate
) -> tuple[Interval, Interval]:
    """Share of the reals and share of the fakes that are called fake, means over seeds.

    Args:
        thresholds: one, or one a seed; infinity calls nothing fake.
    """
    label = np.asarray(labels)
    # an infinite threshold alarms on nothing, which is a share like any other
    called = (np.atleast_2d(scores) >= np.reshape(thresholds, (-1, 1))).astype(float)

    def spared(weights: Floats) -> Floats:
        mean: Floats = np.mean([specificity(label, each, 0.5, weights) for each in called], axis=0)
        return 1 - mean

    def found(weights: Floats) -> Floats:
        mean: Floats = np.mean([sensitivity(label, each, 0.5, weights) for each in called], axis=0)
        return mean

    alarmed, caught = (
        group_interval(share, units, settings=settings).student("share", (behind,))
        for share, behind in zip((spared, found), groups_behind(label, units), strict=True)
    )
    return alarmed, caught


def choose_band(
    labels: ArrayLike, probabilities: ArrayLike, groups: ArrayLike, target: float, threshold: float = 0.5
) -> Band:
    """The band for which validation promises at most `target` of each verdict wrong, with 95 % confidence.

    Each side is chosen by itself: among the images called fake at most `target` are real, and among those
    called real at most `target` are fake, so that neither verdict hides behind the other. The sides never
    cross the threshold. On each side the surest tenth is tested first, or as many images as a promise
    takes, then one more at a time until a test fails: ends tested in an order that stood before the errors
    share no confidence (fixed sequence testing: Angelopoulos et al. 2021, Learn then Test, arXiv 2110.01052).
    The promise is for a mixture of fakes and reals like that of validation.

    Args:
        probabilities: of validation, calibrated, so that the test's mean the same.
        groups: [n] what is related.
        target: largest share of wrong verdicts of each kind, between 0 and 1.
    """
    fake, score, _ = checked(labels, probabilities, None)
    group = np.asarray(groups)
    if fake.all() or not fake.any():
        raise ValueError("a band is chosen on both classes, and the images are of one")
    if not 0 < target < 1:
        raise ValueError(f"a target error lies between 0 and 1, not at {target}")
    high, low = float("inf"), float("-inf")
    upper = score >= threshold  # a score at the threshold is called fake
    if told := _reach(score[upper], ~fake[upper], group[upper], target):
        high = threshold if told[1] is None else _between(told[1], told[0])
    if told := _reach(-score[~upper], fake[~upper], group[~upper], target):
        low = threshold if told[1] is None else _between(-told[0], -told[1])
    return Band(low, high, target, bool(np.isfinite(high) or np.isfinite(low)), threshold)


def _reach(
    score: Floats, wrong: NDArray[np.bool_], groups: NDArray[np.generic], target: float
) -> tuple[float, float | None] | None:
    """How far down a side may be told: last score told, and first not told.

    None where not even the first end that is tested passes; the second is None where the whole side is told.
    """
    if not len(score):
        return None
    effect = design_effect(wrong, groups)
    order = np.argsort(-score, kind="stable")
    score, errors = score[order], np.cumsum(wrong[order]) / effect
    images = np.arange(1, len(score) + 1) / effect
    last = np.append(score[1:] != score[:-1], True)  # a tie is taken whole
    first = max(least_images(target), FIRST * images[-1])
    tested = np.flatnonzero(last & (images >= first * (1 - 1e-12)))
    passed = promises(errors[tested], images[tested], target)
    kept = len(passed) if passed.all() else int(np.argmin(passed))
    if not kept:
        return None
    at = tested[kept - 1]
    return float(score[at]), float(score[at + 1]) if at + 1 < len(score) else None


def _between(below: float, above: float) -> float:
    """Half way, so that a threshold hangs on no single image; above `below` whatever the rounding."""
    return float(max((below + above) / 2, np.nextafter(below, np.inf)))


def band_numbers(
    labels: ArrayLike,
    probabilities: ArrayLike,
    units: ArrayLike,
    bands: Sequence[Band],
    settings: Evaluate,
    prefix: str = "test.band",
) -> list[Number]:
    """Numbers `<prefix>.answered`, `.wrong`, `.wrong_fake`, `.wrong_real`, `.wrong_unsure` on test, and the
    ends.

    `wrong_fake` is the share of reals among the images called fake, `wrong_real` of fakes among those
    called real, and `wrong_unsure` of the unsure images that the verdict without a band would get wrong.
    With several seeds verdicts are counted over all of them.

    Args:
        probabilities: [n], or [seeds, n].
        bands: one a seed.
    """
    fake = np.asarray(labels) == 1
    rows = np.atleast_2d(np.asarray(probabilities, float))
    verdict = np.stack([band.verdicts(row) for band, row in zip(bands, rows, strict=True)])
    told_fake, told_real = verdict == "fake", verdict == "real"
    limits = np.array([[band.threshold] for band in bands])
    told, wrong = told_fake | told_real, (told_fake & ~fake) | (told_real & fake)
    shares = {
        "answered": (told, np.ones_like(told)),
        "wrong": (wrong, told),
        "wrong_fake": (told_fake & ~fake, told_fake),
        "wrong_real": (told_real & fake, told_real),
        "wrong_unsure": (~told & ((rows >= limits) != fake), ~told),
    }
    units = np.asarray(units)
    numbers = []
    for name, masks in shares.items():
        part, whole = (mask.sum(axis=0).astype(float) for mask in masks)  # [n] verdicts over seeds
        if not whole.any():
            why = "no image is unsure" if name == "wrong_unsure" else "no such verdict was given"
            numbers.append(Number(f"{prefix}.{name}", None, "1", 0, note=why))
            continue
        found = group_interval(
            lambda weights, part=part, whole=whole: divide(weights @ part, weights @ whole),
            units,
            settings=settings,
        ).student("share", (len(np.unique(units[whole > 0])),))
        promised = f"validation promises at most {100 * bands[0].target:g} % {SURE}"
        told_of = f"of {int(whole.sum()):,} verdicts; {promised}"
        broken = MORE if found.low > bands[0].target else ""
        note = {
            "answered": "share of test images with a verdict",
            "wrong_unsure": "of the unsure images, if they were called at the threshold all the same",
        }.get(name, sentences(told_of, broken))
        numbers.append(found.number(f"{prefix}.{name}", unit="1", n=int((whole > 0).sum()), note=note))
    for name, ends in (("low", [band.low for band in bands]), ("high", [band.high for band in bands])):
        known = bool(np.isfinite(ends).all()) and all(band.reached for band in bands)
        note = (
            "chosen on validation" if known else "validation is too small, or errs too often, to promise one"
        )
        value = float(np.mean(ends)) if known else None
        numbers.append(Number(f"{prefix}.{name}", value, "probability", len(fake), note=note))
    return numbers
