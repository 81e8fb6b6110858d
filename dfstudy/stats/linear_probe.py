"""What a linear model reads off features that are given: logistic regression, with the strength chosen apart.

Takes features [n, columns], labels and groups; gives a `LinearProbe` (features to log-odds), or log-odds of
every image from a probe that saw none of its group. Columns are scaled to mean 0 and deviation 1 on the
images that train; both classes weigh the same, whatever their number. The strength of the penalty
(scikit-learn's C) is the one of `STRENGTHS` with the least log-loss on validation images, whose groups share
nothing with those that train. Refused with ValueError: a class that is missing, a group on both sides.

In cross-validation each fold is held out once, the next fold chooses the strength, and the probe then learns
from all folds but the one held out. One thread computes, so that sums do not depend on the number of cores.
Cost: for 6,000 images with 1,584 features 12 s of one core cross-validated, 2 s for one probe.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from dfstudy.stats.metrics import log_loss
from dfstudy.stats.probe import FOLDS, make_folds

if TYPE_CHECKING:
    from dfstudy.stats.weighted import Floats

# from a penalty that leaves little to one that leaves all; half a decade apart
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
WORSE = 2  # strengths in a row that are worse than the best so far end the search
STEPS = 1000  # of the optimiser; a weak penalty on few images ends there, and is not chosen

MOST = 20_000  # images that teach a probe; more take memory and change little
ROWS = 8192  # that are scored at once

Mask = NDArray[np.bool_]


class Features(Protocol):
    """Rows of numbers, [n, columns]: an array, or a file that gives those which are asked for."""

    def __len__(self) -> int:
        """Rows."""

    def __getitem__(self, which: Any) -> NDArray[Any]:
        """Rows of a mask or a slice, [k, columns]."""


@dataclass(frozen=True)
class LinearProbe:
    """A fitted probe.

    Attributes:
        scale: of the columns.
        model: on scaled columns.
        strength: C that was chosen.
    """

    scale: StandardScaler
    model: LogisticRegression
    strength: float

    def __call__(self, features: Features) -> Floats:
        """Log-odds of fake [n] for features [n, columns], where both classes are equally frequent."""
        found = np.empty(len(features))
        with threadpool_limits(1, "blas"):
            for start in range(0, len(found), ROWS):
                scaled = self.scale.transform(np.asarray(features[start : start + ROWS], float))
                found[start : start + ROWS] = self.model.decision_function(scaled)
        return found


@dataclass(frozen=True)
class HeldOut:
    """What probes say of images of groups that they did not learn from.

    Attributes:
        log_odds: [n], of fake.
        fold: [n], in which the image was held out.
        strengths: C of each fold's probe.
    """

    log_odds: Floats
    fold: NDArray[np.int64]
    strengths: tuple[float, ...]

    @property
    def ranks(self) -> Floats:
        """[n] in 0..1: rank within the fold, because probes of two folds have two levels."""
        ranks = np.empty(len(self.fold))
        for at in np.unique(self.fold):
            held = self.fold == at
            ranks[held] = (rankdata(self.log_odds[held]) - 0.5) / held.sum()
        return ranks


def fit_probe(
    features: Features,
    labels: ArrayLike,
    groups: ArrayLike,
    train: Mask,
    validation: Mask,
    with_validation: bool = False,
) -> LinearProbe:
    """A probe of some images, its strength chosen on others.

    Args:
        features: [n, columns].
        labels: [n], 0 real, 1 fake.
        groups: [n].
        train, validation: bool [n].
        with_validation: once the strength is chosen, learn from both.

    Raises:
        ValueError: a class is missing on a side, or a group lies on both.
    """
    label, group = np.asarray(labels, int), np.asarray(groups)
    if set(group[train]) & set(group[validation]):
        raise ValueError("a group lies in training and in validation")
    for part in (train, validation):
        if len(np.unique(label[part])) < 2:
            raise ValueError("too few groups: a part of the probe's images lacks a class")
    judged, weights, seen = label[validation], _balanced(label[validation]), features[validation]
    losses: list[float] = []
    for probe in _path(features[train], label[train], STRENGTHS):
        losses.append(float(log_loss(judged, expit(probe(seen)), weights)))
        if losses[-1] == min(losses):
            best = probe
        elif len(losses) - int(np.argmin(losses)) > WORSE:
            break
    if with_validation:
        both = train | validation
        (best,) = _path(features[both], label[both], (best.strength,))
    return best


def cross_validate(
    features: Features, labels: ArrayLike, kinds: ArrayLike, groups: ArrayLike, seed: int, folds: int = FOLDS
) -> HeldOut:
    """Log-odds of every image, from a probe of other groups.

    Args:
        features: [n, columns].
        labels: [n], 0 real, 1 fake.
        kinds: [n] method, or empty for a real: folds are as even in these as groups allow.
        groups: [n].
        seed: of the folds.

    Raises:
        ValueError: too few groups, or a part without one of the classes.
    """
    label, group = np.asarray(labels, int), np.asarray(groups)
    fold = make_folds(np.asarray(kinds), group, seed, folds)
    count = int(fold.max()) + 1
    if count < 3:
        raise ValueError("too few groups: one fold is held out, one chooses, and one trains")
    log_odds, strengths = np.empty(len(label)), []
    for at in range(count):
        held, chooses = fold == at, fold == (at + 1) % count
        probe = fit_probe(features, label, group, ~held & ~chooses, chooses, with_validation=True)
        log_odds[held] = probe(features[held])
        strengths.append(probe.strength)
    return HeldOut(log_odds, fold, tuple(strengths))


def _path(x: NDArray[Any], labels: NDArray[np.int64], strengths: tuple[float, ...]) -> Iterator[LinearProbe]:
    """A probe for each strength, rising; each begins where the one before ended."""
    with _one_thread():
        scale = StandardScaler()
        scaled = scale.fit_transform(np.asarray(x, float))
    start = None
    for strength in strengths:
        model = LogisticRegression(
            C=strength, class_weight="balanced", max_iter=STEPS, warm_start=start is not None
        )
        if start is not None:
            model.coef_, model.intercept_, model.classes_ = start
        with _one_thread():
            model.fit(scaled, labels)
        start = (model.coef_.copy(), model.intercept_.copy(), model.classes_)
        yield LinearProbe(scale, model, strength)


@contextmanager
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        yield


def _balanced(labels: NDArray[np.int64]) -> Floats:
    """[n]: weights with which both classes count the same."""
    counts = np.bincount(labels, minlength=2)
    weights: Floats = len(labels) / (2 * counts[labels])
    return weights
