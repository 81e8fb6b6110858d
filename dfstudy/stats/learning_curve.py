"""How does the AUC grow with what there is to learn from? A law through it, with its uncertainty.

Takes scores of one test from models that learned from nested shares of the training groups, several draws of
them; gives a `LearningCurve`: 1 - AUC = floor + factor * n^-exponent (Hestness et al. 2017, arXiv 1712.00409;
Viering and Loog 2023, IEEE TPAMI 45:7799), fitted by weighted least squares; through three sizes or two the
floor is 0. A floor below 0 means none, and is not forbidden: held at 0, intervals of a law without floor held
the truth in 87 of 100 planted ones, where they hold it in 95 without that.

A replicate draws test groups, and draws of training groups, with replacement. Nested draws share more groups
the larger they are, and are one at the end, so each replicate also shifts the curve by what one draw differs
from the mean, scaled to all groups (the correction for a finite population). Draws are few, so both are
widened as Student's distribution is. Nothing is said beyond `FARTHEST` times as many groups. Refused with
ValueError: fewer than two sizes or draws.

Cost: 1 s for 1,000 replicates, five sizes and five draws of 2,000 test images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm
from scipy.stats import t as student

from dfstudy.stats.intervals import resamples
from dfstudy.stats.metrics import auc

if TYPE_CHECKING:
    from dfstudy.stats.weighted import Floats
    from dfstudy.study.comparisons import Evaluate

FARTHEST = 4.0  # times as many as there are: a law of some points says nothing farther out
EXPONENTS = np.geomspace(0.05, 3.0, 64)
LEAST_SIZES = 4  # for a floor: three numbers through three points would fit anything


@dataclass(frozen=True)
class Law:
    """1 - AUC = floor + factor * n^-exponent, [replicates] each."""

    floor: Floats
    factor: Floats
    exponent: Floats

    def error(self, size: float) -> Floats:
        """1 - AUC at a size, [replicates]."""
        missed: Floats = self.floor + self.factor * size**-self.exponent
        return missed

    def gain(self, now: float, then: float) -> Floats:
        """What the AUC gains from `now` to `then` groups, [replicates]."""
        gained: Floats = self.factor * (now**-self.exponent - then**-self.exponent)
        return gained

    def needed(self, now: float, gain: float) -> Floats:
        """Groups for an AUC that much higher than at `now`, [replicates]; infinite beyond `FARTHEST`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            left = now**-self.exponent - gain / self.factor
            groups = np.where(left > 0, np.abs(left) ** (-1 / self.exponent), np.inf)
        return np.where(groups <= FARTHEST * now, groups, np.inf)


@dataclass(frozen=True)
class LearningCurve:
    """The curve and its law.

    Attributes:
        sizes: [k] groups (or methods, or images) learned from, rising.
        aucs: [k] mean over draws.
        low, high: [k] ends of their intervals.
        law: of the curve as it is, one value each.
        resampled: of the replicates.
        confidence: of all intervals.
    """

    sizes: Floats
    aucs: Floats
    low: Floats
    high: Floats
    law: Law
    resampled: Law
    confidence: float

    @property
    def has_floor(self) -> bool:
        """Whether a floor above 0 can be told."""
        return bool(np.quantile(self.resampled.floor, (1 - self.confidence) / 2) > 0)

    def gain(self, times: float) -> tuple[float, float, float]:
        """What the AUC gains from so many times as many groups: value, low, high.

        Raises:
            ValueError: beyond `FARTHEST`.
        """
        if not 0 < times <= FARTHEST:
            raise ValueError(f"{times:g} times as many groups: the law is not carried beyond {FARTHEST:g}")
        now = self.sizes[-1]
        return self._ends(self.law.gain(now, times * now), self.resampled.gain(now, times * now))

    def needed(self, gain: float) -> tuple[float, float, float]:
        """More groups for such a gain of AUC: value, low, high; infinite beyond `FARTHEST` times as many."""
        now = self.sizes[-1]
        return self._ends(self.law.needed(now, gain) - now, self.resampled.needed(now, gain) - now)

    def _ends(self, value: Floats, replicates: Floats) -> tuple[float, float, float]:
        low, high = _percentiles(replicates, self.confidence)
        return float(value[0]), float(low), float(high)


def resample_aucs(
    labels: ArrayLike, scores: Floats, groups: ArrayLike, settings: Evaluate
) -> tuple[Floats, Floats]:
    """AUC [draws, sizes], and its replicates over test groups [replicates, draws, sizes].

    Args:
        labels, groups: [n] of the test images.
        scores: [draws, sizes, n].
    """
    flat = scores.reshape(-1, scores.shape[-1])
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    chunks = [
        np.stack([np.asarray(auc(labels, score, weights)) for score in flat], axis=1)
        for (weights,) in resamples([codes], settings)
    ]
    found = np.array([auc(labels, score) for score in flat])
    drawn = np.concatenate(chunks)
    return found.reshape(scores.shape[:-1]), drawn.reshape(-1, *scores.shape[:-1])


def fit_curve(
    sizes: ArrayLike, aucs: Floats, replicates: Floats, shares: Sequence[float], settings: Evaluate
) -> LearningCurve:
    """The law through measured points.

    Args:
        sizes: [k] what was learned from, rising.
        aucs, replicates: as `resample_aucs` gives them.
        shares: [k] of all groups, in 0..1, rising.

    Raises:
        ValueError: fewer than two sizes or draws.
    """
    size, share = np.asarray(sizes, float), np.asarray(shares, float)
    draws, count = aucs.shape
    if count < 2 or draws < 2:
        raise ValueError("a learning curve needs two sizes and two draws of groups")
    replicates = replicates[~np.isnan(replicates).any(axis=(1, 2))]
    random = np.random.default_rng(settings.seed)
    mean, tested = aucs.mean(axis=0), replicates.mean(axis=1)
    drawn = random.integers(0, draws, (len(replicates), draws))
    moved = np.take_along_axis(replicates, drawn[:, :, None], axis=1).mean(axis=1) - tested
    part = int(np.flatnonzero(share < 1)[-1])  # the largest that draws can differ in
    apart = (aucs[:, part] - mean[part]) * np.sqrt(share[part] / (1 - share[part]))
    shifted = apart[random.integers(0, draws, len(moved))][:, None]
    curves = tested + _few(draws, settings.confidence) * (moved + shifted)
    low, high = _percentiles(curves, settings.confidence)
    law, resampled = (fit_law(size, 1 - each) for each in (mean[None], curves))
    return LearningCurve(size, mean, low, high, law, resampled, settings.confidence)


def fit_law(sizes: Floats, errors: Floats) -> Law:
    """The law with the least squares, a size weighing as many as it counts; an AUC that falls is held flat.

    Args:
        sizes: [k].
        errors: [replicates, k], 1 - AUC.
    """
    weight = sizes / sizes.sum()
    x = sizes ** -EXPONENTS[:, None]  # [exponents, k]
    sum_x, sum_xx = x @ weight, (x * x) @ weight
    sum_y, sum_xy = errors @ weight, (errors * weight) @ x.T  # [replicates], [replicates, exponents]
    factor = (sum_xy - sum_x * sum_y[:, None]) / (sum_xx - sum_x**2)
    floor = sum_y[:, None] - factor * sum_x
    if len(sizes) < LEAST_SIZES:
        factor, floor = sum_xy / sum_xx, np.zeros_like(floor)
    flat = factor < 0
    factor, floor = np.where(flat, 0.0, factor), np.where(flat, sum_y[:, None], floor)
    missed = floor[:, :, None] + factor[:, :, None] * x - errors[:, None]
    best = np.argmin((missed**2) @ weight, axis=1)
    rows = np.arange(len(errors))
    return Law(floor[rows, best], factor[rows, best], EXPONENTS[best])


def _few(draws: int, confidence: float) -> float:
    """By how much a spread of few draws has to grow: their variance is known from draws - 1 of them."""
    outside = (1 - confidence) / 2
    wider = student.isf(outside, draws - 1) / norm.isf(outside)
    return float(wider * np.sqrt(draws / (draws - 1)))


def _percentiles(values: Floats, confidence: float) -> Floats:
    """Ends [2, ...]; of infinite values too, which have no order to interpolate between."""
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    found: Floats = np.quantile(values, ends, axis=0, method="closest_observation")
    return found
