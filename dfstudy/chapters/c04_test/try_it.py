"""The test at another threshold, and one test image with its map.

Takes tables of `predict` and runs; gives sliders and figures for a notebook. A threshold that is chosen here,
on the test, is no result: the study's own comes from validation. Cost: a second for intervals, less for a
map.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML

from dfstudy.chapters.c04_test.explain import map_images
from dfstudy.chapters.c04_test.figures_explain import draw_pair
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.errors import StudyError, near_match
from dfstudy.number import Number
from dfstudy.present.numbers import number_table
from dfstudy.present.slide import Slide
from dfstudy.present.style import FAKE, INK, REAL, WIDTH, ShownFigure, show_percent
from dfstudy.stats.intervals import Floats, group_interval
from dfstudy.stats.metrics import confusion
from dfstudy.stats.units import units_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfstudy.data.split import Split
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.train.run import Run

THRESHOLDS = tuple(float(round(value, 2)) for value in np.linspace(0.02, 0.98, 49))
BINS = 40
MOST = 60  # images that the slider offers: more steps would not be hit


def slide_threshold(table: pd.DataFrame, chosen: float, evaluate: Evaluate) -> Slide:
    """A slider for the threshold of one network; it begins at the one from validation.

    Args:
        table: of `predict`.
        chosen: threshold from validation, probability of fake.
    """
    own = f"{chosen:.3f} (validation)"
    values = {f"{value:.2f}": value for value in THRESHOLDS} | {own: chosen}
    ordered = dict(sorted(values.items(), key=lambda pair: pair[1]))
    return Slide("threshold", ordered, own, partial(show_threshold, table, evaluate=evaluate))


def show_threshold(table: pd.DataFrame, threshold: float, evaluate: Evaluate) -> HTML:
    """Scores of both classes with a threshold, and its errors with intervals over groups."""
    errors = count_errors(table, threshold, evaluate)
    alarms, missed = (number.value for number in errors[:2])
    shown = ShownFigure(
        _draw_scores(table, threshold),
        f"Probability of fake of {len(table):,} test images, one network; dashed: threshold {threshold:.3f}.",
        f"Two histograms. Right of the threshold lie {alarms} reals, left of it {missed} fakes.",
    )
    return HTML(shown.html + number_table(errors).to_html(index=False))


def count_errors(table: pd.DataFrame, threshold: float, evaluate: Evaluate) -> list[Number]:
    """False alarms and missed fakes at a threshold: counts, then shares of their class with intervals."""
    labels, scores = table["label"].to_numpy(), table["probability"].to_numpy()
    true_real, false_fake, false_real, true_fake = confusion(labels, scores, threshold)
    reals, fakes = int(true_real + false_fake), int(false_real + true_fake)
    units = units_of(table, evaluate.level)
    numbers = [
        Number("try.false_alarms", int(false_fake), "images", reals, note="reals called fake"),
        Number("try.missed", int(false_real), "images", fakes, note="fakes called real"),
    ]
    wrong = (scores >= threshold) != (labels == 1)
    parts = {"false_alarm_rate": (0, "of the reals"), "miss_rate": (1, "of the fakes")}
    for name, (label, note) in parts.items():
        own = labels == label
        if not own.any():
            numbers.append(Number(f"try.{name}", None, "1", 0, note="no such image in the test"))
            continue
        mistaken = wrong[own].astype(float)

        def share(weights: Floats, mistaken: Floats = mistaken) -> Floats:
            return weights @ mistaken / weights.sum(axis=1)

        found = group_interval(share, units[own], settings=evaluate)
        behind = (len(np.unique(units[own])),)
        numbers.append(
            found.student("share", behind).number(f"try.{name}", unit="1", n=int(own.sum()), note=note)
        )
    return numbers


def _draw_scores(table: pd.DataFrame, threshold: float) -> Figure:
    figure, axes = plt.subplots(figsize=(WIDTH, 2.2))
    for label, colour in ((0, REAL), (1, FAKE)):
        own = table.loc[table["label"] == label, "probability"]
        share, name = np.full(len(own), 1 / max(1, len(own))), f"{CLASS_NAMES[label]}, n = {len(own):,}"
        axes.hist(own, np.linspace(0, 1, BINS + 1), weights=share, color=colour, alpha=0.6, label=name)
    axes.axvline(threshold, color=INK, linestyle="--", linewidth=1)
    axes.set(xlabel="probability of fake", ylabel="share of the class", xlim=(0, 1))
    show_percent(axes.yaxis)
    axes.legend(loc="upper center", fontsize=8)
    return figure


def slide_map(run: Run, table: pd.DataFrame, split: Split) -> Slide:
    """A slider over test images, from the surest real to the surest fake, each beside its map.

    Args:
        table: of `predict` by the run.
    """
    ordered = table.sort_values(["probability", "path"], ignore_index=True)
    places = np.unique(np.linspace(0, len(ordered) - 1, min(MOST, len(ordered))).round().astype(int))
    values = {
        f"{place + 1}: {ordered['probability'][place]:.3f}": ordered["path"][place]
        for place in places.tolist()
    }
    wrong = ordered[(ordered["probability"] >= run.checkpoint["threshold"]) != (ordered["label"] == 1)]
    paths = list(values.values())
    start = next((at for at, path in enumerate(paths) if path in set(wrong["path"])), len(paths) - 1)
    return Slide(
        "test image, by its probability of fake",
        values,
        list(values)[start],
        partial(show_map, run, table, split),
    )


def show_map(run: Run, table: pd.DataFrame, split: Split, path: str) -> ShownFigure:
    """One test image beside its map (Grad-CAM) by one network.

    Args:
        path: of the image, as the tables name it.

    Raises:
        StudyError: no test image has that path, or the network cannot be explained.
    """
    found = table[table["path"] == path]
    if found.empty:
        raise StudyError(
            f"no test image is called {path}{near_match(path, table['path'])}", "give a path of the table"
        )
    explained = map_images(run, found, split)
    figure, (plain, over) = plt.subplots(1, 2, figsize=(WIDTH, WIDTH / 2))
    draw_pair(plain, over, explained, 0)
    row = found.iloc[0]
    # a set without methods names its fakes by their class
    truth = ", ".join(dict.fromkeys([CLASS_NAMES[row["label"]], row["method"]]))
    called = CLASS_NAMES[int(row["probability"] >= run.checkpoint["threshold"])]
    return ShownFigure(
        figure,
        f"{path}: {truth}; probability of fake {row['probability']:.3f}, called {called}. "
        f"Right: what speaks for fake, at the layer {explained.layer}.",
        "The image, and its map laid over the grey image.",
        pictures=True,
    )
