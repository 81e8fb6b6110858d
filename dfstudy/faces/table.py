"""The rows of a folder of crops: `index.csv` as `dfstudy index` reads it, and `set_aside.csv`.

Takes crops and what was missed; gives rows of text, and back from a row where the face was. Pixels count in
the source as it is shown, from its top left corner; fractions have two digits. Cost: 20 us a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.faces.face import Face
from dfstudy.faces.scene import FaceCrop, FaceSpot, Missed

if TYPE_CHECKING:
    from dfstudy.faces.sources import Source

_SAID = ["path", "label", "method", "group", "split"]
_WHERE = ["source", "frame", "seconds", "face", "faces"]
_BOX = ["left", "top", "width", "height"]
_FACE = [*_BOX, "score", "turn", "landmarks"]
_CROP = ["crop_left", "crop_top", "crop_side", "picture_width", "picture_height", "box_from", "original"]
COLUMNS = [*_SAID, *_WHERE, *_FACE, *_CROP]
ASIDE = ["source", "frame", "seconds", "reason"]


def crop_row(source: Source, crop: FaceCrop, path: str, borrowed: bool) -> dict[str, str]:
    """One row of `index.csv`, columns `COLUMNS`."""
    spot, face = crop.spot, crop.spot.face
    said = [path, _label(source), source.method, source.group, source.split]
    where = [source.path, _text(spot.frame), _text(spot.seconds), str(spot.number), str(spot.faces)]
    landmarks = " ".join(f"{value:.2f}" for point in face.landmarks for value in point)
    found = [*(f"{value:.2f}" for value in face.box), f"{face.score:.4f}", str(face.turn), landmarks]
    cut = [*map(str, crop.square), str(spot.width), str(spot.height)]
    values = [*said, *where, *found, *cut, "original" if borrowed else "own", source.original]
    return dict(zip(COLUMNS, values, strict=True))


def spot_of(row: Mapping[str, str]) -> FaceSpot:
    """Where the face of a row was, as `crop_row` wrote it down."""
    numbers = [float(value) for value in row["landmarks"].split()]
    points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    left, top, width, height = (float(row[name]) for name in _BOX)
    face = Face((left, top, width, height), points, float(row["score"]), int(row["turn"]))
    return FaceSpot(
        face,
        int(row["picture_width"]),
        int(row["picture_height"]),
        int(row["frame"]) if row["frame"] else None,
        float(row["seconds"]) if row["seconds"] else None,
        int(row["face"]),
        int(row["faces"]),
    )


def aside_row(source: str, missed: Missed) -> dict[str, str]:
    """One row of `set_aside.csv`, columns `ASIDE`."""
    values = [source, _text(missed.frame), _text(missed.seconds), missed.reason]
    return dict(zip(ASIDE, values, strict=True))


def _label(source: Source) -> str:
    return "" if source.label is None else CLASS_NAMES[source.label]


def _text(value: int | float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
