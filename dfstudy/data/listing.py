"""What lies in a study's folder: images, files that describe them, others by ending, and what is left out.

Takes a study; gives the paths below its folder with what the file system says of each, and a count of every
file that is taken for no image. `data.exclude` names folders whose images keep a row and are not used.
Refuses a folder that is missing or holds no image, and an exclusion of nothing or of everything.
Cost: under 2 us a file.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from dfstudy.data.columns import UNSAID
from dfstudy.data.endings import DESCRIPTIONS, PICTURES, UNREAD_PICTURES, describe_endings, ending
from dfstudy.data.index_file import STAT
from dfstudy.data.walk import name_fault, walk_files, writable
from dfstudy.errors import StudyError, near_match

if TYPE_CHECKING:
    from dfstudy.study.study import Study

EXCLUDED = "left out by data.exclude"
_SHOWN = 5


def list_files(study: Study) -> tuple[pd.DataFrame, list[str]]:
    """Files below `study.pictures`: those with an image's suffix, and those that may describe images.

    Returns:
        The images' path, `STAT` (zeros for a link to nothing) and fault (why the name cannot be used, empty
        where it can), and the paths of .json, .csv and .txt files; both sorted.

    Hidden files, masks, archives' leftovers and the study's own results are passed over; links are followed.
    """
    root = study.pictures
    if not root.is_dir():
        raise StudyError(f"there is no folder {root}", "check the path given as DATA= or data.root")
    if root == study.out:
        raise StudyError(f"{root} holds the images and is to hold the results", "give another OUT=")
    rows, side_files, others = _sort_files(study)
    if not rows:
        there = ", ".join(describe_endings(others)[:_SHOWN]) or "no file at all"
        raise StudyError(
            f"{root} holds no images ({' '.join(PICTURES)}); it holds {there}",
            "give a folder with images in subfolders real and fake: make report DATA=folder",
        )
    paths, *stats, faults = zip(*sorted(rows), strict=True)
    # By way of pyarrow and numpy: pandas looks at what each value is, in five times the time.
    found = {name: np.array(values, np.int64) for name, values in zip(STAT, stats, strict=True)}
    texts = {"path": paths, "fault": faults}
    found |= {name: pd.array(pa.array(values), dtype=str) for name, values in texts.items()}
    return pd.DataFrame(found), sorted(side_files)


def count_others(study: Study) -> Counter[str]:
    """Files below `study.pictures` that are taken for no image, by ending, or as hidden or a mask."""
    return _sort_files(study)[2]


def _sort_files(study: Study) -> tuple[list[tuple], list[str], Counter[str]]:
    """Rows of images (path, `STAT`, fault), files that may describe them, and how many others there are."""
    known = {*PICTURES, *UNREAD_PICTURES}
    rows, side_files, others = [], [], Counter()
    for path, entry in walk_files(study.pictures, study.out, others):
        suffix = ending(entry.name)  # a Path a file would double the time of a re-index
        shown = writable(path)
        if suffix in known:
            fault = name_fault(path)
            try:
                facts = entry.stat()
                rows.append((shown, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, fault))
            except OSError:  # a link to nothing or to itself: reading it will say so
                rows.append((shown, 0, 0, 0, fault))
        else:
            others[writable(suffix)] += 1
            if suffix in DESCRIPTIONS and shown == path and entry.is_file():  # a pipe would never be read
                side_files.append(path)
    return rows, side_files, others


def is_excluded(study: Study, path: str) -> bool:
    """Whether `data.exclude` names the path or a folder above it."""
    return any(_lies_in(path, name) for name in study.data.exclude)


def _lies_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(posixpath.normpath(folder).strip("/") + "/")


def left_out(study: Study, paths: pd.Series) -> pd.Series:
    """Bool: `data.exclude` leaves the image, or the video, out.

    Raises:
        StudyError: an entry names nothing, or everything.
    """
    for name in study.data.exclude:
        if not any(_lies_in(path, name) for path in paths):
            folders = {path.rpartition("/")[0] for path in paths}
            raise StudyError(
                f"data.exclude: nothing that is read lies in '{name}' below {study.pictures}"
                f"{near_match(name, folders)}",
                "give its path from that folder, such as test or train/other, or take it out of the list",
            )
    unused = paths.map(lambda path: is_excluded(study, path)).astype(bool)
    if unused.all():
        raise StudyError(f"data.exclude leaves nothing of {study.pictures}", "take a folder out of the list")
    return unused


def exclude(study: Study, rows: pd.DataFrame, unused: pd.Series) -> pd.DataFrame:
    """The rows, and one for each image that is left out and has none."""
    if not study.data.exclude:
        return rows
    error = rows["error"].mask(rows["path"].map(lambda path: is_excluded(study, path)), EXCLUDED)
    rows = rows.assign(error=error)
    unnamed = unused[~unused.isin(rows["path"])].tolist()
    extra = pd.DataFrame({"path": unnamed, "label": pd.array([pd.NA] * len(unnamed), dtype="Int8")})
    extra = extra.assign(method="", group=unnamed, video="", given_split="", **UNSAID)
    extra["error"] = EXCLUDED
    return pd.concat([rows, extra], ignore_index=True)[list(rows.columns)]
