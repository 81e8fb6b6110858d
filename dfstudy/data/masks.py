"""Masks of forged regions, which index.csv names: what each file holds, read again only where it changed.

Takes the index's rows and those of the last index; gives, a row, size and times of the mask's file and the
sha256 of its content, all empty where the row names no mask or there is no such file. Cost: a look at each
mask, and one read of each that is new.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pandas as pd

from dfstudy.data import images
from dfstudy.data.columns import MASK
from dfstudy.system.threads import map_in_order

MASK_SEEN, MASK_SHA256 = "mask_seen", "mask_sha256"


def look_at_masks(root: Path, rows: pd.DataFrame) -> pd.Series:
    """Size and times of each row's mask, as text: it differs where the file was touched or replaced."""
    return pd.Series([_seen(f"{root}/{mask}") if mask else "" for mask in rows[MASK]], rows.index, dtype=str)


def digest_masks(root: Path, rows: pd.DataFrame, last: pd.DataFrame, progress: bool) -> pd.Series:
    """sha256 of each row's mask.

    Args:
        rows, last: columns mask and mask_seen; `last` with mask_sha256 as well.
    """
    known = dict(zip(zip(last[MASK], last[MASK_SEEN], strict=True), last[MASK_SHA256], strict=True))
    wanted = list(zip(rows[MASK], rows[MASK_SEEN], strict=True))
    new = sorted({mask for mask, seen in wanted if seen and (mask, seen) not in known})
    digests = (
        map_in_order(lambda mask: file_sha256(root, mask), new, "reading masks", progress) if new else []
    )
    read = dict(zip(new, digests, strict=True))
    digests = [read[mask] if mask in read and seen else known.get((mask, seen), "") for mask, seen in wanted]
    return pd.Series(digests, rows.index, dtype=str)


def file_sha256(root: Path, path: str) -> str:
    """sha256 of a file below the root; empty where there is none, or it cannot be read."""
    try:
        return hashlib.sha256(images.read_bytes(f"{root}/{path}")).hexdigest()
    except images.PictureError:
        return ""


def _seen(file: str) -> str:
    try:
        facts = os.stat(file)  # noqa: PTH116 -- a Path a file takes twice the time
    except OSError:
        return ""
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
