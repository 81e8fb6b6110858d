"""Figures of chapter 02: transforms one by one, whole policies, realised strengths, cost.

Takes images (uint8 [H, W, 3]) and tables from `dfstudy.augment`; gives matplotlib figures, unsaved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from dfstudy.chapters.c02_augmentation.numbers import share_table
from dfstudy.present.axes import whole_percents
from dfstudy.present.style import FAKE, PALETTE, REAL, WIDTH

if TYPE_CHECKING:
    from dfstudy.augment.extremes import Ends
    from dfstudy.augment.gallery import Row

PER_ROW = 3  # transforms beside each other, each with three images
GAP = 4  # pixels between samples
LEAST_SHOWN = 0.1  # grey levels: a smaller change would be shown as none


def draw_ends(transforms: Sequence[Ends]) -> Figure:
    """Each transform: one end of its range, the image before, the other end.

    Below each end stands its value and, where pixels stay in place, the mean absolute change in grey levels.
    """
    rows = -(-len(transforms) // PER_ROW)
    figure = plt.figure(figsize=(WIDTH, 1.25 * rows), layout="constrained")
    parts = figure.subfigures(rows, PER_ROW, squeeze=False, wspace=0.03).ravel()
    for part, ends in zip(parts, transforms, strict=False):
        _draw_triple(part, ends)
    return figure


def _draw_triple(part: SubFigure, ends: Ends) -> None:
    part.suptitle(ends.title, x=0.03, ha="left", fontsize=8.5, fontweight="bold")
    panels = [(ends.before, "before\n")]
    panels += [
        (after, _end_label(*end)) for after, *end in zip(ends.after, ends.labels, ends.changes, strict=True)
    ]
    if len(panels) == 3:  # the image before stands between the ends
        panels = [panels[1], panels[0], panels[2]]
    for axes, (picture, label) in zip(part.subplots(1, 3), [*panels, (None, "")][:3], strict=True):
        _show(axes, picture, label)


def _end_label(label: str, change: float | None) -> str:
    if change is None:
        return f"{label}\n"
    if not change:
        return f"{label}\nno change"
    return f"{label}\nΔ {change:.1f}" if change >= LEAST_SHOWN else f"{label}\nΔ < {LEAST_SHOWN:g}"


def _show(axes: Axes, picture: np.ndarray | None, label: str) -> None:
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(label, fontsize=7.5, labelpad=2)
    if picture is not None:
        axes.imshow(picture, interpolation="bilinear")


def describe_ends(transforms: Sequence[Ends]) -> str:
    """For an alt text: how far each transform moves a value at the ends of its range."""
    told = [
        f"{ends.title} {' and '.join(f'{change:.1f}' for change in ends.changes if change is not None)}"
        for ends in transforms
        if None not in ends.changes
    ]
    return (
        "Triples of small images: the image before, between the two ends of one transform's range. Mean "
        f"absolute change at the ends, in grey levels: {'; '.join(told)}."
    )


def draw_policies(samples: dict[str, Sequence[np.ndarray]], columns: int = 8) -> Figure:
    """One image as several policies return it: a block a policy, its first cell the image itself."""
    rows = {name: -(-len(pictures) // columns) for name, pictures in samples.items()}
    height = sum(rows.values()) * WIDTH / columns + 0.2 * len(rows)
    figure, axes = plt.subplots(
        len(rows), figsize=(WIDTH, height), squeeze=False, gridspec_kw={"height_ratios": list(rows.values())}
    )
    for part, (name, pictures) in zip(axes[:, 0], samples.items(), strict=True):
        _show(part, _mosaic(pictures, columns), "")
        part.set_title(f"policy {name}")
    return figure


def _mosaic(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    height, width = (side + GAP for side in pictures[0].shape[:2])
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * height - GAP, columns * width - GAP, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height - GAP, left : left + width - GAP] = picture
    return sheet


def draw_named(rows: Sequence[Row]) -> Figure:
    """The same images under each policy: a row each, its name on the left."""
    sheet = np.concatenate([_strip(row.pictures) for row in rows])[:-GAP]
    longest = max(len(row.title.partition(": ")[0]) for row in rows)
    share = min(0.84, 1 - 0.0115 * longest)  # of the figure's width, beside the names
    height = share * WIDTH * sheet.shape[0] / sheet.shape[1]
    figure = plt.figure(figsize=(WIDTH, height), layout="none")
    axes = figure.add_axes((1 - share, 0, share, 1))
    _show(axes, sheet, "")
    pitch = sheet.shape[0] / len(rows)
    for number, row in enumerate(rows):
        recipe, _, kind = row.title.partition(": ")
        words = {"x": -0.012, "y": 1 - (number + 0.5) * pitch / sheet.shape[0], "transform": axes.transAxes}
        weight = "normal" if kind else "bold"
        axes.text(s=kind or recipe, ha="right", va="center", fontsize=8.5, fontweight=weight, **words)
    return figure


def _strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Images beside each other, with a gap below."""
    strip = _mosaic(pictures, len(pictures))
    return np.concatenate([strip, np.full((GAP, *strip.shape[1:]), 255, np.uint8)])


def draw_strength(samples: pd.DataFrame, confidence: float = 0.95) -> Figure:
    """Realised strengths of the policy `original`: JPEG quality, noise, shares touched, size of the change.

    Args:
        samples: table of `measure_policy`.
        confidence: coverage of the shares' intervals.
    """
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.6))
    _draw_quality(axes[0, 0], samples["quality"].dropna())
    _draw_sigma(axes[0, 1], samples["sigma"].dropna())
    _draw_shares(axes[1, 0], share_table(samples, confidence))
    _draw_changes(axes[1, 1], samples.dropna(subset="change"))
    return figure


def describe_strength(samples: pd.DataFrame, confidence: float = 0.95) -> str:
    """For an alt text: the shares as set and as measured, and the median of each change."""
    shares = [
        f"{_spoken(row.transform)} {100 * row.share:.1f} % (set {100 * row.probability:g} %)"
        for row in share_table(samples, confidence).itertuples()
    ]
    medians = samples.dropna(subset="change").groupby("applied")["change"].median().sort_values()
    changes = [f"{_spoken(str(name))} {change:.2g}" for name, change in medians[::-1].items()]
    quality, sigma = samples["quality"].dropna(), samples["sigma"].dropna()
    return (
        f"Four charts. JPEG quality from {quality.min():.0f} to {quality.max():.0f}, mean "
        f"{quality.mean():.1f}; noise with a standard deviation from {sigma.min():.1f} to {sigma.max():.1f} "
        f"grey levels. Samples changed: {', '.join(shares)}. Median change in grey levels: "
        f"{', '.join(changes)}."
    )


def _draw_quality(axes: Axes, quality: pd.Series) -> None:
    counts = quality.astype(int).value_counts().reindex(range(60, 101), fill_value=0)
    axes.bar(counts.index, counts, width=0.8, color=REAL)
    axes.axhline(len(quality) / 41, color="black", linewidth=1, label="as set: uniform 60–100")
    axes.set(title="JPEG quality", xlabel="quality (1–100)", ylabel="samples", ylim=(0, counts.max() * 1.3))
    axes.legend(loc="upper center")


def _draw_sigma(axes: Axes, sigma: pd.Series) -> None:
    edges = np.linspace(3, 7.4, 23)
    axes.hist(sigma, edges, color=REAL, rwidth=0.85)
    grid = np.linspace(10**0.5, 50**0.5, 50)
    # variance uniform over 10..50 has the density 2 sigma / 40 in sigma
    nominal = len(sigma) * (edges[1] - edges[0]) * 2 * grid / 40
    axes.plot(grid, nominal, color="black", linewidth=1, label="as set: uniform variance")
    axes.set(title="Noise", xlabel="standard deviation, grey levels", ylabel="samples")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.2)
    axes.legend(loc="upper left")


def _draw_shares(axes: Axes, shares: pd.DataFrame) -> None:
    place = np.arange(len(shares))[::-1]
    axes.plot(shares["probability"], place, "|", ms=11, mew=1.6, color="black", label="as set", zorder=3)
    ends = [shares["share"] - shares["low"], shares["high"] - shares["share"]]
    axes.errorbar(
        shares["share"], place, xerr=ends, fmt="o", color=FAKE, markersize=3, capsize=3, label="measured"
    )
    axes.set_yticks(place, [_spoken(name) for name in shares["transform"]])
    axes.set(
        title="Samples changed, by transform",
        xlabel="share of samples (line: interval)",
        xlim=(0, 0.7),
        ylim=(-0.6, len(shares) + 0.4),  # room for the legend above the rows
    )
    whole_percents(axes.xaxis)
    axes.legend(loc="upper right", ncols=2, fontsize=8, borderaxespad=0, markerscale=0.7)


def _draw_changes(axes: Axes, samples: pd.DataFrame) -> None:
    parts = {name: part["change"] for name, part in samples.groupby("applied", sort=False)}
    names = sorted(parts, key=lambda name: parts[name].median())
    for place, name in enumerate(names):
        low, middle, high = parts[name].quantile([0.05, 0.5, 0.95])
        axes.plot([low, high], [place, place], color=REAL, linewidth=3, solid_capstyle="butt")
        axes.plot(middle, place, "o", color="black", markersize=4)
    axes.set_yticks(range(len(names)), [_spoken(name) for name in names])
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)
    axes.set_xticks([0, 1, 3, 10, 30], ["0", "1", "3", "10", "30"])
    axes.set(title="Size of the change", xlabel="mean absolute change, grey levels", xlim=(-0.05, None))


def draw_cost(times: pd.DataFrame) -> Figure:
    """Microseconds an image of each step: mean, and from the 10th to the 90th percentile."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.25 * len(times) + 0.4))
    place = np.arange(len(times))[::-1]
    whole = times["step"].str.startswith("policy")
    colours = np.where(whole, FAKE, np.where(times["step"] == "read the file", PALETTE[7], REAL))
    axes.barh(place, times["microseconds"], color=colours)
    axes.hlines(place, times["low"], times["high"], color="black", linewidth=1)
    # a policy's name stays as it is typed
    spoken = [step if whole else _spoken(step) for step, whole in zip(times["step"], whole, strict=True)]
    axes.set_yticks(place, spoken)
    axes.set(
        xlabel="microseconds of one core per image (line: 10th to 90th percentile)",
        ylim=(-0.7, len(times) - 0.3),
    )
    return figure


def describe_cost(times: pd.DataFrame) -> str:
    """For an alt text: the mean of every step."""
    told = [
        f"{row.step if row.step.startswith('policy') else _spoken(row.step)} {row.microseconds:.0f}"
        for row in times.itertuples()
    ]
    return f"Bars of microseconds per image: {', '.join(told)}."


def _spoken(name: str) -> str:
    words = {"jpeg": "JPEG", "gaussian": "Gaussian", "fancy pca": "FancyPCA"}
    name = name.replace("_", " ")
    for plain, right in words.items():
        name = name.replace(plain, right)
    return name
