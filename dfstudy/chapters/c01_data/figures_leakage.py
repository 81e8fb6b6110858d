"""The leakage estimate as a figure and a sentence: how much a random per-image split inflates the result.

Takes what `dfstudy.chapters.c01_data.leakage` measured; gives a figure where there is something to draw, and
sentences for `say`. Cost: a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from IPython.display import Markdown
from matplotlib.figure import Figure

from dfstudy.chapters.c01_data.questions import CHANCE, NOT_APPLICABLE, few_seeds, leak_verdict, meter_learned
from dfstudy.present.style import FAKE, PALETTE, REAL, WIDTH, ShownFigure, save_figure
from dfstudy.stats.verdicts import CANNOT_TELL, NO, YES
from dfstudy.variants.leakage import MOST, SMALL

if TYPE_CHECKING:
    from dfstudy.chapters.c01_data.leakage import Leakage
    from dfstudy.present.answer import Numbers
    from dfstudy.study.study import Study

FIGURE = "data_leakage"  # id of the figure, which exists only where the estimate applies


def show_leakage(found: Leakage | None, study: Study) -> ShownFigure | Markdown:
    """The estimate's figure, saved; or a sentence where it does not apply."""
    if found is None:
        return Markdown(
            "The leakage estimate does not apply to these images, and nothing was trained for it."
        )
    return save_figure(
        draw_leakage(found), study, FIGURE, caption=leakage_caption(found), alt=leakage_alt(found)
    )


def draw_leakage(found: Leakage) -> Figure:
    """Both test AUCs with their intervals, and the difference beside zero."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 1.7), width_ratios=(2, 1))
    rows = (
        ("grouped split", found.grouped, REAL, "o"),
        ("random per-image split", found.random, FAKE, "D"),
    )
    for place, (_, interval, colour, mark) in enumerate(rows):
        axes[0].plot((interval.low, interval.high), (place, place), color=colour, lw=1.6)
        axes[0].plot(interval.value, place, color=colour, marker=mark, ms=6)
    axes[0].axvline(0.5, color="black", lw=0.8)
    axes[0].set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes[0].set(xlabel="test AUC of the small network", ylim=(1.6, -0.6))
    gain = found.inflation
    axes[1].plot((gain.low, gain.high), (0, 0), color=PALETTE[6], lw=1.6)
    axes[1].plot(gain.value, 0, color=PALETTE[6], marker="s", ms=6)
    axes[1].axvline(0, color="black", lw=0.8)
    axes[1].set(xlabel="random − grouped", yticks=[], ylim=(1.6, -0.6))
    axes[1].margins(x=0.2)
    for axis in axes:
        axis.grid(visible=False, axis="y")
    return figure


def leakage_caption(found: Leakage) -> str:
    """What the figure shows, with n, interval and unit."""
    settings = found.inflation.settings
    return (
        f"Test AUC of one small network ({SMALL.backbone}, {SMALL.size} px, {found.epochs} epochs, at most "
        f"about {MOST:,} images) on two splits of the same images, mean of {found.inflation.seeds} trainings "
        f"each, {100 * settings.confidence:g} % intervals over {found.inflation.groups:,} groups (of the "
        f"difference over groups and seeds); n = {found.pictures:,} test images of both. "
        "Black: chance, and no difference."
    )


def leakage_alt(found: Leakage) -> str:
    """The message for a reader who cannot see the figure."""
    one, other, gain = (float(each.value) for each in (found.grouped, found.random, found.inflation))
    return (
        f"Two dots with intervals: test AUC {one:.2f} with a grouped split and {other:.2f} with a random "
        f"per-image split; beside them their difference, {gain:+.2f}."
    )


def leakage_sentence(numbers: Numbers) -> str:
    """The estimate's verdict, for `say`."""
    verdict = leak_verdict(numbers)
    if verdict == NOT_APPLICABLE:
        return (
            f"**Not applicable:** {numbers['leakage.inflation'].note}. That says nothing against a leak: "
            "people or videos that nobody named may lie on both sides all the same."
        )
    heading = {
        YES: "**A random per-image split would have inflated the result.**",
        NO: "**A random per-image split did not inflate the result.**",
        CANNOT_TELL: "**Cannot tell.**",
    }[verdict]
    text = (
        f"{heading} The small network's test AUC goes from {{leakage.auc.grouped}} with a grouped split "
        "to {leakage.auc.random}, a change of {leakage.inflation}; {leakage.shared} of the test images then "
        "have images of their group in training."
    )
    if not meter_learned(numbers):
        text += (
            " Neither kind of training has learned: these images are too few or too hard for a network "
            "this small, so it cannot show a leak."
        )
    if few_seeds(numbers):
        text += f" {few_seeds(numbers).capitalize()}: networks of one recipe differ by their seeds alone."
    torn = numbers["leakage.auc.random"]
    if torn.high is not None and torn.high < CHANCE:
        text += (
            " An AUC below one half is a leak as well: where a group holds both real and fake images, the "
            "image of it that the network memorised often has the other label."
        )
    return text
