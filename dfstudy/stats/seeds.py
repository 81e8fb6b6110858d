"""A recipe's AUC over training seeds: what the seeds change, what the choice of images changes.

Takes labels [n], one row of scores a training seed [seeds, n] and the unit of every image that counts as
independent. Two things make the mean over seeds uncertain: other seeds would have given other networks, and
other images another test. The interval of `testing` covers the second alone; the one here covers both, and
is the one for a sentence about the recipe rather than about these networks.

The variance between seeds on one test also holds what images add to single seeds by chance; the bootstrap
measures that part, and it is taken off (as in a two-way layout with images and seeds crossed; Searle,
Casella and McCulloch 1992, Variance Components). Each of the two errors is multiplied by its own Student
quantile, that of seeds with one degree of freedom fewer than there are seeds, and their squares add up (as in
Graybill and Wang 1980, Journal of the American Statistical Association 75:869). Satterthwaite's degrees of
freedom, read off the same two or three seeds, make the interval short just where the seeds happen to lie
close together. So it is wide, as it must be. Refused with ValueError: fewer than two seeds. Cost: one AUC a
seed and replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from dfstudy.number import Number
from dfstudy.stats.intervals import SCALES, Floats, Interval, Scale, group_interval, groups_behind
from dfstudy.stats.metrics import auc

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate


@dataclass(frozen=True)
class SeedSummary:
    """AUC of one recipe; errors are standard errors or deviations in units of AUC.

    Attributes:
        each: one interval component a seed, over images.
        mean: mean over these seeds, with the interval over images alone.
        seed_sd: deviation of one network from the recipe's mean, without the chance of the images.
        sampling_error: of the mean over these seeds, from the images.
        seed_error: of the mean over these seeds, from the seeds.
        low, high: interval of the recipe's AUC that covers both; None with one group of a class.
        seed_share: part of one network's variance that comes from its seed, 0..1; None without spread.
    """

    each: Interval
    mean: Interval
    seed_sd: float
    sampling_error: float
    seed_error: float
    low: float | None
    high: float | None
    seed_share: float | None


def summarise_seeds(
    labels: ArrayLike, scores: ArrayLike, units: ArrayLike, settings: Evaluate
) -> SeedSummary:
    """Separate the variance of seeds from that of images."""
    rows = np.asarray(scores, float)
    if rows.ndim != 2 or len(rows) < 2:
        raise ValueError("a spread between seeds needs the scores of at least two, as [seeds, n]")
    seeds = len(rows)

    def statistics(weights: Floats) -> Floats:
        """[replicates, 1 + 2 seeds]: the mean, each seed, and each seed's distance from the mean."""
        each = np.stack([auc(labels, row, weights) for row in rows], axis=1)
        mean = each.mean(axis=1, keepdims=True)
        return np.hstack([mean, each, each - mean])

    found = group_interval(statistics, units, settings=settings)
    behind = groups_behind(labels, units)
    mean, each, apart = found[0], found[1 : 1 + seeds], found[1 + seeds :]
    # bootstrap variance of a seed's distance from the mean: what images add to single seeds
    by_pictures = float((apart.error**2).sum() / (seeds - 1))
    between = float(np.var(each.value, ddof=1))
    seed_variance = max(0.0, between - by_pictures)
    sampling, seeding = float(mean.error), float(np.sqrt(seed_variance / seeds))
    one_network = float((each.error**2).mean())
    spread = seed_variance + one_network
    freedom = mean.freedom(behind)
    both = with_seeds(mean, apart, "share", behind)
    return SeedSummary(
        each.student("share", behind),
        mean.student("share", behind),
        float(np.sqrt(seed_variance)),
        sampling,
        seeding,
        float(both.low) if freedom else None,
        float(both.high) if freedom else None,
        seed_variance / spread if spread > 0 else None,
    )


def around_mean(each: Floats) -> Floats:
    """[..., 1 + seeds] of values [..., seeds]: the mean over the seeds, and each one's distance from it."""
    mean = each.mean(axis=-1, keepdims=True)
    return np.concatenate([mean, each - mean], axis=-1)


def with_seeds(mean: Interval, apart: Interval, scale: Scale, behind: Sequence[int]) -> Interval:
    """The interval of a mean over seeds that covers other images and other seeds.

    Args:
        mean: one component, the mean over the seeds.
        apart: a component a seed: its distance from the mean, on the same resamples.
        scale: of the statistic.
        behind: as for `Interval.freedom`.

    Returns:
        The mean with these ends; with one seed, and at the ends of the scale, those of `Interval.student`.
    """
    alone, seeds, freedom = mean.student(scale, behind), len(apart.value), mean.freedom(behind)
    if seeds < 2 or not freedom or np.isnan(alone.low):
        return alone
    forth, slope, back = SCALES[scale]
    # what images add to single seeds is no part of the variance between seeds
    between = max(0.0, float((apart.value**2 - apart.error**2).sum()) / (seeds - 1))
    errors = np.array([float(mean.error), np.sqrt(between / seeds)])
    quantiles = student.ppf((1 + mean.settings.confidence) / 2, [freedom, seeds - 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, half = forth(mean.value), np.hypot(*(quantiles * errors)) * slope(mean.value)
    if not (np.isfinite(middle) and np.isfinite(half)):
        return alone
    return replace(alone, low=np.asarray(back(middle - half)), high=np.asarray(back(middle + half)))


def seed_numbers(summary: SeedSummary, n: int, prefix: str = "test") -> list[Number]:
    """Numbers `<prefix>.auc.recipe`, `.auc.seed_sd`, `.auc.sampling_error`, `.auc.seed_share`."""
    seeds, groups = len(summary.each.value), summary.mean.groups
    of = f"{seeds} training seeds"
    if np.isnan(summary.mean.value):
        why = "the images lack a class that it needs"
        names = ("recipe", "seed_sd", "sampling_error", "seed_share")
        return [Number(f"{prefix}.auc.{name}", None, "AUC", n, note=why) for name in names]
    both = "covers other images and other seeds" if summary.low is not None else "too few groups"
    share, unknown = summary.seed_share, bool(np.isnan(summary.sampling_error))
    nothing = "" if share is not None else "; neither seeds nor images change it"
    return [
        Number(
            f"{prefix}.auc.recipe",
            float(summary.mean.value),
            "AUC",
            n,
            summary.low,
            summary.high,
            groups,
            note=f"mean over {of}; {both}",
        ),
        Number(
            f"{prefix}.auc.seed_sd",
            None if unknown else summary.seed_sd,
            "AUC",
            n,
            note="too few groups to tell it from the chance of the images"
            if unknown
            else f"deviation between {of}, without the chance of the images",
            digits=4,
        ),
        Number(
            f"{prefix}.auc.sampling_error",
            None if unknown else summary.sampling_error,
            "AUC",
            n,
            groups=groups,
            note="too few groups" if unknown else "standard error from the choice of images",
            digits=4,
        ),
        Number(
            f"{prefix}.auc.seed_share",
            share,
            "1",
            n,
            note=f"of one network's variance comes from its seed{nothing}",
        ),
    ]
