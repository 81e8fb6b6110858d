"""Which label and which given split a folder's name bears, alone and among the other names of its set.

Takes names such as `train`, `test_real`, `RealTrain`, `val2017`, `training set`; gives label and split where
every word of the name is known: of a class, of a split, or one that says nothing beside them (set, images,
a number). `dev` is validation; `eval` is the test set, or, where the set has a test set as well, validation.
Names with a foreign word (`celeba_train`) count where others complete them: all images stand in such
folders, or two names differ in nothing but the split. Refuses a set of which some parts bear a split's name
and others do not. Cost: a few microseconds a name.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dfstudy.data.layouts.names import EVAL_WORDS, SPLIT_WORDS
from dfstudy.errors import StudyError

EVAL = "eval"  # a split that is `test` or `val`, by what else the set holds
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_ANY_SPLIT = re.compile("|".join(SPLIT_WORDS), re.IGNORECASE)  # most names of folders hold none
# Words that say nothing beside the word of a split.
_BESIDE = frozenset(
    """set data dataset split part subset images imgs image pictures photos faces face frames videos video
    clips crops sample samples public private final official""".split()  # noqa: SIM905
)
_SHOWN = 10


class NameMeaning(NamedTuple):
    """What one name says; label None and split empty where it says nothing."""

    label: int | None
    split: str


def read_name(name: str, aliases: Mapping[str, int]) -> NameMeaning:
    """Label and split (`train`, `val`, `test`, `eval`) of one folder's name.

    Args:
        aliases: as `names.build_aliases`; empty reads splits alone.
    """
    label = aliases.get(name.lower())
    if not _ANY_SPLIT.search(name):
        return NameMeaning(label, "")
    tokens = list(_TOKEN.finditer(name))
    words = [token[0].lower() for token in tokens]
    splits = {_split(word) for word in words if word in SPLIT_WORDS}
    if len(splits) != 1:
        return NameMeaning(label, "")
    first, last = 0, len(words)
    while first < last and _says_nothing(words[first]):
        first += 1
    while last > first and _says_nothing(words[last - 1]):
        last -= 1
    if first == last:
        return NameMeaning(label, splits.pop())
    core = name[tokens[first].start() : tokens[last - 1].end()].lower()
    if core not in aliases:
        return NameMeaning(label, "")
    return NameMeaning(aliases[core] if label is None else label, splits.pop())


def split_name(word: str) -> str | None:
    """`train`, `val` or `test` where the word, such as `dev` or `Training set`, names a split, else None."""
    split = read_name(word.strip(), {}).split
    return "test" if split == EVAL else split or None


def split_of(parts: Iterable[str]) -> str:
    """The first split that a path's folders name, `` where they name none."""
    return next((split for part in parts if (split := split_name(part))), "")


def settle(splits: Sequence[str]) -> list[str]:
    """Splits as used: `eval` is the test set, or validation where there is a test set beside it."""
    meant = "val" if "test" in splits else "test"
    return [meant if split == EVAL else split for split in splits]


def split_pictures(folders: Mapping[str, int], splits: Mapping[str, str], where: str) -> dict[str, str]:
    """The given split of each folder of a set, `` throughout where the set names none.

    Args:
        folders: folder -> pictures in it.
        splits: folder -> what its names say by themselves (`read_name`).
        where: the set, for messages.
    Raises:
        StudyError: some folders bear a split's name and others do not.
    """
    named = dict(splits)
    loose = {folder: _foreign_split(folder) for folder, split in named.items() if not split}
    if loose and all(loose.values()) and len({*loose.values(), *named.values()} - {""}) > 1:
        named |= loose
    else:
        pairs = _completed({name for folder in loose for name in folder.split("/")})
        named |= {
            folder: next((pairs[name] for name in folder.split("/") if name in pairs), "") for folder in loose
        }
    without = [folder for folder, split in named.items() if not split]
    if without and len(without) < len(named):
        raise _partly_named(folders, named, where)
    return dict(zip(named, settle(list(named.values())), strict=True))


def _split(word: str) -> str:
    return EVAL if word in EVAL_WORDS else SPLIT_WORDS[word]


def _says_nothing(word: str) -> bool:
    return word in SPLIT_WORDS or word in _BESIDE or word.isdigit()


def _rest(name: str) -> tuple[str, str]:
    """Split and the name's other words, where exactly one word names a split; else two empty texts."""
    words = [token[0].lower() for token in _TOKEN.finditer(name)]
    found = [word for word in words if word in SPLIT_WORDS]
    if len(found) != 1:
        return "", ""
    return _split(found[0]), " ".join(word for word in words if word not in SPLIT_WORDS)


def _foreign_split(folder: str) -> str:
    """The split of a folder of which one name bears one beside foreign words; `` where none or two do."""
    found = {split for name in folder.split("/") if (split := _rest(name)[0])}
    return found.pop() if len(found) == 1 else ""


def _completed(names: Iterable[str]) -> dict[str, str]:
    """Name -> split, of names that differ from another one in nothing but the split."""
    by_rest: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        split, rest = _rest(name)
        if split:
            by_rest[rest][name] = split
    return {
        name: split
        for group in by_rest.values()
        if len(set(group.values())) > 1
        for name, split in group.items()
    }


def _partly_named(folders: Mapping[str, int], named: Mapping[str, str], where: str) -> StudyError:
    agreed: dict[str, set[str]] = defaultdict(set)
    for folder, split in named.items():
        for above in folders_above(folder):
            agreed[above].add(split)
    counts: Counter = Counter()
    for folder, split in named.items():
        part = next((above for above in folders_above(folder) if len(agreed[above]) == 1), folder)
        counts[part or "directly in the folder", split] += folders[folder]
    lines = [
        f"  {part}: {count:,} pictures, {split or 'no split named'}"
        for (part, split), count in sorted(counts.items(), key=lambda entry: (entry[0][1] == "", entry[0]))
    ]
    more = [f"  and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else []
    return StudyError(
        f"{where}: some parts of the set bear a split's name and others do not:\n"
        + "\n".join([*lines[:_SHOWN], *more]),
        "rename the others (train, val, test), leave them out (in the study file, data: {exclude: [FOLDER]}) "
        "or list all pictures in index.csv (path,label,split); without such names the split is made here",
    )


def folders_above(folder: str) -> list[str]:
    """The folder and those that it lies in, the outermost first."""
    parts = folder.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
