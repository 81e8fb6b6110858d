"""Figures and tables of chapter 07: ranking and verdicts under corruptions, and what corruptions look like.

Takes results of `dfstudy.chapters.c07_robustness.measure` and an image uint8 [H, W, 3]; gives matplotlib
figures, unsaved, and tables. The first result is the study's own; curves of further policies are drawn beside
it. Nothing is computed here beyond what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from dfstudy.chapters.c07_robustness.measure import ALL, CLEAN, LEVEL, Robustness
from dfstudy.predict.corruptions import CORRUPTIONS, Corruption, picture_key
from dfstudy.present.style import FAINT, INK, PALETTE, WIDTH
from dfstudy.stats.verdicts import CANNOT_TELL

COLUMNS = 3
MOST_CURVES = 6  # policies in one panel: more would not be read
DASHES = ("-", (0, (5, 1.5)), "-.", (0, (1, 1)), (0, (8, 1, 1, 1, 1, 1)), (0, (10, 3)))  # seen without colour
SHOWN = (1, 3, 5)  # severities of the example sheet
SHADES = 12
DARK = 0.6  # of the deepest colour: from here on letters are white


def draw_ranking(measured: Sequence[Robustness]) -> Figure:
    """AUC by severity, a panel a corruption: each policy's curve and interval, clean images at its left."""
    names = measured[0].corruptions
    rows = -(-len(names) // COLUMNS)
    figure, every = plt.subplots(
        rows, COLUMNS, figsize=(WIDTH, 0.5 + 1.75 * rows), sharey=True, squeeze=False
    )
    shown = measured[:MOST_CURVES]
    for axes, name in zip(every.flat, names, strict=False):
        for one, color, dashes in zip(shown, PALETTE, DASHES, strict=False):
            _draw_curve(axes, one, name, color, dashes)
        axes.axhline(LEVEL, color=INK, linewidth=0.8, linestyle="--", label=f"level of robustness, {LEVEL:g}")
        axes.axhline(0.5, color=FAINT, linewidth=0.8, linestyle=":", label="chance")
        corruption = CORRUPTIONS[name]
        severities = measured[0].severities(name)
        ticks = [corruption.ticks[severity - 1] for severity in severities]
        axes.set_xticks([0, *severities], ["clean", *ticks], fontsize=7)
        axes.set_xlabel(corruption.unit, fontsize=8, labelpad=1)
        axes.set_title(corruption.spoken)
        axes.set_title(_short_verdict(measured[0], name), loc="right", fontsize=7.5, fontweight="normal")
        axes.tick_params(axis="y", labelsize=8)
    for axes in every.flat[len(names) :]:
        axes.remove()
    lowest = min(float(np.nanmin(_ends(one)[0])) for one in shown)
    every[0, 0].set_ylim(max(0, min(0.45, lowest - 0.02)), 1.01)
    for axes in every[:, 0]:
        axes.set_ylabel("AUC")
    handles, labels = every[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    return figure


def _ends(one: Robustness) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the AUC's intervals, the value where there is none."""
    found = one.intervals["auc"]
    low, high = (np.where(np.isnan(end), found.value, end) for end in (found.low, found.high))
    return np.where(np.isnan(low), 0.5, low), np.where(np.isnan(high), 0.5, high)


def _draw_curve(axes: Axes, one: Robustness, name: str, color: str, dashes: Any) -> None:
    places = [one.conditions.index(CLEAN)]
    places += [one.conditions.index((name, severity)) for severity in one.severities(name)]
    across = [0, *one.severities(name)]
    value = one.intervals["auc"].value[places]
    low, high = (end[places] for end in _ends(one))
    axes.fill_between(across, low, high, color=color, alpha=0.2, linewidth=0)
    broken = np.isin(across, one.broken(name)) | ((np.array(across) == 0) & (not one.sound))
    label = one.policy and f"policy {one.policy}"
    axes.plot(across, value, color=color, linewidth=1.4, linestyle=dashes, label=label)
    axes.plot(np.array(across)[~broken], value[~broken], "o", color=color, markersize=3.5)
    # a hollow mark: distinct without colour
    axes.plot(
        np.array(across)[broken], value[broken], "o", color=color, markersize=4, markerfacecolor="white"
    )


def _short_verdict(one: Robustness, name: str) -> str:
    broken = one.broken(name)
    if not one.sound:
        return "below when clean"
    if broken:
        return f"breaks at {CORRUPTIONS[name].ticks[broken[0] - 1]}".split("\n")[0]
    return "robust" if one.holds(name) == len(one.severities(name)) else CANNOT_TELL


def draw_flips(one: Robustness) -> Figure:
    """Share of verdicts that turn to fake and to real, a row a corruption and a column a severity."""
    names = one.corruptions
    columns = max(len(one.severities(name)) for name in names)
    figure, every = plt.subplots(1, 2, figsize=(WIDTH, 0.9 + 0.34 * len(names)), sharey=True)
    sides = (("to_fake", "turned to fake", "Oranges"), ("to_real", "turned to real", "Blues"))
    shares = {side: np.full((len(names), columns), np.nan) for side, _, _ in sides}
    for side, table in shares.items():
        for row, name in enumerate(names):
            for column, severity in enumerate(one.severities(name)):
                table[row, column] = one.interval(side, name, severity).value
    deepest = max(0.1, float(np.nanmax(list(shares.values()))))
    for axes, (side, title, colours) in zip(every, sides, strict=True):
        # few shades: a saved chart has 256 colours in all
        shades = plt.get_cmap(colours, SHADES)
        axes.imshow(np.nan_to_num(shares[side]), cmap=shades, vmin=0, vmax=deepest, aspect="auto")
        for (row, column), share in np.ndenumerate(shares[side]):
            ink = "white" if share > DARK * deepest else INK
            said = "" if np.isnan(share) else f"{100 * share:.0f} %"
            axes.text(column, row, said, ha="center", va="center", fontsize=8, color=ink)
        axes.set_xticks(range(columns), [str(column + 1) for column in range(columns)])
        axes.set(xlabel="severity", title=f"{title}, of all images")
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    every[0].set_yticks(range(len(names)), [CORRUPTIONS[name].spoken for name in names])
    return figure


def draw_examples(picture: np.ndarray, seed: int = 0) -> Figure:
    """One image under each corruption at severities 1, 3 and 5, each as large as the image was."""
    rows = -(-len(CORRUPTIONS) // COLUMNS)
    figure = plt.figure(figsize=(WIDTH, 1.12 * rows), layout="constrained")
    parts = figure.subfigures(rows, COLUMNS, squeeze=False, wspace=0.03).ravel()
    for part, corruption in zip(parts, CORRUPTIONS.values(), strict=False):
        _draw_example(part, corruption, picture, seed)
    return figure


def _draw_example(part: SubFigure, corruption: Corruption, picture: np.ndarray, seed: int) -> None:
    part.suptitle(f"{corruption.spoken}, {corruption.unit}", x=0.03, ha="left", fontsize=8, fontweight="bold")
    for axes, severity in zip(part.subplots(1, len(SHOWN)), SHOWN, strict=True):
        axes.imshow(corruption(picture, severity, picture_key(seed, "example")), interpolation="bilinear")
        axes.grid(False)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_xlabel(corruption.ticks[severity - 1].replace("\n", ", "), fontsize=7.5, labelpad=2)


def describe_flips(one: Robustness) -> str:
    """For an alt text: the shares of both tables at the strongest severity."""
    told = []
    for name in one.corruptions:
        last = len(one.severities(name))
        shares = [float(one.interval(side, name, last).value) for side in ("to_fake", "to_real")]
        told.append(f"{CORRUPTIONS[name].spoken} {100 * shares[0]:.0f} % and {100 * shares[1]:.0f} %")
    return f"Verdicts that turn to fake and to real at the strongest severity: {'; '.join(told)}."


def breaking_table(one: Robustness) -> pd.DataFrame:
    """One row a corruption: the last severity that holds, the first that breaks, means over severities."""
    rows = []
    for name in one.corruptions:
        corruption, last = CORRUPTIONS[name], len(one.severities(name))
        held, broken = one.holds(name), one.broken(name)
        stands = "no severity" if not held else "all of them" if held == last else corruption.labels[held - 1]
        breaks = corruption.labels[broken[0] - 1] if broken else "no severity"
        if not one.sound:
            breaks = "clean"
        means = [
            str(one.interval(measure, name).number("robust.row", unit="1", n=one.pictures))
            for measure in ("drop", "flipped")
        ]
        rows.append((corruption.spoken, stands, breaks, *means))
    columns = [
        "corruption",
        "holds up to",
        "broken from",
        "AUC lost, mean",
        "verdicts flipped, mean",
    ]
    return pd.DataFrame(rows, columns=columns)


def robustness_sentence(one: Robustness) -> str:
    """The chapter's answer, for `say`: what it is robust to, what breaks it, which way verdicts turn."""
    stood = [name for name in one.corruptions if one.holds(name) == len(one.severities(name))]
    broken = [name for name in one.corruptions if one.broken(name)]
    parts = [
        "**Answer.** Over all corruptions and severities the AUC falls from {robust.clean.auc} to "
        "{robust.auc}, and {robust.flipped} of the verdicts change."
    ]
    if not one.sound:
        parts.append("On clean images already the AUC lies below {robust.level}: nothing is left to break.")
        return " ".join(parts)
    if stood:
        parts.append(
            f"It is robust to {_listed(stood)}: at every severity the AUC stays at {{robust.level}} or above."
        )
    if broken:
        where = [
            f"{CORRUPTIONS[name].spoken} ({CORRUPTIONS[name].labels[one.broken(name)[0] - 1]})"
            for name in broken
        ]
        parts.append(f"It falls below, from the strength in brackets on, with {'; '.join(where)}.")
    undecided = [name for name in one.corruptions if name not in (*stood, *broken)]
    if undecided:
        parts.append(f"These images are too few to decide for {_listed(undecided)}.")
    to_fake, to_real = (float(one.interval(side, ALL).value) for side in ("to_fake", "to_real"))
    most = "fake" if to_fake > to_real else "real"
    if to_fake + to_real > 0:
        parts.append(f"Verdicts turn to {most} more often than the other way.")
    return " ".join(parts)


def _listed(names: Sequence[str]) -> str:
    spoken = [CORRUPTIONS[name].spoken for name in names]
    return spoken[0] if len(spoken) == 1 else f"{', '.join(spoken[:-1])} and {spoken[-1]}"


def describe_robustness(one: Robustness) -> str:
    """What a caption must say: images, groups and seeds."""
    seeds = f"; means over {one.seeds} training seeds" if one.seeds > 1 else ""
    return (
        f"n = {one.pictures:,} test images in {one.intervals['auc'].groups:,} groups under each of "
        f"{len(one.corruptions)} corruptions{seeds}."
    )
