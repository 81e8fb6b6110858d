"""Curves and tables behind the figures of the test.

Takes one table of `predict` a seed; gives DataFrames with plain columns, ready to draw. Bands and intervals
resample groups, as the numbers do. Cost: as one metric of `testing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.stats.aligned import align
from dfstudy.stats.intervals import Floats, group_interval
from dfstudy.stats.metrics import ECE_BINS, confusion, operating_points, probability_bin, sensitivity_at
from dfstudy.stats.registry import CELLS

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

RECALLS = np.linspace(0.01, 1, 100)  # where the mean precision is computed
# where the ROC band is: ten times as densely up to the share of false alarms that anybody would bear
ALARMS = np.concatenate([np.arange(100) / 1000, np.arange(10, 101) / 100])


def roc_band(predictions: Sequence[pd.DataFrame], settings: Evaluate) -> pd.DataFrame:
    """ROC curve, averaged over seeds, with its pointwise interval.

    Returns:
        Columns false_alarms (share of reals called fake, 0..1), sensitivity, low, high (share of fakes
        found). Each value is the best sensitivity with at most that share of false alarms. Empty where one
        class is missing.
    """
    test = align(predictions)

    def sensitivities(weights: Floats) -> Floats:
        return np.mean([sensitivity_at(test.labels, p, ALARMS, weights) for p in test.probabilities], axis=0)

    band = group_interval(sensitivities, test.units(settings.level), settings=settings)
    columns = {"false_alarms": ALARMS, "sensitivity": band.value, "low": band.low, "high": band.high}
    return pd.DataFrame(columns).dropna(subset="sensitivity")


def seed_curves(predictions: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Every operating point of each seed, by falling threshold, without averaging.

    Returns:
        A table a seed: threshold, false_alarms, sensitivity (both shares), precision (share of fakes among
        the images called fake; NaN where none is). Empty where one class is missing.
    """
    test = align(predictions)
    reals, fakes = (int((test.labels == label).sum()) for label in (0, 1))
    if not (reals and fakes):
        return [pd.DataFrame(columns=["threshold", "false_alarms", "sensitivity", "precision"])] * test.seeds
    tables = []
    for probability in test.probabilities:
        threshold, alarms, hits = operating_points(test.labels, probability)
        called = alarms[0] + hits[0]
        precision = np.divide(hits[0], called, out=np.full(called.shape, np.nan), where=called > 0)
        columns = {"false_alarms": alarms[0] / reals, "sensitivity": hits[0] / fakes, "precision": precision}
        tables.append(pd.DataFrame({"threshold": threshold, **columns}))
    return tables


def mean_precision(curves: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Precision at equal recall, averaged over seeds.

    Args:
        curves: of `seed_curves`.
    Returns:
        Columns sensitivity (recall, 0.01 to 1) and precision, both shares. A seed's precision is that of its
        highest threshold with at least that recall, as its steps show it. Empty where one class is missing.
    """
    if curves[0].empty:
        return pd.DataFrame(columns=["sensitivity", "precision"])
    each = [
        curve["precision"].to_numpy()[np.searchsorted(curve["sensitivity"].to_numpy(), RECALLS - 1e-12)]
        for curve in curves
    ]
    return pd.DataFrame({"sensitivity": RECALLS, "precision": np.mean(each, axis=0)})


def chosen_points(predictions: Sequence[pd.DataFrame], thresholds: Sequence[float]) -> pd.DataFrame:
    """Where each seed's threshold from validation lies on its curves.

    Returns:
        A row a seed: threshold, true_real, false_fake, false_real, true_fake (counts), false_alarms,
        sensitivity and precision (shares; NaN where there is nothing to share).
    """
    test = align(predictions)
    pairs = list(zip(test.probabilities, thresholds, strict=True))
    counts = np.stack([confusion(test.labels, scores, threshold) for scores, threshold in pairs])
    points = pd.DataFrame(counts, columns=list(CELLS))
    points.insert(0, "threshold", list(thresholds))
    points["false_alarms"] = points["false_fake"] / (points["false_fake"] + points["true_real"])
    points["sensitivity"] = points["true_fake"] / (points["true_fake"] + points["false_real"])
    points["precision"] = points["true_fake"] / (points["true_fake"] + points["false_fake"])
    return points


def reliability(predictions: Sequence[pd.DataFrame], settings: Evaluate) -> pd.DataFrame:
    """How often images with a given probability are fake.

    Every image counts once a seed, in the bins of the calibration error.

    Returns:
        A row a bin: left, right (its edges), images (mean over seeds), probability (mean in the bin),
        share (of fakes), low, high (its interval); NaN in an empty bin, and no interval where all images
        of a bin are of one group.
    """
    test = align(predictions)
    members = [probability_bin(p)[:, None] == np.arange(ECE_BINS) for p in test.probabilities]
    size = np.sum(members, axis=0, dtype=float)
    fakes = size * test.labels[:, None]
    mass = np.sum([m * p[:, None] for m, p in zip(members, test.probabilities, strict=True)], axis=0)

    def shares(weights: Floats) -> Floats:
        held = weights @ size
        return np.divide(weights @ fakes, held, out=np.full(held.shape, np.nan), where=held > 0)

    units = test.units(settings.level)
    share = group_interval(shares, units, settings=settings)
    behind = [len(np.unique(units[size[:, at] > 0])) for at in range(ECE_BINS)]
    ends = [share[at].student("share", (number,)) for at, number in enumerate(behind)]
    held = size.sum(axis=0)
    edges = np.linspace(0, 1, ECE_BINS + 1)
    return pd.DataFrame(
        {
            "left": edges[:-1],
            "right": edges[1:],
            "pictures": held / test.seeds,
            "probability": np.divide(mass.sum(axis=0), held, out=np.full(ECE_BINS, np.nan), where=held > 0),
            "share": share.value,
            "low": [float(each.low) for each in ends],
            "high": [float(each.high) for each in ends],
        }
    )


def find_mistakes(
    predictions: Sequence[pd.DataFrame], thresholds: Sequence[float], most: int = 12
) -> pd.DataFrame:
    """The images furthest on the wrong side of the threshold.

    With several seeds, probability and distance from the threshold are means over seeds.

    Returns:
        At most `most` rows, the most confident first, and by path among equals: path, label, method,
        probability, beyond (distance from the threshold, 0..1).
    """
    test = align(predictions)
    distance = (test.probabilities - np.asarray(thresholds)[:, None]).mean(axis=0)
    wrong = (distance >= 0) != (test.labels == 1)
    table = test.pictures[["path", "label", "method"]].assign(
        probability=test.probabilities.mean(axis=0), beyond=np.abs(distance)
    )
    found = table[wrong].sort_values(["beyond", "path"], ascending=[False, True], ignore_index=True)
    return found.head(most)
