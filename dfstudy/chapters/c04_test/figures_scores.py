"""Figures of the test: how well scores rank, and where they fail.

Takes the tables of `curve_tables` (`roc_band`, `seed_curves`, `mean_precision`, ...) and
predictions; gives matplotlib figures. Nothing is computed here beyond what is drawn.
Where a class is missing a figure says so instead of a curve.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfstudy.present.axes import SEED_DASHES, SEED_MARKS, shorten, whole_percents
from dfstudy.present.style import FAINT, FAKE, INK, PALETTE, REAL, WIDTH, show_percent
from dfstudy.stats.aligned import align
from dfstudy.stats.registry import CELLS

MOST_METHODS = 14  # rows of score distributions: more would not be read
SCORE_BINS = 40
SHOWN_NAME = 22  # letters of a method's name
LEGEND_COLUMN = 1.75  # inches


def describe_sample(predictions: Sequence[pd.DataFrame]) -> str:
    """What a caption must say: images, groups and seeds."""
    test = align(predictions)
    fakes = int(test.labels.sum())
    seeds = f"; {test.seeds} training seeds" if test.seeds > 1 else ""
    return (
        f"n = {len(test):,} test images ({len(test) - fakes:,} real, {fakes:,} fake) in "
        f"{test.pictures['group'].nunique():,} groups{seeds}."
    )


def draw_roc(
    band: pd.DataFrame, curves: Sequence[pd.DataFrame], chosen: pd.DataFrame, seeds: Sequence[int]
) -> Figure:
    """ROC curve with its band, each seed's curve and its threshold's point; and the low end once more.

    Args:
        seeds: of the curves and of the rows of `chosen`, in their order.
    """
    figure, (whole, low) = plt.subplots(1, 2, figsize=(WIDTH, 3.8))
    for axes in (whole, low):
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="chance")
        axes.fill_between(
            band["false_alarms"], band["low"], band["high"],
            step="post", color=REAL, alpha=0.2, linewidth=0, label="interval",
        )  # fmt: skip
        _draw_seeds(axes, curves, "false_alarms", "sensitivity", REAL, where="post")
        if len(curves) > 1:
            axes.step(band["false_alarms"], band["sensitivity"], where="post", color=REAL, label="mean")
        _mark_chosen(axes, chosen["false_alarms"], chosen["sensitivity"], seeds)
        axes.set(xlabel="false alarms (share of reals called fake)", ylabel="fakes found (share)")
        show_percent(axes.xaxis, axes.yaxis)
    whole.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), title="Whole curve")
    low.set(xlim=(0, 0.1), ylim=(-0.01, 1.02), title="Up to 10 % false alarms")
    _legend_in_rows(figure, whole)
    return figure


def draw_precision_recall(
    curves: Sequence[pd.DataFrame], mean: pd.DataFrame, chosen: pd.DataFrame, seeds: Sequence[int]
) -> Figure:
    """Precision against recall: the mean over seeds, each seed, the thresholds' points, the share of fakes.

    Args:
        mean: of `mean_precision`.
        seeds: of the curves and of the rows of `chosen`, in their order.
    """
    figure, axes = plt.subplots(figsize=(5.4, 3.9))
    counts = chosen[list(CELLS)].iloc[0]
    share = (counts["false_real"] + counts["true_fake"]) / counts.sum()
    axes.axhline(share, color=FAINT, linestyle=":", label=f"chance: {100 * share:.0f} % are fake")
    # a step: precision between two thresholds does not lie on the straight line between them
    _draw_seeds(axes, curves, "sensitivity", "precision", FAKE, where="pre")
    if len(curves) > 1 and len(mean):
        axes.step(mean["sensitivity"], mean["precision"], where="pre", color=FAKE, linewidth=2, label="mean")
    _mark_chosen(axes, chosen["sensitivity"], chosen["precision"], seeds)
    axes.set(xlabel="recall: fakes found (share)", ylabel="precision: fakes among\nthose called fake (share)")
    lowest = min([share, *(curve["precision"].min() for curve in curves if len(curve))])
    axes.set(xlim=(-0.01, 1.01), ylim=(max(0, min(lowest - 0.05, 0.8)), 1.02))
    whole_percents(axes.xaxis, axes.yaxis)
    _legend_in_rows(figure, axes)
    return figure


def draw_scores(
    predictions: Sequence[pd.DataFrame], thresholds: Sequence[float], seeds: Sequence[int]
) -> Figure:
    """Distribution of the probability of fake for reals and for each method, with each seed's threshold."""
    test = align(predictions)
    rows = {"real": test.labels == 0, **test.methods}
    left_out = max(0, len(test.methods) - MOST_METHODS)
    rows = {name: mask for name, mask in list(rows.items())[: MOST_METHODS + 1] if mask.any()}
    figure, every = plt.subplots(
        len(rows), 1, figsize=(WIDTH, 1.0 + 0.62 * len(rows)), sharex=True, squeeze=False
    )
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    for axes, (name, mask) in zip(every[:, 0], rows.items(), strict=True):
        share = np.histogram(test.probabilities[:, mask], edges)[0] / (mask.sum() * test.seeds)
        color = REAL if (test.labels[mask] == 0).all() else FAKE
        axes.bar(edges[:-1], share, width=np.diff(edges), align="edge", color=color)
        for threshold, (label, number) in zip(thresholds, _names_of(seeds), strict=True):
            dashes = SEED_DASHES[number % len(SEED_DASHES)]
            told = f"{label} ({threshold:.2f})" if len(seeds) <= len(SEED_DASHES) else label
            axes.axvline(threshold, color=INK, linewidth=1.1, linestyle=dashes, label=told)
        axes.set(yticks=[], xlim=(-0.005, 1.005))
        axes.spines["left"].set_visible(False)
        axes.grid(False)
        axes.set_ylabel(
            f"{shorten(name, SHOWN_NAME)}\n{int(mask.sum()):,} images",
            rotation=0,
            ha="right",
            va="center",
            fontsize=8,
        )
    more = f" ({left_out} more methods are not shown)" if left_out else ""
    every[-1, 0].set_xlabel(f"probability of fake{more}")
    _legend_in_rows(figure, every[0, 0])
    return figure


def draw_confusion(chosen: pd.DataFrame) -> Figure:
    """Counts and row shares at the threshold from validation, averaged over seeds."""
    counts = chosen[list(CELLS)].mean().to_numpy().reshape(2, 2)
    totals = counts.sum(axis=1)
    shares = np.divide(counts, totals[:, None], out=np.full((2, 2), np.nan), where=totals[:, None] > 0)
    decimals = 0 if len(chosen) == 1 else 1  # a mean over seeds is no whole number
    figure, axes = plt.subplots(figsize=(4.4, 3.1))
    axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        told = "none" if np.isnan(share) else f"{counts[row, column]:,.{decimals}f}\n{100 * share:.1f} %"
        ink = "white" if share > 0.55 else INK
        axes.text(column, row, told, ha="center", va="center", fontsize=12, color=ink)
    names = [f"{name}\n{total:,.0f}" for name, total in zip(("real", "fake"), totals, strict=True)]
    axes.set(xticks=[0, 1], yticks=[0, 1], xticklabels=["called real", "called fake"], yticklabels=names)
    axes.set(xlabel="by the network (images, and share of the row)", ylabel="in truth (images)")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return figure


def draw_mistakes(mistakes: pd.DataFrame, pictures: Sequence[np.ndarray]) -> Figure:
    """The most confident mistakes, the worst first.

    Args:
        mistakes: rows of `find_mistakes`.
        pictures: uint8 [H, W, 3] RGB of each row; sizes may differ.
    """
    if mistakes.empty:
        figure, axes = plt.subplots(figsize=(WIDTH, 1.2))
        axes.set_axis_off()
        axes.text(0.5, 0.5, "every test image is on its side of the threshold", ha="center", va="center")
        return figure
    columns = 6
    lines = -(-len(mistakes) // columns)
    figure, every = plt.subplots(lines, columns, figsize=(WIDTH, 1.62 * lines), squeeze=False)
    for axes in every.flat:
        axes.set_axis_off()
    for axes, row, picture in zip(every.flat, mistakes.itertuples(), pictures, strict=False):
        axes.imshow(picture)
        fake = row.label == 1
        # without a named method the index says no more than `fake`
        truth = f"fake: {shorten(row.method, 12)}" if row.method not in ("fake", "real") else row.method
        axes.set_title(
            f"{truth}\ncalled {'real' if fake else 'fake'}: {row.probability:.2f}", fontsize=7.5,
            fontweight="normal", color=FAKE if fake else REAL, loc="center",
        )  # fmt: skip
    return figure


def _draw_seeds(
    axes: Axes, curves: Sequence[pd.DataFrame], across: str, up: str, color: str, where: str
) -> None:
    """Each seed's steps, thin where there are several; without one class, a word instead."""
    if curves[0].empty:
        box = {"facecolor": "white", "edgecolor": "none"}
        told = "not defined:\none class only"
        axes.text(0.5, 0.5, told, transform=axes.transAxes, ha="center", va="center", bbox=box)
        return
    for number, curve in enumerate(curves):
        several = len(curves) > 1
        label = "" if number else "each seed" if several else "test images"
        axes.step(
            curve[across], curve[up], where=where, color=color, label=label,
            linewidth=0.7 if several else 1.6, alpha=0.6 if several else 1,
        )  # fmt: skip


def _mark_chosen(axes: Axes, across: pd.Series, up: pd.Series, seeds: Sequence[int]) -> None:
    """Where each seed's threshold lies, in a shape of its own."""
    for x, y, (label, number) in zip(across, up, _names_of(seeds), strict=True):
        axes.plot(
            x, y, SEED_MARKS[number % len(SEED_MARKS)], color=PALETTE[4], markeredgecolor=INK, markersize=5.5,
            linestyle="none", label=label, zorder=4,
        )  # fmt: skip


def _names_of(seeds: Sequence[int]) -> list[tuple[str, int]]:
    """Each threshold's words for the legend and its place among the seeds; with many all are alike."""
    if len(seeds) > len(SEED_MARKS):
        return [(f"thresholds of {len(seeds)} seeds" if not at else "", 0) for at in range(len(seeds))]
    name = "threshold from validation" if len(seeds) == 1 else "threshold of seed {}"
    return [(name.format(seed), at) for at, seed in enumerate(seeds)]


def _legend_in_rows(figure: Figure, axes: Axes) -> None:
    """The legend under the figure, curves above thresholds where one row would not hold both."""
    handles, labels = axes.get_legend_handles_labels()
    columns = int(figure.get_figwidth() / LEGEND_COLUMN)
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)), fontsize=8)
