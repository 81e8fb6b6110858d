"""Logistic regression on one variable: slope and intercept with the least log-loss.

Takes x [n] (a log-odds), targets [n] in 0..1 and perhaps weights [n]; gives slope and intercept by Newton's
method with halved steps, in float64. Deterministic. Cost: ten passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

if TYPE_CHECKING:
    from dfstudy.stats.weighted import Floats

STEPS = 100
SMALL = 1e-10  # gradient in units of the weights' sum, at which it ends


class Line(NamedTuple):
    """`intercept + slope * x` in log-odds."""

    slope: float
    intercept: float


def fit_line(
    x: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None, flattest: float = -np.inf
) -> Line:
    """The line with the least weighted log-loss; where x tells targets of 0 and 1 apart, some steep one.

    Args:
        x: [n], finite.
        targets: [n] in 0..1.
        weights: [n], none counts every row once.
        flattest: least slope for each standard deviation of x; reached, the intercept is fitted to it.

    Raises:
        ArithmeticError: all targets are 0, or all are 1.
    """
    row, target = np.asarray(x, float), np.asarray(targets, float)
    weight = np.ones(len(row)) if weights is None else np.asarray(weights, float)
    weight = weight / weight.sum()
    middle = float(weight @ row)
    spread = float(np.sqrt(weight @ (row - middle) ** 2))
    if not spread > 1e-12 * max(1.0, abs(middle)):  # one score for all: only their share can be fitted
        return Line(0.0, fit_shift(np.zeros(len(row)), target, weight))
    z = (row - middle) / spread
    slope, intercept = _newton(np.stack([z, np.ones(len(z))]), np.zeros(len(z)), target, weight)
    if slope < flattest:
        slope, intercept = flattest, fit_shift(flattest * z, target, weight)
    return Line(slope / spread, intercept - slope * middle / spread)


def fit_shift(x: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The intercept with the least weighted log-loss where the slope is held at 1.

    Raises:
        ArithmeticError: all targets are 0, or all are 1.
    """
    row, target = np.asarray(x, float), np.asarray(targets, float)
    weight = np.ones(len(row)) if weights is None else np.asarray(weights, float)
    (shift,) = _newton(np.ones((1, len(row))), row, target, weight / weight.sum())
    return shift


def _newton(design: Floats, offset: Floats, target: Floats, weight: Floats) -> list[float]:
    """Coefficients [k] of the design's rows [k, n] that minimise the log-loss."""

    def loss(of: Floats) -> float:
        odds = offset + of @ design
        return float(weight @ (np.logaddexp(0, odds) - target * odds))

    if not 0 < weight @ target < 1:
        raise ArithmeticError("the targets are of one class")
    found, now = np.zeros(len(design)), loss(np.zeros(len(design)))
    for _ in range(STEPS):
        chance = expit(offset + found @ design)
        gradient = design @ (weight * (chance - target))
        if np.abs(gradient).max() < SMALL:
            break
        curvature = (design * (weight * chance * (1 - chance))) @ design.T
        step = np.linalg.solve(curvature + 1e-14 * np.eye(len(found)), gradient)
        size = 1.0
        while size > 1e-8 and not (then := loss(found - size * step)) <= now:
            size /= 2
        if size <= 1e-8:
            break
        found, now = found - size * step, then
    return [float(one) for one in found]
