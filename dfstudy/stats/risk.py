"""Wrong verdicts against verdicts given: the risk-coverage curve.

Takes probabilities, labels and units of the test; gives the share of errors among the surest images, with
its interval over units. Refused with ValueError: as the metrics. Cost: as one metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from dfstudy.stats.intervals import Floats, group_interval
from dfstudy.stats.weighted import checked, divide

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

RISK_POINTS = 101  # shares of images at which the curve is computed


def risk_band(
    labels: ArrayLike,
    probabilities: ArrayLike,
    units: ArrayLike,
    settings: Evaluate,
    threshold: ArrayLike = 0.5,
) -> pd.DataFrame:
    """Share of errors among the images that get a verdict, the surest first, by drawing units.

    Surest is furthest from the threshold, and ties stand as the images do. That order stays; a drawn unit's
    images count as often as it was drawn. Reference: El-Yaniv and Wiener 2010, JMLR 11:1605; Geifman and
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
        mean: Floats = np.mean([risks_of(weights, *each) for each in seeds], axis=0)
        return mean

    found = group_interval(risks, units, settings=settings)
    return pd.DataFrame({"coverage": shares, "risk": found.value, "low": found.low, "high": found.high})
