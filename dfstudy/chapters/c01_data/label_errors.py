"""Which labels are suspicious? Chapter 01's table of them, and what it is worth on these images.

Takes images as a probe of other groups ranks them (`frozen.ProbedImages`); gives `labels.suspicious`, the
table `numbers/label_errors.csv` and a sheet of faces. What a suspicion is worth depends on the images, so
errors are planted: `labels.planted.found` is the share of them that come first. Validation and test images
stand in the table and are not shown. Cost: one more cross-validation of the probe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from scipy.special import expit

from dfstudy.data.images import read_picture
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.number import Number
from dfstudy.present.numbers import say
from dfstudy.present.style import WIDTH, save_figure
from dfstudy.present.suspects import WHAT_TO_DO, suspect_images, write_suspects
from dfstudy.present.tiles import make_tile
from dfstudy.stats.label_errors import find_label_errors, flip_labels, hit_rate
from dfstudy.stats.units import by_group

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from dfstudy.chapters.c01_data.frozen import ProbedImages
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

TABLE, SHEET = "label_errors.csv", "data_suspicious"  # a file beside the numbers; id of the figure
SUSPICIOUS, FOUND = "labels.suspicious", "labels.planted.found"
PLANTED = 0.05  # share of labels that are flipped to see how many of these are found
SHOWN = 6  # faces a class


def show_labels(study: Study, split: Split, probed: ProbedImages) -> list[Number]:
    """Say what is suspicious and show the first training images; gives the two numbers."""
    numbers = label_numbers(study, probed)
    display(say(tell_labels({number.id: number for number in numbers}), numbers))
    display(show_suspects(study, split, probed))
    return numbers


def label_numbers(study: Study, probed: ProbedImages) -> list[Number]:
    """The two numbers; writes the table where there is one."""
    rows, count = probed.rows, len(probed.rows)
    if probed.held is None:
        return [Number(name, None, "images", count, note=probed.why) for name in (SUSPICIOUS, FOUND)]
    suspects = suspect_images(rows, expit(probed.held.log_odds))
    write_suspects(study, TABLE, suspects)
    labels = rows["label"].to_numpy("int64")
    planted = flip_labels(count, PLANTED, study.evaluate.seed)
    given = np.where(planted, 1 - labels, labels)
    ranks = find_label_errors(given, expit(probed.cross_validate(given).log_odds)).ranks
    hits = ranks[planted] <= planted.sum()
    found = hit_rate(hits, rows["group"].to_numpy(str)[planted], by_group(study.evaluate))
    note = "labels that the probe contradicts by the rule of confident learning; hard images are among them"
    told = f"{planted.sum():,} labels flipped by chance: share of them among as many first ranks"
    return [
        Number(SUSPICIOUS, len(suspects), "images", count, note=note),
        found.number(FOUND, unit="1", n=int(planted.sum()), note=told),
    ]


def tell_labels(numbers: Mapping[str, Number]) -> str:
    """How many labels are suspicious and what that is worth, for `say`."""
    suspicious, found = numbers[SUSPICIOUS], numbers[FOUND]
    if suspicious.value is None:
        return f"**Not measured:** {suspicious.note}."
    worth = (
        f"With {PLANTED:.0%} of these labels flipped by chance, {{{FOUND}}} of the flipped ones lie among as "
        f"many first ranks; chance would give {PLANTED:.2f}."
    )
    if found.low is None or found.low <= PLANTED:
        worth += " Whether this ranking finds wrong labels among these images cannot be told."
    return (
        f"The probe contradicts {{{SUSPICIOUS}}} of {suspicious.n:,} labels. A suspicion is no error: hard "
        f"images are suspected as well. {worth}\n\n"
        f"`numbers/{TABLE}` lists them, the most suspicious first. {WHAT_TO_DO}"
    )


def show_suspects(study: Study, split: Split, probed: ProbedImages) -> HTML:
    """The most suspicious training images, or a sentence where there are none."""
    if probed.held is None:
        return HTML("")
    suspects = suspect_images(probed.rows, expit(probed.held.log_odds))
    shown = suspects[suspects["split"] == "train"].groupby("label").head(SHOWN)
    if shown.empty:
        return HTML("<p>No training image has a suspicious label.</p>")
    figure = save_figure(
        _draw(split, shown),
        study,
        SHEET,
        caption=f"The {len(shown)} training images whose labels are most suspicious, of {len(suspects):,} "
        "suspicious ones in all splits, each with its rank and its label. Images of validation and test are "
        "not shown. Exact ranks, so no interval.",
        alt=f"A sheet of {len(shown)} faces, those labelled real above those labelled fake.",
        pictures=True,
    )
    return HTML(figure.html)


def _draw(split: Split, shown: pd.DataFrame, side: int = 128) -> Figure:
    labels = sorted(shown["label"].unique())
    figure, axes = plt.subplots(len(labels), SHOWN, figsize=(WIDTH, 1.45 * len(labels)), squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    for line, label in zip(axes, labels, strict=True):
        rows = shown[shown["label"] == label].itertuples()
        for axis, row in zip(line, rows, strict=False):
            axis.imshow(make_tile(read_picture(split.root / row.path), side))
            words = f"{row.rank}: labelled {CLASS_NAMES[row.label]}"
            axis.set_title(words, fontsize=7, pad=2, fontweight="normal")
    return figure
