"""Figures of the training: curves with the gap between them, the speed, a range test.

Takes finished runs, or a range test; gives matplotlib figures, tables and sentences. Training curves are over
the varied images of an epoch while the network learned, validation curves over all validation images
after it. No interval is drawn, as every point is exact for its images. Cost: a second a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from dfstudy.present.axes import SEED_MARKS, whole_percents
from dfstudy.present.settings import describe
from dfstudy.present.style import PALETTE, WIDTH

if TYPE_CHECKING:
    from dfstudy.study.study import Study
    from dfstudy.train.rate_range import RateRange
    from dfstudy.train.run import Run

SEEN, UNSEEN = PALETTE[0], PALETTE[1]  # training and validation
MOST_SEEDS = 4  # rows of curves that a page holds


def seeds_shown(runs: Sequence[Run]) -> list[Run]:
    """The runs that the curves have room for."""
    return list(runs[:MOST_SEEDS])


def describe_training(runs: Sequence[Run]) -> str:
    """What a caption must say: images of both parts, and seeds."""
    clean = runs[0].checkpoint["clean"]
    seeds = f"; {len(runs)} training seeds" if len(runs) > 1 else f"; seed {runs[0].seed}"
    left_out = f", the first {MOST_SEEDS} shown" if len(runs) > MOST_SEEDS else ""
    return (
        f"n = {clean['train']['pictures']:,} training and {clean['val']['pictures']:,} validation "
        f"images{seeds}{left_out}."
    )


def settings_table(study: Study) -> pd.DataFrame:
    """Settings of network, augmentation and training, with their meaning."""
    rows = [row for row in describe(study) if row[0].split(".")[0] in {"model", "augment", "training"}]
    return pd.DataFrame(rows, columns=["setting", "value", "meaning"])


def describe_runs(runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run: what was kept, and what validation said of it."""
    rows = [
        {
            "seed": run.seed,
            "epochs run": told["epochs"],
            "epoch kept": told["best_epoch"],
            "validation AUC": f"{told['clean']['val']['auc']:.3f}",
            "validation loss": f"{told['clean']['val']['loss']:.3f}",
            "threshold": f"{told['threshold']:.3f}",
            "temperature": f"{told['temperature']:.2f}",
            "parameters": f"{told['parameters']:,}",
            "trained": f"{told['trainable']:,}",
            "images a step": told["pictures_a_step"],
            "on a device at a time": told["pictures_at_once"],
        }
        for run in runs
        for told in [run.checkpoint]
    ]
    return pd.DataFrame(rows)


def describe_change(runs: Sequence[Run]) -> str:
    """How loss and accuracy moved from the first epoch to the kept one, averaged over seeds, in words."""
    both = pd.concat([run.history.iloc[[0, run.checkpoint["best_epoch"] - 1]] for run in runs])
    first, kept = both.iloc[::2].mean(), both.iloc[1::2].mean()
    moves = [
        f"{spoken} loss goes from {first[column]:.2f} to {kept[column]:.2f}"
        for spoken, column in (("training", "train_loss"), ("validation", "val_loss"))
    ]
    return f"From the first epoch to the kept one, {' and '.join(moves)}."


def draw_curves(runs: Sequence[Run]) -> Figure:
    """Loss and accuracy by epoch, a row a seed, with the gap shaded and the chosen epoch marked."""
    shown = seeds_shown(runs)
    figure, grid = plt.subplots(
        len(shown), 2, figsize=(WIDTH, 0.7 + 2.2 * len(shown)), sharex=True, sharey="col", squeeze=False
    )
    for run, (loss, accuracy) in zip(shown, grid, strict=True):
        _draw_pair(loss, run, "loss")
        _draw_pair(accuracy, run, "accuracy")
        seed = f" (seed {run.seed})" if len(runs) > 1 else ""
        loss.set(title=f"Loss{seed}", ylabel="cross-entropy, nats")
        accuracy.set(title=f"Accuracy{seed}", ylabel="accuracy, threshold 0.5")
    whole_percents(grid[0, 1].yaxis)  # the column shares its axis
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    handles = [
        Line2D([], [], color=SEEN, marker="o", ms=3, label="training"),
        Line2D([], [], color=UNSEEN, marker="s", ms=3, ls="--", label="validation"),
        Patch(color="0.85", label="gap"),
        Line2D([], [], color="black", ls=":", label="epoch kept"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    return figure


def _draw_pair(axes: Axes, run: Run, quantity: str) -> None:
    epochs = run.history["epoch"]
    seen, unseen = run.history[f"train_{quantity}"], run.history[f"val_{quantity}"]
    axes.fill_between(epochs, seen, unseen, color="0.85", linewidth=0)
    axes.axvline(run.checkpoint["best_epoch"], color="black", ls=":", lw=1)
    axes.plot(epochs, seen, color=SEEN, marker="o", ms=3)
    axes.plot(epochs, unseen, color=UNSEEN, marker="s", ms=3, ls="--")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def draw_rate_range(tried: RateRange) -> Figure:
    """Loss against learning rate on a logarithmic axis, with the suggestion and the study's own rate.

    The axis of the loss is cut above what nine in ten steps had: a divergence would hide the valley.
    """
    table = tried.table
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    axes.plot(table["rate"], table["loss"], color="0.75", lw=0.8, label="loss of each step")
    axes.plot(table["rate"], table["smoothed"], color=SEEN, label="moving average")
    axes.axvline(tried.own, color=UNSEEN, ls="--", lw=1, label=f"the study's rate, {tried.own:.1e}")
    if tried.suggestion is not None:
        told = f"suggested, {tried.suggestion:.1e}"
        axes.axvline(tried.suggestion, color="black", ls=":", lw=1, label=told)
    low, high = table["loss"].min(), table["loss"].quantile(0.9)
    margin = 0.1 * (high - low) or 0.1
    axes.set(xscale="log", ylim=(low - margin, high + margin))
    axes.set(xlabel="learning rate", ylabel="cross-entropy, nats")
    figure.legend(loc="outside upper center", ncols=4)
    return figure


def draw_speed(runs: Sequence[Run]) -> Figure:
    """Images a second in training, and seconds an epoch with validation."""
    figure, (rate, seconds) = plt.subplots(1, 2, figsize=(WIDTH, 2.6), sharex=True)
    looks = zip(np.resize(PALETTE, len(runs)), np.resize(SEED_MARKS, len(runs)), strict=True)
    for run, (colour, mark) in zip(runs, looks, strict=True):
        told, look = run.timings, {"marker": mark, "ms": 3.5, "color": colour}
        rate.plot(told["epoch"], told["pictures_per_second"], **look)
        seconds.plot(told["epoch"], told["seconds"], label=f"seed {run.seed}", **look)
    rate.set(title="Training alone", xlabel="epoch", ylabel="images/s", ylim=(0, None))
    seconds.set(title="Epoch with validation", xlabel="epoch", ylabel="seconds", ylim=(0, None))
    for axes in (rate, seconds):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.legend(loc="outside upper center", ncols=min(len(runs), 6))
    return figure
