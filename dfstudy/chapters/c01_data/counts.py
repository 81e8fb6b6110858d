"""The data and its split in numbers and sentences: images, groups and sizes of each part.

Takes a split; gives `Number`s and sentences for `say`. Cost: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.number import Number

if TYPE_CHECKING:
    from dfstudy.data.split import Split

SPOKEN = {"train": "training", "val": "validation", "test": "test"}


def method_count(split: Split) -> int:
    """Forgery methods among the usable images."""
    return split.rows.loc[split.rows["label"] == 1, "method"].nunique()


def data_numbers(split: Split) -> list[Number]:
    """The chapter's numbers: exact counts, and the median file size of each class."""
    rows = split.rows
    groups = rows["group"].nunique()
    numbers = [
        _count("data.pictures", len(rows), rows, note="usable"),
        _count("data.groups", groups, rows, "groups", note=_groups_note(split)),
        _count("data.largest_group", int(rows["group"].value_counts().iloc[0]), rows),
        _count("data.methods", method_count(split), rows, "methods"),
        Number(
            "data.set_aside",
            len(split.set_aside),
            "images",
            len(rows) + len(split.set_aside),
            note="not used",
        ),
    ]
    for label, name in CLASS_NAMES.items():
        part = rows[rows["label"] == label]
        median = float(part["bytes"].median() / 1024)
        numbers.append(_count(f"data.{name}", len(part), rows))
        numbers.append(Number(f"data.file_size.{name}", median, "KiB", len(part), note="median", digits=1))
    for name in SPOKEN:
        part = split.part(name)
        numbers.append(_count(f"split.{name}", len(part), part))
        numbers.append(_count(f"split.{name}.groups", part["group"].nunique(), part, "groups"))
    return numbers


def _count(name: str, value: int, rows: pd.DataFrame, unit: str = "images", note: str = "") -> Number:
    return Number(name, value, unit, len(rows), groups=rows["group"].nunique(), note=note)


def _groups_note(split: Split) -> str:
    missing = split.why_groups_unknown
    joined = "near-duplicates joined"
    return f"{missing}: {joined} only" if missing else f"as the set names them; {joined}"


def groups_sentence(split: Split) -> str:
    """What the split can promise about identity, for `say`."""
    if split.groups_known:
        return (
            "The set names its groups: {data.pictures} images form {data.groups} groups, the largest of "
            "{data.largest_group} images. A group, such as the frames of one video or a fake and its "
            "source, lies whole in one split. What the set does not name stays unknown: two groups may show "
            "one person."
        )
    lack = "Nothing in this set names groups, so each image"
    remedy = "give `index.csv` a column `group`"
    if split.groups_named:
        lack = "Too few images of this set have a named group, and each of the others"
        remedy = "name the group of every image in `index.csv`"
    return (
        f"**Identity is unknown.** {lack} counts as its own but "
        "for near-duplicates: {data.pictures} images form {data.groups} groups. One person, or frames of "
        "one video, may be on both sides; then the test result is too good, and intervals are "
        f"too narrow. If you know the groups, {remedy}."
    )


def split_sentence(split: Split) -> str:
    """Where the split comes from, for `say`."""
    counts = "{split.train} images train, {split.val} select, and {split.test} test once."
    if not split.given:
        return f"The split was made here, by whole groups and alike in classes and methods: {counts}"
    if "val" in split.given:
        return f"The split is the one given with the images: {counts}"
    return (
        "The images came in two parts. The second is the test; validation was split off the first, by "
        f"whole groups: {counts}"
    )
