"""The first figure of chapter 05: test AUC by policy, with what a shortcut alone reaches.

Takes a `Compared`; gives a matplotlib figure, unsaved, with its caption and its words. Nothing is computed
here beyond what is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dfstudy.chapters.c05_policies.words import describe_values
from dfstudy.present.axes import shorten, zoom
from dfstudy.present.style import REAL, WIDTH
from dfstudy.stats.verdicts import UNTRAINED
from dfstudy.variants.policies import Trained

if TYPE_CHECKING:
    from dfstudy.chapters.c05_policies.compare import Compared
    from dfstudy.number import Number
    from dfstudy.stats.intervals import Interval

INK, FAINT, QUIET = "#000000", "#8C8C8C", "#5F5F5F"

CHANCE = 0.5
SHOWN_NAME = 20  # letters of a policy's name
LEARNED = {True: (REAL, "o", REAL, "-"), False: (QUIET, "D", "white", ":")}


def draw_auc(compared: Compared, shortcut: Number | None = None) -> Figure:
    """Test AUC of every policy at the full budget, with its interval and its value at the right.

    Args:
        shortcut: AUC of a probe that sees no face, drawn as a line; None where it is not known.
    """
    found = _at_full_budget(compared)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.2 * len(found)))
    places = np.arange(len(found))[::-1]
    for place, (policy, one) in zip(places, found.items(), strict=True):
        color, marker, face, dashes = LEARNED[_has_learned(compared, policy)]
        if not np.isnan(one.low):
            axes.hlines(place, one.low, one.high, color=color, linewidth=1.6, linestyle=dashes)
        axes.plot(float(one.value), place, marker, color=color, markerfacecolor=face, markersize=5)
        axes.annotate(
            _interval_text(one), (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8.5,
            color=INK if face != "white" else QUIET,
        )  # fmt: skip
    probe = None if shortcut is None else shortcut.value
    axes.set_xlim(_ends_of_axis(compared, probe))
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.set_yticks(places, [shorten(policy, SHOWN_NAME) for policy in found], fontsize=8.5)
    axes.set_xlabel("test AUC", fontsize=8.5, labelpad=1)
    axes.tick_params(axis="x", labelsize=8.5)
    axes.locator_params(axis="x", nbins=7)
    axes.grid(visible=False, axis="y")
    figure.legend(
        handles=_explain_marks(axes, compared, list(found), probe),
        loc="outside upper left", ncols=4, fontsize=8, borderaxespad=0.1,
    )  # fmt: skip
    return figure


def _ends_of_axis(compared: Compared, probe: float | None) -> tuple[float, float]:
    ends = [end for one in _at_full_budget(compared).values() for end in (one.low, one.value, one.high)]
    return zoom(ends, lowest=0, highest=1, near=[probe, CHANCE])


def _explain_marks(axes: Axes, compared: Compared, policies: list[str], probe: float | None) -> list[Line2D]:
    """Entries of the legend for what is drawn; lines of reference are drawn here, where the axis has them."""
    entries = []
    for learned in (True, False):
        if any(_has_learned(compared, policy) == learned for policy in policies):
            color, marker, face, dashes = LEARNED[learned]
            look = {"color": color, "marker": marker, "markerfacecolor": face, "linestyle": dashes}
            entries.append(Line2D([], [], markersize=5, label="policy" if learned else UNTRAINED, **look))
    low, high = axes.get_xlim()
    for at, name, dashes in ((probe, "shortcut probe", "--"), (CHANCE, "chance", ":")):
        if at is not None and low <= at <= high:
            label = f"{name} ({at:.2f})"
            entries.append(axes.axvline(at, color=INK, lw=1, ls=dashes, zorder=1, label=label))
    return entries


def describe_auc(compared: Compared, shortcut: Number | None = None) -> str:
    """For an alt text: every value with its interval, and what the lines are."""
    told = [
        f"{policy} {_interval_text(one)}" + ("" if _has_learned(compared, policy) else f" ({UNTRAINED})")
        for policy, one in _at_full_budget(compared).items()
    ]
    probe = "" if shortcut is None or shortcut.value is None else f" The shortcut probe alone: {shortcut}."
    return f"A dot with its interval for each policy. Test AUC: {'; '.join(told)}.{probe}"


def caption_auc(compared: Compared, shortcut: Number | None = None) -> str:
    """What the figure of absolute AUC shows, with n, interval and what the lines are."""
    probe = ""
    if shortcut is not None and shortcut.value is not None:
        low, high = _ends_of_axis(compared, shortcut.value)
        beyond = "" if low <= shortcut.value <= high else f" ({shortcut}, beyond the axis)"
        probe = (
            f" Shortcut probe{beyond}: a linear model of file and image properties, cross-validated over all "
            f"{shortcut.n:,} images (chapter 01)."
        )
    hollow = any(not _has_learned(compared, policy) for policy in _at_full_budget(compared))
    kept = ", ".join(compared.study.policies.unseen)
    left = f" These networks learned without {kept}, unlike the detector." if kept else ""
    return (
        f"Test AUC of each policy after {compared.study.training.epochs} epochs, with its interval. "
        f"{describe_values(compared, ('auc',))}{left}{f' Hollow: {UNTRAINED}.' if hollow else ''}{probe}"
    )


def _at_full_budget(compared: Compared) -> dict[str, Interval]:
    """Test AUC by policy, in the order of the study file."""
    epochs = compared.study.training.epochs
    found = {policy: compared.values["auc"][Trained(policy, epochs)] for policy in compared.policies}
    return {policy: one for policy, one in found.items() if not np.isnan(one.value)}


def _has_learned(compared: Compared, policy: str) -> bool:
    return compared.learning[Trained(policy, compared.study.training.epochs)].learned


def _interval_text(one: Interval) -> str:
    value, low, high = (float(each) for each in (one.value, one.low, one.high))
    return f"{value:.3f}" if np.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
