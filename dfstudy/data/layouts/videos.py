"""Which folders and names below the class folders are videos or people, and so make groups.

Takes the folders that hold images, each with the names below its class folder, and the names of its
images; gives the group of each image and, for fakes, the method of each folder. Read by rule:

- Numbered folders (`clip07`, `000`, `id0_id1_0003`) are videos or people. So are more than MANY folders side
  by side, and folders with any names where no methods are to be expected (below real, and below a method):
  FEW or more, or FEWEST or more whose images are counted anew in each. Directly below fake, folders with
  any names are methods, unless those below real lie in the same way and are videos.
- Images side by side whose names share a stem with a counter (`clip07_0003`) are frames of one video, where
  most images do and the stems are numbered, or as many as above.
- Names of generators and of sets of photographs (`names.py`) are neither, nor are parts of an archive:
  `part_03`, or numbered folders through which one counter runs on.
- A name ties a fake to what has that name below real, `071_054` to 071 and 054, `clip07_fake` to clip07. A
  bare number does so below a method's folder only: directly in two class folders, two counters mean nothing
  to each other.

What makes groups is said, and what these rules cannot tell. Cost: a look at each image's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import NamedTuple

from dfstudy.data.layouts.counters import frame_stems, numbered
from dfstudy.data.layouts.faceforensics import join_pairs
from dfstudy.data.layouts.levels import (
    FEW,
    FEWEST,
    Level,
    Spot,
    examples,
    is_bare,
    is_container,
    read_levels,
    read_over,
)
from dfstudy.data.layouts.names import CLASS_NAMES, FAKE, METHOD_NAMES, REAL, known_name

_PAIR = re.compile(r"(\d+)_(\d+)")
_MARK = re.compile(r"^(?:fake|deepfake)[ _-]|[ _-](?:fake|deepfake)$", re.IGNORECASE)


class FoundVideos(NamedTuple):
    """What the names say, a spot each.

    Attributes:
        groups: of each image, `` where it has none.
        taken: what makes groups, in words; empty where nothing does.
        unsure: what the rules cannot tell, in words.
    """

    methods: list[str]
    groups: list[list[str]]
    taken: str
    unsure: list[str]


def find_videos(spots: Sequence[Spot]) -> FoundVideos:
    """Methods and groups by the rules above."""
    spots = [
        spot._replace(levels=tuple(name for name in spot.levels if not is_container(name))) for spot in spots
    ]
    unsure: list[str] = []
    real = read_levels(REAL, spots, Level(set(), set(), 0), unsure)
    fake = read_levels(FAKE, spots, real, unsure)
    levels = {REAL: real, FAKE: fake}
    methods = [_method(spot, levels[spot.label]) for spot in spots]
    over = read_over(spots, unsure)
    folders = [_video(spot, levels[spot.label], over) for spot in spots]
    names = _name_pictures(spots, folders, unsure)
    untied = _numbers_untied(spots, methods, names)
    names = _tie_pairs(spots, names)
    groups = [[_key(spot, name, untied) for name in own] for spot, own in zip(spots, names, strict=True)]
    return FoundVideos(methods, groups, _say(groups, folders, untied), unsure)


def _video(spot: Spot, level: Level, over: Set[str]) -> str:
    """Name of the topmost folder that is a video or a person, `` where none is."""
    if spot.over and spot.over[-1] in over:
        return "/".join(spot.over) + "/"  # so that a bare number is no counter of its class alone
    found = next(
        (name for place in enumerate(spot.levels) if place in level.videos for name in [place[1]]), ""
    )
    return "/".join((*spot.above, found)) if found else ""


def _method(spot: Spot, level: Level) -> str:
    if spot.label == REAL:
        return "real"
    if spot.method:
        return spot.method
    for place in enumerate(spot.levels):
        if place in level.videos:
            break
        if place not in level.parts and not is_bare(place[1]):
            return place[1]
    return "fake"


def _name_pictures(spots: Sequence[Spot], folders: Sequence[str], unsure: list[str]) -> list[list[str]]:
    """Video of each image: its folder's, else the stem of its own name where stems are those of videos."""
    names = [[folder] * len(spot.pictures) for spot, folder in zip(spots, folders, strict=True)]
    alike = False  # real stems that only their number, or their counters, tell from anything else
    for label in (REAL, FAKE):
        doubtful: set[str] = set()
        for at, spot in enumerate(spots):
            if spot.label != label or folders[at]:
                continue
            stems = frame_stems(spot.pictures)
            shared = {stem for stem in {*stems} if stem and not known_name(stem, METHOD_NAMES)}
            counted = numbered(shared)
            by_look = len(counted) < 2
            enough = (
                not by_look
                or len(shared) >= FEW
                or (len(shared) >= FEWEST and (label == REAL or alike or bool(spot.method)))
            )
            if enough:
                names[at] = [stem if stem in (shared if by_look else counted) else "" for stem in stems]
                alike |= by_look and label == REAL
            elif len(shared) > 1:
                doubtful |= shared
        if doubtful:
            unsure.append(
                f"images below {CLASS_NAMES[label]} called {examples(doubtful)} with a counter may "
                "be frames of videos; not taken as groups"
            )
    return names


def _tie_pairs(spots: Sequence[Spot], names: list[list[str]]) -> list[list[str]]:
    """Fakes that are called by real videos, with them: `clip07_fake` by one, and `071_054` by two, its target
    and source; where both would tie most of the set into one group, as with few people, by its target alone.
    """
    found = {
        label: {n for s, own in zip(spots, names, strict=True) if s.label == label for n in own} - {""}
        for label in CLASS_NAMES
    }
    marked = {name: _MARK.sub("", name) for name in found[FAKE]}
    tied = {name: core for name, core in marked.items() if core != name and core in found[REAL]}
    numbers = {name for name in found[REAL] if name.isdigit()}
    pairs = {name for name in found[FAKE] if (pair := _PAIR.fullmatch(name)) and pair[1] in numbers}
    if pairs and 2 * len(pairs) >= len(found[FAKE]):
        joined = join_pairs(pairs, {})
        largest = max(group.count("+") + 1 for group in joined.values())
        if 2 * largest > len(numbers | joined.keys()):
            joined = {}
        targets = {name: name.partition("_")[0] for name in pairs | numbers}
        tied |= {name: joined.get(target, target) for name, target in targets.items()}
    return [[tied.get(name, name) for name in own] for own in names]


def _numbers_untied(spots: Sequence[Spot], methods: Sequence[str], names: Sequence[Sequence[str]]) -> bool:
    """Whether bare numbers stand in both classes, and those of fakes below no method."""
    bare = {REAL: False, FAKE: False}
    for spot, method, own in zip(spots, methods, names, strict=True):
        if spot.label == REAL or method == "fake":
            bare[spot.label] |= any(name and is_bare(name.rpartition("/")[2]) for name in set(own))
    return all(bare.values())


def _key(spot: Spot, name: str, untied: bool) -> str:
    """Name of a group. Where splits are given, a name counts within its split: counters begin anew."""
    if not name:
        return ""
    own = f"{CLASS_NAMES[spot.label]}/{name}" if untied and is_bare(name.rpartition("/")[2]) else name
    return f"{spot.split}/{own}" if spot.split else own


def _say(groups: Sequence[Sequence[str]], folders: Sequence[str], untied: bool) -> str:
    by_folder = {name for own, folder in zip(groups, folders, strict=True) if folder for name in own}
    by_stem = {name for own in groups for name in own} - by_folder - {""}
    said = []
    if by_folder:
        said.append(f"{len(by_folder):,} folders, taken as videos or people, such as {examples(by_folder)}")
    if by_stem:
        said.append(f"{len(by_stem):,} names with a counter, taken as videos, such as {examples(by_stem)}")
    if said and untied:
        said.append("numbers that real and fake have in common tie nothing")
    return "; ".join(said)
