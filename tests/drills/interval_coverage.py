"""The coverage drill: how often a nominal 95 % interval holds the truth, where images depend on each other.

    python tests/drills/interval_coverage.py                          every world, 1,200 data sets each
    python tests/drills/interval_coverage.py --sets 300 --worlds mixed --groups 30

Makes data sets whose true AUC, balanced accuracy and paired differences of two detectors are known, and asks
of each interval whether it holds the truth: the one that is reported (Student's, over groups), percentiles
over groups, percentiles over images (the naive bootstrap) and DeLong's for independent images. Images
of a group share two effects, one of the person and one of the person's reals or fakes; both detectors share
half of everything. Worlds: `mixed` (each group holds reals and fakes, in unequal numbers), `rare` (every
third group holds fakes, few of them), `apart` (a group holds one class only, three in ten groups fakes).

Then the headline: the AUC of a recipe over images and three training seeds, which differ by chance on single
images and by more than that (`spread`, in units of a score's parts).

Ends with status 1 where a reported interval covers less than 93 % or more than 97 %, beyond what chance
allows (three standard errors), with at least 20 groups. Takes 6 minutes of one core. What scores mean has a
drill of its own, `coverage_scores.py`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from dfstudy.stats.delong import compare_delong, delong
from dfstudy.stats.intervals import Interval, group_interval, groups_behind
from dfstudy.stats.metrics import auc, balanced_accuracy
from dfstudy.stats.seeds import summarise_seeds
from dfstudy.study.comparisons import Evaluate

WORLDS = ("mixed", "rare", "apart")
GROUPS = (10, 20, 40, 100)
STATISTICS = ("AUC", "balanced accuracy", "AUC difference", "balanced accuracy difference")
SCALES = ("share", "share", "gap", "gap")  # as `testing` and `comparisons` report them
KINDS = ("reported", "percentiles", "naive", "DeLong")
PROMISED = 20  # groups from which on the reported intervals must hold
LOW, HIGH = 0.93, 0.97
PERSON, OF_CLASS, ALONE = 1.0, 0.5, 0.7  # standard deviations of a score's parts
GAINS, THRESHOLD = (2.1, 1.7), 0.8  # fakes of the two detectors lie so much higher
SEEDS, RECIPE_GROUPS, RECIPE_GAIN = 3, 50, 1.6
SPREADS = (0.0, 0.1, 0.2, 0.4, 0.8)  # between seeds, of how much higher fakes lie
OWN = (0.3, 0.8)  # standard deviation of what a seed adds to single images


def make_set(
    random: np.random.Generator, world: str, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels [n], scores of two detectors [2, n] and groups [n]."""
    many, few = random.integers(1, 7, groups), random.integers(1, 4, groups)
    if world == "mixed":
        reals, fakes = many, random.integers(1, 5, groups)
    elif world == "rare":
        reals, fakes = many, few * (random.random(groups) < 1 / 3)
    else:
        of_fakes = random.random(groups) < 0.3
        reals, fakes = np.where(of_fakes, 0, many), np.where(of_fakes, many, 0)
    group = np.concatenate([np.repeat(np.arange(groups), part) for part in (reals, fakes)])
    labels = np.repeat([0, 1], [reals.sum(), fakes.sum()])

    def effects(*shape: int) -> np.ndarray:
        """[2, ...] of standard deviation 1, half of the variance shared by both detectors."""
        return (random.normal(size=shape) + random.normal(size=(2, *shape))) / np.sqrt(2)

    scores = (
        np.outer(GAINS, labels)
        + PERSON * effects(groups)[:, group]
        + OF_CLASS * effects(groups, 2)[:, group, labels]
        + ALONE * effects(len(group))
    )
    return labels, scores, group


def truths() -> np.ndarray:
    """The four statistics of an infinite number of groups."""
    spread = np.sqrt(PERSON**2 + OF_CLASS**2 + ALONE**2)
    aucs = [norm.cdf(gain / (np.sqrt(2) * spread)) for gain in GAINS]
    balanced = [(norm.cdf(THRESHOLD / spread) + norm.cdf((gain - THRESHOLD) / spread)) / 2 for gain in GAINS]
    return np.array([aucs[0], balanced[0], aucs[1] - aucs[0], balanced[1] - balanced[0]])


def intervals_of(
    labels: np.ndarray, scores: np.ndarray, group: np.ndarray, settings: Evaluate
) -> dict[str, list[tuple[float, float]]]:
    """Ends of the four statistics' intervals, of each kind; NaN where there is none."""

    def ends(found: Sequence[Interval]) -> list[tuple[float, float]]:
        return [(float(one.low), float(one.high)) for one in found]

    def four(weights: np.ndarray) -> np.ndarray:
        aucs = [auc(labels, each, weights) for each in scores]
        balanced = [balanced_accuracy(labels, each, THRESHOLD, weights) for each in scores]
        return np.stack([aucs[0], balanced[0], aucs[1] - aucs[0], balanced[1] - balanced[0]], axis=1)

    by_group = group_interval(four, group, settings=settings)
    by_picture = group_interval(four, np.arange(len(labels)), settings=settings)
    behind, paired = groups_behind(labels, group), compare_delong(labels, *scores)
    nothing = (np.nan, np.nan)
    return {
        "reported": ends([by_group[at].student(scale, behind) for at, scale in enumerate(SCALES)]),
        "percentiles": ends([by_group[at] for at in range(4)]),
        "naive": ends([by_picture[at] for at in range(4)]),
        "DeLong": [tuple(delong(labels, scores).interval()[0]), nothing, (paired.low, paired.high), nothing],
    }


def cover(
    world: str, groups: int, sets: int, replicates: int, seed: int = 0
) -> tuple[dict[str, np.ndarray], int]:
    """Share of data sets [4] whose interval of each kind holds the truth, and how many could not be used.

    A data set with a class in fewer than two groups has no interval and is left out. NaN: no such kind.
    """
    random, truth = np.random.default_rng([seed, groups, WORLDS.index(world)]), truths()
    held = {kind: np.zeros(4) for kind in KINDS}
    unusable = 0
    for number in range(sets):
        labels, scores, group = make_set(random, world, groups)
        if min(groups_behind(labels, group)) < 2 or min((labels == 0).sum(), (labels == 1).sum()) < 2:
            unusable += 1
            continue
        found = intervals_of(labels, scores, group, Evaluate(replicates=replicates, seed=number))
        for kind, of_kind in found.items():
            low, high = np.array(of_kind).T
            held[kind] += (low <= truth) & (truth <= high)  # no interval holds nothing
    held["DeLong"][[1, 3]] = np.nan  # it speaks of AUCs only
    return {kind: count / (sets - unusable) for kind, count in held.items()}, unusable


def cover_recipe(spread: float, own: float, sets: int, replicates: int, seed: int = 0) -> tuple[float, float]:
    """Share of data sets whose interval over images and seeds holds the AUC; and that over images."""
    random = np.random.default_rng([seed, int(1000 * spread), int(1000 * own)])
    group, labels = np.repeat(np.arange(RECIPE_GROUPS), 4), np.tile([0, 0, 1, 1], RECIPE_GROUPS)
    gains = RECIPE_GAIN + spread * norm.ppf((np.arange(999) + 0.5) / 999)
    truth = float(np.mean(norm.cdf(gains / np.sqrt(2 * (2 * 0.6**2 + own**2)))))
    both = images = 0
    for number in range(sets):
        shared = 0.6 * (random.normal(size=RECIPE_GROUPS)[group] + random.normal(size=len(group)))
        gain = RECIPE_GAIN + spread * random.normal(size=(SEEDS, 1))
        scores = shared + gain * labels + own * random.normal(size=(SEEDS, len(group)))
        found = summarise_seeds(labels, scores, group, Evaluate(replicates=replicates, seed=number))
        both += found.low <= truth <= found.high
        images += bool(found.mean.low <= truth <= found.mean.high)
    return both / sets, images / sets


def misses(share: float, sets: int) -> bool:
    """True where a coverage lies outside the promise by more than chance explains."""
    chance = 3 * np.sqrt(0.95 * 0.05 / sets)
    return not LOW - chance <= share <= HIGH + chance


def main() -> int:
    """Print the table, a line for each world and number of groups; status 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sets", type=int, default=1200, help="data sets of each world and size")
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS)
    parser.add_argument("--groups", nargs="+", type=int, default=GROUPS)
    given = parser.parse_args()
    start, broken = time.process_time(), 0
    for world in given.worlds:
        for groups in given.groups:
            shares, unusable = cover(world, groups, given.sets, given.replicates)
            usable = given.sets - unusable
            print(f"\n{world}, {groups} groups, {usable:,} data sets ({unusable:,} without an interval)")
            print(f"  {'per cent of data sets':<30}" + "".join(f"{kind:>13}" for kind in KINDS))
            for at, name in enumerate(STATISTICS):
                row = [shares[kind][at] for kind in KINDS]
                told = "".join(f"{'':>13}" if np.isnan(one) else f"{100 * one:13.1f}" for one in row)
                bad = groups >= PROMISED and misses(row[0], usable)
                broken += bad
                print(f"  {name:<30}{told}{'  <- outside 93 to 97' * bad}", flush=True)
    print(
        f"\nAUC of a recipe, {SEEDS} seeds, {RECIPE_GROUPS} groups: over images and seeds, over images alone"
    )
    for own in OWN:
        for spread in SPREADS:
            both, images = cover_recipe(spread, own, given.sets, given.replicates // 2)
            bad = misses(both, given.sets)
            broken += bad
            told = f"{100 * both:13.1f}{100 * images:13.1f}{'  <- outside 93 to 97' * bad}"
            print(f"  single images {own}, spread {spread:<6}{told}", flush=True)
    print(f"\n{time.process_time() - start:.0f} s of processor time; {broken} broken promises")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
