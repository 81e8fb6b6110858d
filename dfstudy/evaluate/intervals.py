"""How sure a result is: the bootstrap over groups.

Takes a statistic of weights and the group of every picture; gives the value with a percentile interval.
Pictures of one group (frames of a video, a fake and its source) are not independent, so whole groups are
drawn with replacement, as many as there are, and a picture's weight is how often its group was drawn.
The same seed gives the same draws, whatever the statistic. Several sets of groups (training and
validation, say) are drawn independently. Percentile intervals follow Efron 1979 and Field and Welsh 2007
(cluster bootstrap). A replicate in which the statistic is not defined (one class only) is left out and
counted; where more than half are, or a set has one group only, there is no interval.

Cost: 1 s for 1,000 draws of 100,000 groups, on a core of its own, beside what the statistic takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfstudy.number import Number
from dfstudy.study import Evaluate

CHUNK = 4_000_000  # weights held at once: 32 MB, so that sorting, once a chunk, costs little

Floats = NDArray[np.float64]
Statistic = Callable[..., Floats]


@dataclass(frozen=True)
class Interval:
    """A statistic with its interval; arrays of the statistic's own shape, NaN where not defined.

    Attributes:
        value: the statistic of the pictures as they are.
        low, high: ends of the percentile interval.
        middle: median of the replicates.
        undefined: replicates that were left out.
        groups: independent groups that were resampled.
        settings: replicates, confidence and seed.
    """

    value: Floats
    low: Floats
    high: Floats
    middle: Floats
    undefined: NDArray[np.int64]
    groups: int
    settings: Evaluate

    def __getitem__(self, at: Any) -> Interval:
        """One component, or several, of a statistic that has many."""
        parts = (self.value, self.low, self.high, self.middle, self.undefined)
        return Interval(*(part[at] for part in parts), self.groups, self.settings)

    def centred(self) -> Interval:
        """Moved so that the replicates' median lies on the value, and cut at zero.

        For a mean of distances, such as the calibration error: drawing pictures adds noise to each of them,
        so that replicates lie above the value, and without this the whole interval might.
        """
        shift = self.value - self.middle
        low, high = (np.maximum(end + shift, 0.0) for end in (self.low, self.high))
        return replace(self, low=low, high=high, middle=self.value)

    def number(self, name: str, *, unit: str, n: int, note: str = "", digits: int = 3) -> Number:
        """The number of a report for a statistic that is one value; says how the interval was made."""
        groups = self.groups
        if np.isnan(self.value):
            why = "the pictures lack a class that it needs"
            return Number(name, None, unit, n, groups=groups, note=why)
        if np.isnan(self.low):
            told = sentences(note, "too few groups for an interval")
            return Number(name, float(self.value), unit, n, groups=groups, note=told, digits=digits)
        drawn = f"{self.settings.replicates:,} resamples of groups"
        made = f"{100 * self.settings.confidence:g} % interval over {drawn}"
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
    """Value and percentile interval of a statistic, by resampling groups.

    Args:
        statistic: takes one array of weights [replicates, n] for each of `groups` and gives one value, or
            one array of values, a replicate: [replicates] or [replicates, ...]; NaN where not defined.
            The metrics of this room do so: `lambda weights: auc(labels, scores, weights)`. Paired
            differences come from one statistic that subtracts, on one set of groups.
        groups: [n] the group of every picture, once for each independent set of pictures.
        settings: replicates, confidence and seed.
    """
    codes = [np.unique(np.asarray(part), return_inverse=True)[1] for part in groups]
    sizes = [int(code.max()) + 1 if len(code) else 0 for code in codes]
    if not sizes or not min(sizes):
        raise ValueError("group_interval needs at least one picture in every set")
    value = np.asarray(statistic(*(np.ones((1, len(code))) for code in codes)), float)[0]
    replicates = np.concatenate(list(_computed(statistic, resamples(codes, settings))))
    undefined = np.isnan(replicates).sum(axis=0)
    usable = ~np.isnan(value) & (undefined * 2 <= settings.replicates) & (min(sizes) > 1)
    ends = [(1 - settings.confidence) / 2, 0.5, (1 + settings.confidence) / 2]
    # a column without any value would warn, and gets no interval anyway
    known = np.where(usable, replicates, 0.0)
    low, middle, high = np.where(usable, np.nanquantile(known, ends, axis=0), np.nan)
    return Interval(value, low, high, middle, undefined, sum(sizes), settings)


def resamples(codes: list[NDArray[np.int64]], settings: Evaluate) -> Iterator[list[Floats]]:
    """Weights [replicates of this chunk, n] for each set, all replicates in chunks.

    Args:
        codes: [n] the group of every picture as a number 0..groups-1, for each set.
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
