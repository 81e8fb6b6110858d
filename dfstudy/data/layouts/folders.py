"""Class folders: label, method and given split from the names of folders in any depth.

Takes the paths below a root; gives rows as `Layout` says. Names are matched as whole folder names, in any
case, below the root and never above it. More than MANY_METHODS folders with pictures side by side are
videos or people: each is a group, and no method. Refuses, naming the folders and the lines of YAML that
mend it, a picture whose folders say neither real nor fake, and a path that says both.
Cost: one look at each folder, not at each picture.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from dfstudy.data.layouts.layout import Files, Reading
from dfstudy.data.layouts.names import CLASS_NAMES, FAKE, FAKE_WORDS, REAL, SPLIT_WORDS, build_aliases
from dfstudy.errors import StudyError
from dfstudy.study import STUDIES, Study

# More subfolders than this are people or videos, not methods: a table by method would say nothing.
MANY_METHODS = 40
_SHOWN = 20


class FolderMeaning(NamedTuple):
    """What the names along one folder's path say; label None where they say nothing."""

    label: int | None
    method: str
    given_split: str


class ClassFolders:
    """Folders called real and fake, or as the study's aliases say."""

    name = "class folders"

    def read(self, files: Files) -> Reading:
        """Rows of all pictures.

        Raises:
            StudyError: as `read_folders`.
        """
        rows = read_folders(files.study, list(files.pictures))
        given = [name for name in ("train", "val", "test") if (rows["given_split"] == name).any()]
        grouped = rows.loc[rows["group"] != rows["path"], "group"].nunique()
        groups = f"{grouped:,} folders, taken as videos or people" if grouped else "none named"
        return Reading(
            self.name, rows, 0, f"given: {', '.join(given)}" if given else "no splits given", groups
        )


def read_folders(study: Study, paths: list[str]) -> pd.DataFrame:
    """One row a picture, from the names of its folders.

    Args:
        paths: posix, relative to `study.pictures`.
    Raises:
        StudyError: a folder says neither real nor fake, or both, or names two splits.
    """
    aliases = build_aliases(study.data.aliases)
    folders = [path.rpartition("/")[0] for path in paths]
    meanings = {folder: read_meaning(folder, aliases) for folder in dict.fromkeys(folders)}
    if any(meaning.label is None for meaning in meanings.values()):
        raise _unknown_folders(study, Counter(folders), meanings)
    said = pd.DataFrame(meanings.values()).astype({"label": "Int8"})
    if said["method"].nunique() > MANY_METHODS:
        said["method"] = said["label"].map(CLASS_NAMES)
    places = {folder: place for place, folder in enumerate(meanings)}
    table = said.take([places[folder] for folder in folders]).reset_index(drop=True)
    table.insert(0, "path", paths)
    table.insert(3, "group", _groups(paths, folders, meanings))
    return table.assign(video="", error="")


def _groups(paths: list[str], folders: list[str], meanings: Mapping[str, FolderMeaning]) -> list[str]:
    """Folders of videos or people group their pictures, by name, so that a fake joins its original's frames.

    Where splits are given, a name counts within its split: numbered folders begin anew in each.
    """
    siblings = Counter(folder.rpartition("/")[0] for folder in meanings if folder)
    names = {}
    for folder, meaning in meanings.items():
        above, _, name = folder.rpartition("/")
        if siblings[above] > MANY_METHODS:
            names[folder] = f"{meaning.given_split}/{name}" if meaning.given_split else name
    return [names.get(folder, path) for path, folder in zip(paths, folders, strict=True)]


def read_meaning(folder: str, aliases: Mapping[str, int]) -> FolderMeaning:
    """Read one folder's path, such as `Train/Fake/stylegan`.

    The method of a fake is the first name, from its class folder on, that says more than `fake` or a split:
    the class folder itself, or a folder below one of the general names; else `fake`.
    """
    parts = [part for part in folder.split("/") if part]
    words = [part.lower() for part in parts]
    labels = {aliases[word]: word for word in reversed(words) if word in aliases}
    splits = {SPLIT_WORDS[word]: word for word in words if word in SPLIT_WORDS}
    if len(labels) > 1:
        raise StudyError(
            f"the path '{folder}' says real ('{labels[REAL]}') and fake ('{labels[FAKE]}')",
            "rename one of the two folders, or list the pictures in index.csv with columns path,label",
        )
    if len(splits) > 1:
        raise StudyError(
            f"the path '{folder}' names two splits: {' and '.join(splits.values())}",
            "rename one of the folders, or list the pictures in index.csv with columns path,label,split",
        )
    given_split = next(iter(splits), "")
    if not labels:
        return FolderMeaning(None, "", given_split)
    label = next(iter(labels))
    return FolderMeaning(label, "real" if label == REAL else _method(parts, words, aliases), given_split)


def _method(parts: list[str], words: list[str], aliases: Mapping[str, int]) -> str:
    generic = {*FAKE_WORDS, *SPLIT_WORDS}
    first = next(at for at, word in enumerate(words) if word in aliases)
    below = [part for part, word in zip(parts[first:], words[first:], strict=True) if word not in generic]
    return below[0] if below else "fake"


def _unknown_folders(study: Study, pictures: Counter, meanings: Mapping[str, FolderMeaning]) -> StudyError:
    counts: Counter = Counter()
    known = {
        prefix
        for folder, meaning in meanings.items()
        if meaning.label is not None
        for prefix in _above(folder)
    }
    for folder, meaning in meanings.items():
        if meaning.label is None:
            counts[_class_folder(folder, known)] += pictures[folder]
    loose = counts.pop("", 0)
    lines = [f"  {name}: {count:,} pictures" for name, count in sorted(counts.items())[:_SHOWN]]
    lines += [f"  and {len(counts) - _SHOWN:,} more folders"] if len(counts) > _SHOWN else []
    lines += [f"  directly in the folder: {loose:,} pictures"] if loose else []
    root = study.pictures
    message = f"{root}: these say neither real nor fake:\n" + "\n".join(lines)
    if not counts:
        return StudyError(
            message, "move them into folders called real and fake, or list them in index.csv (path,label)"
        )
    return StudyError(message, alias_hint(study, sorted(counts)[:_SHOWN]))


def _above(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _class_folder(folder: str, known: set[str]) -> str:
    """Name of the first folder that could be the class: no split, and no labelled picture below it."""
    for prefix in _above(folder):
        name = prefix.rpartition("/")[2]
        if prefix not in known and name.lower() not in SPLIT_WORDS:
            return name
    return ""


def alias_hint(study: Study, names: Iterable[str]) -> str:
    """The two lines of YAML that give `names` a label, with a guessed side, and where they belong."""
    hints = ("real", "orig", "auth", "genuin", "pristin", "natur", "photo")
    sides: dict[str, list[str]] = {"real": [], "fake": []}
    for name in names:
        sides["real" if any(hint in name.lower() for hint in hints) else "fake"].append(name)
    lists = ", ".join(
        f"{side}: {json.dumps(words, ensure_ascii=False)}" for side, words in sides.items() if words
    )
    built_in = study.file.parent == STUDIES
    file = "my.yaml" if built_in else study.file
    where = f"a copy of {study.file}, called my.yaml" if built_in else str(file)
    return (
        f"write these two lines into {where} (which has a `data:` already), each name on its right side:\n\n"
        f"data:\n  aliases: {{{lists}}}\n\n"
        f"  then run: make report STUDY={file} DATA={study.pictures}"
    )
