"""Every image of a study in one table: what it is, its content's digest, its size, and what is wrong.

Takes a study; gives one row an image file, sorted by path, and keeps it as `data/index.parquet` with
`data/fingerprint.json` beside it, in the study's results. Each file is hashed and decoded to its last row
once; later only files whose size or times of change moved are read again. The fingerprint is over content,
so a touched file leaves it as it was. Refuses a folder that is missing, empty or of one class only.
Cost: 0.16 ms a 256 px JPEG on two cores the first time (threads: decoding and hashing release Python's
lock), then 5 us an image where nothing changed, and 8 us where something did.
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.data import images, limits, phash
from dfstudy.data.columns import LAYOUT, MASK, NOTES, TABLE, UNSAID
from dfstudy.data.endings import UNREAD_PICTURES, unread_format
from dfstudy.data.frozen import frozen_index
from dfstudy.data.index_csv import NAME, has_index_csv, read_index_csv
from dfstudy.data.index_file import FACTS, FILE, SEEN, STAT, keep_index, keep_summary, read_last
from dfstudy.data.layouts.counters import seem_frames
from dfstudy.data.layouts.layout import Files, Reading
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.data.layouts.registry import recognise
from dfstudy.data.listing import exclude, left_out, list_files
from dfstudy.data.masks import MASK_SEEN, MASK_SHA256, digest_masks, look_at_masks
from dfstudy.errors import StudyError
from dfstudy.system.threads import map_in_order

if TYPE_CHECKING:
    from dfstudy.study.study import Study

COLUMNS = ["path", *LAYOUT, *TABLE, "sha256", "bytes", "width", "height", "format", "phash", "pixels"]
COLUMNS += ["error", MASK, NOTES]
_TEXTS = [name for name in (*COLUMNS, MASK_SEEN) if name not in ("label", "bytes", "width", "height")]


def index_study(study: Study, progress: bool = True) -> pd.DataFrame:
    """List, label, hash and check every image of the study, reading only what changed.

    Args:
        progress: show a bar with the time left while files are read.
    Returns:
        One row an image file, sorted by path: path (posix, relative to `study.pictures`), label (Int8, 0
        real, 1 fake, missing where unknown), method, group, video (that it is a frame of, empty where it is
        none or nothing says so), given_split (empty, `train`, `val`, `test`), pipeline (how the image was
        prepared, empty unless index.csv says so), sha256, bytes, width and height (pixels as decoded),
        format, phash (`phash.perceptual_hash`), pixels (CRC-32 of the decoded pixels, eight hexadecimal
        digits), error (empty = usable), mask (of the forged region, posix, relative to `study.pictures`;
        empty unless index.csv names one), notes (what its further columns say, as JSON, empty where nothing).
    Raises:
        StudyError: no such folder, no images, one class only, or folders and lists that say nothing.
    """
    if study.frozen:
        return frozen_index(study)[COLUMNS]
    if study.is_sample:
        # Imported here: rendering is needed once, and its modules only by those who render.
        from dfstudy.portraits.folder import render_sample

        beside = study.base / "pictures" if study.base else None
        render_sample(study.pictures, study.data.sample, progress=progress, beside=beside)
    found, side_files = list_files(study)
    unused = left_out(study, found["path"])
    reading = _read_layout(Files(study, found.loc[~unused, "path"].tolist(), side_files))
    rows = exclude(study, reading.rows, found.loc[unused, "path"])
    table = rows.merge(found, on="path", how="left")
    table = table.fillna(dict.fromkeys(STAT, 0) | {"fault": ""}).astype(dict.fromkeys(STAT, "int64"))
    _refuse_one_class(study, table)
    table = _name_unread(table.sort_values("path", ignore_index=True))
    table[MASK_SEEN] = look_at_masks(study.pictures, table)
    last = read_last(study)
    if _holds(last.rows, table) and last.layout == reading.line:
        keep_summary(study, last.summary)
        return last.rows[COLUMNS]
    table = _add_facts(study, table, last.rows, progress)
    table[MASK_SHA256] = digest_masks(study.pictures, table, last.rows, progress)
    keep_index(study, table, reading.line)
    return table[COLUMNS]


def _read_layout(files: Files) -> Reading:
    if not has_index_csv(files.study.pictures):
        reading = recognise(files)
        return reading._replace(rows=reading.rows.assign(**UNSAID))
    rows = read_index_csv(files.study, list(files.pictures))
    good = rows[rows["error"] == ""]
    splits = "splits given" if (good["given_split"] != "").any() else "no splits given"
    groups = good.loc[good["group"] != good["path"], "group"].nunique()
    note = ""
    if not groups and (videos := seem_frames(good["path"])):
        note = f"names look like frames of {videos:,} videos: name these in a column group or video"
    return Reading(NAME, rows, 0, splits, f"{groups:,} named" if groups else "none named", note)


def _refuse_one_class(study: Study, table: pd.DataFrame) -> None:
    counts = table.loc[table["error"] == "", "label"].value_counts()
    if len(counts) == 2:
        return
    where = f"the lines of {NAME}" if has_index_csv(study.pictures) else "the folders"
    if counts.empty:
        reason = table.loc[table["label"].notna(), "error"].iloc[0]
        raise StudyError(
            f"{study.pictures}: no image can be used; the first reason: {reason}",
            f"compare the paths in {NAME} with the files: they count from the folder that holds it",
        )
    label = int(counts.index[0])
    raise StudyError(
        f"{study.pictures}: {where} name {counts.iloc[0]:,} {CLASS_NAMES[label]} images and no other",
        f"add images that are {CLASS_NAMES[1 - label]}: a study compares the two",
    )


def _name_unread(table: pd.DataFrame) -> pd.DataFrame:
    """Say so where an image's name cannot be used, or its format is one that is not read."""
    fault = table.pop("fault")
    table["error"] = table["error"].where(fault == "", fault)
    unread = table["path"].str.lower().str.endswith(UNREAD_PICTURES) & (table["error"] == "")
    table.loc[unread, "error"] = table.loc[unread, "path"].map(unread_format)
    return table


def _holds(last: pd.DataFrame, table: pd.DataFrame) -> bool:
    """The last index says of each file what would be written now: nothing has to be read."""
    good = table["error"] == ""
    return (
        last[SEEN].equals(table[SEEN])
        and good.equals(last["sha256"] != "")
        and table.loc[~good, "error"].equals(last.loc[~good, "error"])
    )


def _add_facts(study: Study, table: pd.DataFrame, last: pd.DataFrame, progress: bool) -> pd.DataFrame:
    """Fill in what the files' contents say, from the last index where size and times are the same."""
    good = table["error"] == ""
    facts = last.loc[last["sha256"] != "", FILE + FACTS]
    plain = table[good].drop(columns="error").merge(facts, how="left")
    new = plain["sha256"].isna()
    facts = _read_files(study.pictures, plain.loc[new, "path"].tolist(), progress)
    plain = pd.concat([plain[~new], plain[new].drop(columns=FACTS).assign(**facts)])
    aside = table[~good].assign(sha256="", width=0, height=0, format="", phash="", pixels="")
    table = pd.concat([plain, aside]).sort_values("path", ignore_index=True)
    return table.astype({"width": "int32", "height": "int32"} | dict.fromkeys(_TEXTS, str))


def _read_files(root: Path, paths: list[str], progress: bool) -> dict[str, list]:
    rows = map_in_order(lambda path: _read_file(root, path), paths, "reading images", progress)
    return {name: [row[at] for row in rows] for at, name in enumerate(FACTS)}


def _read_file(root: Path, path: str) -> tuple[str, int, int, str, str, str, str]:
    sha256 = ""
    try:
        data = images.read_bytes(f"{root}/{path}")
        sha256 = hashlib.sha256(data).hexdigest()
        pixels, kind = images.decode(data)
        limits.refuse_useless(pixels)
    except images.PictureError as error:
        return sha256, 0, 0, "", "", "", error.reason
    looks = phash.perceptual_hash(pixels), f"{zlib.crc32(pixels):08x}"
    return sha256, pixels.shape[1], pixels.shape[0], kind, *looks, ""
