"""What lies in a folder of videos and photographs: label, method, group, split, and the originals of fakes.

Takes a study, whose `pictures` is the folder; gives one `Source` a file, sorted by path, and the line that
says what was recognised. Folders are read as those of images are (`layouts`, `index.csv`, the study's
aliases). A folder in which no name says real or fake gives sources without labels, for scoring; one that
says so for some files only is refused as everywhere. What `data.exclude` names is excluded, and every file
that is neither video nor image is counted by its ending. Cost: as `layouts.recognise`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from dfstudy.data.endings import (
    DESCRIPTIONS,
    PICTURES,
    UNREAD_PICTURES,
    VIDEOS,
    describe_endings,
    ending,
    is_clip,
    unread_format,
)
from dfstudy.data.index_csv import NAME, has_index_csv, read_index_csv
from dfstudy.data.layouts.folders import read_meaning
from dfstudy.data.layouts.layout import Files
from dfstudy.data.layouts.names import build_aliases
from dfstudy.data.layouts.registry import recognise
from dfstudy.data.listing import EXCLUDED, left_out
from dfstudy.data.walk import name_fault, walk_files, writable
from dfstudy.errors import StudyError
from dfstudy.faces.pairs import Clip, find_originals, name_groups

if TYPE_CHECKING:
    from dfstudy.study.study import Study

_FURTHER = re.compile(r"_face\d+$")  # names of faces beside the main one, as `jobs` gives them


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        path: posix, below the folder.
        name: the same without its suffix, and unlike every other: where its crops go.
        bytes, changed: size, and time of the last change in nanoseconds.
        label: 0 real, 1 fake, None unknown.
        original: path of the video that a fake was made from, `` where unknown.
    """

    path: str
    name: str
    bytes: int
    changed: int
    is_clip: bool
    label: int | None = None
    method: str = ""
    group: str = ""
    split: str = ""
    original: str = ""


class Sources(NamedTuple):
    """Files to look at, those excluded as {path: reason}, how they were read, and others by ending."""

    files: list[Source]
    set_aside: dict[str, str]
    line: str
    others: Counter[str]


def list_sources(study: Study) -> Sources:
    """Videos and photographs below `study.pictures`.

    Raises:
        StudyError: no such folder, nothing in it, folders that say real or fake of some files only, or as
            `left_out`.
    """
    root = study.pictures
    if not root.is_dir():
        raise StudyError(f"there is no folder {root}", "check the path of the videos or photographs")
    found, side_files, unread, others = _list(study)
    if not found and unread:
        path, reason = min(unread.items())
        raise StudyError(
            f"{root}: none of {len(unread):,} files can be read; the first, {path}: {reason}",
            "mend what the reason names, or give another folder",
        )
    if not found:
        raise StudyError(
            f"{root} holds neither videos ({' '.join(VIDEOS)}) nor images ({' '.join(PICTURES)}); it holds "
            + (", ".join(describe_endings(others)) or "no file at all"),
            "give the folder that holds them, in any depth",
        )
    unused = _left_out(study, found, unread)
    rows, line = _read(study, sorted(found.keys() - unused), sorted(side_files))
    wrong = rows["error"] != ""
    aside = dict(zip(rows.loc[wrong, "path"], rows.loc[wrong, "error"], strict=True))
    rows = rows[~wrong]
    videos = [
        Clip(row.path, None if pd.isna(row.label) else int(row.label), row.group)
        for row in rows.itertuples(index=False)
        if is_clip(row.path)
    ]
    originals = find_originals(videos) | _frame_originals(rows)
    groups = name_groups(videos, originals)
    if originals:
        tied = f"{len(originals):,} fake{'s' * (len(originals) != 1)}"
        line += f"; names tie {tied} to the original"
    names = unlike_names(list(rows["path"]))
    files = [
        Source(
            path=row.path,
            name=names[row.path],
            bytes=found[row.path][0],
            changed=found[row.path][1],
            is_clip=row.path in groups,
            label=None if pd.isna(row.label) else int(row.label),
            method=row.method,
            group=groups.get(row.path, row.group),
            split=row.given_split,
            original=originals.get(row.path, ""),
        )
        for row in rows.sort_values("path").itertuples(index=False)
    ]
    return Sources(files, unread | aside | dict.fromkeys(unused, EXCLUDED), line, others)


def _left_out(study: Study, found: Iterable[str], unread: Iterable[str]) -> set[str]:
    """What `data.exclude` names."""
    paths = pd.Series(sorted([*found, *unread]), dtype=str)
    return set(paths[left_out(study, paths)])


def _frame_originals(rows: pd.DataFrame) -> dict[str, str]:
    """Image -> the one of that name in the folder of its original, where folders are frames of videos."""
    pictures = rows[~rows["path"].map(is_clip).astype(bool)]
    folders = {}
    for row in pictures.itertuples(index=False):
        label = None if pd.isna(row.label) else int(row.label)
        folders[row.path.rpartition("/")[0]] = Clip(row.path.rpartition("/")[0], label, row.group)
    tied, known = find_originals(list(folders.values())), set(pictures["path"])
    found = {}
    for path in pictures["path"]:
        folder, _, name = path.rpartition("/")
        if folder in tied and f"{tied[folder]}/{name}" in known:
            found[path] = f"{tied[folder]}/{name}"
    return found


def unlike_names(paths: list[str]) -> dict[str, str]:
    """Path -> path without its suffix; with it where the crops of two files would meet.

    They would under one name, in a folder of the name that a clip's frames get, and where a name ends as that
    of a second face does. Lower case counts: some file systems do not tell A from a.
    """
    short = {path: path.rpartition(".")[0] for path in paths}
    counts = Counter(name.lower() for name in short.values())
    taken = {path.lower() for path in paths} | {folder.lower() for path in paths for folder in _above(path)}

    def alone(name: str) -> bool:
        return counts[name] == 1 and name not in taken and not _FURTHER.search(name)

    return {path: name if alone(name.lower()) else path for path, name in short.items()}


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _list(study: Study) -> tuple[dict[str, tuple[int, int]], list[str], dict[str, str], Counter[str]]:
    """Files to read with size and time, those that may describe them, why some cannot be read, and others."""
    found, side_files, unread, others = {}, [], {}, Counter()
    for path, entry in walk_files(study.pictures, study.out, others):
        suffix, shown = ending(entry.name), writable(path)
        if suffix not in (*VIDEOS, *PICTURES, *UNREAD_PICTURES):
            others[writable(suffix)] += 1
            if suffix in DESCRIPTIONS and shown == path and entry.is_file():  # a pipe would never be read
                side_files.append(path)
        elif reason := name_fault(path) or unread_format(path):
            unread[shown] = reason
        else:
            try:
                facts = entry.stat()
                found[path] = (facts.st_size, facts.st_mtime_ns)
            except FileNotFoundError:  # a link to nothing
                unread[path] = "the file is missing"
            except OSError as error:  # one to itself
                unread[path] = f"the file cannot be read ({error.strerror})"
    return found, side_files, unread, others


def _read(study: Study, paths: list[str], side_files: list[str]) -> tuple[pd.DataFrame, str]:
    if has_index_csv(study.pictures):
        rows = read_index_csv(study, paths)
        return rows, f"layout: {NAME} ({len(paths):,} files)"
    aliases = build_aliases(study.data.aliases)
    try:
        reading = recognise(Files(study, paths, side_files))
        return reading.rows, reading.line.replace("picture", "file")
    except StudyError:
        folders = {path.rpartition("/")[0] for path in paths}
        if any(read_meaning(folder, aliases).label is not None for folder in folders):
            raise
    rows = pd.DataFrame({"path": paths, "label": pd.array([pd.NA] * len(paths), dtype="Int8")})
    rows = rows.assign(method="", group=paths, given_split="", error="")
    return rows, "no folder says real or fake: labels stay empty"
