"""Subgroups of a test: is a detector as good on images of one camera, size or age as on the others?

Takes labels, scores [seeds, n], units, and for each column what it says of every image (text, empty where
nothing); gives for each subgroup the AUC and the share of reals called fake, each with its interval over
units, and its difference from the rest. Nothing is guessed from an image: a column says it, or nothing does.

The rule: words (and numbers of few values) are subgroups as they stand, numbers of more values are cut at
their terciles. A column of one value, or of more than `MOST` words, has none. Images of which a column says
nothing are in no subgroup of it; where it says nothing of a whole class (how strongly a fake was altered),
that class is in all of them. With fewer than `LEAST` units of a class inside or outside there is no verdict:
below that, intervals are too short (docs/intervals.md). The p of all subgroups and both quantities are
corrected together (Holm).
Refused: nothing. Cost: four metrics a subgroup, seed and replicate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from dfstudy.number import Number, name_methods
from dfstudy.stats.comparisons import holm
from dfstudy.stats.intervals import Floats, Interval, group_interval, groups_behind
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import PairedDifference, difference_over
from dfstudy.stats.weighted import divide

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

MOST = 8  # subgroups of a column
LEAST = 20  # independent units of each class that it takes, see docs/intervals.md
FEW = f"too few to tell: {LEAST} independent groups of each class are asked for, inside and outside"
AUC, ALARMS = "auc", "false_alarms"
UNIT = {AUC: "AUC", ALARMS: "1"}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Subgroup:
    """Images that a column describes alike.

    Attributes:
        name: column and value, such as `camera phone` or `age above 60`.
        inside, outside: [n] the images, and those of the column's other values; a class of which the column
            says nothing is in both.
        mirrored: the column has two values, and the other one was compared already.
    """

    name: str
    inside: Mask
    outside: Mask
    mirrored: bool = False


@dataclass(frozen=True)
class Contrast:
    """A quantity inside a subgroup, outside of it, and the difference, inside minus outside."""

    inside: Interval
    outside: Interval
    difference: PairedDifference | None


def cut(column: str, values: Sequence[str], labels: ArrayLike) -> list[Subgroup]:
    """The subgroups of a column, in order of their values; none where the rule of this module finds none.

    >>> [one.name for one in cut("camera", ["a", "b", "", "a"], [0, 0, 1, 1])]
    ['camera a', 'camera b']
    """
    text, label = np.asarray(values, str), np.asarray(labels)
    known = text != ""
    number = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy(float)
    numeric = bool(np.isfinite(number[known]).all())
    kinds: Sequence[str] = sorted(set(text[known]), key=float if numeric else str)
    if numeric and len(kinds) > MOST:
        ends = np.unique(np.quantile(number[known], [1 / 3, 2 / 3]))
        place = np.searchsorted(ends, number)
        said = [f"{end:.4g}" for end in ends]
        names = [f"up to {said[0]}", *map(" to ".join, pairwise(said)), f"above {said[-1]}"]
        masks = {name: known & (place == at) for at, name in enumerate(names)}
    else:
        masks = {kind: text == kind for kind in kinds}
    masks = {name: mask for name, mask in masks.items() if mask.any()}
    if not 2 <= len(masks) <= MOST:
        return []
    unsaid = [kind for kind in (0, 1) if not known[label == kind].any()]
    shared = np.isin(label, unsaid)
    return [
        Subgroup(f"{column} {name}", mask | shared, (known & ~mask) | shared, len(masks) == 2 and at == 1)
        for at, (name, mask) in enumerate(masks.items())
    ]


def compare_subgroups(
    subgroups: Sequence[Subgroup],
    labels: NDArray[np.int64],
    scores: Floats,
    thresholds: Sequence[float],
    units: NDArray[np.int64],
    settings: Evaluate,
) -> list[Number]:
    """Numbers `subgroup.<slug>.<quantity>`, `.rest`, `.difference` and `.p` for `auc` and `false_alarms`.

    Args:
        labels, units: [n].
        scores: [seeds, n]; values are means over seeds.
        thresholds: of each seed, from validation.
    """
    called = (scores >= np.reshape(thresholds, (-1, 1))).astype(float)

    def aucs(weights: Floats) -> Floats:
        return np.stack([auc(labels, row, weights) for row in scores], axis=1)

    def alarms(weights: Floats) -> Floats:
        reals = weights * (labels == 0)
        shares: Floats = divide(reals @ called.T, reals.sum(axis=1, keepdims=True))
        return shares

    slugs = {name: slug for slug, name in name_methods(one.name for one in subgroups).items()}
    asked = ((AUC, aucs, (0, 1)), (ALARMS, alarms, (0,)))
    found = []
    for one in subgroups:
        for quantity, of, classes in asked:
            inside, outside = (mask & np.isin(labels, classes) for mask in (one.inside, one.outside))
            if np.array_equal(inside, outside):  # the column says nothing of these images
                continue
            contrast = _contrast(one, of, classes, labels, units, settings)
            found.append((one, quantity, (int(inside.sum()), int(outside.sum())), contrast))
    sure = [1.0 if c.difference.p is None else c.difference.p for *_, c in found if c.difference is not None]
    corrected = iter(holm(sure).tolist() if sure else [])
    numbers = []
    for one, quantity, (n, others), contrast in found:
        name, unit = f"subgroup.{slugs[one.name]}.{quantity}", UNIT[quantity]
        numbers += [
            contrast.inside.number(name, unit=unit, n=n, note=one.name),
            contrast.outside.number(f"{name}.rest", unit=unit, n=others, note=f"all but {one.name}"),
        ]
        if contrast.difference is not None:
            told = f"{one.name} minus all but it"
            numbers.append(contrast.difference.number(f"{name}.difference", unit=unit, n=n, note=told))
            note = f"of the difference, after Holm's correction over {len(sure)} comparisons"
            numbers.append(Number(f"{name}.p", next(corrected), "probability", n, note=note))
    return numbers


def _contrast(
    one: Subgroup,
    of: Callable[[Floats], Floats],
    classes: tuple[int, ...],
    labels: NDArray[np.int64],
    units: NDArray[np.int64],
    settings: Evaluate,
) -> Contrast:
    """Args as of `compare_subgroups`; `of` takes weights [replicates, n] and gives [replicates, seeds]."""
    behind = [
        [groups_behind(labels[m], units[m])[kind] for kind in classes] for m in (one.inside, one.outside)
    ]
    sides = [
        group_interval(_mean_on(of, mask), units[mask], settings=settings).student("share", groups)
        for mask, groups in zip((one.inside, one.outside), behind, strict=True)
    ]
    every = [count for side in behind for count in side]
    apart = None
    if min(every) >= LEAST and not one.mirrored:
        apart = difference_over(
            lambda w: of(w * one.inside) - of(w * one.outside), units, behind=every, settings=settings
        )
    return Contrast(sides[0], sides[1], apart)


def _mean_on(of: Callable[[Floats], Floats], mask: Mask) -> Callable[[Floats], Floats]:
    """The mean over seeds, of weights for the images of a mask [n] alone."""

    def mean(weights: Floats) -> Floats:
        every = np.zeros((len(weights), len(mask)))
        every[:, mask] = weights
        values: Floats = of(every).mean(axis=1)
        return values

    return mean
