"""The leakage estimate as a figure and a sentence: how much a random per-image split inflates the result.

Takes what `dfstudy.chapters.c01_data.leakage` measured; gives a figure where there is something to draw, and
sentences for `say`. Cost: a second.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from IPython.display import Markdown
from matplotlib.figure import Figure

from dfstudy.chapters.c01_data.questions import CHANCE, NOT_APPLICABLE, few_seeds, leak_verdict, meter_learned
from dfstudy.present.axes import zoom
from dfstudy.present.style import FAINT, FAKE, INK, REAL, WIDTH, ShownFigure, save_figure
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
    """Test AUC on both splits, then by how much the random split inflates it, beside a line at zero."""
    rows = (
        ("grouped split", found.grouped, REAL, "o"),
        ("random per-image split", found.random, FAKE, "D"),
    )
    gain = found.inflation
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 1.9), width_ratios=(3, 2))
    for place, (_, one, colour, mark) in enumerate(rows):
        left.plot((one.low, one.high), (place, place), color=colour, lw=1.6)
        left.plot(one.value, place, color=colour, marker=mark, ms=4.5)
        left.text(float(one.value), place - 0.2, f"{float(one.value):.3f}", ha="center", fontsize=8)
    ends = [end for _, one, *_ in rows for end in (one.low, one.value, one.high)]
    left.set(xlim=zoom(ends, lowest=0, highest=1, near=[CHANCE]), ylim=(1.5, -0.6))
    if left.get_xlim()[0] < CHANCE < left.get_xlim()[1]:
        left.axvline(CHANCE, color=FAINT, ls=":")
        left.annotate("chance", (CHANCE, 0), xycoords=("data", "axes fraction"), xytext=(2, 2),
                      textcoords="offset points", fontsize=7.5)  # fmt: skip
    left.set_yticks(range(len(rows)), [name for name, *_ in rows])
    left.set(title="Test AUC of the small network", xlabel="AUC")
    left.locator_params(axis="x", nbins=6)
    right.axvline(0, color=INK, lw=0.9)
    if gain.low is not None:
        right.plot((gain.low, gain.high), (0.5, 0.5), color=INK, lw=1.6)
    right.plot(gain.value, 0.5, color=INK, marker="s", ms=4.5)
    right.text(gain.value, 0.3, _signed(gain.value), ha="center", fontsize=8)
    reach = max(abs(end) for end in zoom([gain.low, gain.value, gain.high, 0.0]))
    right.set(xlim=(-reach, reach), ylim=(1.5, -0.6), yticks=[])
    right.set(title="Inflation: random − grouped", xlabel="difference of AUC   inflated →")
    right.locator_params(axis="x", nbins=4)
    for axis in (left, right):
        axis.grid(visible=False, axis="y")
    return figure


def leakage_caption(found: Leakage) -> str:
    """What the figure shows, with n, interval and unit."""
    settings = found.inflation.settings
    return (
        "Does a random per-image split inflate the result? Left: test AUC of one small network "
        f"({SMALL.backbone}, {SMALL.size} px, {found.epochs} epochs, at most about {MOST:,} images) on two "
        "splits of the same images. Right: their difference, which lies wholly to the right of 0 where a "
        f"random split inflates the AUC. Means of {found.inflation.seeds} trainings each; "
        f"{100 * settings.confidence:g} % intervals over {found.inflation.groups:,} groups (of the "
        f"difference over groups and seeds); n = {found.pictures:,} test images of both."
    )


def leakage_alt(found: Leakage) -> str:
    """The message for a reader who cannot see the figure."""
    one, other = (
        f"{float(each.value):.3f}{_ends(float(each.low), float(each.high))}"
        for each in (found.grouped, found.random)
    )
    gain = found.inflation
    return (
        f"Dots with intervals: test AUC {one} with a grouped split and {other} with a random per-image "
        f"split; beside them the difference, {_signed(gain.value)}{_ends(gain.low, gain.high)}, and a line "
        "at 0."
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _ends(low: float | None, high: float | None) -> str:
    if low is None or high is None or math.isnan(low):
        return ""
    return f" [{low:.3f}, {high:.3f}]".replace("-", "−")


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
