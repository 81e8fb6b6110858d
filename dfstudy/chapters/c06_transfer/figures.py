"""Figures of cross-forgery testing: the matrix, what is lost on unseen methods, and the published experiment.

Takes `matrix.Cross` and the table of `published_models`; gives matplotlib figures. Nothing
is computed here beyond what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfstudy.present.axes import shorten, zoom
from dfstudy.present.style import FAKE, PALETTE, REAL, WIDTH

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.matrix import Cross
    from dfstudy.stats.intervals import Interval

INK, FAINT = "#000000", "#8C8C8C"
MOST_CELLS = 16  # methods: with more a cell's number would not be read
SHOWN_NAME, SHOWN_NETWORK = 18, 24  # letters of a method's name, and of a network's
CHANCE = 0.5
SHADES, STEPS = "Blues", 12  # few: a saved chart has 256 colours in all
DARK = 0.83  # from here on letters on the shade are white


def draw_matrix(cross: Cross, quantity: str, title: str) -> Figure:
    """One panel a network: rows trained on, columns tested on; the rarer of learned and not learned on white.

    Args:
        quantity: `auc` or `balanced`, both one half by chance.
        title: what the colour and the cells' numbers are.
    """
    methods = cross.methods
    rows = {name: cross.arms_of(name) for name in cross.networks}
    tall = [len(own) + 0.6 for own in rows.values()]  # a row is as high in every panel
    figure, every = plt.subplots(
        len(rows), 1, figsize=(WIDTH, 1.5 + 0.36 * sum(tall)), squeeze=False, sharex=True, height_ratios=tall
    )
    shown = None
    for axes, (network, own) in zip(every[:, 0], rows.items(), strict=True):
        values = _cells(cross, quantity, own)
        # from chance on: what differs between good networks is seen, and below chance there is nothing to see
        shown = axes.imshow(values, cmap=plt.get_cmap(SHADES, STEPS), vmin=CHANCE, vmax=1, aspect="auto")
        _write_cells(axes, values, cross.seen[own] == _learned_on_white(cross))
        axes.set_yticks(range(len(own)), [_learned(cross.variants[a].trained_on, methods) for a in own])
        axes.set(title=network, ylabel="learned")
        axes.grid(False)
        axes.spines[:].set_visible(False)
    reals = {name: f"\n{cross.against[name]:,} reals" * cross.by_pipeline for name in methods}
    names = [f"{shorten(name, SHOWN_NAME)}\n{cross.fakes[name]:,} fakes{reals[name]}" for name in methods]
    look = {"fontsize": 8}
    if len(methods) > 6:  # slanted, where lines of one name would lie on those of the next
        names = [name.replace("\n", ", ") for name in names]
        look |= {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    every[-1, 0].set_xticks(range(len(methods)), names, **look)
    against = "the reals of its own pipeline" if cross.by_pipeline else "all reals"
    every[-1, 0].set_xlabel(f"tested on (test images of the method and {against})")
    figure.colorbar(
        shown, ax=list(every[:, 0]), label=f"{title} (0.5: chance)", shrink=0.8, extend="min", pad=0.02
    )
    return figure


def _learned_on_white(cross: Cross) -> bool:
    """Whether the cells on white are those that were learned: the rarer ones, so that shades stay seen."""
    return bool(cross.seen.sum() < (~cross.seen).sum())


def describe_marks(cross: Cross) -> str:
    """What a caption must say of the cells on white."""
    return f"Bold on white: methods that it {'learned' if _learned_on_white(cross) else 'did not learn'}."


def describe_matrix(cross: Cross, quantity: str) -> str:
    """For an alt text: every value, row by row; with many methods each row's means."""
    told = []
    for network in cross.networks:
        own = cross.arms_of(network)
        for at, values in zip(own, _cells(cross, quantity, own), strict=True):
            learned = _learned(cross.variants[at].trained_on, cross.methods)
            seen = cross.seen[at]
            if len(cross.methods) > MOST_CELLS:
                means = [
                    f"mean on methods {word} {np.nanmean(values[part]):.2f}"
                    for word, part in (("learned", seen), ("not learned", ~seen))
                    if np.isfinite(values[part]).any()
                ]
                told.append(f"{network}, learned {learned}: {', '.join(means)}")
                continue
            cells = [
                f"{method} {value:.2f}{'' if known else ' (not learned)'}"
                for method, value, known in zip(cross.methods, values, seen, strict=True)
                if np.isfinite(value)
            ]
            told.append(f"{network}, learned {learned}: {', '.join(cells)}")
    return f"A table, one row a network by what it learned, one column a method tested on. {'; '.join(told)}."


def draw_gap(cross: Cross) -> Figure:
    """For each network: how it does on methods learned and not learned, and its specificity."""
    panels = {"auc": "AUC", "balanced": "balanced accuracy", "found": "fakes found (share)"}
    figure, every = plt.subplots(
        1, len(panels) + 1, figsize=(WIDTH, 1.6 + 0.6 * len(cross.networks)), sharey=True
    )
    places = np.arange(len(cross.networks))[::-1]
    for axes, (quantity, title) in zip(every, panels.items(), strict=False):
        drawn = []
        for part, color, marker, lift in (("seen", REAL, "o", 0.16), ("unseen", FAKE, "s", -0.2)):
            found = [cross.summaries[name][quantity][part] for name in cross.networks]
            label = "methods learned" if part == "seen" else "methods not learned"
            _draw_points(axes, found, places + lift, color, marker, label)
            drawn += found
        _fit(axes, drawn, near=[CHANCE] if quantity != "found" else [])
        axes.set(title=title)
        if quantity != "found":
            # drawn where the axis has it, named in the legend of all panels
            axes.axvline(CHANCE, color=FAINT, linestyle=":", label="chance")
    spared = [cross.spared[name] for name in cross.networks]
    _draw_points(every[-1], spared, places, INK, "D", "")
    _fit(every[-1], spared)
    every[-1].set(title="specificity (share)")
    for axes in every:
        axes.set_ylim(-0.5, len(places) - 0.3)
        axes.title.set_fontsize(8)
        axes.tick_params(axis="x", labelsize=8)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(visible=False, axis="y")
    # what tells two networks of one backbone apart stands behind the comma
    every[0].set_yticks(
        places,
        ["\n".join(shorten(part, SHOWN_NETWORK) for part in _parts(name)) for name in cross.networks],
        fontsize=8,
    )
    handles, labels = every[0].get_legend_handles_labels()
    if not every[0].get_xlim()[0] <= CHANCE <= every[0].get_xlim()[1]:
        handles, labels = handles[:-1], labels[:-1]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    return figure


def describe_gap(cross: Cross) -> str:
    """For an alt text: the means of every network with their intervals."""
    told = []
    for name in cross.networks:
        own = cross.summaries[name]
        values = [
            f"{spoken} {_interval_text(own[quantity]['seen'])} on methods learned and "
            f"{_interval_text(own[quantity]['unseen'])} on others"
            for quantity, spoken in (
                ("auc", "AUC"),
                ("balanced", "balanced accuracy"),
                ("found", "fakes found"),
            )
        ]
        told.append(f"{name}: {'; '.join(values)}; specificity {_interval_text(cross.spared[name])}")
    return f"Four panels of points with intervals. {'. '.join(told)}."


def _draw_points(
    axes: Axes, found: Sequence[Interval], places: np.ndarray, color: str, marker: str, label: str
) -> None:
    """Values with their intervals, the value written above."""
    for place, one in zip(places, found, strict=True):
        axes.hlines(place, one.low, one.high, color=color, linewidth=1.6)
        if np.isfinite(one.value):
            axes.annotate(
                f"{float(one.value):.2f}", (float(one.value), place), xytext=(0, 5),
                textcoords="offset points", ha="center", fontsize=7.5,
            )  # fmt: skip
    values = [float(one.value) for one in found]
    axes.plot(values, places, marker, color=color, markersize=4, linestyle="none", label=label)


def _fit(axes: Axes, found: Sequence[Interval], near: Sequence[float] = ()) -> None:
    """Limits around the intervals: from 0 to 1 a good network's would lie behind its mark."""
    ends = [float(end) for one in found for end in (one.low, one.value, one.high)]
    axes.set_xlim(zoom(ends, lowest=0, highest=1, least=0.1, near=near))


def _interval_text(one: Interval) -> str:
    if not np.isfinite(one.value):
        return "not defined"
    text = f"{float(one.value):.2f}"
    return text if np.isnan(one.low) else f"{text} [{float(one.low):.2f}, {float(one.high):.2f}]"


def _cells(cross: Cross, quantity: str, own: Sequence[int]) -> np.ndarray:
    """Values of a network's variants [variants, methods]."""
    return np.stack([cross.cells[quantity][method].value[own] for method in cross.methods], axis=1)


def draw_published(models: pd.DataFrame) -> Figure:
    """Each published model: accuracy on reals and accuracy on unseen fakes, with lines of equal balance."""
    figure, axes = plt.subplots(figsize=(5.4, 4.2))
    ends = np.array([0.0, 1.0])
    for balance, words in ((CHANCE, "0.50 (chance)"), (0.55, "0.55"), (0.6, "0.60")):
        axes.plot(ends, 2 * balance - ends, color=FAINT, linestyle=":", linewidth=0.9)
        at = 0.92
        axes.annotate(
            words, (at, 2 * balance - at), fontsize=7.5, color=INK, ha="center", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    for (network, rows), color, marker in zip(models.groupby("network"), PALETTE, "os", strict=False):
        axes.plot(
            rows["real"], rows["unseen"], marker, color=color, markersize=5.5, linestyle="none", label=network
        )
    axes.set(xlim=(0.4, 1.0), ylim=(0.0, 0.75))
    axes.set(xlabel="accuracy on real images", ylabel="mean accuracy on fakes of methods not learned")
    handles, labels = axes.get_legend_handles_labels()
    handles.append(plt.Line2D([], [], color=FAINT, linestyle=":"))
    figure.legend(
        handles, [*labels, "equal balanced accuracy"], loc="outside lower center", ncols=3, fontsize=8
    )
    return figure


def _write_cells(axes: Axes, values: np.ndarray, on_white: np.ndarray) -> None:
    """Each value; some stand bold on white, which is seen without colour too."""
    few = values.shape[1] <= MOST_CELLS
    for (row, column), value in np.ndenumerate(values):
        if not np.isfinite(value):
            continue
        words = {"ha": "center", "va": "center", "fontsize": 8}
        if on_white[row, column]:
            box = {"facecolor": "white", "edgecolor": INK, "linewidth": 0.8, "boxstyle": "round,pad=0.25"}
            # with many methods the box alone, as its number would not be read
            axes.text(column, row, f"{value:.2f}" if few else " ", weight="bold", bbox=box, **words)
        elif few:
            ink = "white" if value > DARK else INK
            axes.text(column, row, f"{value:.2f}", color=ink, **words)


def _learned(trained_on: tuple[str, ...], methods: tuple[str, ...]) -> str:
    if len(trained_on) == 1:
        return shorten(trained_on[0], SHOWN_NAME)
    missing = [method for method in methods if method not in trained_on]
    return f"all but {shorten(missing[0], SHOWN_NAME)}" if len(missing) == 1 else f"{len(trained_on)} methods"


def _parts(name: str) -> list[str]:
    """A network's name, a line for its backbone and one for what it differs in."""
    backbone, _, rest = name.partition(", ")
    return [backbone, rest] if rest else [backbone]
