"""Two detectors on the same images: by how much they differ, and whether chance could do that.

Takes labels, the scores of both ([n], or [seeds, n], whose metrics are then averaged), the unit of every
image that counts as independent, and settings; differences are second minus first. Gives intervals by
drawing the same units for both, permutation tests that swap whole units, McNemar's test, Holm's correction
and the smallest difference that these images could have shown. Refused with ValueError: arrays that do not
fit, and what `metrics` refuses. Cost: as two metrics a replicate; the permutation test sorts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, binomtest, norm, rankdata
from scipy.stats import t as student

from dfstudy.stats.intervals import CHUNK, Floats, Interval, group_interval, groups_behind
from dfstudy.stats.metrics import auc, balanced_accuracy

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate


@dataclass(frozen=True)
class McNemar:
    """Verdicts of two detectors on the same images.

    Attributes:
        only_first, only_second: images that one alone judges rightly.
        p_exact, p_mid: two-sided, for images that are independent of each other. The exact test is
            cautious; the mid-p keeps its level nearly always and finds more (Fagerland et al. 2013, BMC
            Medical Research Methodology 13:91).
        p_groups: two-sided, for images related within units (Obuchowski 1998, Statistics in Medicine
            17:1495); the one to report wherever a unit has several images. It is a large-sample test: with
            fewer than a dozen units that the two judge differently, take `permutation_test`.
    """

    only_first: int
    only_second: int
    p_exact: float
    p_mid: float
    p_groups: float


def auc_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, units: ArrayLike, settings: Evaluate
) -> Interval:
    """AUC of the second minus that of the first; undefined with one class."""
    pairs = _paired(labels, first, second)

    def difference(weights: Floats) -> Floats:
        one, other = (np.mean([auc(labels, each, weights) for each in scores], axis=0) for scores in pairs)
        change: Floats = other - one
        return change

    found = group_interval(difference, units, settings=settings)
    return found.student("gap", groups_behind(labels, units))


def balanced_accuracy_difference(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    thresholds: tuple[ArrayLike, ArrayLike],
    units: ArrayLike,
    settings: Evaluate,
) -> Interval:
    """Balanced accuracy of the second minus that of the first, each at its own threshold.

    Args:
        thresholds: of the first and of the second, from validation: a number, or one for each seed.
    """
    verdicts = [
        (scores >= np.reshape(threshold, (-1, 1))).astype(float)
        for scores, threshold in zip(_paired(labels, first, second), thresholds, strict=True)
    ]

    def difference(weights: Floats) -> Floats:
        one, other = (
            np.mean([balanced_accuracy(labels, each, 0.5, weights) for each in of], axis=0) for of in verdicts
        )
        change: Floats = other - one
        return change

    found = group_interval(difference, units, settings=settings)
    return found.student("gap", groups_behind(labels, units))


def permutation_test(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    units: ArrayLike,
    settings: Evaluate,
    thresholds: tuple[float, float] | None = None,
) -> float:
    """Two-sided p that two detectors are interchangeable on every unit.

    For each permutation every unit keeps or swaps the two detectors' scores, all its images together. The
    statistic is the difference of AUCs, each detector's scores first replaced by their ranks so that two
    scales do not matter, or of balanced accuracies where thresholds are given. The p counts the observed
    arrangement as one of them, so it is never 0 (Phipson and Smyth 2010). Reference: Venkatraman and Begg
    1996, Biometrika 83:835, for paired ROC curves.

    Args:
        first, second: [n].
        thresholds: of the first and of the second.
        settings: as many permutations as replicates; their seed.
    """
    label = np.asarray(labels)
    one, other = (scores[0] for scores in _paired(labels, first, second))
    if thresholds is None:
        pair = [rankdata(one), rankdata(other)]
    else:
        pair = [(one >= thresholds[0]).astype(float), (other >= thresholds[1]).astype(float)]
    # both detectors' images stand in one list, and weights of 0 and 1 choose who is scored by which
    both, scores = np.tile(label, 2), np.concatenate(pair)
    code = np.unique(np.asarray(units), return_inverse=True)[1]

    def difference(swapped: Floats) -> Floats:
        sides = np.hstack([1 - swapped, swapped]), np.hstack([swapped, 1 - swapped])
        values = [
            auc(both, scores, side) if thresholds is None else balanced_accuracy(both, scores, 0.5, side)
            for side in sides
        ]
        change: Floats = values[1] - values[0]
        return change

    observed = float(difference(np.zeros((1, len(label))))[0])
    generator, beyond = np.random.default_rng(settings.seed), 0
    rows = max(1, CHUNK // (4 * len(label)))
    for start in range(0, settings.replicates, rows):
        size = (min(rows, settings.replicates - start), int(code.max()) + 1)
        swapped = generator.integers(0, 2, size).astype(float)[:, code]
        # an equal difference counts, in spite of rounding
        beyond += int((np.abs(difference(swapped)) >= abs(observed) - 1e-12).sum())
    return (1 + beyond) / (1 + settings.replicates)


def mcnemar(first_right: ArrayLike, second_right: ArrayLike, units: ArrayLike) -> McNemar:
    """Whether two detectors judge equally many images rightly.

    Args:
        first_right, second_right: [n] bool.

    >>> found = mcnemar([1, 1, 1, 0, 0, 1], [1, 0, 0, 0, 1, 1], range(6))
    >>> found.only_first, found.only_second, found.p_exact, round(found.p_mid, 3)
    (2, 1, 1.0, 0.625)
    """
    one, other = np.asarray(first_right, bool), np.asarray(second_right, bool)
    only_first, only_second = int((one & ~other).sum()), int((~one & other).sum())
    apart = only_first + only_second
    if not apart:
        return McNemar(0, 0, 1.0, 1.0, 1.0)
    exact = float(binomtest(only_first, apart).pvalue)
    here = float(binom.pmf(only_first, apart, 0.5))
    tail = float(binom.cdf(min(only_first, only_second), apart, 0.5))
    mid = 1 - here / 2 if only_first == only_second else 2 * tail - here
    code = np.unique(np.asarray(units), return_inverse=True)[1]
    surplus = np.bincount(code, weights=other.astype(float) - one)
    spread = float(np.sqrt((surplus**2).sum()))
    p_groups = float(2 * norm.sf(abs(surplus.sum()) / spread)) if spread else 1.0
    return McNemar(only_first, only_second, exact, mid, p_groups)


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """p-values adjusted so that the chance of any false alarm among all stays at the level.

    Reference: Holm 1979, Scandinavian Journal of Statistics 6:65.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, float)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must be a list of numbers in 0..1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def minimum_detectable(
    difference: Interval, behind: Sequence[int], power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Smallest true difference that a test on these images would find with the given power.

    From the standard error of the paired difference, as it was measured (Bloom 1995, Evaluation Review
    19:547): a smaller observed difference proves nothing either way. None where there is no interval.

    Args:
        behind: as for `Interval.freedom`.
        alpha: two-sided level of the test.
    """
    freedom = difference.freedom(behind)
    if not freedom or np.isnan(difference.error):
        return None
    return float((student.ppf(1 - alpha / 2, freedom) + student.ppf(power, freedom)) * difference.error)


def _paired(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    """Scores of both as [seeds, n]."""
    one, other = (np.atleast_2d(np.asarray(scores, float)) for scores in (first, second))
    n = len(np.asarray(labels))
    if one.shape[1:] != (n,) or other.shape[1:] != (n,):
        raise ValueError(f"shapes differ: labels ({n},), scores {one.shape} and {other.shape}")
    return one, other
