"""The index as it is kept: `data/index.parquet` and `data/fingerprint.json` in the study's results.

Takes the index's rows and the layout's line; gives them back as long as the same decoders would read the
same. The table bears its own summary, so that the two files cannot contradict each other for long: whoever
finds the table up to date writes the summary again where it differs. A damaged table counts as none.
Cost: 0.3 s to keep 100,000 rows, most of it the fingerprint; 0.05 s to read them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dfstudy.data import images, limits, phash, png_chunks
from dfstudy.data.columns import LAYOUT, MASK, NOTES, TABLE
from dfstudy.data.masks import MASK_SEEN, MASK_SHA256
from dfstudy.system.kept import write_atomic
from dfstudy.system.provenance import OPENCV, digest, file_digest, versions

if TYPE_CHECKING:
    from dfstudy.study.study import Study

# What decides about a file's use, and so makes the fingerprint; sizes and times do not.
_CONTENT = ["path", "sha256", *LAYOUT, *TABLE, "error"]
# The second time is the inode's, which nobody can set: it moves also where other content of the same size was
# given the old mtime. That a chmod moves it too costs one more reading. (Windows: the time of creation.)
STAT = ["bytes", "mtime_ns", "ctime_ns"]
FILE = ["path", *STAT]
# known without a look into the file
SEEN = [*FILE, *LAYOUT, *TABLE, MASK, NOTES, MASK_SEEN]
FACTS = ["sha256", "width", "height", "format", "phash", "pixels", "error"]
KEPT = [*SEEN, *FACTS, MASK_SHA256]


class Last(NamedTuple):
    """The last index.

    Attributes:
        rows: columns `KEPT`; none where there is no index of the same decoders.
        summary: text of `fingerprint.json`, `` where another version of this module wrote it.
    """

    rows: pd.DataFrame
    summary: str

    @property
    def layout(self) -> str:
        """The layout's line, `` where it is not known."""
        return json.loads(self.summary)["layout"] if self.summary else ""


def read_last(study: Study) -> Last:
    """The index that was kept last, as far as it still holds."""
    file = _folder(study) / "index.parquet"
    try:
        marks = pq.read_schema(file).metadata or {}
        if marks.get(b"reader") == _reader():
            rows = pq.read_table(file, columns=KEPT).to_pandas()
            # What another version of this module called a fingerprint may be another thing.
            return Last(rows, marks[b"summary"].decode() if marks.get(b"writer") == _writer() else "")
    # none yet, cut off by a full disk, or of an older version with fewer columns: read all again
    except (OSError, pa.ArrowException):
        pass
    none = pd.DataFrame({name: pd.Series(dtype=object) for name in KEPT})
    return Last(none.astype({"path": str} | dict.fromkeys(STAT, "int64")), "")


def keep_index(study: Study, table: pd.DataFrame, layout: str) -> None:
    """Write both files.

    Args:
        table: columns `KEPT`, sorted by path.
        layout: the line that says how the folder was read.
    """
    content = table[_CONTENT].astype({"label": "object"}).where(table[_CONTENT].notna(), None)
    summary = {
        "fingerprint": digest(content.to_numpy().tolist()),
        # apart: what shapes no training
        "masks": digest(table.loc[table[MASK] != "", ["path", MASK, MASK_SHA256]].to_numpy().tolist()),
        NOTES: digest(table.loc[table[NOTES] != "", ["path", NOTES]].to_numpy().tolist()),
        "pictures": int((table["error"] == "").sum()),
        "set_aside": int((table["error"] != "").sum()),
        "layout": layout,
    }
    text = json.dumps(summary, indent=1) + "\n"
    stored = pa.Table.from_pandas(table, preserve_index=False)
    marks = {b"reader": _reader(), b"writer": _writer(), b"summary": text.encode()}
    stored = stored.replace_schema_metadata({**stored.schema.metadata, **marks})
    file = _folder(study) / "index.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    written = pa.BufferOutputStream()
    pq.write_table(stored, written)
    # a name of its own: chapters that run side by side may index at the same moment
    write_atomic(file, written.getvalue().to_pybytes(), f".{os.getpid()}")
    keep_summary(study, text)


def keep_summary(study: Study, text: str) -> None:
    """Steps depend on this file: it keeps its time as long as its content holds."""
    file = _folder(study) / "fingerprint.json"
    if not file.is_file() or file.read_bytes() != text.encode():
        write_atomic(file, text.encode(), f".{os.getpid()}")


def layout_line(study: Study) -> str:
    """The line that says how the last index read the study's folder, such as `layout: DFDC (...)`."""
    return json.loads((_folder(study) / "fingerprint.json").read_text("utf-8"))["layout"]


def _folder(study: Study) -> Path:
    return study.out / "data"


def _reader() -> bytes:
    """Names the decoders and our way of using them; another value reads every file again."""
    code = [file_digest(Path(module.__file__)) for module in (images, limits, png_chunks, phash)]
    return digest([versions("pillow", *OPENCV), code]).encode()


def _writer() -> bytes:
    """Names this module."""
    return file_digest(Path(__file__)).encode()
