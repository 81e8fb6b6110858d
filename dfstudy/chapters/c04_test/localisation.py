"""Whether maps point at what was forged: against chance, other images' maps and random weights.

Takes `Explained`; gives `Number`s `explain.*` with intervals over groups, means over training seeds, and a
table by method. Two questions, each with its own chance:

- *Energy* (Wang et al. 2020, Score-CAM, arXiv 1910.01279): the share of a map that lies in the forged region.
  By chance it is the region's share of the image. A stricter chance are the maps of other people's forged
  pictures: what is above those is about this image, and not only about faces being in the middle.
- *Pointing game* (Zhang et al. 2016, arXiv 1608.00507): whether the map's highest place lies in the region.

Padding does not count, neither in a map nor in an image. A map that is 0 everywhere points nowhere and gets
what chance gets; as another image's map it does not count. Cost: a matrix product of all maps with all
regions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfstudy.chapters.c04_test.explain import DRAWS, Explained
from dfstudy.number import Number, name_methods
from dfstudy.stats.intervals import Floats, Scale, group_interval, sentences

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

FORGED = 0.5  # share of a pixel that was replaced from which on it belongs to the region
HALF = 0.5  # rank correlation below which maps of random weights are called others

# number, scale of its interval, what it says
OF_REGIONS: tuple[tuple[str, Scale, str], ...] = (
    ("energy", "share", "share of the map inside the forged region"),
    ("energy.chance", "share", "the region's share of the image"),
    ("energy.gain", "gap", "inside the region, minus chance, paired"),
    ("energy.others", "share", "share of other groups' maps inside the same region"),
    ("energy.others.gain", "gap", "inside the region, minus other groups' maps, paired"),
    ("pointing", "share", "share of maps whose highest place is forged"),
    ("pointing.chance", "share", "the region's share of the image"),
    ("pointing.gain", "gap", "highest place forged, minus chance, paired"),
)
NO_OTHERS = "the images are of one group, so there are no others"
OTHERS_EMPTY = "every map of another group is empty, in one training at least"
NO_REGION = "no forged region is known for these images: index.csv names no mask that leaves a part out"


@dataclass(frozen=True)
class Pointing:
    """What each map has inside its region, means over seeds, float64 [k] for the k images with a region.

    `others` is NaN where, for some seed, no other group has a map that points anywhere.
    """

    energy: Floats
    chance: Floats
    others: Floats
    hit: Floats
    hit_chance: Floats


def measure_pointing(explained: Explained) -> Pointing:
    """Energy and pointing game of every image whose forged region is known."""
    known = explained.known
    regions, inside = explained.regions[known].astype(float), explained.inside[known]
    places = math.prod(inside.shape[1:])
    counted = inside.reshape(-1, places).astype(float)
    region = regions.reshape(-1, places) * counted
    forged = region >= FORGED
    chance = region.sum(axis=1) / counted.sum(axis=1)
    hit_chance = forged.sum(axis=1) / counted.sum(axis=1)
    groups = explained.test.pictures["group"].to_numpy(str)[known]
    found = []
    for seed in explained.maps[:, known]:
        maps = seed.reshape(-1, places) * counted
        total = maps.sum(axis=1)
        blank = total == 0
        energy = np.where(blank, chance, (maps * region).sum(axis=1) / np.where(blank, 1, total))
        # ties: the first place from the top left
        hit = np.where(blank, hit_chance, forged[np.arange(len(maps)), maps.argmax(axis=1)])
        others = _of_others(seed[~blank].reshape(-1, places), groups[~blank], region, counted, groups)
        found.append((energy, others, hit))
    energy, others, hit = np.mean(found, axis=0) if known.any() else np.empty((3, 0))
    return Pointing(energy, chance, others, hit, hit_chance)


def _of_others(
    maps: Floats, owners: NDArray[np.str_], region: Floats, counted: Floats, groups: NDArray[np.str_]
) -> Floats:
    """Mean share of other groups' maps inside each region [k]; NaN where no other group has a map."""
    apart = owners[:, None] != groups[None]  # [maps, k]
    whole = maps @ counted.T
    apart &= whole > 0
    share = np.divide(maps @ region.T, whole, out=np.zeros_like(whole), where=apart)
    count = apart.sum(axis=0)
    return np.divide((share * apart).sum(axis=0), count, out=np.full(len(groups), np.nan), where=count > 0)


def explain_numbers(explained: Explained, settings: Evaluate) -> list[Number]:
    """Numbers `explain.*` of the sanity checks.

    Those of regions are not defined where no region is known, and none is where nothing is explained. A
    method's gain is `explain.energy.gain.method.<name>`.
    """
    count, known = len(explained.test), explained.known
    said = sentences(f"of {explained.asked:,} test images", explained.reason)
    numbers = [
        Number("explain.pictures", count, "images", count, note=said),
        Number("explain.regions", int(known.sum()), "images", count, note="their forged region is known"),
    ]
    why = explained.reason or NO_REGION
    numbers += _region_numbers(explained, settings, why)
    blank = (explained.maps == 0).all(axis=(2, 3)).mean(axis=0)
    random = explained.resemblance.mean(axis=(0, 1))
    flat = int((explained.resemblance == 0).sum())
    told = f"rank correlation with maps of random weights; mean over {DRAWS} draws"
    empty = f"{flat:,} of {explained.resemblance.size:,} such maps are empty and count as 0" if flat else ""
    columns: dict[str, tuple[Floats, str, Scale, str]] = {
        "blank": (blank, "1", "share", "share of maps on which nothing speaks for fake"),
        "randomised.correlation": (random, "1", "gap", sentences(told, empty)),
    }
    if explained.test.seeds > 1:
        said = "rank correlation of the maps of two training seeds"
        columns["seeds.correlation"] = (explained.agreement, "1", "gap", said)
    every = np.ones(count, bool)
    return numbers + _means(columns, explained, every, settings, explained.reason)


def _region_numbers(explained: Explained, settings: Evaluate, why: str) -> list[Number]:
    known = explained.known
    found = measure_pointing(explained)
    values = {
        "energy": found.energy,
        "energy.chance": found.chance,
        "energy.gain": found.energy - found.chance,
        "energy.others": found.others,
        "energy.others.gain": found.energy - found.others,
        "pointing": found.hit,
        "pointing.chance": found.hit_chance,
        "pointing.gain": found.hit - found.hit_chance,
    }
    columns = {name: (values[name], "1", scale, said) for name, scale, said in OF_REGIONS}
    numbers = _means(columns, explained, known, settings, why)
    gain = "energy.gain"
    for slug, method in name_methods(explained.test.methods).items():
        of_method = explained.test.methods[method][known]
        if of_method.any():
            rows = np.flatnonzero(known)[of_method]
            part = {f"{gain}.method.{slug}": (values[gain][of_method], *columns[gain][1:])}
            numbers += _means(part, explained, rows, settings, why)
    return numbers


def _means(
    columns: dict[str, tuple[Floats, str, Scale, str]],
    explained: Explained,
    rows: NDArray[np.bool_] | NDArray[np.int64],
    settings: Evaluate,
    why: str,
) -> list[Number]:
    """Numbers `explain.<name>`: means of values [k] over the images of `rows` whose value is known.

    Args:
        columns: by name: values, unit, scale of the interval, note.
        why: there is no such number, where `rows` is empty.
    """
    # a value is unknown only where there is no other group's map to compare with
    units = explained.test.units(settings.level)[rows]
    groups = explained.test.pictures["group"].to_numpy(str)[rows]
    if len(units):
        why = OTHERS_EMPTY if len(np.unique(groups)) > 1 else NO_OTHERS
    over = f"mean over {explained.test.seeds} training seeds" if explained.test.seeds > 1 else ""
    numbers = []
    for name, (values, unit, scale, said) in columns.items():
        known = ~np.isnan(values)
        n, unknown = int(known.sum()), int((~known).sum())
        if not n:
            numbers.append(Number(f"explain.{name}", None, unit, 0, note=why))
            continue
        found = group_interval(
            lambda weights, own=values[known]: weights @ own / weights.sum(axis=1),
            units[known],
            settings=settings,
        )
        left_out = f"{unknown:,} images are left out: {OTHERS_EMPTY}" if unknown else ""
        ends = found.student(scale, (found.groups,))
        note = sentences(said, left_out, over)
        numbers.append(ends.number(f"explain.{name}", unit=unit, n=n, note=note))
    return numbers
