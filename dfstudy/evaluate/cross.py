"""Cross-forgery: networks that learned some forgery methods, tested on every one.

Takes the arms of a comparison (see `arms`); gives a `Cross`: for each arm and method the AUC of that method's
fakes against all reals, the share of them found and the balanced accuracy at the arm's own threshold from
validation, and for each network the means over methods seen and unseen in training, and their gap. Every arm
is tested on the same pictures, and intervals resample their groups once for all arms, so that differences are
paired. Values are means over seeds. Cost: one AUC an arm, method, seed and replicate.

AUC asks whether fakes rank above reals; the share found also depends on where the threshold lies, so that a
network which calls more pictures fake finds more unseen fakes. Balanced accuracy charges it for the reals.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.evaluate.aligned import Aligned, align
from dfstudy.evaluate.arms import Arm
from dfstudy.evaluate.intervals import Floats, Interval, group_interval, groups_behind
from dfstudy.evaluate.metrics import auc, sensitivity, specificity
from dfstudy.evaluate.predict import predict
from dfstudy.number import Number, name_methods
from dfstudy.study import Evaluate

QUANTITIES = ("auc", "balanced", "found")
SPOKEN = {"auc": "AUC", "balanced": "balanced accuracy", "found": "share of fakes found"}
SUMMARY = ("seen", "unseen", "gap")
SAID = {
    "seen": "on methods that it learned",
    "unseen": "on methods that it did not learn",
    "gap": "methods that it learned less those that it did not",
}


@dataclass(frozen=True)
class Outcome:
    """What the runs of one arm say about the test pictures.

    Attributes:
        network: backbone.
        trained_on: forgery methods that it learned.
        tables: one of `predict` a seed.
        thresholds: each seed's, from validation.
    """

    name: str
    network: str
    trained_on: tuple[str, ...]
    tables: list[pd.DataFrame]
    thresholds: list[float]


@dataclass(frozen=True)
class Cross:
    """Arms and forgery methods.

    Attributes:
        arms: as they were tested.
        seen: bool [arms, methods].
        cells: for each of `QUANTITIES` and each method of the test, sorted, an interval [arms].
        specificity: share of reals called real, interval [arms].
        spared: for each network the mean of its arms' specificity.
        summaries: for each network and each of `QUANTITIES`, intervals `seen` and `unseen`, means over cells,
            and their `gap`, seen less unseen; NaN where there is no such cell.
        differences: for each of `QUANTITIES` the second network's `unseen` less the first's; empty where
            there is one network.
        fakes: test pictures of each method.
        reals: test pictures that are real.
    """

    arms: tuple[Outcome, ...]
    seen: NDArray[np.bool_]
    cells: dict[str, dict[str, Interval]]
    specificity: Interval
    spared: dict[str, Interval]
    summaries: dict[str, dict[str, dict[str, Interval]]]
    differences: dict[str, Interval]
    fakes: dict[str, int]
    reals: int

    @property
    def methods(self) -> tuple[str, ...]:
        """Forgery methods among the test pictures, sorted."""
        return tuple(self.fakes)

    @property
    def networks(self) -> tuple[str, ...]:
        """Backbones, in the order of the arms."""
        return tuple(self.summaries)


def run_arms(arms: Sequence[Arm], progress: bool = True) -> list[Outcome]:
    """Find or train every arm's runs and predict the test pictures."""
    tested = []
    for arm in arms:
        runs = arm.train(progress)
        tables = [predict(run, arm.split, "test", progress) for run in runs]
        thresholds = [run.checkpoint["threshold"] for run in runs]
        tested.append(Outcome(arm.name, arm.study.model.backbone, arm.trained_on, tables, thresholds))
    return tested


def cross_matrix(arms: Sequence[Outcome], settings: Evaluate) -> Cross:
    """The matrix of arms and methods, and what it comes to, with intervals.

    Raises:
        ValueError: no arm, or arms that were tested on different pictures.
    """
    test = align([table for arm in arms for table in arm.tables])
    units, masks = test.units(settings.level), test.methods
    seen = np.array([[method in arm.trained_on for method in masks] for arm in arms])
    networks = list(dict.fromkeys(arm.network for arm in arms))
    owned = [np.array([arm.network == name for arm in arms]) for name in networks]

    made = group_interval(
        lambda weights: _everything(test, arms, seen, owned, weights), units, settings=settings
    )
    places = iter(np.arange(len(made.value)))

    def take(shape: tuple[int, ...]) -> NDArray[np.int64]:
        return np.array(list(itertools.islice(places, int(np.prod(shape)))), int).reshape(shape)

    at_cells, at_clean = take((len(QUANTITIES), len(arms), len(masks))), take((len(arms),))
    at_spared = take((len(networks),))
    at_means = take((len(networks), len(QUANTITIES), len(SUMMARY)))
    at_differences = take((len(QUANTITIES) * (len(networks) > 1),))
    both = groups_behind(test.labels, units)
    real = test.labels == 0
    behind = {name: (both[0], len(np.unique(units[mask]))) for name, mask in masks.items()}

    def mean_of(where: np.int64, name: str) -> Interval:
        return made[where].student("gap" if name == "gap" else "share", both)

    return Cross(
        tuple(arms),
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
            name: made[where].student("gap", both)
            for name, where in zip(QUANTITIES, at_differences, strict=False)
        },
        {name: int(mask.sum()) for name, mask in masks.items()},
        int(real.sum()),
    )


def cross_numbers(cross: Cross) -> list[Number]:
    """Numbers `cross.<network>.<quantity>.<seen, unseen or gap>`, `cross.<network>.specificity` and, with two
    networks, `cross.difference.<quantity>`; and for each cell
    `cross.<auc or balanced>.<arm>.on.<method>`."""
    pictures = cross.reals + sum(cross.fakes.values())
    slugs = {method: slug for slug, method in name_methods(cross.methods).items()}
    numbers = []
    for slug, network in name_methods(cross.networks).items():
        own = [at for at, arm in enumerate(cross.arms) if arm.network == network]
        told = f"mean over {len(own)} training{'s' * (len(own) > 1)}"
        for quantity, parts in cross.summaries[network].items():
            for name, found in parts.items():
                note = f"{SPOKEN[quantity]}, {told}, {SAID[name]}"
                unit = "AUC" if quantity == "auc" else "1"
                numbers.append(
                    found.number(f"cross.{slug}.{quantity}.{name}", unit=unit, n=pictures, note=note)
                )
        note = f"reals called real, {told}"
        numbers.append(
            cross.spared[network].number(f"cross.{slug}.specificity", unit="1", n=cross.reals, note=note)
        )
        for at in own:
            arm = cross.arms[at]
            numbers.append(
                cross.specificity[at].number(
                    f"cross.specificity.{arm.name}", unit="1", n=cross.reals, note="reals called real"
                )
            )
    for quantity, found in cross.differences.items():
        first, second = cross.networks[:2]
        note = f"{SPOKEN[quantity]} on unseen methods, {second} less {first}, paired over the same pictures"
        unit = "AUC" if quantity == "auc" else "1"
        numbers.append(found.number(f"cross.difference.{quantity}", unit=unit, n=pictures, note=note))
    for quantity in ("auc", "balanced"):
        for method, found in cross.cells[quantity].items():
            for at, arm in enumerate(cross.arms):
                numbers.append(
                    found[at].number(
                        f"cross.{quantity}.{arm.name}.on.{slugs[method]}",
                        unit="AUC" if quantity == "auc" else "1",
                        n=cross.reals + cross.fakes[method],
                        note="seen in training" if method in arm.trained_on else "unseen",
                    )
                )
    return numbers


def _everything(
    test: Aligned,
    arms: Sequence[Outcome],
    seen: NDArray[np.bool_],
    owned: Sequence[NDArray[np.bool_]],
    weights: Floats,
) -> Floats:
    """Cells, specificity by arm and network, means, differences, one after the other: [replicates, k]."""
    cells, clean = _cells(test, arms, weights)
    spared = np.stack([clean[:, own].mean(axis=1) for own in owned], axis=1)
    means = np.stack([_means(cells[:, :, own], seen[own]) for own in owned], axis=1)
    parts = [
        cells,
        clean,
        spared,
        means,
        *([means[:, 1, :, 1] - means[:, 0, :, 1]] if len(owned) > 1 else []),
    ]
    return np.concatenate([part.reshape(len(weights), -1) for part in parts], axis=1)


def _cells(test: Aligned, arms: Sequence[Outcome], weights: Floats) -> tuple[Floats, Floats]:
    """[replicates, quantities, arms, methods] and share of reals spared [replicates, arms], over seeds."""
    cells = np.empty((len(weights), len(QUANTITIES), len(arms), len(test.methods)))
    clean = np.empty((len(weights), len(arms)))
    real = test.labels == 0
    scores = iter(test.probabilities)
    for a, arm in enumerate(arms):
        seeds = [(next(scores), threshold) for threshold in arm.thresholds]
        clean[:, a] = np.mean(
            [specificity(test.labels[real], each[real], at, weights[:, real]) for each, at in seeds], axis=0
        )
        for m, fake in enumerate(test.methods.values()):
            rows = np.flatnonzero(real | fake)
            labels, weight = test.labels[rows], weights[:, rows]
            cells[:, 0, a, m] = np.mean([auc(labels, each[rows], weight) for each, _ in seeds], axis=0)
            found = np.mean([sensitivity(labels, each[rows], at, weight) for each, at in seeds], axis=0)
            cells[:, 1, a, m], cells[:, 2, a, m] = (found + clean[:, a]) / 2, found
    return cells, clean


def _means(cells: Floats, seen: NDArray[np.bool_]) -> Floats:
    """[replicates, quantities, 3]: mean over cells seen, over cells unseen, and their difference."""
    flat = cells.reshape(*cells.shape[:2], -1)
    parts = [flat[..., which.ravel()] for which in (seen, ~seen)]
    known, unknown = (
        part.mean(axis=-1) if part.shape[-1] else np.full(part.shape[:2], np.nan) for part in parts
    )
    return np.stack([known, unknown, known - unknown], axis=-1)
