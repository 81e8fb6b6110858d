"""Which labels are suspicious? Confident learning for two classes.

Takes labels [n] and probabilities [n] of fake from models that did not learn from the image; gives a
`LabelErrors`. Each class has a threshold: the mean probability that images of this label have of it. A label
is suspicious where the other class reaches its own threshold, and more probability than the label if that
reaches its threshold too: the images off the diagonal of the confident joint of Northcutt, Jiang and Chuang
2021, Journal of Artificial Intelligence Research 70:1373. They are ranked by the normalised margin over the
thresholds, so that a class of which the model is less sure is not suspected for that. A suspicion is no
error: hard images are suspected as well. `hit_rate` says how often planted errors come first. Refused with
ValueError: one class only. Cost: a sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfstudy.stats.intervals import Interval, group_interval

if TYPE_CHECKING:
    from dfstudy.stats.weighted import Floats
    from dfstudy.study.comparisons import Evaluate


@dataclass(frozen=True)
class LabelErrors:
    """What is suspected of each label.

    Attributes:
        margin: [n] in -2..2; probability of the label minus that of the other class, each less its class's
            threshold. The lowest is the most suspicious.
        suspicious: [n] by the rule.
        thresholds: of real and of fake, in 0..1.
    """

    margin: Floats
    suspicious: NDArray[np.bool_]
    thresholds: tuple[float, float]

    @property
    def ranks(self) -> NDArray[np.int64]:
        """[n] from 1, the most suspicious; of equal margins the earlier image comes first."""
        ranks = np.empty(len(self.margin), np.int64)
        ranks[np.argsort(self.margin, kind="stable")] = np.arange(1, len(ranks) + 1)
        return ranks


def find_label_errors(labels: ArrayLike, probabilities: ArrayLike) -> LabelErrors:
    """Suspicion of every label.

    Args:
        labels: [n], 0 real, 1 fake.
        probabilities: [n] of fake, out of fold.

    Raises:
        ValueError: a class is missing.
    """
    label, fake = np.asarray(labels, int), np.asarray(probabilities, float)
    if len(np.unique(label)) < 2:
        raise ValueError("labels are compared with those of the other class, and there is one class only")
    of_class = np.stack([1 - fake, fake], axis=1)
    threshold = np.array([of_class[label == one, one].mean() for one in (0, 1)])
    rows = np.arange(len(label))
    own, other = of_class[rows, label], of_class[rows, 1 - label]
    margin = own - threshold[label] - (other - threshold[1 - label])
    suspicious = (other >= threshold[1 - label]) & ((own < threshold[label]) | (other > own))
    return LabelErrors(margin, suspicious, (float(threshold[0]), float(threshold[1])))


def flip_labels(count: int, share: float, seed: int) -> NDArray[np.bool_]:
    """[count]: the images whose label is to be flipped, at least one, drawn with equal chance.

    Args:
        share: of all images, in 0..1.
    """
    chosen = np.zeros(count, bool)
    chosen[np.random.default_rng(seed).permutation(count)[: max(1, round(share * count))]] = True
    return chosen


def hit_rate(hits: NDArray[np.bool_], groups: ArrayLike, settings: Evaluate) -> Interval:
    """Share of planted errors that lie among as many first ranks, with its interval over groups.

    Args:
        hits: [planted], whether the rank is at most the number planted.
        groups: [planted].
    """
    count = len(np.unique(np.asarray(groups)))
    found = group_interval(lambda weights: (weights @ hits) / weights.sum(axis=1), groups, settings=settings)
    return found.student("share", (count, count))
