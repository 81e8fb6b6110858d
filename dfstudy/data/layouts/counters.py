"""Counters in names: which names are numbered alike, and what a counter at the end of a name counts.

Takes names of folders, and of images without their endings; says which folders are numbered, whether their
images are counted anew in each or on through all of them, and of which video an image's name makes it a
frame. Nothing here knows labels or methods. Cost: a regular expression a name.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

LONGEST = 8  # digits: a longer number is a time or an identifier, and counts nothing

_COUNTER_FIRST = re.compile(
    r"(?:frame|frm|f)?[ ._-]*\d+[ ._-]+"
    r"(?P<stem>(?:clip|vid|video|seq|scene|shot|person|subject|actor|id)[ ._-]*\d+)",
    re.IGNORECASE,
)
_EXPORT = re.compile(r"_(?:jpe?g|png|bmp|webp)\.rf\.\w{16,}$")  # what a labelling tool adds to a frame's name
_WORD = re.compile(r"[ ._-]+(?:face|frame|frm|crop|copy|img|image|pic)$", re.IGNORECASE)
_BRACKETS = re.compile(r"(?P<stem>.*[A-Za-z].*?)[ ._-]*\((?P<number>\d+)\)")
_WORD_BEHIND = re.compile(r"(?<=\d)[ ._-]?[A-Za-z]{1,10}$")
_STRIPPED = 3  # counters at the end of one name: frame, face, copy
# Stems that cameras, programs and class folders give every image.
_PLAIN = frozenset(
    """img image images dsc dscn dscf pxl mvimg photo pic picture frame frm f face crop seed sample output
    result gen real fake train val test n""".split()  # noqa: SIM905
)


def skeleton(name: str) -> str:
    """The name with `#` for each of its numbers, in lower case; empty where it holds none that counts."""
    runs = re.findall(r"\d+", name)
    return re.sub(r"\d+", "#", name.lower()) if runs and max(map(len, runs)) < LONGEST else ""


def numbered(names: Iterable[str]) -> set[str]:
    """Names that differ from another one in their numbers alone, where most names do; else none."""
    names = set(names)
    shapes = Counter(skeleton(name) for name in names)
    found = {name for name in names if skeleton(name) and shapes[skeleton(name)] > 1}
    return {name for name in names if skeleton(name)} if 2 * len(found) >= len(names) else set()


def count_anew(folders: Mapping[str, Sequence[str]]) -> bool:
    """Whether most images bear a counter and a name that other folders give as well, or their folder's.

    Args:
        folders: name -> its images' names without their endings.
    """
    pictures = [(folder, name) for folder, names in folders.items() for name in names]
    places: dict[str, set[str]] = defaultdict(set)
    for folder, name in pictures:
        places[name].add(folder)
    again = sum(
        name[-1:].isdigit() and (len(places[name]) > 1 or (name.startswith(folder) and name != folder))
        for folder, name in pictures
    )
    return 2 * again >= len(pictures) > len(folders)


def count_on(folders: Mapping[str, Sequence[str]]) -> bool:
    """Whether one counter runs on through all folders: they are parts of one series of images."""
    spans, stems = [], set()
    for names in folders.values():
        counted = [split_counter(name) for name in names]
        numbers = [int(number) for _, number in counted if number]
        if len(numbers) < len(names) or not numbers:
            return False
        stems |= {stem for stem, _ in counted}
        spans.append((min(numbers), max(numbers)))
    spans.sort()
    apart = all(one[1] < other[0] for one, other in pairwise(spans))
    return len(spans) > 1 and len(stems) == 1 and apart and sum(map(len, folders.values())) > len(folders)


def split_counter(name: str) -> tuple[str, str]:
    """Stem and number of `clip07_0003` (clip07, 0003) or `0003` (``, 0003); no number where none ends it."""
    stem = name.rstrip("0123456789")
    if not 0 < len(name) - len(stem) <= LONGEST:
        return name, ""
    return stem.rstrip(" ._-"), name[len(stem) :]


def frame_stems(names: Sequence[str]) -> list[str]:
    """The stem that each image of one folder shares with others, `` where it shares none.

    Where one stem serves all, or most images share none, no stem says anything: all are empty. A second and
    third counter is taken off where the first leaves most images alone, or counts less than ten, as
    faces of one frame and copies do, where that joins stems and those left still differ.
    """
    stems = [name if name[-1:].isdigit() else _plain_end(name) for name in names]
    found = [""] * len(names)
    for _ in range(_STRIPPED):
        small = all(int(number) < 10 for _, number in map(split_counter, stems) if number)
        stems = [_strip(stem) for stem in stems]
        if not any(stems):
            break
        counts = Counter(stem for stem in stems if stem)
        shared = {stem for stem, count in counts.items() if count > 1 and not _is_plain(stem)}
        coarser = not any(found) or len(shared) < len({*found} - {""})
        if coarser and len(shared) > 1 and 2 * sum(counts[stem] for stem in shared) >= len(names):
            found = [stem if stem in shared else "" for stem in stems]
            if not small:
                break
        elif any(found):
            break
    return found


def seem_frames(paths: Iterable[str]) -> int:
    """How many videos images seem to be frames of, by numbered folders or stems; 0 where of none.

    For lists that say what each image is, and name no groups: these names are not acted on, but said.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        folders[folder].append(name.rpartition(".")[0])
    last = {folder: folder.rpartition("/")[2] for folder in folders}
    called = numbered(last.values())
    videos = [folder for folder, name in last.items() if name in called]
    if len(videos) > 1 and count_anew({folder: folders[folder] for folder in videos}):
        return len(videos)
    found = {(folder, stem) for folder, names in folders.items() for stem in frame_stems(names) if stem}
    return len(found) if len(numbered(stem for _, stem in found)) > 1 else 0


def _plain_end(name: str) -> str:
    """The name up to its last counter: without a tool's code, a word behind (`_left`, `s`), and brackets.

    A bare number before the brackets stays as it is: `0001 (2)` is how copies are called.
    """
    name = _EXPORT.sub("", name)
    if found := _BRACKETS.fullmatch(name):
        return f"{found['stem']}_{found['number']}"
    return _WORD_BEHIND.sub("", name)


def _strip(name: str) -> str:
    stem, number = split_counter(name)
    if not stem or not number:
        return ""
    if name[0] in "0123456789fF" and (first := _COUNTER_FIRST.fullmatch(name)):
        return first["stem"]
    return _WORD.sub("", stem) or stem


def _is_plain(stem: str) -> bool:
    """Whether the stem is one of those that all images get, alone or with a day's date."""
    if any(len(run) >= LONGEST for run in re.findall(r"\d+", stem)):  # a date, or a class of ImageNet
        return True
    return stem.lower() in _PLAIN
