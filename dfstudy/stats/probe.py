"""Can a simple model tell the label from a table of traits? Cross-validated, against shuffled labels.

Takes traits as texts and numbers, labels and groups; gives a score for every image from a model that saw
none of its group, and the scores of the same model for shuffled labels.

The model is linear least squares on 0/1 labels with a ridge (Fisher's discriminant, regularised; scikit-learn
`Ridge`): numbers enter as indicators of ten quantile bins, texts as indicators of their values, a thumbnail
as its pixels, all scaled. Bins see any course of a trait, and least squares solve all shuffles in one go, for
the price of one; gradient boosting would need a fit for each, and 200 shuffles are what makes the chance
level known rather than assumed. Bins, values and scale come from the training folds alone.
Cost: a second a family for 7,000 images and 200 shuffles.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from dfstudy.data.traits import Family
    from dfstudy.stats.weighted import Floats

FOLDS = 5
BINS = 10
RARE = 0.005  # share of training images below which values of a text count as one
RIDGE = 10.0
_EXACT = 9  # digits kept of a score: rounding in the last ones would break ties by an image's position


def make_folds(kinds: NDArray[Any], groups: NDArray[Any], seed: int, folds: int = FOLDS) -> NDArray[np.int64]:
    """Fold of every image: groups whole, kinds (label or method) as even as they allow.

    Args:
        kinds, groups: [n].
        folds: how many; fewer where there are fewer groups.
    """
    folds = min(folds, len(np.unique(groups)), np.unique(kinds, return_counts=True)[1].max())
    if folds < 2:
        raise ValueError("too few groups or images to cross-validate")
    fold = np.zeros(len(kinds), np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # a rare method misses a fold
        for at, (_, held_out) in enumerate(splitter.split(kinds, kinds, groups)):
            fold[held_out] = at
    return fold


def shuffle_labels(
    labels: NDArray[np.int64], groups: NDArray[Any], count: int, seed: int
) -> NDArray[np.int64]:
    """[n, count]: labels shuffled between groups, so that a group stays as pure or as mixed as groups are.

    Each group gets the share of fakes of another group, drawn without replacement, and that share of its
    images, chosen by chance, are fakes; a fraction of an image is rounded up or down by chance.
    """
    random = np.random.default_rng(seed)
    names, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    share = np.bincount(member, labels) / sizes
    shuffled = np.zeros((len(labels), count), np.int64)
    for column in range(count):
        wanted = np.floor(share[random.permutation(len(names))] * sizes + random.random(len(names)))
        # images of a group in random order: the first `wanted` of them are fakes
        order = np.lexsort((random.random(len(labels)), member))
        place = np.empty(len(labels), np.int64)
        place[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        shuffled[:, column] = place < wanted[member]
    return shuffled


def held_out_ranks(
    traits: pd.DataFrame, family: Family, targets: NDArray[np.int64], fold: NDArray[np.int64]
) -> Floats:
    """Rank of every image's score within its fold, from a model of the other folds; -1..1, 0 the median.

    Ranks within folds, because models of two folds have two levels: compared directly, the fold with more
    fakes held out would score lower, and chance would come out below one half. Counted from the median,
    because of images that are all alike but for a few: those alike tie over all folds, whatever the few do
    to their rank in each. Among 7,000 images this takes the noise of a rare file format to a quarter.

    Args:
        traits: columns of the family.
        targets: [n, models] labels, a column a model.
    Returns:
        [n, models].
    """
    ranks = np.empty(targets.shape)
    traits = traits[family.names]
    for at in np.unique(fold):
        held = fold == at
        inputs = _Inputs(traits[~held], family)
        # One thread: small matrices gain nothing from more, which wait in a loop (six times the CPU time
        # for 240 images on two busy cores), and sums would depend on how many cores there are.
        with threadpool_limits(1, "blas"):
            model = Ridge(alpha=RIDGE, solver="cholesky").fit(inputs.trained, targets[~held].astype(float))
            scores = model.predict(inputs.columns(traits[held]))
        scores = scores.reshape(held.sum(), -1).round(_EXACT)
        places = (rankdata(scores, axis=0) - 0.5) / len(scores)
        ranks[held] = places - np.median(places, axis=0)
    return ranks


def rank_auc(ranks: Floats, targets: NDArray[np.int64]) -> Floats:
    """[models]: area under the ROC curve of each column; NaN for one class. See `metrics.auc`."""
    fakes = targets.sum(axis=0)
    reals = len(targets) - fakes
    above = (rankdata(ranks, axis=0) * targets).sum(axis=0) - fakes * (fakes + 1) / 2
    pairs = (fakes * reals).astype(float)
    area: Floats = np.divide(above, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return area


class _Inputs:
    """Columns of a model, as its training images define them; `trained` [n, columns] are their own."""

    def __init__(self, traits: pd.DataFrame, family: Family) -> None:
        self.family = family
        self.edges = {name: _edges(traits[name].to_numpy()) for name in family.values}
        self.known = {name: _frequent(traits[name]) for name in family.texts}
        self.scale = StandardScaler()
        self.trained = self.scale.fit_transform(self._raw(traits))

    def columns(self, traits: pd.DataFrame) -> Floats:
        """[n, columns], scaled."""
        scaled: Floats = self.scale.transform(self._raw(traits))
        return scaled

    def _raw(self, traits: pd.DataFrame) -> Floats:
        parts = [traits[list(self.family.linear)].to_numpy(float)]
        parts += [_indicators(traits[name].to_numpy(), self.edges[name]) for name in self.family.values]
        for name in self.family.texts:
            known = self.known[name]
            # -1, a rare value or one that training lacks, is the last column
            parts.append(np.eye(len(known) + 1)[known.get_indexer(traits[name])])
        return np.hstack(parts)


def _frequent(values: pd.Series) -> pd.Index:
    """The values of a text that are not rare, sorted."""
    counts = values.value_counts()
    return counts.index[counts >= RARE * len(values)].sort_values()


def _edges(values: Floats) -> Floats:
    """Lower ends of the bins but the first: quantiles of the known values, each once."""
    known = values[np.isfinite(values)]
    return np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)


def _indicators(values: Floats, edges: Floats) -> Floats:
    """[n, bins + 1]: 1 where the value lies in the bin; the last column stands for an unknown value."""
    place = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
    return np.eye(len(edges) + 2)[place]
