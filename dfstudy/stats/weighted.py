"""Weighted images: the checks and the arithmetic that all metrics share.

Takes labels [n], scores [n] and weights (none, [n] or [replicates, n]); gives them checked, with weights
always as rows. Undefined values travel as NaN inside and leave as NaN (replicates) or `MetricUndefined`
(a single value). Cost: one pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
# A float, or an array with one value a replicate where the weights have rows. Which of them, the weights'
# shape decides, and a type does not hold a shape.
Value = Any


class MetricUndefined(ValueError):
    """The metric has no value on these images, for example because all are of one class."""


def checked(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None, probabilities: bool = False
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Labels as bool [n], scores [n], weights as [replicates, n]."""
    label, score, weight = np.asarray(labels), np.asarray(scores, float), rows(labels, weights)
    if label.ndim != 1 or score.shape != label.shape or weight.shape[1:] != label.shape:
        raise ValueError(f"shapes differ: labels {label.shape}, scores {score.shape}, weights {weight.shape}")
    if not np.isin(label, (0, 1)).all():
        raise ValueError("labels must be 0 (real) or 1 (fake)")
    if not np.isfinite(score).all():
        raise ValueError("scores must be finite: count a failed image, do not score it")
    if probabilities and len(score) and (score.min() < 0 or score.max() > 1):
        raise ValueError("scores must be probabilities in 0..1")
    if weight.size and weight.min() < 0:
        raise ValueError("weights must not be negative")
    return label.astype(bool), score, weight


def rows(labels: ArrayLike, weights: ArrayLike | None) -> Floats:
    """Weights as [replicates, n], one row of ones where there are none."""
    weight = np.ones(len(np.asarray(labels))) if weights is None else np.asarray(weights, float)
    return weight if weight.ndim == 2 else weight[None]


def divide(part: Floats, whole: Floats, empty: float = np.nan) -> Floats:
    """`part / whole`, and `empty` where there is nothing to divide by."""
    part, whole = np.broadcast_arrays(part, whole)
    quotient: Floats = np.divide(part, whole, out=np.full(part.shape, empty), where=whole > 0)
    return quotient


def mean(weight: Floats, values: ArrayLike) -> Floats:
    """Weighted mean of `values` [n] in each replicate."""
    return divide(weight @ np.asarray(values, float), weight.sum(axis=1))


def correlation(weights: Floats, first: Floats, second: Floats) -> Floats:
    """Pearson's correlation in each replicate; NaN where one of the two does not vary."""
    x, y = (each - mean(weights, each)[:, None] for each in (first, second))
    products = [(weights * a * b).sum(axis=1) for a, b in ((x, y), (x, x), (y, y))]
    return divide(products[0], np.sqrt(products[1] * products[2]))


def given(values: Floats, weights: ArrayLike | None) -> Value:
    """The replicates' values, or the single one as a float (an array where it has further axes)."""
    if weights is not None and np.ndim(weights) == 2:
        return values
    if np.isnan(values).any():
        raise MetricUndefined("not defined: the images lack a class that this metric needs")
    return float(values[0]) if values.ndim == 1 else values[0]
