"""Chapter 01's evidence: how many images, of which size, what they look like, and how they were split.

Takes a `Split` (or its images); gives matplotlib figures, tables, `Number`s and sentences for `say`.
Nothing here reads a test image: faces are shown from training rows only, so that nobody tunes by eye
on the images that judge. Cost: a second a figure.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from dfstudy.chapters.c01_data.counts import SPOKEN, data_numbers, method_count
from dfstudy.data.images import read_picture
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.present.axes import shorten, whole_percents
from dfstudy.present.numbers import say
from dfstudy.present.style import FAKE, REAL, WIDTH, save_figure
from dfstudy.present.tiles import make_tile

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

SIZES = "data_sizes"  # id of the figure, which exists only where sizes differ
COLOURS = {0: REAL, 1: FAKE}
LINES = ("-", "--")  # of real and fake, so that colour is not needed to tell them apart
MOST_METHODS = 8  # rows that a page holds; the largest are drawn and the caption counts the others
STRIP_REALS, STRIP_FAKES = 4, 6  # faces of the strip
MEASURED = {"width": ("width", "pixels"), "height": ("height", "pixels"), "kilobytes": ("file size", "KiB")}


def largest_methods(split: Split, most: int = MOST_METHODS) -> list[tuple[int, str]]:
    """(label, method) of real images first, then of the `most` largest methods, largest first."""
    sizes = split.rows.groupby(["label", "method"]).size().reset_index(name="pictures")
    sizes = sizes.sort_values(["label", "pictures", "method"], ascending=[True, False, True])
    pairs = list(zip(sizes["label"].tolist(), sizes["method"].tolist(), strict=True))
    return pairs[: most + 1]


def methods_shown(split: Split) -> str:
    """Which rows the figures have, for their captions."""
    count = method_count(split)
    if count > MOST_METHODS:
        return f"real and the {MOST_METHODS} largest of {count} forgery methods"
    return "real and fake" if count == 1 else f"real and each of {count} forgery methods"


def count_table(split: Split) -> pd.DataFrame:
    """Images by class and method (rows) and by split (columns), with groups and totals."""
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
    """Images of each class and method in each split, as labelled bars on one scale."""
    pairs = largest_methods(split)
    names = [shorten(method, 28) for _, method in pairs]
    figure, axes = plt.subplots(1, 3, sharex=True, sharey=True, figsize=(WIDTH, 0.9 + 0.32 * len(pairs)))
    for axis, (part, spoken) in zip(axes, SPOKEN.items(), strict=True):
        rows = split.part(part)
        sizes = rows.groupby(["label", "method"]).size()
        counts = [int(sizes.get(pair, 0)) for pair in pairs]
        bars = axis.barh(range(len(pairs)), counts, color=[COLOURS[label] for label, _ in pairs])
        axis.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=3)
        axis.set_title(f"{spoken}: {len(rows):,} images")
        axis.set_xlabel("images")
        axis.grid(visible=False, axis="y")
        axis.margins(x=0.3)  # room for the longest number
        axis.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[0].set_yticks(range(len(pairs)), names)
    axes[0].invert_yaxis()
    return figure


def counts_alt(split: Split) -> str:
    """Every count of the figure."""
    told = []
    for part, spoken in SPOKEN.items():
        sizes = split.part(part).groupby(["label", "method"]).size()
        counts = [
            f"{method} {int(sizes.get((label, method), 0)):,}" for label, method in largest_methods(split)
        ]
        told.append(f"{spoken}: {', '.join(counts)}")
    return f"Three panels of bars. {'; '.join(told)}."


def show_sizes(split: Split, study: Study) -> HTML | Markdown:
    """Sizes of both classes as a figure, saved; where every image has one width and height, a sentence."""
    rows = split.rows
    if not {"width", "height"} & set(_varying(_with_kilobytes(split))):
        sides = f"{rows['width'].iloc[0]} x {rows['height'].iloc[0]} pixels"
        return say(
            f"Every image is {sides}, so size says nothing of the label. Median file size: "
            "{data.file_size.real} KiB for real and {data.file_size.fake} KiB for fake images.",
            data_numbers(split),
        )
    return save_figure(draw_sizes(split), study, SIZES, caption=_sizes_caption(split), alt=_sizes_alt(split))


def draw_sizes(split: Split) -> Figure:
    """Width, height and file size of both classes: what a detector could use without seeing a face.

    What is the same in every image has no panel.
    """
    rows = _with_kilobytes(split)
    varying = _varying(rows)
    figure, axes = plt.subplots(1, len(varying), figsize=(WIDTH, 2.4), sharey=True, squeeze=False)
    for axis, column in zip(axes[0], varying, strict=True):
        axis.set_xlabel(", ".join(MEASURED[column]))
        _compare_classes(axis, rows, column)
    axes[0, 0].set_ylabel("share of the class")
    whole_percents(axes[0, 0].yaxis)
    lines = [
        Line2D([], [], color=COLOURS[label], ls=style, label=f"{CLASS_NAMES[label]}: {count:,} images")
        for (label, count), style in zip(
            rows["label"].value_counts().sort_index().items(), LINES, strict=True
        )
    ]
    figure.legend(handles=lines, loc="outside upper left", ncols=2)
    return figure


def _with_kilobytes(split: Split) -> pd.DataFrame:
    return split.rows.assign(kilobytes=split.rows["bytes"] / 1024)


def _varying(rows: pd.DataFrame) -> list[str]:
    """What of `MEASURED` is not the same in every image."""
    return [column for column in MEASURED if rows[column].min() < rows[column].max()]


def _sizes_caption(split: Split) -> str:
    rows = _with_kilobytes(split)
    varying = _varying(rows)
    same = [
        f"The {name} of every image is {rows[column].iloc[0]:g} {unit}."
        for column, (name, unit) in MEASURED.items()
        if column not in varying
    ]
    drawn = [MEASURED[column][0] for column in varying]
    listed = f"{', '.join(drawn[:-1])} and {drawn[-1]}" if len(drawn) > 1 else drawn[0]
    return (
        f"{listed[0].upper()}{listed[1:]} by class, n = {len(rows):,} images; share of the class in each "
        f"bin. {' '.join([*same, 'Exact shares, so no interval.'])}"
    )


def _sizes_alt(split: Split) -> str:
    """Medians and ranges of both classes."""
    rows = _with_kilobytes(split)
    told = [
        f"{name} of {CLASS_NAMES[label]} images: median {part[column].median():.4g} {unit}, "
        f"from {part[column].min():.4g} to {part[column].max():.4g}"
        for column in _varying(rows)
        for name, unit in [MEASURED[column]]
        for label, part in rows.groupby("label")
    ]
    return f"Histograms with a solid line for real and a dashed one for fake images. {'; '.join(told)}."


def _compare_classes(axis: Axes, rows: pd.DataFrame, column: str) -> None:
    values = rows[column].to_numpy(float)
    wide = values.max() > 20 * values.min()  # one scale would press most images into its first bin
    bins = int(np.clip(np.sqrt(rows["label"].value_counts().min()), 5, 30))
    edges = np.histogram_bin_edges(np.log(values) if wide else values, bins)
    edges = np.exp(edges) if wide else edges
    edges[[0, -1]] = values.min(), values.max()  # exp(log(x)) may miss the outermost image
    for (label, of_class), style in zip(rows.groupby("label")[column], LINES, strict=True):
        share = np.full(len(of_class), 1 / len(of_class))
        axis.hist(of_class, edges, weights=share, histtype="step", color=COLOURS[label], ls=style, lw=1.4)
    if wide:
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def choose_strip(split: Split) -> pd.DataFrame:
    """Training images for the strip: reals, then fakes, one of each method before a second of any.

    Each is of a group of its own while there are groups enough. The same split gives the same images.
    """
    # by path the first images are often of one person or one video
    training = split.part("train").sample(frac=1, random_state=0)
    methods = [method for label, method in largest_methods(split, STRIP_FAKES) if label == 1]
    kinds = [training["label"] == 0] * STRIP_REALS
    for method in itertools.islice(itertools.cycle(methods), STRIP_FAKES):
        kinds.append((training["label"] == 1) & (training["method"] == method))
    chosen: list[int] = []
    for kind in kinds:
        left = training[kind & ~training.index.isin(chosen)]
        apart = left[~left["group"].isin(training.loc[chosen, "group"])]
        chosen += (apart if len(apart) else left).index[:1].tolist()
    return training.loc[chosen]


def draw_strip(split: Split, side: int = 128) -> Figure:
    """One row of faces, reals left and fakes right, each with its method below it."""
    rows = choose_strip(split)
    reals = int((rows["label"] == 0).sum())
    ratios = [1.0] * len(rows)
    ratios.insert(reals, 0.2)  # a gap between the classes
    figure, axes = plt.subplots(1, len(ratios), figsize=(WIDTH, 1.2), width_ratios=ratios)
    axes[reals].set_axis_off()
    for axis, row in zip(np.delete(axes, reals), rows.itertuples(), strict=True):
        axis.imshow(make_tile(read_picture(split.root / row.path), side))
        axis.grid(visible=False)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_xlabel(_under_tile(row.label, row.method), fontsize=7, color=COLOURS[row.label], labelpad=1)
    for at, label in ((0, 0), (reals + 1, 1)):
        axes[at].set_title(CLASS_NAMES[label], color=COLOURS[label], pad=2)
    return figure


def _under_tile(label: int, method: str) -> str:
    """The method in at most two lines; its class where it has no name."""
    if method in CLASS_NAMES.values() or not label:
        return CLASS_NAMES[label]
    parts = re.split(r"[_ -]+", method, maxsplit=1)
    return "\n".join(shorten(part, 12) for part in parts)


def strip_caption(split: Split, study: Study) -> str:
    """Whose faces they are, how they were chosen, and n."""
    rows = choose_strip(split)
    fakes = rows[rows["label"] == 1]
    methods = fakes["method"].nunique()
    whose = "Rendered portraits, no real person" if study.is_sample else "Images of this set"
    return (
        f"{whose}: {len(rows) - len(fakes)} real and {len(fakes)} fake images of the training split "
        f"(n = {len(split.part('train')):,}), drawn at random, with at least one of each of {methods} "
        f"forgery methods; {rows['group'].nunique()} different groups."
    )


def strip_alt(split: Split) -> str:
    """What stands in the row, in order."""
    rows = choose_strip(split)
    fakes = rows.loc[rows["label"] == 1, "method"]
    return (
        f"A row of faces: {len(rows) - len(fakes)} real ones, then {len(fakes)} fakes by "
        f"{', '.join(dict.fromkeys(fakes))}."
    )


def draw_faces(split: Split, columns: int = 8, side: int = 128) -> Figure:
    """A row of training images for real and for each method, one image a group, drawn at random."""
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
        name = CLASS_NAMES[label] if method in CLASS_NAMES.values() else f"fake: {shorten(method, 28)}"
        axis.set_title(name, color=COLOURS[label], pad=2)
    return figure
