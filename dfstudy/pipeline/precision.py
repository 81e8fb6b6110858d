"""What difference of two networks a test could show, predicted before anything is trained.

Takes the test's images and groups and the number of training seeds; gives the smallest true difference of
AUC that chapter 05's own interval would find in four of five studies, as a range. Pure.

Derivation. The variance V of an AUC A on m fakes and n reals that are independent is, with Q1 = A / (2 - A)
and Q2 = 2 A^2 / (1 + A), (A (1 - A) + (m - 1) (Q1 - A^2) + (n - 1) (Q2 - A^2)) / (m n) (Hanley and McNeil
1982, Radiology 143:29). Two networks that are tested on the same images have AUCs that correlate by r, and
their difference the variance 2 V (1 - r) (the same, 1983, Radiology 148:839). Of means over s seeds of each,
where any two of the 2 s networks correlate alike, it is 2 V (1 - r) / s. Other seeds would have given other
networks: that adds 2 d^2 / s, where d is the deviation between seeds. The interval of `stats.paired` takes
the first part from the bootstrap, with the degrees of freedom of the groups, and the second from the spread
between seeds, which holds 2 V (1 - r) + 2 d^2, with s - 1; Satterthwaite's rule joins them, and Bloom's
(1995) turns the error into the difference that is found with the power asked for.

How alike the images of a group are is not known before: the range goes from images that are all
independent (m, n count images) to images that all say the same (m, n count groups). With two seeds the
spread between them has one degree of freedom, and the interval is so wide that images hardly matter: the
third seed halves what can be found, where twice the images would not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd
from scipy.special import stdtrit

AUC = 0.85  # assumed of both networks: between chance and the best that small networks do here
CORRELATION = 0.5  # r: two networks that differ in their augmentation alone rank many images alike
SEED_DEVIATION = 0.02  # d, AUC: between networks that differ in their seed
POWER, LEVEL = 0.8, 0.05


class Detectable(NamedTuple):
    """Differences of AUC, as far apart as what is not known of the groups."""

    low: float
    high: float


def predict_detectable(test: pd.DataFrame, seeds: int) -> Detectable | None:
    """What a paired comparison on this test could find; None where a class has fewer than two groups.

    Args:
        test: rows of the test with label and group.
        seeds: networks of each side; with one the difference holds for these two networks alone.
    """
    fake = test["label"] == 1
    groups = [int(test.loc[which, "group"].nunique()) for which in (fake, ~fake)]
    if min(groups) < 2:
        return None
    pictures = [int(which.sum()) for which in (fake, ~fake)]
    freedom = _freedom(groups)
    return Detectable(*sorted(_difference(_variance(AUC, *n), freedom, seeds) for n in (pictures, groups)))


def say_detectable(test: pd.DataFrame, seeds: int) -> str:
    """The prediction in two sentences, with what it assumes."""
    found = predict_detectable(test, seeds)
    if found is None:
        return "The test has too few groups of one class for any interval: nothing can be compared."
    groups = test["group"].nunique()
    of = f"With {seeds} seed{'s' * (seeds > 1)} and {groups:,} groups of test images"
    alone = "" if seeds > 1 else " One seed compares two networks, not two recipes: a second needs more time."
    ends = dict.fromkeys(f"{end:.2f}" for end in found)
    return (
        f"{of}, chapter 05 should find a true difference of {' to '.join(ends)} AUC between "
        f"two policies in four of five such studies; smaller ones mostly read inconclusive.{alone} Assumed "
        f"before any training: both have an AUC of {AUC}, correlated by {CORRELATION}, with {SEED_DEVIATION} "
        "between seeds; chapter 05 has the measured values."
    )


def _variance(auc: float, fakes: int, reals: int) -> float:
    """Hanley and McNeil's, of one AUC."""
    one, other = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (fakes - 1) * (one - auc**2) + (reals - 1) * (other - auc**2)
    return spread / (fakes * reals)


def _difference(variance: float, freedom: float, seeds: int) -> float:
    one = 2 * variance * (1 - CORRELATION)  # of one pair of networks, over images
    pictures = one / seeds
    between = (one + 2 * SEED_DEVIATION**2) / seeds if seeds > 1 else 0.0
    error = math.sqrt(pictures + between)
    joint = pictures**2 / freedom + (between**2 / (seeds - 1) if between else 0.0)
    freedom = error**4 / joint
    return float((stdtrit(freedom, 1 - LEVEL / 2) + stdtrit(freedom, POWER)) * error)


def _freedom(groups: list[int]) -> float:
    """As `Interval.freedom` has it, with groups of equal size."""
    parts = [1 / count for count in groups]
    return sum(parts) ** 2 / sum(part**2 / (1 / part - 1) for part in parts)
