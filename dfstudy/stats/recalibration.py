"""How far probabilities are off: calibration intercept and slope, and the calibration error, with intervals.

Takes labels [n], log-odds or probabilities of fake [seeds, n] and the unit of every image that counts as
independent; gives `Interval`s of means over seeds. Intervals are over units, by leaving out one at a time or
in closed form, and cover other images, not other seeds. Refused with ValueError: as the metrics. Cost: ten
passes a seed.

Why not the bootstrap: the mean distance of 15 bins from the diagonal (Guo et al. 2017) is never 0, so it
rises with every image that is missing, and a resample, which knows fewer images still, rises once more: at
640 images the interval never held the 0 of a calibrated detector. The mean *squared* distance has an estimate
without that bias (Kumar, Liang and Ma 2019, arXiv 1909.10155), whose distribution is known at 0 and away from
it (Sun et al. 2024, arXiv 2408.08998). Its root is given, in units of probability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import gamma

from dfstudy.stats.intervals import Floats, Interval, groups_behind
from dfstudy.stats.logistic import fit_line, fit_shift
from dfstudy.stats.metrics import ECE_BINS, probability_bin
from dfstudy.stats.weighted import checked

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

JACKKNIFE = "Student's interval by leaving out one at a time"
ROOT = f"root mean square over {ECE_BINS} bins of equal width, without what chance adds; smaller is better"
Fit = Callable[[Floats, Floats], tuple[float, Floats, Floats]]
INVERTED = "values that the images do not contradict"


def calibration_intercept(
    labels: ArrayLike, log_odds: ArrayLike, units: ArrayLike, settings: Evaluate
) -> Interval:
    """What must be added to the log-odds for the mean probability to be the share of fakes; 0 is right.

    The slope is held at 1 (calibration in the large: Cox 1958, Biometrika 45:562; Van Calster et al. 2019,
    BMC Medicine 17:230). Above 0, fakes are more frequent than the probabilities say. Not defined for one
    class.

    Args:
        log_odds: [n], or [seeds, n], over which it is averaged.
    """

    def fit(fake: Floats, row: Floats) -> tuple[float, Floats, Floats]:
        shift = fit_shift(row, fake)
        return shift, row + shift, np.ones((1, len(row)))

    return _averaged(fit, labels, log_odds, units, settings)


def calibration_slope(
    labels: ArrayLike, log_odds: ArrayLike, units: ArrayLike, settings: Evaluate
) -> Interval:
    """What the log-odds must be multiplied by to fit best, beside a free intercept; 1 is right.

    Below 1 the probabilities are too extreme, above it too timid (Cox 1958; Van Calster et al. 2019). Not
    defined for one class, and where the classes are apart.

    Args:
        log_odds: [n], or [seeds, n], over which it is averaged.
    """

    def fit(fake: Floats, row: Floats) -> tuple[float, Floats, Floats]:
        reals, fakes = row[fake == 0], row[fake == 1]
        if not (len(reals) and len(fakes)) or reals.max() <= fakes.min() or fakes.max() <= reals.min():
            raise ArithmeticError("no slope is the best: a class is missing, or the classes are apart")
        slope, intercept = fit_line(row, fake)
        return slope, intercept + slope * row, np.stack([row, np.ones(len(row))])

    return _averaged(fit, labels, log_odds, units, settings)


def _averaged(
    fit: Fit, labels: ArrayLike, log_odds: ArrayLike, units: ArrayLike, settings: Evaluate
) -> Interval:
    """Mean over seeds of a logistic regression's first coefficient, by the jackknife over units."""
    codes, groups, effective = _counted(units)
    values, moved = [], []
    for row in np.atleast_2d(np.asarray(log_odds, float)):
        fake, exact, _ = checked(labels, row, None)
        try:
            value, odds, design = fit(fake.astype(float), exact)
            moved.append(_moved(fake, odds, design, codes))
        except (ArithmeticError, np.linalg.LinAlgError):
            value = np.nan
        values.append(value)
    mean, error = np.asarray(np.mean(values)), np.asarray(np.nan)
    if groups > 1 and not np.isnan(mean):
        error = np.asarray(np.sqrt((groups - 1) / groups * (np.mean(moved, axis=0) ** 2).sum()))
    made = Interval(mean, error, error, error, np.asarray(0), groups, effective, settings)
    return made.student("plain", groups_behind(labels, codes), JACKKNIFE)


def _moved(fake: NDArray[np.bool_], odds: Floats, design: Floats, codes: NDArray[np.int64]) -> Floats:
    """By how much leaving out each unit moves the first coefficient, in one step of Newton's: [units]."""
    chance = expit(odds)
    weight, wrong = chance * (1 - chance), fake - chance
    pulls = np.stack([np.bincount(codes, wrong * one) for one in design], axis=1)
    held = np.stack([[np.bincount(codes, weight * one * two) for one in design] for two in design])
    left = held.sum(axis=2) - np.moveaxis(held, 2, 0)
    return np.linalg.solve(left, pulls[:, :, None])[:, 0, 0]


def calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, units: ArrayLike, settings: Evaluate
) -> Interval:
    """Root of the mean squared distance between probability and share of fakes, over 15 bins of equal width.

    0 is right. What chance adds is taken off, pair by pair of units; where that leaves less than nothing, the
    value is 0. The interval holds the values that these images do not contradict (test inversion): at 0 all
    of the error allowed lies above, and far from it one half on each side, so that it is never empty and
    covers alike everywhere (as Feldman and Cousins 1998, Physical Review D 57:3873).

    Args:
        probabilities: [n], or [seeds, n], over which the squares are averaged.
    """
    codes, groups, effective = _counted(units)
    rows = np.atleast_2d(np.asarray(probabilities, float))
    columns = []
    for row in rows:
        fake, score, _ = checked(labels, row, None, probabilities=True)
        cell = codes * ECE_BINS + probability_bin(score)
        sums = np.bincount(cell, score - fake, groups * ECE_BINS).reshape(groups, ECE_BINS)
        held = np.bincount(probability_bin(score), minlength=ECE_BINS)
        columns.append(sums[:, held > 0] / np.sqrt(len(score) * held[held > 0] * len(rows)))
    parts = np.hstack(columns)  # [groups, bins]: what each group adds to the root of a bin's part
    distance = parts.sum(axis=0)
    squared = float(distance @ distance)
    spread = np.atleast_2d(np.cov(parts.T)) * groups if groups > 1 else np.zeros((1, 1))
    chance = float(np.trace(spread))
    value, low, high = np.sqrt(max(0.0, squared - chance)), np.nan, np.nan
    if chance > 0:
        low, high = np.sqrt(_invert(squared, distance, spread, groups, settings.confidence))
    middle, lower, upper, error = (np.asarray(one) for one in (value, low, min(high, 1.0), np.nan))
    return Interval(middle, lower, upper, error, np.asarray(0), groups, effective, settings, INVERTED)


def _invert(
    squared: float, distance: Floats, spread: Floats, groups: int, confidence: float
) -> tuple[float, float]:
    """Ends of the mean squared error for which this sum of squares is not extreme.

    A sum of squares of normal variables with a mean: gamma with its first two moments (Patnaik 1949).
    """
    chance, rank = float(np.trace(spread)), int((np.diag(spread) > 0).sum())
    # the estimate of a covariance from few groups makes its square too large
    null = 2 * max(float((spread**2).sum()) - chance**2 / groups, chance**2 / rank)
    along = float(distance @ spread @ distance) / squared if squared > 0 else 0.0
    outside = 1 - confidence

    def at(error: float) -> tuple[float, float]:
        """Ends of the sums of squares that this error allows."""
        mean, variance = error + chance, null + 4 * along * error
        # one-sided at 0, two-sided from two standard deviations on
        below = outside / 2 * min(1.0, error / np.sqrt(variance) / 2)
        shape = mean**2 / variance
        return tuple(gamma.ppf([below, 1 - outside + below], shape, scale=variance / mean))

    most = 4 * (squared + chance)
    while at(most)[0] < squared:
        most *= 2
    low = 0.0 if at(0.0)[1] >= squared else brentq(lambda error: at(error)[1] - squared, 0.0, most)
    return low, brentq(lambda error: at(error)[0] - squared, 0.0, most)


def _counted(units: ArrayLike) -> tuple[NDArray[np.int64], int, float]:
    """Unit of every image as a number, how many units there are, and as how many of equal size they count."""
    codes = np.unique(np.asarray(units), return_inverse=True)[1]
    sizes = np.bincount(codes)
    return codes, len(sizes), len(codes) ** 2 / float((sizes**2).sum())
