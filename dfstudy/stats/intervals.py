"""How sure a result is: the bootstrap over groups.

Takes a statistic of weights and the group of every image; gives the value with its interval. Images of
one group (frames of a video, a fake and its source) are not independent, so whole groups are drawn with
replacement, as many as there are, and an image's weight is how often its group was drawn. The same seed
gives the same draws, whatever the statistic. Several sets of groups (training and validation, say) are drawn
independently (cluster bootstrap: Efron 1979; Field and Welsh 2007). A replicate in which the statistic is
not defined (one class only) is left out and counted; where more than half are, or a set has one group only,
there is no interval.

Two kinds of ends. `group_interval` gives percentiles of the replicates: right for any statistic, and too
narrow with few groups (with 30 groups, 95 % hold an AUC 88 to 90 times in 100). `Interval.student` gives
Student's interval from the replicates' spread, on a scale that fits the statistic, with degrees of freedom
from the groups of each class: what is reported (93 to 97 in 100 from 20 groups on). Both are
measured by `tests/drills/interval_coverage.py`.

Cost: 1 s for 1,000 draws of 100,000 groups, on a core of its own, beside what the statistic takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from dfstudy.number import Number
from dfstudy.stats.units import UNITS

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

CHUNK = 4_000_000  # weights held at once: 32 MB, so that sorting, once a chunk, costs little

PERCENTILES, STUDENT = "percentiles", "Student's interval"
RESAMPLED = (PERCENTILES, STUDENT)

Floats = NDArray[np.float64]
Statistic = Callable[..., Floats]

Scale = Literal["share", "gap", "positive", "plain"]
Link = Callable[[Floats], Floats]
# Where a statistic lives: to the line, its slope there, and back. What is made on the line stays inside.
SCALES: dict[Scale, tuple[Link, Link, Link]] = {
    "share": (logit, lambda v: 1 / (v * (1 - v)), expit),  # in 0..1, such as an AUC
    "gap": (np.arctanh, lambda v: 1 / (1 - v * v), np.tanh),  # difference of two shares, in -1..1
    "positive": (np.log, lambda v: 1 / v, np.exp),  # such as a log-loss
    "plain": (lambda v: v, np.ones_like, lambda v: v),
}


@dataclass(frozen=True)
class Interval:
    """A statistic with its interval; arrays of the statistic's own shape, NaN where not defined.

    Attributes:
        value: the statistic of the images as they are.
        low, high: ends of the interval.
        error: standard error: standard deviation of the replicates times sqrt(K / (K - 1)) for K groups,
            by which drawing K of K falls short.
        undefined: replicates that were left out.
        groups: independent groups that were resampled.
        effective: as many groups of equal size would tell as much: squared images over the sum of the
            groups' squared images (Kish 1965).
        settings: replicates, confidence, seed and level.
        made: how: `percentiles` or `Student's interval` of resamples; anything else resampled nothing.
    """

    value: Floats
    low: Floats
    high: Floats
    error: Floats
    undefined: NDArray[np.int64]
    groups: int
    effective: float
    settings: Evaluate
    made: str = PERCENTILES

    def __getitem__(self, at: Any) -> Interval:
        """One component, or several, of a statistic that has many."""
        value, low, high, error = (part[at] for part in (self.value, self.low, self.high, self.error))
        return replace(self, value=value, low=low, high=high, error=error, undefined=self.undefined[at])

    def freedom(self, behind: Sequence[int]) -> float:
        """Degrees of freedom of the standard error, 0 where a class has one group only.

        Welch and Satterthwaite, as if each class contributed in proportion to 1 / its groups; at most the
        effective number of groups minus one. Reference: few groups, Cameron and Miller 2015, Journal of Human
        Resources 50:317, section VI; effective groups, Carter et al. 2017, Review of Economics and
        Statistics 99:698.

        Args:
            behind: independent groups behind the statistic: one number for each class (or set) that it
                needs, as `groups_behind` counts them.
        """
        if min(*behind, self.effective) < 2:
            return 0.0
        part = 1 / np.asarray(behind, float)
        return float(min(part.sum() ** 2 / (part**2 / (1 / part - 1)).sum(), self.effective - 1))

    def student(self, scale: Scale, behind: Sequence[int], made: str = STUDENT) -> Interval:
        """Student's interval from the standard error, on a scale that fits the statistic.

        The error is carried to the scale by its slope at the value (for an AUC: Pepe 2003, section 5.2). A
        share of exactly 0 or 1 has no slope there; its other end is then the exact binomial bound (Clopper
        and Pearson 1934) with each group of the smaller class as one trial, or the percentile beyond it.

        Args:
            behind: as for `freedom`.
            made: what `number` says of it.
        """
        freedom = self.freedom(behind)
        if not freedom:
            none = np.full(np.shape(self.value), np.nan)
            return replace(self, low=none, high=none, made=made)
        forth, slope, back = SCALES[scale]
        outside = (1 - self.settings.confidence) / 2
        known = ~np.isnan(self.low)
        with np.errstate(divide="ignore", invalid="ignore"):  # at the ends of the scale, and where unknown
            middle = forth(self.value)
            half = stdtrit(freedom, 1 - outside) * self.error * slope(self.value)
        inside = known & np.isfinite(middle)
        middle, half = np.where(inside, middle, 0.0), np.where(inside, half, 0.0)
        low, high = (np.where(inside, back(middle + side * half), self.value) for side in (-1, 1))
        if scale == "share":
            bound = outside ** (1 / min(behind))
            low = np.where(known & (self.value == 1), np.minimum(bound, self.low), low)
            high = np.where(known & (self.value == 0), np.maximum(1 - bound, self.high), high)
        low, high = (np.where(known, end, np.nan) for end in (low, high))
        return replace(self, low=low, high=high, made=made)

    def number(self, name: str, *, unit: str, n: int, note: str = "", digits: int = 3) -> Number:
        """The number of a report for a statistic that is one value; says how the interval was made."""
        groups = self.groups
        if np.isnan(self.value):
            why = "the images lack a class that it needs"
            return Number(name, None, unit, n, groups=groups, note=why)
        if np.isnan(self.low):
            told = sentences(note, "too few groups, or nothing varies: no interval")
            return Number(name, float(self.value), unit, n, groups=groups, note=told, digits=digits)
        drawn = UNITS[self.settings.level]
        if self.made in RESAMPLED:
            drawn = f"{self.settings.replicates:,} resamples of {drawn}"
        made = f"{100 * self.settings.confidence:g} % interval over {drawn} ({self.made})"
        left_out = f"{self.undefined:,} of them lack a class and are left out" if self.undefined else ""
        return Number(
            name,
            float(self.value),
            unit,
            n,
            low=float(self.low),
            high=float(self.high),
            groups=groups,
            note=sentences(note, made, left_out),
            digits=digits,
        )


def group_interval(statistic: Statistic, *groups: ArrayLike, settings: Evaluate) -> Interval:
    """Value, percentile interval and standard error of a statistic, by resampling groups.

    Args:
        statistic: takes one array of weights [replicates, n] for each of `groups` and gives one value, or
            one array of values, a replicate: [replicates] or [replicates, ...]; NaN where not defined.
            The metrics of this room do so: `lambda weights: auc(labels, scores, weights)`. Paired
            differences come from one statistic that subtracts, on one set of groups.
        groups: [n] the group of every image, once for each independent set of images.
        settings: replicates, confidence and seed.
    """
    codes = [np.unique(np.asarray(part), return_inverse=True)[1] for part in groups]
    sizes = [int(code.max()) + 1 if len(code) else 0 for code in codes]
    if not sizes or not min(sizes):
        raise ValueError("group_interval needs at least one image in every set")
    value = np.asarray(statistic(*(np.ones((1, len(code))) for code in codes)), float)[0]
    replicates = np.concatenate(list(_computed(statistic, resamples(codes, settings))))
    undefined = np.isnan(replicates).sum(axis=0)
    usable = ~np.isnan(value) & (undefined * 2 <= settings.replicates) & (min(sizes) > 1)
    ends = [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]
    # a column without any value would warn, and gets no interval anyway
    known = np.where(usable, replicates, 0.0)
    low, high = np.where(usable, np.nanquantile(known, ends, axis=0), np.nan)
    short = np.sqrt(min(sizes) / max(min(sizes) - 1, 1))
    error = np.where(usable, short * np.nanstd(known, axis=0, ddof=1), np.nan)
    effective = sum(len(code) ** 2 / float((np.bincount(code) ** 2).sum()) for code in codes)
    return Interval(value, low, high, error, undefined, sum(sizes), effective, settings)


def groups_behind(labels: ArrayLike, groups: ArrayLike) -> tuple[int, int]:
    """Groups that hold a real, and groups that hold a fake: what `Interval.student` wants to know."""
    fake, group = np.asarray(labels) == 1, np.asarray(groups)
    return len(np.unique(group[~fake])), len(np.unique(group[fake]))


def resamples(codes: list[NDArray[np.int64]], settings: Evaluate) -> Iterator[list[Floats]]:
    """Weights [replicates of this chunk, n] for each set, all replicates in chunks.

    Args:
        codes: [n] the group of every image as a number 0..groups-1, for each set.
    """
    generator = np.random.default_rng(settings.seed)
    sizes = [int(code.max()) + 1 for code in codes]
    rows = max(1, CHUNK // sum(len(code) for code in codes))
    for start in range(0, settings.replicates, rows):
        counts = [np.empty((min(rows, settings.replicates - start), size)) for size in sizes]
        # sets take turns within a replicate, so the draws do not depend on the size of a chunk
        for row in range(len(counts[0])):
            for count, size in zip(counts, sizes, strict=True):
                drawn = generator.integers(0, size, size)
                count[row] = np.bincount(drawn, minlength=size)
        # `clip` spares a check of every index; all of them are inside
        yield [np.take(count, code, axis=1, mode="clip") for count, code in zip(counts, codes, strict=True)]


def _computed(statistic: Statistic, chunks: Iterator[list[Floats]]) -> Iterator[Floats]:
    """The statistic of each chunk, in order, computed while the next is drawn: that keeps two cores busy."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        waiting: Future[Floats] | None = None
        for weights in chunks:
            if waiting is not None:
                yield waiting.result()
            waiting = worker.submit(statistic, *weights)
        if waiting is not None:
            yield waiting.result()


def sentences(*parts: str) -> str:
    """The parts of a note that say something, joined."""
    return "; ".join(part for part in parts if part)
