"""Which folders below a class folder are videos or people: by their names, and by those of their images.

Takes `Spot`s, folders that hold images; gives the names of videos or people and of parts of archives, each
with its depth below the class folder, and says what it cannot tell. The rules stand in `videos.py`.
Cost: a look at each image's name where folders lie below a class folder.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from dfstudy.data.layouts.counters import count_anew, count_on, frame_stems, numbered, skeleton
from dfstudy.data.layouts.names import CLASS_NAMES, FAKE, METHOD_NAMES, REAL, SOURCE_NAMES, known_name

MANY = 40  # more folders than this are no methods: a table by method would say nothing
FEW = 8
FEWEST = 3  # a split into three needs as many groups of each class
_LARGER = 4  # times as many images as a video below real: a folder of that size holds more than one
_SHOWN = 3  # examples in a line

_PART_WORDS = frozenset(
    """part parts batch shard chunk folder dir archive volume disk block tar zip""".split()  # noqa: SIM905
)
_SET_WORDS = frozenset("set dataset data db fold split group source collection level".split())  # noqa: SIM905
_COUNTED_WORDS = frozenset(["method", "model", "generator", "version", "type"])  # methods however many
# Folders that say how images were made ready.
_CONTAINER = re.compile(
    r"frames?|images?|imgs?|faces?|crops?|cropped|aligned|png|jpe?g|videos?|raw|c0|c23|c40|\d+px|\d+x\d+|q\d+"
    r"|all|data|pictures|photos|extracted",
    re.IGNORECASE,
)
_SIZES = frozenset(
    """32 64 128 224 256 299 320 384 512 768 1024""".split()  # noqa: SIM905
)
_BARE = re.compile(r"\d+|\d[a-f]|[a-f]\d", re.IGNORECASE)

Names = set[tuple[int, str]]  # of folders, each with its depth below the class folder


class Spot(NamedTuple):
    """A folder that holds images.

    Attributes:
        method: of a fake, where the folders name one whatever else lies there; else empty.
        levels: names below the class folder that may be methods, videos or people.
        over: names above the class folder that may be videos or people, such as `clip07` in `clip07/fake`.
        above: bare numbers between two class folders, such as 1 in `real_train/1/real/7`.
        pictures: their names without endings.
    """

    label: int
    split: str
    method: str
    levels: tuple[str, ...]
    over: tuple[str, ...]
    above: tuple[str, ...]
    pictures: Sequence[str]


class Level(NamedTuple):
    """What lies below one class: names of videos or people, of parts of archives, and what else is known."""

    videos: Names
    parts: Names
    alike: int  # most images that a folder below fake may hold to be like those below real; 0: none is


def is_container(name: str) -> bool:
    """Whether a folder's name only says how its images were made ready: `frames`, `c23`, `256x256`."""
    return bool(_CONTAINER.fullmatch(name))


def is_bare(name: str) -> bool:
    """Whether the name is a number and nothing else, decimal or two digits of a hash."""
    return bool(_BARE.fullmatch(name))


def read_levels(label: int, spots: Sequence[Spot], real: Level, unsure: list[str]) -> Level:
    """Depth by depth, until each folder has its video."""
    own = [spot for spot in spots if spot.label == label]
    videos, parts, alike = set(), set(), 0
    for depth in range(max((len(spot.levels) for spot in own), default=0)):
        here = [
            spot
            for spot in own
            if len(spot.levels) > depth and not any((at, spot.levels[at]) in videos for at in range(depth))
        ]
        pictures: dict[str, list[str]] = defaultdict(list)
        by_parent: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for spot in here:
            pictures[spot.levels[depth]] += spot.pictures
            parent = (spot.split, spot.method, *spot.above, *spot.levels[:depth])
            by_parent[parent][spot.levels[depth]] += spot.pictures
        parts |= {(depth, name) for name in _parts(pictures, by_parent.values())}
        open_names = {name: files for name, files in pictures.items() if (depth, name) not in parts}
        methods_here = label == FAKE and depth == 0 and not all(spot.method for spot in here)
        leaves = all(len(spot.levels) == depth + 1 for spot in here)
        found, by_look = _videos_among(open_names, methods_here, real, leaves)
        videos |= {(depth, name) for name in found}
        if by_look and depth == 0 and leaves:
            alike = _LARGER * int(median(len(open_names[name]) for name in found))
        left = sorted(name for name in open_names if name not in found and not _is_known(name))
        if leaves and _is_doubtful(left, open_names, label, methods_here, real):
            unsure.append(_doubt(left, label, methods_here))
    return Level(videos, parts, alike)


def read_over(spots: Sequence[Spot], unsure: list[str]) -> set[str]:
    """Names directly above class folders that are videos or people: numbered ones that count anew."""
    pictures: dict[str, list[str]] = defaultdict(list)
    for spot in spots:
        if spot.over:
            pictures[spot.over[-1]] += spot.pictures
    names = {name for name in pictures if not _is_known(name) and not _is_set_word(name)}
    if len(names) < 2 or 2 * len(names) < len(pictures) or not count_anew({n: pictures[n] for n in names}):
        return set()
    found = numbered(names)
    if len(found) >= FEWEST:
        return found
    unsure.append(
        f"{len(names):,} folders above real and fake ({examples(names)}) may be videos or people; not "
        "taken as groups"
    )
    return set()


def _is_set_word(name: str) -> bool:
    """Whether a name is one of parts of a set, which lie above real and fake as videos may."""
    return bool((_PART_WORDS | _SET_WORDS) & set(re.findall(r"[a-z]+", name.lower())))


def _parts(pictures: Mapping[str, list[str]], families: Iterable[Mapping[str, list[str]]]) -> set[str]:
    """Names of parts of an archive."""
    called = {
        name for name in pictures if skeleton(name) and _PART_WORDS & set(re.findall(r"[a-z]+", name.lower()))
    }
    if set(pictures) <= _SIZES:  # the same images, or others, in several sizes
        return set(pictures)
    families = [family for family in families if len(family) > 1]
    running = families and all(count_on(family) for family in families)
    return called | (set(numbered(pictures)) if running else set())


def _videos_among(
    pictures: Mapping[str, list[str]], methods_here: bool, real: Level, leaves: bool
) -> tuple[set[str], bool]:
    """Names of videos or people among folders side by side, and whether nothing but their look says so."""
    names = {name for name in pictures if not _is_known(name)}
    if len(pictures) > MANY:
        return set(pictures), not numbered(names)
    shapes = {skeleton(name) for _, name in real.videos} - {""}
    same = {name for name in pictures if (0, name) in real.videos or skeleton(name) in shapes}
    counted = numbered(names)
    if len(counted) > 1 or same:
        family = numbered(pictures)  # of very many numbered alike, a generator's name is only a word
        found = family if len(family) >= FEW else counted
        if 2 * len(same) >= len(pictures):  # fakes of videos: what else lies there is one as well
            found = found | names
        return {name for name in found | same if not _is_method_word(name)}, False
    enough = len(names) >= FEW or (len(names) >= FEWEST and count_anew({n: pictures[n] for n in names}))
    if not enough or 2 * len(names) < len(pictures):
        return set(), False
    if methods_here and not (leaves and _are_alike([pictures[name] for name in names], real)):
        return set(), False
    return names, True


def _are_alike(folders: list[list[str]], real: Level) -> bool:
    """Whether folders below fake lie as videos or people below real do.

    Folders that are much larger, or that hold many videos each, are methods.
    """
    several = sum(any(frame_stems(names)) for names in folders)
    return median(map(len, folders)) <= real.alike and 2 * several < len(folders)


def _is_known(name: str) -> bool:
    return known_name(name, METHOD_NAMES | SOURCE_NAMES)


def _is_method_word(name: str) -> bool:
    return known_name(name, _COUNTED_WORDS)


def _is_doubtful(
    left: list[str], names: Mapping[str, list[str]], label: int, methods_here: bool, real: Level
) -> bool:
    """Whether names that are no videos might be some all the same."""
    if label == REAL or not methods_here:
        return len(left) > 1
    return len(left) > 1 and (bool(real.videos) or len(left) >= FEW) and count_anew(names)


def _doubt(left: list[str], label: int, methods_here: bool) -> str:
    taken = "taken as methods" if methods_here else "not taken as groups"
    where = f"{len(left):,} folders below {CLASS_NAMES[label]} ({examples(left)})"
    return f"{where} may be videos or people; {taken}"


def examples(names: Iterable[str]) -> str:
    """The first few of some names, as part of a line."""
    names = sorted(names)
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
