"""The images of a report under way: its index as it was planned, and what has changed on disk since.

Takes a frozen study, see `dfstudy.study.study`; gives its index without a look into the folder, so that every
step works on the same images whatever is added, labelled or taken away meanwhile, and the names of images
and masks whose content is another one now. Cost: reading the table; then 2 us a file, and one read of each
whose size or times moved.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.data.index_file import STAT, read_last
from dfstudy.data.masks import MASK, MASK_SEEN, MASK_SHA256, file_sha256, look_at_masks
from dfstudy.errors import StudyError

if TYPE_CHECKING:
    from dfstudy.study.study import Study


def frozen_index(study: Study) -> pd.DataFrame:
    """The index as the report's plan left it.

    Raises:
        StudyError: it is gone, or was read by other decoders.
    """
    last = read_last(study)
    if not last.summary:
        raise StudyError(
            f"{study.out / 'data'} holds no index of these decoders any more",
            "give make report again: it indexes the images first",
        )
    return last.rows


def changed_pictures(study: Study) -> list[str]:
    """Paths of used images and of their masks that are gone, or hold something else than the index says."""
    rows = frozen_index(study)
    rows = rows[rows["error"] == ""]
    changed = []
    for path, sha256, *facts in rows[["path", "sha256", *STAT]].itertuples(index=False):
        if _facts(f"{study.pictures}/{path}") != facts and file_sha256(study.pictures, path) != sha256:
            changed.append(path)
    masked = rows[rows[MASK] != ""]
    masked = masked[look_at_masks(study.pictures, masked) != masked[MASK_SEEN]]
    for path, sha256 in masked[[MASK, MASK_SHA256]].itertuples(index=False):
        if file_sha256(study.pictures, path) != sha256:
            changed.append(path)
    return changed


def _facts(file: str) -> list[int]:
    try:
        facts = os.stat(file)  # noqa: PTH116 -- a Path a file takes twice the time
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]
