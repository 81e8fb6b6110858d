"""How good scores are: ranking, decisions at a threshold, and probabilities.

Every function takes labels (0 real, 1 fake; [n]), scores ([n], finite, higher = more likely fake) and
optional weights, and gives a float. A weight counts an image that many times, so whole weights equal
repetition. Weights of shape [replicates, n] give an array with one value a replicate, computed together:
that is what makes the bootstrap in `intervals` fast.

Where a class that the metric needs is absent (no image, or no weight) the metric is not defined: a
single value raises `MetricUndefined`, a replicate is NaN. Refused with ValueError: other labels, scores
that are not finite, shapes that do not fit, negative weights. Cost: one sort for ranking metrics, else
one pass; memory of a few arrays like the weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfstudy.stats.weighted import Floats, Value, checked, divide, given, mean, rows

ECE_BINS = 15  # equal widths, as Guo et al. 2017 (arXiv 1706.04599) use


def auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Value:
    """Chance that a random fake scores higher than a random real: area under the ROC curve.

    Polarity: 1 when every fake scores above every real. Ties count one half. One class: undefined.
    Reference: Hanley and McNeil 1982, Radiology 143:29.

    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])  # three pairs won, one tied
    0.875
    """
    fake, score, weight = checked(labels, scores, weights)
    reals = np.flatnonzero(~fake)
    reals = reals[np.argsort(score[reals], kind="stable")]
    below = np.zeros((len(weight), len(reals) + 1))
    np.cumsum(np.take(weight, reals, axis=1), axis=1, out=below[:, 1:])
    first = np.searchsorted(score[reals], score[fake], side="left")
    last = np.searchsorted(score[reals], score[fake], side="right")
    of_fakes = weight[:, fake]
    won = np.einsum("rn,rn->r", of_fakes, below[:, first])
    won_or_tied = won if np.array_equal(first, last) else np.einsum("rn,rn->r", of_fakes, below[:, last])
    return given(divide((won + won_or_tied) / 2, of_fakes.sum(axis=1) * below[:, -1]), weights)


def average_precision(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Value:
    """Precision averaged over the fakes, each at the threshold that just finds it.

    Polarity: 1 when every fake scores above every real; the share of fakes is chance. Ties share one
    threshold, and nothing is interpolated. One class: undefined.
    Reference: scikit-learn `average_precision_score`; Davis and Goadrich 2006 against interpolation.

    >>> round(average_precision([1, 0, 1], [0.9, 0.8, 0.7]), 4)  # (1/1 + 2/3) / 2
    0.8333
    """
    _, alarms, hits = operating_points(labels, scores, weights)
    precision = divide(hits, hits + alarms, empty=0.0)
    total = np.where(alarms[:, -1] > 0, hits[:, -1], 0.0)
    return given(divide((np.diff(hits, axis=1) * precision[:, 1:]).sum(axis=1), total), weights)


def equal_error_rate(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Value:
    """Error at the threshold where as many reals are alarmed as fakes are missed (shares).

    Polarity: 0 is perfect, 0.5 is chance. Ties share one threshold; between two thresholds the ROC curve
    is taken as straight, so the two shares meet exactly. One class: undefined.
    Reference: ISO/IEC 19795-1, with the linear interpolation stated here.

    >>> equal_error_rate([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8])
    0.5
    """
    _, alarms, hits = operating_points(labels, scores, weights)
    alarmed = divide(alarms, alarms[:, -1:])
    missed = 1 - divide(hits, hits[:, -1:])
    excess = missed - alarmed  # falls from 1 to -1 along the thresholds
    after = np.argmax(excess <= 0, axis=1)[:, None]
    before = np.maximum(after - 1, 0)
    here, there = (np.take_along_axis(excess, at, axis=1) for at in (before, after))
    start, end = (np.take_along_axis(alarmed, at, axis=1) for at in (before, after))
    return given((start + divide(here, here - there) * (end - start))[:, 0], weights)


def sensitivity_at(
    labels: ArrayLike, scores: ArrayLike, false_alarms: ArrayLike, weights: ArrayLike | None = None
) -> Value:
    """Largest share of fakes found by a threshold that alarms at most this share of the reals.

    The threshold is read off the same images: a point of their ROC curve, not a promise for others.
    Below one over the number of reals no real may be alarmed. Polarity: 1 is perfect; `false_alarms` is
    chance. Ties share one threshold, nothing is interpolated. One class: undefined.
    `false_alarms` may be an array [m], which adds an axis [m] to the value.
    Reference: Fawcett 2006, Pattern Recognition Letters 27:861 (ROC operating points).

    >>> sensitivity_at([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8], 0.0)
    0.5
    """
    _, alarms, hits = operating_points(labels, scores, weights)
    # a rate such as 3/10 of 10 reals must allow 3 in spite of rounding
    allowed = np.atleast_1d(false_alarms) * alarms[:, -1:] * (1 + 1e-12)
    at = np.stack([np.searchsorted(*row, side="right") for row in zip(alarms, allowed, strict=True)]) - 1
    total = np.where(alarms[:, -1:] > 0, hits[:, -1:], 0.0)
    found = divide(np.take_along_axis(hits, at, axis=1), total)
    return given(found if np.ndim(false_alarms) else found[:, 0], weights)


def operating_points(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Thresholds [k] falling from infinity, and the alarmed reals and found fakes [replicates, k] at each.

    An image counts as fake where its score is at least the threshold. Tied images share a threshold.

    >>> operating_points([0, 1, 1], [0.2, 0.2, 0.9])[2].tolist()
    [[0.0, 1.0, 2.0]]
    """
    fake, score, weight = checked(labels, scores, weights)
    order = np.argsort(-score, kind="stable")
    score, fake, weight = score[order], fake[order], weight[:, order]
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], score.size > 0))
    hits = np.cumsum(weight * fake, axis=1)[:, ends]
    alarms = np.cumsum(weight * ~fake, axis=1)[:, ends]
    start = np.zeros((len(weight), 1))
    return np.append(np.inf, score[ends]), np.hstack([start, alarms]), np.hstack([start, hits])


def confusion(
    labels: ArrayLike, scores: ArrayLike, threshold: float, weights: ArrayLike | None = None
) -> Floats:
    """Counts [..., 4] of true real, false fake (a real alarmed), false real (a fake missed), true fake.

    Polarity: positive is fake. A tie with the threshold counts as fake. One class: defined, with zeros.
    Reference: Fawcett 2006.

    >>> confusion([0, 0, 1, 1], [0.1, 0.5, 0.4, 0.8], 0.5).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    fake, score, weight = checked(labels, scores, weights)
    called = score >= threshold
    cells = np.stack([~fake & ~called, ~fake & called, fake & ~called, fake & called], axis=1)
    counts = weight @ cells.astype(float)
    by_replicate = weights is not None and np.ndim(weights) == 2
    found: Floats = counts if by_replicate else counts[0]
    return found


def accuracy(
    labels: ArrayLike, scores: ArrayLike, threshold: float, weights: ArrayLike | None = None
) -> Value:
    """Share of images on the right side of the threshold.

    Polarity: 1 is perfect; always naming the commoner class is chance. A tie with the threshold counts as
    fake. One class: defined; undefined without any image. Reference: scikit-learn `accuracy_score`.

    >>> accuracy([0, 0, 1, 1], [0.1, 0.5, 0.6, 0.8], 0.5)
    0.75
    """
    right = mean(confusion(labels, scores, threshold, rows(labels, weights)), [1, 0, 0, 1])
    return given(right, weights)


def sensitivity(
    labels: ArrayLike, scores: ArrayLike, threshold: float, weights: ArrayLike | None = None
) -> Value:
    """Share of the fakes called fake.

    Polarity: 1 is perfect. A tie with the threshold counts as fake. Without fakes: undefined.
    Reference: Fawcett 2006 (true positive rate).

    >>> sensitivity([0, 1, 1], [0.9, 0.4, 0.8], 0.5)
    0.5
    """
    cells = confusion(labels, scores, threshold, rows(labels, weights))
    return given(divide(cells[:, 3], cells[:, 2] + cells[:, 3]), weights)


def specificity(
    labels: ArrayLike, scores: ArrayLike, threshold: float, weights: ArrayLike | None = None
) -> Value:
    """Share of the reals called real.

    Polarity: 1 is perfect. A tie with the threshold counts as fake. Without reals: undefined.
    Reference: Fawcett 2006 (true negative rate).

    >>> specificity([0, 0, 1], [0.9, 0.4, 0.8], 0.5)
    0.5
    """
    cells = confusion(labels, scores, threshold, rows(labels, weights))
    return given(divide(cells[:, 0], cells[:, 0] + cells[:, 1]), weights)


def balanced_accuracy(
    labels: ArrayLike, scores: ArrayLike, threshold: float, weights: ArrayLike | None = None
) -> Value:
    """Mean of sensitivity and specificity: accuracy as if both classes were equally common.

    Polarity: 1 is perfect, 0.5 is chance. A tie with the threshold counts as fake. One class: undefined.
    Reference: Brodersen et al. 2010, ICPR.

    >>> balanced_accuracy([0, 0, 1, 1], [0.1, 0.5, 0.6, 0.8], 0.5)
    0.75
    """
    weight = rows(labels, weights)
    found, spared = (metric(labels, scores, threshold, weight) for metric in (sensitivity, specificity))
    return given((found + spared) / 2, weights)


def log_loss(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Value:
    """Mean of -log(probability given to the true class), in nats; scores are probabilities.

    Polarity: 0 is perfect; 0.693 is a constant one half. Ties do not matter. Scores are held away from 0 and
    1 by the machine epsilon, as in scikit-learn. One class: defined. Reference: Good 1952.

    >>> round(log_loss([0, 1], [0.5, 0.5]), 4)
    0.6931
    """
    fake, score, weight = checked(labels, scores, weights, probabilities=True)
    tiny = np.finfo(np.float64).eps
    chance = np.clip(np.where(fake, score, 1 - score), tiny, 1 - tiny)
    return given(mean(weight, -np.log(chance)), weights)


def brier(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Value:
    """Mean squared distance between the probability of fake and the label.

    Polarity: 0 is perfect; 0.25 is a constant one half. Ties do not matter. One class: defined.
    Reference: Brier 1950, Monthly Weather Review 78:1.

    >>> brier([0, 1], [0.5, 0.5])
    0.25
    """
    fake, score, weight = checked(labels, scores, weights, probabilities=True)
    return given(mean(weight, (score - fake) ** 2), weights)


def expected_calibration_error(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
) -> Value:
    """Distance between probability and share of fakes, averaged over 15 bins of equal width by images.

    Polarity: 0 is perfect. A score on an edge falls into the upper bin, 1 into the last. One class: defined.
    It is biased upwards with few images. Reference: Guo et al. 2017, for the probability of fake.

    >>> round(expected_calibration_error([0, 1, 1, 1], [0.7, 0.7, 0.7, 0.7]), 4)
    0.05
    """
    fake, score, weight = checked(labels, scores, weights, probabilities=True)
    member = probability_bin(score)[:, None] == np.arange(ECE_BINS)
    distance = np.abs(weight @ (member * (score - fake)[:, None])).sum(axis=1)
    return given(divide(distance, weight.sum(axis=1)), weights)


def probability_bin(scores: ArrayLike) -> NDArray[np.int64]:
    """Number 0..14 of the bin of equal width in which each probability lies."""
    number: NDArray[np.int64] = np.minimum((np.asarray(scores, float) * ECE_BINS).astype(int), ECE_BINS - 1)
    return number
