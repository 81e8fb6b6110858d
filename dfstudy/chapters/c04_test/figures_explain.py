"""Figures of explanations: test images beside maps of the evidence for fake.

Takes `dfstudy.chapters.c04_test.explain.Explained` with its examples, and the numbers of its checks; gives a
matplotlib figure, unsaved, and sentences for `say`. Where nothing is explained, both say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from dfstudy.chapters.c04_test.localisation import HALF
from dfstudy.present.axes import shorten
from dfstudy.present.style import FAKE, REAL, WIDTH

if TYPE_CHECKING:
    from dfstudy.chapters.c04_test.explain import Explained
    from dfstudy.number import Number

SHADES = "viridis"  # even to the eye, and as even in grey
FORGED = 0.5  # share of a pixel at which the region's outline runs
KINDS = {"right": "clearly right", "wrong": "clearly wrong", "unsure": "nearest the threshold"}
SHOWN_NAME = 18  # letters of a method's name
TILE, INNER_GAP, GAP = 1.1, 0.04, 0.22  # inches: an image, to its map, to the next pair
HEAD, LINE, FOOT = 0.2, 1.3, 0.62  # inches: above all images, a row of them, below


def draw_explained(explained: Explained, examples: pd.DataFrame) -> Figure:
    """Each example beside its map by the first seed; rows are real and fake, columns how the verdict was.

    Args:
        examples: of `dfstudy.chapters.c04_test.examples.choose_examples`.
    """
    if not len(examples):
        figure, axes = plt.subplots(figsize=(WIDTH, 1.2))
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"nothing is explained: {explained.reason}", ha="center", va="center", wrap=True)
        return figure
    height = HEAD + 4 * LINE + FOOT
    figure = plt.figure(figsize=(WIDTH, height), layout="none")

    def place(left: float, top: float, wide: float, high: float) -> Axes:
        """Axes at a place in inches from the upper left corner."""
        return figure.add_axes((left / WIDTH, 1 - (top + high) / height, wide / WIDTH, high / height))

    for column, (kind, title) in enumerate(KINDS.items()):
        left = 0.02 + column * (2 * TILE + INNER_GAP + GAP)
        figure.text(left / WIDTH, 1 - 0.16 / height, title, fontsize=9, fontweight="bold")
        for example in examples[examples["kind"] == kind].itertuples():
            top = HEAD + (2 * example.label + example.place) * LINE + LINE - TILE
            plain = place(left, top, TILE, TILE)
            draw_pair(plain, place(left + TILE + INNER_GAP, top, TILE, TILE), explained, example.row)
            name = example.method if example.method not in ("fake", "real") else ""
            truth = ("fake" if example.label else "real") + (f", {shorten(name, SHOWN_NAME)}" if name else "")
            plain.set_title(
                f"{truth}: {example.probability:.2f}", fontsize=7.5, fontweight="normal", pad=2,
                color=FAKE if example.label else REAL,
            )  # fmt: skip
    bar = place(0.3, HEAD + 4 * LINE + 0.12, WIDTH - 0.6, 0.12)
    scale = figure.colorbar(ScalarMappable(Normalize(0, 1), SHADES), cax=bar, orientation="horizontal")
    scale.set_label("evidence for fake, as a share of the map's own maximum", fontsize=8)
    bar.tick_params(labelsize=7.5)
    return figure


def draw_pair(plain: Axes, over: Axes, explained: Explained, row: int) -> None:
    """One image, and beside it its map by the first seed; both outline a forged region that is known."""
    for axes in (plain, over):
        axes.set_axis_off()
    picture, strength = explained.inputs[row], explained.maps[0, row]
    plain.imshow(picture)
    over.imshow(picture.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    # the map covers most where it is strong: what it points at, and the face around it, both stay visible
    over.imshow(strength, cmap=SHADES, vmin=0, vmax=1, alpha=0.25 + 0.45 * strength)
    if explained.known[row]:
        for axes in (plain, over):
            for color, width in (("black", 1.8), ("white", 0.9)):  # seen on dark and on light alike
                axes.contour(explained.regions[row], [FORGED], colors=color, linewidths=width)


def describe_explained(explained: Explained) -> str:
    """What the caption says of the maps, in one or two sentences."""
    if explained.reason:
        return f"No map: {explained.reason}."
    known = int(explained.known.sum())
    outline = f" White: the forged region, known for {known:,} of them." if known else ""
    return (
        f"Grad-CAM of the first network's logit of fake at its layer {explained.layer} "
        f"({explained.cells} x {explained.cells} cells); n = {len(explained.test):,} explained test images."
        f"{outline}"
    )


def explain_sentence(explained: Explained, numbers: Mapping[str, Number]) -> str:
    """What the checks say, as text for `say`; verdicts by rule from the intervals."""
    if explained.reason:
        return f"**Not explained:** {explained.reason}."
    told = []
    if numbers["explain.energy"].value is not None:
        told.append(
            "Of a map, {explain.energy} lies inside the forged region, which is {explain.energy.chance} of "
            f"the image: {_verdict(numbers['explain.energy.gain'], 'chance')} (difference "
            "{explain.energy.gain}). The highest place is forged in {explain.pointing} of the maps, "
            "compared with {explain.pointing.chance} by chance."
        )
    if numbers["explain.energy.others"].value is not None:
        told.append(
            "Maps of other forged images have {explain.energy.others} in the same region: "
            f"{_verdict(numbers['explain.energy.others.gain'], 'these')} (difference "
            "{explain.energy.others.gain}). This comparison takes off what is only the middle of an image."
        )
    if not told:
        told.append(
            f"Whether maps point at what was forged cannot be said: {numbers['explain.energy'].note}."
        )
    random = numbers["explain.randomised.correlation"]
    changed = "whether they change the maps is inconclusive"
    if random.low is not None and random.high is not None:
        if random.high < HALF:
            changed = "they change the maps, which therefore show what was learned"
        elif random.low > HALF:
            changed = "**they leave the maps much as they are: these show the image alone**"
    told.append(
        f"With random weights instead of the trained ones: {changed} (rank correlation "
        "{explain.randomised.correlation})."
    )
    if "explain.seeds.correlation" in numbers:
        told.append("Two training seeds agree with {explain.seeds.correlation}.")
    return " ".join(told)


def _verdict(gain: Number, rival: str) -> str:
    if gain.low is not None and gain.low > 0:
        return f"the maps point there better than {rival}"
    if gain.high is not None and gain.high < 0:
        return f"**the maps point there less than {rival}**"
    return f"**no better than {rival}, as far as can be told**"
