"""Every picture of a study in one table: what it is, its content's digest, its size, and what is wrong.

Takes a study; gives one row a picture file, sorted by path, and keeps it as `data/index.parquet` with
`data/fingerprint.json` beside it, in the study's results. Each file is hashed and decoded to its last row
once; later only files whose size or time of change moved are read again. The fingerprint is over content,
so a touched file leaves it as it was. Refuses a folder that is missing, empty or of one class only.
Cost: 0.16 ms a 256 px JPEG on two cores the first time (threads: decoding and hashing release Python's
lock), then 8 us a picture.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dfstudy.data import images, phash
from dfstudy.data.index_csv import NAME, read_index_csv
from dfstudy.data.layouts import CLASS_NAMES, MASK_FOLDERS, SIDE_SUFFIXES, Files, Reading, recognise
from dfstudy.data.threads import map_in_order
from dfstudy.errors import StudyError
from dfstudy.provenance import digest, file_digest, versions
from dfstudy.study import Study

# What decides about a file's use, and so makes the fingerprint; sizes and times do not.
_CONTENT = ["path", "sha256", "label", "method", "group", "given_split", "error"]
_TEXTS = ["path", "method", "group", "given_split", "sha256", "format", "phash", "pixels", "error"]
_FACTS = ["sha256", "width", "height", "format", "phash", "pixels", "error"]
COLUMNS = ["path", "label", "method", "group", "given_split", "sha256", "bytes", "width", "height", "format"]
COLUMNS += ["phash", "pixels", "error"]


def index_study(study: Study, progress: bool = True) -> pd.DataFrame:
    """List, label, hash and check every picture of the study, reading only what changed.

    Args:
        progress: show a bar with the time left while files are read.
    Returns:
        One row a picture file, sorted by path: path (posix, relative to `study.pictures`), label (Int8, 0
        real, 1 fake, missing where unknown), method, group, given_split (empty, `train`, `val`, `test`),
        sha256, bytes, width and height (pixels as decoded), format, phash (`phash.perceptual_hash`), pixels
        (CRC-32 of the decoded pixels, eight hexadecimal digits), error (empty = usable).
    Raises:
        StudyError: no such folder, no pictures, one class only, or folders and lists that say nothing.
    """
    if study.is_sample:
        # Imported here: rendering is needed once, and its modules only by those who render.
        from dfstudy.data.sample import render_sample

        render_sample(study.pictures, study.data.sample, progress=progress)
    found, side_files = list_files(study)
    reading = _read_layout(Files(study, found["path"].tolist(), side_files))
    table = reading.rows.merge(found, on="path", how="left")
    table = table.fillna({"bytes": 0, "mtime_ns": 0}).astype({"bytes": "int64", "mtime_ns": "int64"})
    _refuse_one_class(study, table)
    table = _add_facts(study, table.sort_values("path", ignore_index=True), progress)
    _keep(study, table, reading.line)
    return table[COLUMNS]


def layout_line(study: Study) -> str:
    """The line that says how the last index read the study's folder, such as `layout: DFDC (...)`."""
    return json.loads((_folder(study) / "fingerprint.json").read_text("utf-8"))["layout"]


def _read_layout(files: Files) -> Reading:
    if not (files.study.pictures / NAME).is_file():
        return recognise(files)
    rows = read_index_csv(files.study, list(files.pictures))
    good = rows[rows["error"] == ""]
    splits = "splits given" if (good["given_split"] != "").any() else "no splits given"
    groups = good.loc[good["group"] != good["path"], "group"].nunique()
    return Reading(NAME, rows, 0, splits, f"{groups:,} named" if groups else "none named")


def list_files(study: Study) -> tuple[pd.DataFrame, list[str]]:
    """Files below `study.pictures`: those with a picture's suffix, and those that may describe pictures.

    Returns:
        Path, bytes and mtime_ns of the pictures, and the paths of .json, .csv and .txt files; both sorted.

    Hidden files, masks, archives' leftovers and the study's own results are passed over; links are followed.
    """
    root = study.pictures
    if not root.is_dir():
        raise StudyError(f"there is no folder {root}", "check the path given as DATA= or data.root")
    if root == study.out:
        raise StudyError(f"{root} holds the pictures and is to hold the results", "give another OUT=")
    known = {*images.SUFFIXES, *images.OTHER_SUFFIXES}
    rows, side_files, others = [], [], Counter()
    for path, entry in walk_files(root, skip=study.out):
        _, dot, ending = entry.name.rpartition(".")  # a Path a file would double the time of a re-index
        suffix = (dot + ending).lower() if dot else ""
        if suffix in known:
            rows.append((path, *_size_and_time(entry)))
        else:
            others[suffix or "no suffix"] += 1
            if suffix in SIDE_SUFFIXES:
                side_files.append(path)
    if not rows:
        there = (
            ", ".join(f"{count:,} {suffix}" for suffix, count in others.most_common(5)) or "no file at all"
        )
        raise StudyError(
            f"{root} holds no pictures ({' '.join(images.SUFFIXES)}); it holds {there}",
            "give a folder with pictures in subfolders real and fake: make report DATA=folder",
        )
    return pd.DataFrame(sorted(rows), columns=["path", "bytes", "mtime_ns"]), sorted(side_files)


def walk_files(root: Path, skip: Path) -> Iterator[tuple[str, os.DirEntry]]:
    """Every file below `root`, but for hidden ones, masks and archives' leftovers, and the folder `skip`."""
    waiting: list[tuple[str, str, tuple[str, ...]]] = [("", str(root), ())]
    while waiting:
        prefix, folder, above = waiting.pop()
        real = os.path.realpath(folder)
        if real in above or real == str(skip):  # a link back up would never end
            continue
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            raise StudyError(f"{folder} cannot be listed: {error.strerror}", "mend its permissions") from None
        for entry in entries:
            name = entry.name.lower()
            if name.startswith(".") or name == "__macosx":
                continue
            if not entry.is_dir():
                yield prefix + entry.name, entry
            elif name not in MASK_FOLDERS:
                waiting.append((f"{prefix}{entry.name}/", entry.path, (*above, real)))


def _size_and_time(entry: os.DirEntry) -> tuple[int, int]:
    try:
        facts = entry.stat()
    except OSError:  # a link to nothing: reading it will say so
        return 0, 0
    return facts.st_size, facts.st_mtime_ns


def _refuse_one_class(study: Study, table: pd.DataFrame) -> None:
    counts = table.loc[table["error"] == "", "label"].value_counts()
    if len(counts) == 2:
        return
    where = f"the lines of {NAME}" if (study.pictures / NAME).is_file() else "the folders"
    if counts.empty:
        reason = table.loc[table["label"].notna(), "error"].iloc[0]
        raise StudyError(
            f"{study.pictures}: no picture can be used; the first reason: {reason}",
            f"compare the paths in {NAME} with the files: they count from the folder that holds it",
        )
    label = int(counts.index[0])
    raise StudyError(
        f"{study.pictures}: {where} name {counts.iloc[0]:,} {CLASS_NAMES[label]} pictures and no other",
        f"add pictures that are {CLASS_NAMES[1 - label]}: a study compares the two",
    )


def _add_facts(study: Study, table: pd.DataFrame, progress: bool) -> pd.DataFrame:
    """Fill in what the files' contents say, from the last index where size and time are the same."""
    unread = table["path"].str.lower().str.endswith(images.OTHER_SUFFIXES) & (table["error"] == "")
    suffixes = table.loc[unread, "path"].map(lambda path: Path(path).suffix.lower())
    table.loc[unread, "error"] = "format " + suffixes + " is not read: convert it to PNG or JPEG"
    good = table["error"] == ""
    plain = table[good].drop(columns="error").merge(_last_facts(study), how="left")
    new = plain["sha256"].isna()
    facts = _read_files(study.pictures, plain.loc[new, "path"].tolist(), progress)
    plain = pd.concat([plain[~new], plain[new].drop(columns=_FACTS).assign(**facts)])
    aside = table[~good].assign(sha256="", width=0, height=0, format="", phash="", pixels="")
    table = pd.concat([plain, aside]).sort_values("path", ignore_index=True)
    return table.astype({"width": "int32", "height": "int32"} | dict.fromkeys(_TEXTS, str))


def _last_facts(study: Study) -> pd.DataFrame:
    """Facts of the last index that still hold: written by the same decoders, one row a file read."""
    keys = ["path", "bytes", "mtime_ns"]
    file = _folder(study) / "index.parquet"
    try:
        same = (pq.read_schema(file).metadata or {}).get(b"reader") == _reader()
        last = pq.read_table(file, columns=keys + _FACTS) if same else None
    except (OSError, pa.ArrowException):  # none yet, or cut off by a full disk: read all again
        last = None
    if last is None:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in keys + _FACTS}).astype(
            {"path": str, "bytes": "int64", "mtime_ns": "int64"}
        )
    facts = last.to_pandas()
    return facts[facts["sha256"] != ""]


def _reader() -> bytes:
    """Names the decoders and our way of using them; another value reads every file again."""
    code = [file_digest(Path(module.__file__)) for module in (images, phash)]
    return digest([versions("pillow", "opencv-python"), code]).encode()


def _read_files(root: Path, paths: list[str], progress: bool) -> dict[str, list]:
    rows = map_in_order(lambda path: _read_file(root, path), paths, "reading pictures", progress)
    return {name: [row[at] for row in rows] for at, name in enumerate(_FACTS)}


def _read_file(root: Path, path: str) -> tuple[str, int, int, str, str, str, str]:
    sha256 = ""
    try:
        data = images.read_bytes(f"{root}/{path}")
        sha256 = hashlib.sha256(data).hexdigest()
        pixels, kind = images.decode(data)
    except images.PictureError as error:
        return sha256, 0, 0, "", "", "", error.reason
    looks = phash.perceptual_hash(pixels), f"{zlib.crc32(pixels):08x}"
    return sha256, pixels.shape[1], pixels.shape[0], kind, *looks, ""


def _folder(study: Study) -> Path:
    return study.out / "data"


def _keep(study: Study, table: pd.DataFrame, layout: str) -> None:
    folder = _folder(study)
    folder.mkdir(parents=True, exist_ok=True)
    stored = pa.Table.from_pandas(table, preserve_index=False)
    stored = stored.replace_schema_metadata({**stored.schema.metadata, b"reader": _reader()})
    # A name of its own: chapters that run side by side may index at the same moment.
    partial = folder / f"index.parquet.{os.getpid()}"
    pq.write_table(stored, partial)
    partial.replace(folder / "index.parquet")
    content = table[_CONTENT].astype({"label": "object"}).where(table[_CONTENT].notna(), None)
    summary = {
        "fingerprint": digest(content.to_numpy().tolist()),
        "pictures": int((table["error"] == "").sum()),
        "set_aside": int((table["error"] != "").sum()),
        "layout": layout,
    }
    text = json.dumps(summary, indent=1) + "\n"
    file = folder / "fingerprint.json"
    # Steps depend on this file: it keeps its time as long as its content holds.
    if not file.is_file() or file.read_text("utf-8") != text:
        partial = folder / f"fingerprint.json.{os.getpid()}"
        partial.write_text(text, "utf-8")
        partial.replace(file)
