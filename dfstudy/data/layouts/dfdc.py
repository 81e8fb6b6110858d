"""DFDC, the Deepfake Detection Challenge: frames of videos that metadata.json describes.

Takes every `metadata.json` (video -> label REAL or FAKE, split, original; in the published test set
`is_fake`) and `labels.csv` (filename, label with 1 = fake), and images in folders named after the video or
whose names begin with it. Gives as group the original video, so that each fake stays with its source.
Refuses a label that is neither. Sources: docs/layouts.md.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from dfstudy.data.layouts.layout import Files, Place, Reading, count_videos, place_pictures, tabulate
from dfstudy.data.layouts.names import FAKE, REAL
from dfstudy.data.layouts.splits import split_name, split_of
from dfstudy.errors import StudyError

_LABELS = {"real": REAL, "fake": FAKE, "0": REAL, "1": FAKE}
_VIDEOS = (".mp4", ".avi", ".mov")


class DFDC:
    """Dolhansky et al. 2020."""

    name = "DFDC"

    def read(self, files: Files) -> Reading | None:
        """Rows where a metadata.json or labels.csv names videos; a StudyError where a label is neither."""
        videos = _read_videos(files)
        if not videos:
            return None

        def place(parts: list[str]) -> Place | None:
            for part in reversed(parts):
                for name in (part, part.rpartition(".")[0], part.partition("_")[0]):
                    if name in videos:
                        return videos[name]
            return None

        places = place_pictures(files, place, "DFDC: no metadata.json or labels.csv names its video")
        rows = tabulate(files.pictures, places)
        given = sorted({place.given_split for place in places} - {""}, key=("train val test").find)
        splits = f"given: {', '.join(given)}" if len(given) > 1 else "splits made here"
        note = "people may recur in other videos"
        return Reading(self.name, rows, count_videos(places), splits, "original videos", note)


def _read_videos(files: Files) -> dict[str, Place]:
    """Name without suffix -> what the side files say of it."""
    videos: dict[str, Place] = {}
    for file in files.named("metadata.json"):
        for name, (label, facts) in _described(files.json(file)).items():
            split = split_name(str(facts.get("split", ""))) or _split_of(file)
            videos[_stem(name)] = _video(files, file, name, label, facts.get("original"), split)
    for file in files.named("labels.csv"):
        table = csv.DictReader(io.StringIO(files.text(file)))
        if {"filename", "label"} <= set(table.fieldnames or []):
            for row in table:
                if not str(row["filename"]).lower().endswith(_VIDEOS):
                    continue  # a table of images, not of videos
                split = _split_of(file)
                videos[_stem(row["filename"])] = _video(
                    files, file, row["filename"], row["label"], row.get("original"), split
                )
    return videos


def _described(content: Any) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Video -> label as written, and all facts; empty where no label is one: another set's metadata.json."""
    content = content if isinstance(content, dict) else {}
    found = {
        name: (facts.get("label", facts.get("is_fake")), facts)
        for name, facts in content.items()
        if isinstance(facts, dict) and ("label" in facts or "is_fake" in facts)
    }
    return found if any(_label(label) is not None for label, _ in found.values()) else {}


def _label(written: Any) -> int | None:
    return _LABELS.get(str(written).lower().removesuffix(".0"))


def _video(files: Files, file: str, name: str, label: Any, original: Any, split: str) -> Place:
    known = _label(label)
    if known is None:
        raise StudyError(
            f"{files.study.pictures / file}: {name} has the label {label!r}",
            "write REAL or FAKE there, or list the images in index.csv with columns path,label",
        )
    source = _stem(original) if known == FAKE and isinstance(original, str) and original else _stem(name)
    return Place(known, "fake" if known == FAKE else "real", source, _stem(name), split)


def _stem(name: str) -> str:
    name = name.replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] if name.lower().endswith(_VIDEOS) else name


def _split_of(file: str) -> str:
    return split_of(file.split("/")[:-1])
