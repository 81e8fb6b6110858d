"""The difference between two ways of training, sure of images and of seeds.

Takes labels [n], the scores of both ways [seeds, n] (row by row the same training seed), the unit of every
image that counts as independent, and a metric; gives second minus first with an interval that covers other
images and other seeds, its p and the smallest difference that so many images and seeds could have shown.
`difference_over` does the same for any statistic of weights with one value a seed, such as a difference
between differences, or of two sets of images, and `difference_from` for a bootstrap that is done already.
Refused with ValueError: arrays that do not fit.

Images: units are drawn with replacement, the same draw for both ways and all seeds. Seeds: their
differences vary between seeds by more than images explain. Both errors are added, with Satterthwaite's
degrees of freedom (guarded, see `_freedom`). Unlike in `seeds`, the chance of images is not taken off their
variance: with two or three seeds that estimate is often nothing where there is something, and the interval
too short (measured by the tests). So it errs to the wide side. With one seed it covers images alone, and
says so.
Cost: two metrics a seed and replicate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from dfstudy.number import Number
from dfstudy.stats.intervals import SCALES, Floats, Interval, Scale, group_interval, groups_behind, sentences
from dfstudy.stats.metrics import auc
from dfstudy.stats.units import UNITS
from dfstudy.stats.weighted import Value

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

POWER = 0.8  # of the test for which `detectable` holds
# Trainings a side for any verdict between ways of training: with one, equal recipes differ in every second
# comparison, with two in one of thirteen (docs/intervals.md).
LEAST_SEEDS = 3
ROUNDING = 1e-12  # a standard error below it is that of a sum of floats

OfScores = Callable[[ArrayLike, ArrayLike, Floats], Value]


@dataclass(frozen=True)
class PairedDifference:
    """Second less first, as a mean over seeds.

    Attributes:
        value: NaN where a class is missing.
        low, high: interval over images and seeds; None with one group of a class.
        p: two-sided, that there is no difference; from the same errors as the interval, which holds 0 where
            p is above one minus the confidence. None without an interval.
        detectable: true difference that would be found with a probability of 0.8; None without an interval.
        each: of every seed.
        sampling_error, seed_error: standard errors of the mean, from the images and from the seeds.
        freedom: degrees of freedom of both together, 0 where there is no interval.
        groups: independent units that were resampled.
        settings: replicates, confidence, seed and level.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    detectable: float | None
    each: tuple[float, ...]
    sampling_error: float
    seed_error: float
    freedom: float
    groups: int
    settings: Evaluate

    @property
    def seeds(self) -> int:
        """Training seeds of each way."""
        return len(self.each)

    def detectable_among(self, family: int) -> float | None:
        """`detectable` for one of so many comparisons: Holm's correction asks that much of the first."""
        error = float(np.hypot(self.sampling_error, self.seed_error))
        if self.detectable is None or not error:
            return self.detectable
        level = 1 - (1 - self.settings.confidence) / (2 * max(family, 1))
        return float(stdtrit(self.freedom, level) + stdtrit(self.freedom, POWER)) * error

    def number(self, name: str, *, unit: str, n: int, note: str = "", digits: int = 3) -> Number:
        """The difference as a number of a report; says what its interval covers."""
        if np.isnan(self.value):
            why = "the images lack a class that it needs"
            return Number(name, None, unit, n, groups=self.groups, note=sentences(note, why))
        if self.low is None:
            covered = "no resample moves it, or too few groups: no interval"
        else:
            made = f"{100 * self.settings.confidence:g} % interval over {UNITS[self.settings.level]}"
            covered = (
                f"{made} and {self.seeds} seeds"
                if self.seeds > 1
                else f"{made}; one seed: it covers no other"
            )
        told = sentences(note, covered)
        return Number(name, self.value, unit, n, self.low, self.high, self.groups, note=told, digits=digits)


def paired_difference(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    units: ArrayLike,
    settings: Evaluate,
    metric: OfScores = auc,
    scale: Scale = "gap",
) -> PairedDifference:
    """A metric of the second way minus that of the first, on the same images, seed by seed.

    Args:
        first, second: [seeds, n], or [n] for one seed; row s of both was trained with the same seed.
        metric: takes labels, scores [n] and weights [replicates, n]; gives [replicates], NaN where undefined.
        scale: `gap` for a difference of two shares, `plain` for others such as a log-loss.

    >>> labels, units = [0, 1, 0, 1], [0, 1, 2, 3]
    >>> better = [[0.1, 0.7, 0.2, 0.9], [0.0, 0.8, 0.3, 0.9]]
    >>> paired_difference(labels, [[0.5] * 4] * 2, better, units, Evaluate()).value
    0.5
    """
    label = np.asarray(labels)
    rows = [np.atleast_2d(np.asarray(part, float)) for part in (first, second)]
    if rows[0].shape != rows[1].shape or rows[0].ndim != 2 or rows[0].shape[1:] != label.shape:
        raise ValueError(f"first is {rows[0].shape}, second {rows[1].shape}: both must be [seeds, n]")

    def each(weights: Floats) -> Floats:
        values = [np.stack([metric(label, row, weights) for row in part], axis=1) for part in rows]
        change: Floats = values[1] - values[0]
        return change

    alike = bool(np.array_equal(rows[0], rows[1]))
    behind = groups_behind(label, units)
    return difference_over(each, units, behind=behind, settings=settings, scale=scale, is_same=alike)


def difference_over(
    each: Callable[..., Floats],
    *units: ArrayLike,
    behind: Sequence[int],
    settings: Evaluate,
    scale: Scale = "gap",
    is_same: bool = False,
) -> PairedDifference:
    """A statistic that is 0 where nothing differs, with one value a seed.

    Args:
        each: takes one array of weights [replicates, n] for each of `units`; gives [replicates, seeds].
        units: [n] the unit of every image, once for each independent set of images.
        behind: units of each class in each set, as `groups_behind` counts them.
        is_same: both sides are the very same scores, so that no other images could tell them apart.
    """

    def statistics(*weights: Floats) -> Floats:
        values = each(*weights)
        return np.hstack([values.mean(axis=1, keepdims=True), values])

    found = group_interval(statistics, *units, settings=settings)
    return difference_from(found, behind, scale, is_same)


def difference_from(
    found: Interval, behind: Sequence[int], scale: Scale = "gap", is_same: bool = False
) -> PairedDifference:
    """The same from a bootstrap that is done, such as one of many differences at once.

    Where no resample moves it, as between two sides that both order these few images without a mistake, the
    bootstrap knows nothing of other images, and there is no interval, whatever the seeds say.

    Args:
        found: of the mean over seeds, then of each seed: [1 + seeds].
    """
    settings, mean, values = found.settings, found[0], found.value[1:]
    seeds, sampling, value = len(values), float(mean.error), float(mean.value)
    seeding = float(np.std(values, ddof=1) / np.sqrt(seeds)) if seeds > 1 else 0.0
    told = (tuple(map(float, values)), sampling, seeding)
    pictures = mean.freedom(behind)
    if not pictures or np.isnan(sampling):
        return PairedDifference(value, None, None, None, None, *told, 0.0, found.groups, settings)
    error = float(np.hypot(sampling, seeding))
    if sampling < ROUNDING and is_same:
        return PairedDifference(value, value, value, 1.0, 0.0, *told, pictures, found.groups, settings)
    if sampling < ROUNDING:
        return PairedDifference(value, None, None, None, None, *told, 0.0, found.groups, settings)
    freedom = _freedom(sampling**2, pictures, seeding**2, seeds - 1)
    forth, slope, back = SCALES[scale if abs(value) < 1 else "plain"]
    middle, spread = float(forth(np.asarray(value))), error * float(slope(np.asarray(value)))
    quantile = float(stdtrit(freedom, (1 + settings.confidence) / 2))
    low, high = (float(back(np.asarray(middle + side * quantile * spread))) for side in (-1, 1))
    p = float(2 * stdtr(freedom, -abs(middle) / spread))
    detectable = (quantile + float(stdtrit(freedom, POWER))) * error
    return PairedDifference(value, low, high, p, detectable, *told, freedom, found.groups, settings)


def _freedom(sampling: float, pictures: float, seeding: float, seeds: float) -> float:
    """Degrees of freedom of a sum of two variances with their own.

    Satterthwaite's, but a variance between so few seeds is often far too small, and would pass for one of
    many degrees of freedom: with three seeds that bring nine tenths of the error, 8 % of equal recipes
    seem to differ. Counting it 1 + 4 / seeds times keeps that below 5.5 % for any share (docs/intervals.md).
    """
    if not seeding:
        return pictures
    seeding *= 1 + 4 / seeds
    return (sampling + seeding) ** 2 / (sampling**2 / pictures + seeding**2 / seeds)
