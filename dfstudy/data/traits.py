"""Traits of every image that ought not tell its label: file, compression, size, light, detail, border.

Takes a study and rows of its index; gives a table with one row an image. Each file is read, decoded and
measured once; the results are kept by content as `data/traits.parquet` beside the index, so that later only
new contents are read, whatever they are called. Which traits belong together stands in `FAMILIES`. Refuses
a file that changed after it was indexed. Cost: 7 ms of one core a 256 px image, then 10 us.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dfstudy.data import header_traits, images, pixel_traits
from dfstudy.errors import StudyError
from dfstudy.system.kept import write_atomic
from dfstudy.system.provenance import digest, file_digest, versions
from dfstudy.system.threads import map_in_order

if TYPE_CHECKING:
    from dfstudy.study.study import Study

_TEXTS = header_traits.TEXTS
_VALUES = (
    *header_traits.VALUES,
    *pixel_traits.LIGHT,
    *pixel_traits.DETAIL,
    *pixel_traits.BARS,
    *pixel_traits.BORDER,
    *pixel_traits.PIXELS,
)
DRAWN = 20_000  # images audited at most: an AUC of that many is known to +-0.01


@dataclass(frozen=True)
class Family:
    """Traits of one kind.

    Attributes:
        spoken: what the report calls it.
        texts: names of traits that are categories.
        values: names of traits that are numbers, which a probe sees in bins, so in any course.
        linear: names of traits that are numbers, which a linear probe sees as they are.
    """

    spoken: str
    texts: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Every trait of the family."""
        return [*self.texts, *self.values, *self.linear]


FAMILIES = {
    "container": Family(
        "file format, extension and metadata",
        ("format", "extension", "mode", "markers", "density", "exif", "icc", "xmp", "comment", "progressive"),
    ),
    "file_size": Family("size of the file", (), ("bytes", "bytes_per_pixel")),
    "compression": Family("JPEG quality and subsampling", ("tables", "subsampling"), header_traits.VALUES),
    "geometry": Family(
        "width, height and bars", ("dimensions",), ("width", "height", "aspect", *pixel_traits.BARS)
    ),
    "light": Family("brightness, contrast and colour", (), pixel_traits.LIGHT),
    "detail": Family("sharpness, noise and frequencies", (), pixel_traits.DETAIL),
    "border": Family("outermost pixels", (), pixel_traits.BORDER),
    "thumbnail": Family("8 x 8 thumbnail", linear=pixel_traits.PIXELS),
}


def every_trait() -> Family:
    """The traits of all families, as one."""
    kinds = ("texts", "values", "linear")
    parts = [tuple(name for family in FAMILIES.values() for name in getattr(family, kind)) for kind in kinds]
    return Family("all together", *parts)


def read_traits(study: Study, rows: pd.DataFrame, progress: bool = True) -> pd.DataFrame:
    """Traits of the given images.

    Args:
        rows: usable rows of the index (or of a split): path, sha256, bytes, width, height, format.
        progress: show a bar with the time left while files are read.
    Returns:
        One row an image in the order given: path and every trait of `FAMILIES`; texts as text, numbers as
        float64, NaN where a trait does not exist (the JPEG quality of a PNG).
    Raises:
        StudyError: a file is gone, or is not the one that was indexed.
    """
    wanted = rows.drop_duplicates("sha256")
    kept = _kept(study)
    new = wanted[~wanted["sha256"].isin(kept["sha256"])]
    pairs = list(zip(new["path"], new["sha256"], strict=True))
    read = map_in_order(partial(_measure, study.pictures), pairs, "measuring images", progress)
    if read:
        kept = pd.concat([kept, pd.DataFrame(read)[kept.columns]], ignore_index=True)
        _keep(study, kept)
    known = rows[["path", "sha256", "bytes", "width", "height", "format"]]
    table = known.merge(kept, on="sha256", how="left", validate="many_to_one")
    return _add_file_traits(table).drop(columns="sha256")


def draw_pictures(rows: pd.DataFrame, seed: int, most: int = DRAWN) -> pd.DataFrame:
    """At most about `most` images, in whole groups drawn by chance, so that rare methods stay whole.

    Groups come in an order that seed and name decide; one is taken as long as one of its methods (real
    images count as one, with half of `most`) has not had its share.

    Args:
        rows: columns path, label, method, group.
    Returns:
        The rows themselves where there are no more; the same rows on every call, sorted by path.
    """
    rows = rows.sort_values("path", ignore_index=True)
    if len(rows) <= most:
        return rows
    kinds = rows["method"].where(rows["label"] == 1, "")
    share = most / 2 / max(1, kinds[kinds != ""].nunique())
    room = {kind: share if kind else most / 2 for kind in kinds.unique()}
    # not the order of `deal`, whose first groups train: the draw would hold one part of a split alone
    order = {
        name: hashlib.sha256(f"drawn {seed}/{name}".encode()).digest() for name in rows["group"].unique()
    }
    counts = pd.crosstab(rows["group"], kinds)
    columns = list(counts.columns)
    taken = set()
    for name, numbers in sorted(
        zip(counts.index, counts.to_numpy(), strict=True), key=lambda pair: order[pair[0]]
    ):
        has = [(kind, number) for kind, number in zip(columns, numbers, strict=True) if number]
        if any(room[kind] > 0 for kind, _ in has):
            taken.add(name)
            for kind, number in has:
                room[kind] -= number
    return rows[rows["group"].isin(taken)].reset_index(drop=True)


def _measure(root: Path, pair: tuple[str, str]) -> dict[str, str | float]:
    path, sha256 = pair
    try:
        data = images.read_bytes(root / path)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise images.PictureError("it changed after it was indexed")
        picture = images.decode(data)[0]
    except images.PictureError as error:
        raise StudyError(f"{root / path}: {error.reason}", "index again: dfstudy index") from None
    return {"sha256": sha256, **header_traits.header_traits(data), **pixel_traits.pixel_traits(picture)}


def _add_file_traits(table: pd.DataFrame) -> pd.DataFrame:
    """Traits that the index knows: they belong to the file and its name, not to its content alone."""
    width, height = table["width"].astype(float), table["height"].astype(float)
    return table.assign(
        extension=[PurePosixPath(path).suffix for path in table["path"]],
        dimensions=[f"{w} x {h}" for w, h in zip(table["width"], table["height"], strict=True)],
        bytes=table["bytes"].astype(float),
        bytes_per_pixel=table["bytes"] / (width * height),
        width=width,
        height=height,
        aspect=width / height,
    )


def _file(study: Study) -> Path:
    return study.out / "data" / "traits.parquet"


def _kept(study: Study) -> pd.DataFrame:
    """What was measured before by the same code and decoders."""
    try:
        stored = pq.read_table(_file(study))
    except (OSError, pa.ArrowException):  # none yet, or cut off by a full disk: measure all again
        stored = None
    if stored is not None and (stored.schema.metadata or {}).get(b"reader") == _reader():
        return stored.to_pandas()
    texts = {name: pd.Series(dtype=str) for name in ("sha256", *_TEXTS)}
    return pd.DataFrame(texts | {name: pd.Series(dtype=np.float64) for name in _VALUES})


def _reader() -> bytes:
    """Names the decoders and our way of measuring; another value measures every image again."""
    code = [file_digest(Path(module.__file__)) for module in (images, header_traits, pixel_traits)]
    return digest([versions("pillow", "opencv-python", "numpy", "scipy"), code]).encode()


def _keep(study: Study, table: pd.DataFrame) -> None:
    file = _file(study)
    file.parent.mkdir(parents=True, exist_ok=True)
    stored = pa.Table.from_pandas(table, preserve_index=False)
    stored = stored.replace_schema_metadata({**stored.schema.metadata, b"reader": _reader()})
    written = pa.BufferOutputStream()
    pq.write_table(stored, written)
    # a name of its own: chapters that run side by side may measure at the same moment
    write_atomic(file, written.getvalue().to_pybytes(), f".{os.getpid()}")
