"""Cross-forgery: networks that learned some forgery methods, tested on every one.

Takes the outcomes of variants (see `outcome`); gives a `Cross`: for each variant and method the AUC of that
method's fakes against the reals of its own pipelines (all reals where images name none, see `own_reals`),
the share of them found and the balanced accuracy at the variant's own threshold from validation; for each
network the means over methods seen and unseen in training, and their gap; and what a second network does
differently, over the variants that both have. Every variant is tested on the same images, and intervals
resample their groups once for all variants, so that differences are paired. Values are means over seeds,
which intervals of levels do not cover; those of differences do where there are several (see `paired`), and
with one seed they compare these trainings alone. Cost: one AUC a variant, method, seed and replicate.

AUC asks whether fakes rank above reals; the share found also depends on where the threshold lies, so that a
network which calls more images fake finds more unseen fakes. Balanced accuracy charges it for the reals.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind
from dfstudy.stats.metrics import auc, sensitivity, specificity
from dfstudy.stats.paired import PairedDifference, difference_from

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.outcome import Outcome
    from dfstudy.study.comparisons import Evaluate

QUANTITIES = ("auc", "balanced", "found")
SUMMARY = ("seen", "unseen", "gap")
DIFFERENCES = (*QUANTITIES, "gap", "specificity")  # second network minus first

Variants = NDArray[np.int64]  # places of variants


@dataclass(frozen=True)
class Cross:
    """Variants and forgery methods.

    Attributes:
        variants: as they were tested.
        seen: bool [variants, methods].
        cells: for each of `QUANTITIES` and each method of the test, sorted, an interval [variants].
        specificity: share of reals called real, interval [variants].
        spared: for each network the mean of its variants' specificity.
        summaries: for each network and each of `QUANTITIES`, intervals `seen` and `unseen`, means over cells,
            and their `gap`, seen minus unseen; NaN where there is no such cell.
        differences: the second network minus the first over the variants that both have, seed by seed: of
            each of `QUANTITIES` on unseen methods, of the AUC's `gap` and of the `specificity`; empty where
            none are shared.
        paired: variants that both networks have.
        fakes: test images of each method.
        against: reals that each method's fakes are compared with.
        reals: test images that are real.
    """

    variants: tuple[Outcome, ...]
    seen: NDArray[np.bool_]
    cells: dict[str, dict[str, Interval]]
    specificity: Interval
    spared: dict[str, Interval]
    summaries: dict[str, dict[str, dict[str, Interval]]]
    differences: dict[str, PairedDifference]
    paired: int
    fakes: dict[str, int]
    against: dict[str, int]
    reals: int

    @property
    def methods(self) -> tuple[str, ...]:
        """Forgery methods among the test images, sorted."""
        return tuple(self.fakes)

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of networks, in the order of the variants."""
        return tuple(self.summaries)

    @property
    def by_pipeline(self) -> bool:
        """Some method is compared with a part of the reals only."""
        return any(count < self.reals for count in self.against.values())

    def arms_of(self, network: str) -> list[int]:
        """Places of a network's variants."""
        return [at for at, variant in enumerate(self.variants) if variant.network == network]

    def unlearned(self, network: str) -> list[str]:
        """Names of a network's variants that have not learned."""
        own = [self.variants[at] for at in self.arms_of(network)]
        return [variant.name for variant in own if variant.learning and not variant.learning.learned]


def cross_matrix(variants: Sequence[Outcome], settings: Evaluate) -> Cross:
    """The matrix of variants and methods, and what it comes to, with intervals.

    Raises:
        ValueError: no variant, or variants that were tested on different images.
    """
    test = align([table for variant in variants for table in variant.tables])
    units, masks = test.units(settings.level), test.methods
    seen = np.array([[method in variant.trained_on for method in masks] for variant in variants])
    networks = list(dict.fromkeys(variant.network for variant in variants))
    owned = [np.flatnonzero([variant.network == name for variant in variants]) for name in networks]
    shared = _shared(variants, owned)
    made = group_interval(
        lambda weights: _everything(test, variants, seen, owned, shared, weights), units, settings=settings
    )
    places = iter(np.arange(len(made.value)))

    def take(*shape: int) -> NDArray[np.int64]:
        return np.array(list(itertools.islice(places, int(np.prod(shape)))), int).reshape(shape)

    at_cells, at_clean = take(len(QUANTITIES), len(variants), len(masks)), take(len(variants))
    at_spared = take(len(networks))
    at_means = take(len(networks), len(QUANTITIES), len(SUMMARY))
    at_differences = take(len(DIFFERENCES) * bool(len(shared[0])), 1 + _seeds(variants))
    both = groups_behind(test.labels, units)
    behind = {
        name: (len(np.unique(units[test.against[name]])), len(np.unique(units[mask])))
        for name, mask in masks.items()
    }

    def mean_of(where: np.int64, name: str) -> Interval:
        return made[where].student("gap" if name == "gap" else "share", both)

    return Cross(
        tuple(variants),
        seen,
        {
            quantity: {
                method: made[at_cells[q, :, m]].student("share", behind[method])
                for m, method in enumerate(masks)
            }
            for q, quantity in enumerate(QUANTITIES)
        },
        made[at_clean].student("share", both[:1]),
        {name: made[at].student("share", both[:1]) for name, at in zip(networks, at_spared, strict=True)},
        {
            network: {
                quantity: {name: mean_of(at_means[n, q, k], name) for k, name in enumerate(SUMMARY)}
                for q, quantity in enumerate(QUANTITIES)
            }
            for n, network in enumerate(networks)
        },
        {
            name: difference_from(made[where], both[:1] if name == "specificity" else both)
            for name, where in zip(DIFFERENCES, at_differences, strict=False)
        },
        len(shared[0]),
        {name: int(mask.sum()) for name, mask in masks.items()},
        {name: int(mask.sum()) for name, mask in test.against.items()},
        int((test.labels == 0).sum()),
    )


def _shared(variants: Sequence[Outcome], owned: Sequence[Variants]) -> tuple[Variants, Variants]:
    """Places of variants of the first and of the second network that learned the same methods, in pairs."""
    none = np.array([], int)
    if len(owned) < 2:
        return none, none
    first, second = ({variants[at].trained_on: at for at in places} for places in owned[:2])
    learned = [methods for methods in first if methods in second]
    return tuple(np.array([places[methods] for methods in learned], int) for places in (first, second))


def _everything(
    test: Aligned,
    variants: Sequence[Outcome],
    seen: NDArray[np.bool_],
    owned: Sequence[Variants],
    shared: tuple[Variants, Variants],
    weights: Floats,
) -> Floats:
    """Cells, specificity by variant and network, means, differences, one after the other: [replicates, k]."""
    by_seed = _cells(test, variants, weights)
    cells, clean = (each.mean(axis=-1) for each in by_seed)
    spared = np.stack([clean[:, own].mean(axis=1) for own in owned], axis=1)
    means = np.stack([_means(cells[:, :, own], seen[own]) for own in owned], axis=1)
    parts = [cells, clean, spared, means]
    if len(shared[0]):
        each = [
            _compare(cells, clean, seen, shared)
            for cells, clean in zip(*(np.moveaxis(part, -1, 0) for part in by_seed), strict=True)
        ]
        parts.append(np.stack([np.mean(each, axis=0), *each], axis=-1))
    return np.concatenate([part.reshape(len(weights), -1) for part in parts], axis=1)


def _compare(
    cells: Floats, clean: Floats, seen: NDArray[np.bool_], shared: tuple[Variants, Variants]
) -> Floats:
    """[replicates, differences] of one seed: `DIFFERENCES`, second network minus first."""
    first, second = (_means(cells[:, :, own], seen[own]) for own in shared)
    real = clean[:, shared[1]].mean(axis=1) - clean[:, shared[0]].mean(axis=1)
    return np.column_stack([(second - first)[:, :, 1], (second - first)[:, 0, 2], real])


def _seeds(variants: Sequence[Outcome]) -> int:
    """Seeds of every variant: all are trained with the same."""
    (count,) = {len(variant.thresholds) for variant in variants}
    return count


def _cells(test: Aligned, variants: Sequence[Outcome], weights: Floats) -> tuple[Floats, Floats]:
    """[replicates, quantities, variants, methods, seeds], and specificity [replicates, variants, seeds]."""
    cells = np.empty((len(weights), len(QUANTITIES), len(variants), len(test.methods), _seeds(variants)))
    clean = np.empty((len(weights), len(variants), _seeds(variants)))
    scores = iter(test.probabilities)
    for a, variant in enumerate(variants):
        seeds = [(next(scores), threshold) for threshold in variant.thresholds]
        clean[:, a] = _spared(test, seeds, test.labels == 0, weights)
        known: dict[bytes, Floats] = {}  # methods of one pipeline share their reals
        for m, (method, fake) in enumerate(test.methods.items()):
            real = test.against[method]
            if real.tobytes() not in known:
                known[real.tobytes()] = _spared(test, seeds, real, weights)
            rows = np.flatnonzero(real | fake)
            labels, weight = test.labels[rows], weights[:, rows]
            cells[:, 0, a, m] = np.stack([auc(labels, each[rows], weight) for each, _ in seeds], axis=1)
            found = np.stack([sensitivity(labels, each[rows], at, weight) for each, at in seeds], axis=1)
            cells[:, 1, a, m], cells[:, 2, a, m] = (found + known[real.tobytes()]) / 2, found
    return cells, clean


def _spared(
    test: Aligned, seeds: Sequence[tuple[Floats, float]], real: NDArray[np.bool_], weights: Floats
) -> Floats:
    """[replicates, seeds]: share of these reals that are called real."""
    labels, weight = test.labels[real], weights[:, real]
    return np.stack([specificity(labels, each[real], at, weight) for each, at in seeds], axis=1)


def _means(cells: Floats, seen: NDArray[np.bool_]) -> Floats:
    """[replicates, quantities, 3]: mean over cells seen, over cells unseen, and their difference."""
    flat = cells.reshape(*cells.shape[:2], -1)
    parts = [flat[..., which.ravel()] for which in (seen, ~seen)]
    known, unknown = (
        part.mean(axis=-1) if part.shape[-1] else np.full(part.shape[:2], np.nan) for part in parts
    )
    return np.stack([known, unknown, known - unknown], axis=-1)
