"""Chapter 01's evidence: how many pictures, of which size, what they look like, and how they were split.

Takes a `Split` (or its pictures); gives matplotlib figures, tables, `Number`s and sentences for `say`.
Nothing here reads a test picture: faces are shown from training rows only, so that nobody tunes by eye
on the pictures that judge. Cost: a second a figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from dfstudy.data.images import read_picture
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.number import Number
from dfstudy.present.style import FAKE, REAL, WIDTH
from dfstudy.present.tiles import make_tile

if TYPE_CHECKING:
    from dfstudy.data.split import Split

SPOKEN = {"train": "training", "val": "validation", "test": "test"}
COLOURS = {0: REAL, 1: FAKE}
LINES = ("-", "--")  # of real and fake, so that colour is not needed to tell them apart
MOST_METHODS = 8  # rows that a page holds; the largest are drawn and the caption counts the others


def largest_methods(split: Split, most: int = MOST_METHODS) -> list[tuple[int, str]]:
    """(label, method) of real pictures first, then of the `most` largest methods, largest first."""
    sizes = split.rows.groupby(["label", "method"]).size().reset_index(name="pictures")
    sizes = sizes.sort_values(["label", "pictures", "method"], ascending=[True, False, True])
    pairs = list(zip(sizes["label"].tolist(), sizes["method"].tolist(), strict=True))
    return pairs[: most + 1]


def method_count(split: Split) -> int:
    """Forgery methods among the usable pictures."""
    return split.rows.loc[split.rows["label"] == 1, "method"].nunique()


def methods_shown(split: Split) -> str:
    """Which rows the figures have, for their captions."""
    count = method_count(split)
    if count > MOST_METHODS:
        return f"real and the {MOST_METHODS} largest of {count} forgery methods"
    return "real and fake" if count == 1 else f"real and each of {count} forgery methods"


def count_table(split: Split) -> pd.DataFrame:
    """Pictures by class and method (rows) and by split (columns), with groups and totals."""
    rows = split.rows.assign(
        label=split.rows["label"].map(CLASS_NAMES), split=split.rows["split"].map(SPOKEN)
    )
    table = pd.crosstab([rows["label"], rows["method"]], rows["split"])[list(SPOKEN.values())]
    table["all"] = table.sum(axis=1)
    table["groups"] = rows.groupby(["label", "method"])["group"].nunique()
    table = table.sort_index(level=0, ascending=False, sort_remaining=False).reset_index()
    total = table.drop(columns="groups").sum(numeric_only=True)
    table.loc[len(table)] = {**total, "label": "all", "method": "", "groups": rows["group"].nunique()}
    return table.rename(columns={"label": "class"}).rename_axis(columns=None)


def draw_counts(split: Split) -> Figure:
    """Pictures of each class and method in each split, as labelled bars on one scale."""
    pairs = largest_methods(split)
    names = [_short(method) for _, method in pairs]
    figure, axes = plt.subplots(1, 3, sharex=True, sharey=True, figsize=(WIDTH, 0.9 + 0.32 * len(pairs)))
    for axis, (part, spoken) in zip(axes, SPOKEN.items(), strict=True):
        rows = split.part(part)
        sizes = rows.groupby(["label", "method"]).size()
        counts = [int(sizes.get(pair, 0)) for pair in pairs]
        bars = axis.barh(range(len(pairs)), counts, color=[COLOURS[label] for label, _ in pairs])
        axis.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=3)
        axis.set_title(f"{spoken}: {len(rows):,} pictures")
        axis.set_xlabel("pictures")
        axis.grid(visible=False, axis="y")
        axis.margins(x=0.3)  # room for the longest number
        axis.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[0].set_yticks(range(len(pairs)), names)
    axes[0].invert_yaxis()
    return figure


def draw_sizes(split: Split) -> Figure:
    """Width, height and file size of both classes: what a detector could use without seeing a face."""
    rows = split.rows.assign(kilobytes=split.rows["bytes"] / 1024)
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.4))
    labels = {"width": "width, pixels", "height": "height, pixels", "kilobytes": "file size, KiB"}
    for axis, (column, label) in zip(axes, labels.items(), strict=True):
        axis.set_xlabel(label)
        _compare_classes(axis, rows, column)
    lines = [
        Line2D([], [], color=COLOURS[label], ls=style, label=f"{CLASS_NAMES[label]}: {count:,} pictures")
        for (label, count), style in zip(
            rows["label"].value_counts().sort_index().items(), LINES, strict=True
        )
    ]
    figure.legend(handles=lines, loc="outside upper left", ncols=2)
    return figure


def _compare_classes(axis: Axes, rows: pd.DataFrame, column: str) -> None:
    values = rows[column].to_numpy(float)
    if np.ptp(values) == 0:
        axis.text(
            0.5, 0.5, f"{values[0]:g}\nin every picture", ha="center", va="center", transform=axis.transAxes
        )
        axis.set(xticks=[], yticks=[])
        return
    wide = values.max() > 20 * values.min()  # one scale would press most pictures into its first bin
    bins = int(np.clip(np.sqrt(rows["label"].value_counts().min()), 5, 30))
    edges = np.histogram_bin_edges(np.log(values) if wide else values, bins)
    edges = np.exp(edges) if wide else edges
    edges[[0, -1]] = values.min(), values.max()  # exp(log(x)) may miss the outermost picture
    for (label, of_class), style in zip(rows.groupby("label")[column], LINES, strict=True):
        share = np.full(len(of_class), 1 / len(of_class))
        axis.hist(of_class, edges, weights=share, histtype="step", color=COLOURS[label], ls=style, lw=1.4)
    axis.set_ylabel("share of the class")
    if wide:
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def draw_faces(split: Split, columns: int = 8, side: int = 128) -> Figure:
    """A row of training pictures for real and for each method, one picture a group, drawn by chance."""
    training = split.part("train")
    pairs = largest_methods(split)
    height = len(pairs) * (WIDTH / columns + 0.25)
    figure, axes = plt.subplots(len(pairs), 1, figsize=(WIDTH, height), squeeze=False)
    for axis, (label, method) in zip(axes[:, 0], pairs, strict=True):
        rows = training[(training["label"] == label) & (training["method"] == method)]
        rows = rows.drop_duplicates("group")
        paths = sorted(rows.sample(min(columns, len(rows)), random_state=0)["path"])
        tiles = [make_tile(read_picture(split.root / path), side) for path in paths]
        tiles += [np.full((side, side, 3), 255, np.uint8)] * (columns - len(tiles))
        axis.imshow(np.hstack(tiles))
        axis.set_axis_off()
        name = CLASS_NAMES[label] if method in CLASS_NAMES.values() else f"fake: {_short(method)}"
        axis.set_title(name, color=COLOURS[label], pad=2)
    return figure


def _short(name: str, most: int = 28) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


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
            "pictures",
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


def _count(name: str, value: int, rows: pd.DataFrame, unit: str = "pictures", note: str = "") -> Number:
    return Number(name, value, unit, len(rows), groups=rows["group"].nunique(), note=note)


def _groups_note(split: Split) -> str:
    missing = split.why_groups_unknown
    return f"{missing}: near-duplicates joined only" if missing else "as named by the set"


def groups_sentence(split: Split) -> str:
    """What the split can promise about identity, for `say`."""
    if split.groups_known:
        return (
            "The set names its groups: {data.pictures} pictures form {data.groups} groups, the largest of "
            "{data.largest_group} pictures. A group, such as the frames of one video or a fake and its "
            "source, lies whole in one split. What the set does not name stays unknown: two groups may show "
            "one person."
        )
    lack = "Nothing in this set names groups, so each picture"
    remedy = "give `index.csv` a column `group`"
    if split.groups_named:
        lack = "Too few pictures of this set have a named group, and each of the others"
        remedy = "name the group of every picture in `index.csv`"
    return (
        f"**Identity is unknown.** {lack} counts as its own but "
        "for near-duplicates: {data.pictures} pictures form {data.groups} groups. One person, or frames of "
        "one video, may be on both sides; then the test result is too good, and intervals are "
        f"too narrow. If you know the groups, {remedy}."
    )


def split_sentence(split: Split) -> str:
    """Where the split comes from, for `say`."""
    counts = "{split.train} pictures train, {split.val} select, and {split.test} test once."
    if not split.given:
        return f"The split was made here, by whole groups and alike in classes and methods: {counts}"
    if "val" in split.given:
        return f"The split is the one given with the pictures: {counts}"
    return (
        "The pictures came in two parts. The second is the test; validation was split off the first, by "
        f"whole groups: {counts}"
    )
