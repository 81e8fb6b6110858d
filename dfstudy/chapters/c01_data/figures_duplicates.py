"""Chapter 01's evidence on duplicates: how many of which kind, what became of them, and what they look like.

Takes a `Split`; gives `Number`s, a table, and a sheet of pairs that stand under both labels. Validation and
test images are counted and never shown, so that nobody tunes by eye on them. Cost: a second.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from dfstudy.data.duplicates import EXACT, NEAR, count_duplicates
from dfstudy.data.images import read_picture
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.number import Number
from dfstudy.present.style import WIDTH, save_figure
from dfstudy.present.tiles import make_tile

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

SHEET = "data_both_labels"  # id of the figure, which exists only where there is something to show
MOST_PAIRS, COLUMNS = 12, 4
KINDS = {
    (EXACT, True): (
        "one image again in its class",
        "one is kept; a given validation or test keeps its own",
    ),
    (EXACT, False): ("one image under real and under fake", "all excluded"),
    (NEAR, True): ("near-duplicates of one class", "join one group"),
    (NEAR, False): ("near-duplicates, real and fake", "join one group: most often a fake and its source"),
}
_NOTES = {
    "copies": ("images", "repeat another image of their class"),
    "both_labels": ("pairs", "one image under real and under fake; excluded"),
    "near": ("pairs", "near-duplicates that join two groups"),
    "near_labels": ("pairs", "of these between real and fake"),
    "given_splits": ("pairs", "of any kind between two given splits"),
    "joined_groups": ("groups", "that near-duplicates joined"),
    "largest_joined": ("images", "in the largest of these"),
    "flat": ("images", "too flat for a perceptual hash: only exact copies of them are found"),
}


def duplicate_table(split: Split) -> pd.DataFrame:
    """Pairs of each kind, how many of them the set or its splits knew, and what became of them."""
    found = split.duplicates
    rows = []
    for (kind, same), (spoken, became) in KINDS.items():
        part = found[(found["kind"] == kind) & (found["same_label"] == same)]
        across = int(part["splits"].str.contains(" and ").sum())
        rows.append((spoken, len(part), int(part["same_group"].sum()), across, became))
    columns = ["what", "pairs", "inside a named group", "between given splits", "what became of them"]
    table = pd.DataFrame(rows, columns=columns)
    return table if split.given else table.drop(columns="between given splits")


def duplicate_numbers(split: Split) -> list[Number]:
    """Numbers `duplicates.*`: counts of pairs, and the groups that near-duplicates joined."""
    counts = count_duplicates(split.duplicates, split.rows)
    pictures = len(split.rows) + len(split.set_aside)
    return [
        Number(f"duplicates.{name}", counts[name], unit, pictures, note=note)
        for name, (unit, note) in _NOTES.items()
    ]


def pairs_to_show(split: Split) -> pd.DataFrame:
    """Pairs of both labels of which no image judges, in the order exact, then nearest."""
    found = split.duplicates[~split.duplicates["same_label"]]
    judging = set(split.rows.loc[split.rows["split"] != "train", "path"])
    return found[~(found["path"].isin(judging) | found["other"].isin(judging))]


def show_duplicates(split: Split, study: Study) -> HTML:
    """The table, what near-duplicates joined, and the sheet of pairs under both labels, saved."""
    counts = count_duplicates(split.duplicates, split.rows)
    joined = "No group grew by near-duplicates."
    if counts["joined_groups"]:
        joined = (
            f"Near-duplicates joined groups into {counts['joined_groups']:,} larger ones, the largest of "
            f"{counts['largest_joined']:,} images."
        )
    table = f"<div>{duplicate_table(split).to_html(index=False)}</div><p>{joined}</p>"
    return HTML(table + _both_labels(split, study))


def _both_labels(split: Split, study: Study) -> str:
    """The sheet, or a sentence where there is none to show."""
    pairs = pairs_to_show(split)
    of_both = int((~split.duplicates["same_label"]).sum())
    if pairs.empty and of_both:
        return "<p>All pairs under both labels lie in validation or test, which are not shown here.</p>"
    if pairs.empty:
        return "<p>No image, and no near-duplicate, is under both labels.</p>"
    shown = min(MOST_PAIRS, len(pairs))
    return save_figure(
        draw_pairs(split, pairs),
        study,
        SHEET,
        caption=f"Pairs under both labels, real on the left: {shown} of {of_both:,}, exact copies first, "
        "then the nearest; pairs with a validation or test image are not shown. Exact counts, so no "
        "interval.",
        alt=f"A sheet of {shown} pairs of faces; the two of a pair look alike.",
        pictures=True,
    ).html


def draw_pairs(split: Split, pairs: pd.DataFrame, side: int = 128) -> Figure:
    """The first pairs of the table, each as its real and its fake image side by side."""
    shown = list(pairs.head(MOST_PAIRS).itertuples(index=False))
    labels = pd.concat([split.rows, split.set_aside]).set_index("path")["label"].astype(int)
    columns = min(COLUMNS, len(shown))
    lines = math.ceil(len(shown) / columns)
    width = WIDTH * columns / COLUMNS
    figure, axes = plt.subplots(lines, columns, figsize=(width, lines * 1.15), squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, pair in zip(axes.ravel(), shown, strict=False):
        paths = sorted((pair.path, pair.other), key=lambda path: labels[path])
        axis.imshow(np.hstack([make_tile(read_picture(split.root / path), side) for path in paths]))
        words = " and ".join(CLASS_NAMES[labels[path]] for path in paths)
        apart = "equal" if pair.kind == EXACT else f"{pair.distance} bits apart"
        axis.set_title(f"{words}: {apart}", fontsize=7, pad=2, fontweight="normal")
    return figure
