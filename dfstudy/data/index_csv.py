"""What an image is, read from the `index.csv` in the root of its set.

Takes a table (`tables.read_cells`) with columns path and label, and where known method, group, video, split,
pipeline (how an image was prepared) and mask; by source and frame `dfstudy faces` names the video of a frame,
and exclude leaves a row out. What further columns say of an image is kept as JSON in `notes`, and shapes no
training. A video without a group is one. Gives one row an image as `layouts.read_folders` does, with `error`
set for a row whose file is missing or no image or that exclude leaves out, a file that two rows describe
differently, and an image on disk that no row names. A mask
(the forged region of an image) is no image. Refuses a file that is no such table, and labels and splits that
mean nothing, with the lines where they stand.
Cost: one pass over the table, 0.5 s for 100,000 rows.
"""

from __future__ import annotations

import json
import os.path
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.data.columns import NOTES, OPTIONAL, SPLIT, TABLE, UNSAID
from dfstudy.data.endings import PICTURES, ending
from dfstudy.data.layouts.folders import read_meaning
from dfstudy.data.layouts.names import COLUMNS, REAL, build_aliases
from dfstudy.data.layouts.splits import read_name, settle, split_pictures
from dfstudy.data.layouts.unknown import alias_hint
from dfstudy.data.tables import LINE, read_cells, read_labels
from dfstudy.errors import StudyError, near_match
from dfstudy.system.file_kind import ANY_SIZE, no_file

if TYPE_CHECKING:
    from dfstudy.study.study import Study

NAME = "index.csv"
EXCLUDE = "exclude"  # anything but a word for no leaves the row out
_KNOWN = ("path", "label", *OPTIONAL, "source", "frame", EXCLUDE)
_NOT = ("", "0", "no", "false")
_COPY = "copy its first line from this: path,label,method,group,split (path and label must be there)"


def has_index_csv(root: Path) -> bool:
    """Whether the folder has the file.

    Raises:
        StudyError: something else bears its name.
    """
    try:
        kind = no_file(root / NAME, ANY_SIZE)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StudyError(f"{root / NAME} cannot be read: {error.strerror}", "mend its permissions") from None
    if kind:
        raise StudyError(f"{root / NAME} is {kind}", "move it away: a table of images bears this name")
    return True


def read_index_csv(study: Study, paths: list[str]) -> pd.DataFrame:
    """One row an image that the file names or that lies on disk: `layouts.COLUMNS`, pipeline, mask and notes.

    Args:
        paths: images found on disk, posix, relative to `study.pictures`.
    Raises:
        StudyError: the file is no table of images, or a label or split in it means nothing.
    """
    root = study.pictures
    table = _read_table(root / NAME)
    inside = _placer(root)
    named = pd.DataFrame({"path": [inside(text) for text in table["path"]]})
    named["label"] = _labels(study, table)
    fakes = (named["label"] != REAL) & ~table["method"].str.lower().isin(["", "real"])
    named["method"] = table["method"].where(fakes, np.where(named["label"] == REAL, "real", "fake"))
    named["video"] = table["video"].where(
        table["video"] != "", table["source"].where(table["frame"] != "", "")
    )
    own = named["video"].where(named["video"] != "", named["path"])
    named["group"] = table["group"].where(table["group"] != "", own)
    named["given_split"] = _splits(study, table, named["path"])
    named[list(TABLE)] = table[list(TABLE)]
    masks_named = table["mask"].map(lambda text: inside(text) if text else "")
    outside = masks_named.map(_leads_out).astype(bool)
    doubts = pd.Series(_doubts(named, root, set(paths)), index=named.index)
    doubts = doubts.mask((doubts == "") & outside, "its mask lies outside the folder of images")
    left_out = named.loc[~table[EXCLUDE].str.lower().isin(_NOT), "path"]
    named["error"] = doubts.mask(named["path"].isin(left_out), f"{NAME} leaves it out (column {EXCLUDE})")
    masked = (masks_named != "") & ~outside
    masks = dict(zip(named.loc[masked, "path"], masks_named[masked], strict=True))
    # the first line of a path counts
    notes = dict(zip(named["path"][::-1], _notes(table)[::-1], strict=True))
    named = named.drop_duplicates("path")
    named[NOTES] = named["path"].map(notes)
    named["mask"] = [masks.get(path, "") for path in named["path"]]
    unnamed = sorted(set(paths) - set(named["path"]) - set(masks.values()))
    extra = pd.DataFrame({"path": unnamed, "label": pd.array([pd.NA] * len(unnamed), dtype="Int8")})
    extra = extra.assign(method="", group=unnamed, video="", given_split="", **UNSAID)
    extra["error"] = f"not in {NAME}"
    columns = [*COLUMNS, *UNSAID]
    return pd.concat([named, extra], ignore_index=True)[columns] if unnamed else named[columns]


def _read_table(file: Path) -> pd.DataFrame:
    """Every column as stripped text, the known ones empty where absent, and `line`, where the row stands."""
    table = read_cells(file, _COPY)
    for name in ("path", "label"):
        if name not in table.columns:
            columns = table.columns.drop(LINE)
            found = ", ".join(columns)
            near = near_match(name, columns)
            raise StudyError(f"{file} has no column '{name}'{near}; it has: {found}", _COPY)
    further = [name for name in table.columns if name and name not in (*_KNOWN, LINE)]
    table = table.reindex(columns=[*_KNOWN, *further, LINE], fill_value="")
    table = table[(table[list(_KNOWN)] != "").any(axis=1)].reset_index(drop=True)
    if table.empty:
        raise StudyError(f"{file} names no image", "add a line an image, or remove the file to use folders")
    return table


def _notes(table: pd.DataFrame) -> list[str]:
    """What further columns say of each row, as JSON; `source` too where it names no video of a frame."""
    said = table.drop(columns=["path", "label", *OPTIONAL, "frame", EXCLUDE, LINE])
    said["source"] = said["source"].where(table["frame"] == "", "")
    rows = ({name: text for name, text in row.items() if text} for row in said.to_dict("records"))
    return [json.dumps(row, sort_keys=True) if row else "" for row in rows]


def _placer(root: Path) -> Callable[[str], str]:
    """Gives of a path as written the posix one relative to the root; one outside keeps its `..` or slash.

    Only the folder of an absolute path is looked up, once: a file that is a link stays where it is listed.
    """
    folders: dict[str, str] = {}

    def inside(text: str) -> str:
        # of another system's separators, but for a name that holds one
        path = text if os.sep == "/" and _is_there(root, text) else text.replace("\\", "/")
        if not PurePosixPath(path).is_absolute():
            return os.path.normpath(path).replace(os.sep, "/") if path else ""
        folder, _, name = os.path.normpath(path).replace(os.sep, "/").rpartition("/")
        if folder not in folders:
            folders[folder] = _folder_inside(folder or "/", root)
        return os.path.normpath(f"{folders[folder]}/{name}").replace(os.sep, "/")

    return inside


def _is_there(root: Path, path: str) -> bool:
    """Whether a path with a backslash is one of a file below the root."""
    return "\\" in path and os.path.lexists(root / path)


def _folder_inside(folder: str, root: Path) -> str:
    """An absolute folder relative to the root, by name and else by where links lead."""
    own = os.path.relpath(folder, root).replace(os.sep, "/")
    if not _leads_out(own):
        return own
    # The folder above that is the root under another name comes first: below it, a link may lead elsewhere.
    real = os.path.realpath(root)
    for above in PurePosixPath(folder).parents:
        if os.path.realpath(above) == real:
            return os.path.relpath(folder, above)
    return os.path.relpath(os.path.realpath(folder), real)


def _leads_out(path: str) -> bool:
    return path == ".." or path.startswith(("../", "/"))


def _labels(study: Study, table: pd.DataFrame) -> pd.Series:
    labels = read_labels(table["label"], build_aliases(study.data.aliases))
    if labels.isna().any():
        bad = table[labels.isna()]
        counts = bad["label"].value_counts().head(10)
        values = ", ".join(f"'{value}' ({count:,})" for value, count in counts.items())
        message = f"{study.pictures / NAME}, {_lines(bad)}: labels that say neither real nor fake: {values}"
        names = sorted(set(bad["label"]) - {""})[:10]
        raise StudyError(message, alias_hint(study, names) if names else "write 0 or real, 1 or fake")
    return labels


def _splits(study: Study, table: pd.DataFrame, paths: pd.Series) -> list[str]:
    """The split column; where it is absent or empty throughout, the names of the folders."""
    if (table[SPLIT] == "").all():
        folders = paths.map(os.path.dirname)
        # The file says what is real: of the folders' aliases only the words for splits beside them count.
        aliases = build_aliases(study.data.aliases)
        named = {folder: read_meaning(folder, aliases).given_split for folder in folders.unique()}
        given = split_pictures(folders.value_counts().to_dict(), named, str(study.pictures / NAME))
        return folders.map(given).tolist()
    splits = table[SPLIT].map(lambda word: read_name(word, {}).split)
    unknown = (splits == "") & (table[SPLIT] != "")
    if unknown.any():
        bad = table[unknown]
        raise StudyError(
            f"{study.pictures / NAME}, {_lines(bad)}: no split is called '{bad[SPLIT].iloc[0]}'",
            "write train, val or test, or leave the column empty for a split made here",
        )
    return settle(splits.tolist())


def _lines(bad: pd.DataFrame) -> str:
    lines = ", ".join(f"{line:,}" for line in bad["line"].head(5))
    return f"line{'s' * (len(bad) > 1)} {lines}{' ...' * (len(bad) > 5)}"


def _doubts(named: pd.DataFrame, root: Path, found: Collection[str]) -> list[str]:
    """Why a row cannot be used, `` where it can."""
    differing = named.drop_duplicates()["path"]
    differing = set(differing[differing.duplicated()])
    return [_doubt(path, root, found, differing) for path in named["path"]]


def _doubt(path: str, root: Path, found: Collection[str], differing: Collection[str]) -> str:
    if path in differing:
        return f"{NAME} names it twice and says different things"
    if path in found:
        return ""
    if not path:
        return f"{NAME} gives no path"
    if _leads_out(path):
        return "the file lies outside the folder of images"
    if ending(path) not in PICTURES:
        return f"no image format that is read ({ending(path) or 'no suffix'})"
    # a name that is too long for any file is missing, where Path.exists raises
    there = os.path.exists(root / path)  # noqa: PTH110
    return "the file cannot be listed" if there else "the file is missing"
