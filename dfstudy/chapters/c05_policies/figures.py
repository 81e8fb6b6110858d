"""Figures of chapter 05: AUC by policy, differences to the first, their course over budgets, and parts.

Takes a `Compared`; gives matplotlib figures, unsaved. Verdicts differ in colour and mark: a filled blue
circle improves, a filled orange square worsens, a hollow grey square is no measurable difference, a hollow
grey diamond is inconclusive; a cross marks networks that have not learned, and words a comparison that does
not apply. An axis fits the networks that have learned: what reaches further ends in an arrow.
Nothing is computed here beyond what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfstudy.chapters.c05_policies.figures_auc import CHANCE, SHOWN_NAME
from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.chapters.c05_policies.words import NOT_APPLICABLE, course_words
from dfstudy.present.axes import shorten, zoom
from dfstudy.present.style import FAKE, REAL, WIDTH
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, NO_DIFFERENCE, UNTRAINED, WORSENS

if TYPE_CHECKING:
    from dfstudy.chapters.c05_policies.compare import Compared, Course, PolicyEffect
    from dfstudy.variants.policies import Kind, Trained
    from dfstudy.variants.variant import Variant

INK, FAINT, QUIET = "#000000", "#8C8C8C", "#5F5F5F"
MARKS = {
    IMPROVES: (REAL, "o", REAL),
    WORSENS: (FAKE, "s", FAKE),
    "learns less": (FAKE, "v", "white"),
    NO_DIFFERENCE: (QUIET, "s", "white"),
    INCONCLUSIVE: (QUIET, "D", "white"),
    UNTRAINED: (FAINT, "x", FAINT),
    "no room to tell": (FAINT, "+", FAINT),
}
# colour, mark, its filling and line of a policy in the figure of absolute AUC, by whether it has learned
COLUMNS = 3
PARTS = ("auc", "gap")  # quantities of the transforms and strengths that are drawn


def variants_table(variants: Sequence[Variant]) -> pd.DataFrame:
    """What is trained: one row a variant, with its policy, length, seeds and images."""
    rows = [
        (
            variant.name,
            variant.study.augment.policy,
            f"{variant.study.training.epochs}",
            ", ".join(map(str, variant.study.training.seeds)),
            f"{len(variant.split.part('train')):,}",
            ", ".join(variant.trained_on),
        )
        for variant in variants
    ]
    columns = ["training", "policy", "epochs", "seeds", "training images", "methods learned"]
    return pd.DataFrame(rows, columns=columns)


def draw_forest(compared: Compared) -> Figure:
    """Difference of each policy to the first at the full budget, a panel a quantity."""
    names = [name for name in QUANTITIES if compared.of("policy", name, 1.0)]
    rows, policies = -(-len(names) // COLUMNS), len(compared.policies) - 1
    figure, every = plt.subplots(
        rows, COLUMNS, figsize=(WIDTH, 0.5 + rows * (0.85 + 0.26 * policies)), sharey=True, squeeze=False
    )
    for axes, name in zip(every.flat, names, strict=False):
        effects = compared.of("policy", name, 1.0)
        axes.set_xlim(_limits(effects))
        _draw_effects(axes, effects, _title(name))
    for axes in every.flat[len(names) :]:
        axes.set_visible(False)
    _name_marks(figure, [one for name in names for one in compared.of("policy", name, 1.0)])
    return figure


def draw_budgets(compared: Compared) -> Figure:
    """AUC of each policy minus that of the first, over the share of the epochs."""
    courses = compared.courses
    columns = 2 if len(courses) in (2, 4) else min(COLUMNS, len(courses))
    rows = -(-len(courses) // columns)
    figure, every = plt.subplots(
        rows, columns, figsize=(max(2.4 * columns, 4.8), 0.3 + 2.1 * rows), sharey=True, squeeze=False
    )
    for axes, course in zip(every.flat, courses, strict=False):
        _draw_course(axes, course)
    for axes in every.flat[len(courses) :]:
        axes.set_visible(False)
    for axes in every[:, 0]:
        axes.set_ylabel(f"AUC minus that of {shorten(compared.policies[0], SHOWN_NAME)}", fontsize=8)
    _name_marks(figure, [one for course in courses for one in course.points])
    return figure


def draw_parts(compared: Compared) -> Figure:
    """What each transform of `original` brings beside the others and alone: AUC above, gap below."""
    titles = {"leave_out": "beside the others", "add_one": "alone"}
    kinds = [kind for kind in titles if compared.of(kind, PARTS[0])]
    names = [name for name in PARTS if any(compared.of(kind, name) for kind in kinds)]
    most = max(len(compared.of(kind, names[0])) for kind in kinds)
    figure, every = plt.subplots(
        len(names),
        len(kinds),
        figsize=(WIDTH, 0.5 + len(names) * (0.8 + 0.2 * most)),
        sharey=True,
        sharex="row",
        squeeze=False,
    )
    for axes_row, name in zip(every, names, strict=True):
        drawn = {kind: compared.of(kind, name) for kind in kinds}
        marks = {kind: _chance_difference(compared, kind) for kind in kinds if name == "auc"}
        axes_row[0].set_xlim(_limits([one for own in drawn.values() for one in own], *marks.values()))
        for axes, kind in zip(axes_row, kinds, strict=True):
            _draw_effects(axes, drawn[kind], f"{_title(name)}, {titles[kind]}")
            if kind in marks:
                _mark_chance(axes, marks[kind])
    _name_marks(figure, [one for name in names for kind in kinds for one in compared.of(kind, name)])
    return figure


def describe_levels(compared: Compared) -> str:
    """What a caption must say of the panels' levels: the AUC that a transform is added to or taken from."""
    told = []
    for kind, words in (("leave_out", "all transforms together"), ("add_one", "none of them")):
        own = compared.of(kind, PARTS[0])
        if own:
            auc = float(compared.values[PARTS[0]][_anchor(own[0])].value)
            told.append(f"{words} {auc:.3f}")
    return f"Test AUC with {', with '.join(told)}. Dotted: where a network would rank by chance (AUC 0.5)."


def _anchor(effect: PolicyEffect) -> Trained:
    """The side that all comparisons of its kind share."""
    kind = effect.comparison.kind
    return effect.comparison.second if kind == "leave_out" else effect.comparison.first


def _chance_difference(compared: Compared, kind: Kind) -> float:
    """The difference at which the other network of a comparison ranks by chance."""
    auc = float(compared.values[PARTS[0]][_anchor(compared.of(kind, PARTS[0])[0])].value)
    return auc - CHANCE if kind == "leave_out" else CHANCE - auc


def _mark_chance(axes: Axes, at: float) -> None:
    low, high = axes.get_xlim()
    if low < at < high:
        axes.axvline(at, color=QUIET, linewidth=1, linestyle=":")
        axes.annotate(
            "chance", (at, 0), xycoords=("data", "axes fraction"), xytext=(2, 2), textcoords="offset points",
            fontsize=7, color=QUIET,
        )  # fmt: skip


def draw_strengths(compared: Compared) -> Figure:
    """AUC and gap at each strength of `original`, 0 without augmentation."""
    own = compared.of("strength", PARTS[0])
    points = {0.0: own[0].comparison.first}
    points |= {float(one.comparison.subject): one.comparison.second for one in own}
    figure, every = plt.subplots(1, len(PARTS), figsize=(WIDTH * 0.85, 2.7), squeeze=False)
    for axes, name in zip(every[0], PARTS, strict=True):
        _draw_values(axes, points, compared, name)
    return figure


def _draw_effects(axes: Axes, effects: Sequence[PolicyEffect], title: str) -> None:
    """One forest, the first effect at the top, on the limits that the axes have."""
    places = np.arange(len(effects))[::-1]
    axes.axvline(0, color=INK, linewidth=0.9)
    for place, one in zip(places, effects, strict=True):
        _draw_effect(axes, one, float(place))
    axes.set_yticks(places, [shorten(one.comparison.subject, SHOWN_NAME) for one in effects], fontsize=8)
    axes.set_ylim(-0.6, len(effects) - 0.4)
    axes.set_title(title, fontsize=8.5)
    better = "better →" if QUANTITIES[effects[0].quantity].gain > 0 else "← better"
    axes.set_xlabel(
        f"difference, {QUANTITIES[effects[0].quantity].unit}   {better}", fontsize=7.5, labelpad=1
    )
    axes.tick_params(axis="x", labelsize=7.5)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(visible=False, axis="y")


def _draw_effect(axes: Axes, one: PolicyEffect, place: float) -> None:
    """A mark with its interval, and an arrow where that goes on beyond the axes.

    What does not apply has words: a dot at 0 would look like a result.
    """
    found = one.difference
    if one.verdict == NOT_APPLICABLE or np.isnan(found.value):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.annotate(
            NOT_APPLICABLE if one.verdict == NOT_APPLICABLE else "not defined", (0.5, place),
            xycoords=("axes fraction", "data"), ha="center", va="center", fontsize=7.5, color=QUIET, bbox=box,
        )  # fmt: skip
        return
    color, marker, face = MARKS[one.verdict]
    left, right = axes.get_xlim()
    if found.low is not None and found.high is not None:
        axes.hlines(place, max(found.low, left), min(found.high, right), color=color, linewidth=1.6)
    ends = [end for end in (found.low, found.value, found.high) if end is not None]
    for beyond, edge, arrow in ((min(ends) < left, left, "<"), (max(ends) > right, right, ">")):
        if beyond:
            axes.plot(edge, place, arrow, color=color, markersize=4.5, clip_on=False)
    if left <= found.value <= right:
        axes.plot(found.value, place, marker, color=color, markerfacecolor=face, markersize=4.5)


def _limits(effects: Sequence[PolicyEffect], *near: float) -> tuple[float, float]:
    """Around 0 and the intervals of networks that have learned; of all, where none has.

    Args:
        near: differences of a reference, taken in where they are near.
    """
    told = [one for one in effects if one.verdict not in (UNTRAINED, NOT_APPLICABLE)] or effects
    ends = [end for one in told for end in (one.difference.low, one.difference.value, one.difference.high)]
    return zoom([0.0, *ends], least=0.02, near=near)


def _draw_course(axes: Axes, course: Course) -> None:
    across = [100 * one.comparison.share for one in course.points]
    values = [one.difference.value for one in course.points]
    ends = [
        (one.difference.value, one.difference.value)
        if one.difference.low is None
        else (one.difference.low, one.difference.high)
        for one in course.points
    ]
    axes.axhline(0, color=INK, linewidth=0.9)
    axes.fill_between(across, *zip(*ends, strict=True), color=REAL, alpha=0.15, linewidth=0)
    axes.plot(across, values, color=QUIET, linewidth=1.2)
    for x, one, (low, high) in zip(across, course.points, ends, strict=True):
        color, marker, face = MARKS.get(one.verdict, MARKS[UNTRAINED])
        axes.vlines(x, low, high, color=color, linewidth=1.6)
        axes.plot(x, one.difference.value, marker, color=color, markerfacecolor=face, markersize=5)
    axes.set_xticks(across, [f"{x:.3g} %" for x in across], fontsize=8)
    axes.set_xlim(min(across) - 8, 108)
    axes.set_title(f"{shorten(course.policy, SHOWN_NAME)}\n", fontsize=8.5)
    axes.annotate(course_words(course), (0, 1.02), xycoords="axes fraction", fontsize=7, va="bottom")
    axes.set_xlabel("share of the epochs", fontsize=8)
    axes.tick_params(axis="y", labelsize=8)


def _draw_values(axes: Axes, points: dict[float, Trained], compared: Compared, name: str) -> None:
    found = [compared.values[name][trained] for trained in points.values()]
    values = np.array([float(one.value) for one in found])
    low, high = (np.array([float(getattr(one, end)) for one in found]) for end in ("low", "high"))
    at = list(points)
    axes.vlines(at, np.where(np.isnan(low), values, low), np.where(np.isnan(high), values, high), color=REAL)
    axes.plot(at, values, "o-", color=REAL, markersize=5, linewidth=1.2)
    if name == "gap":
        axes.axhline(0, color=INK, linewidth=0.9)
    else:
        ends = np.concatenate([values, low, high])
        axes.set_ylim(zoom(ends, lowest=0, highest=1, near=[CHANCE]))
        if axes.get_ylim()[0] < CHANCE:
            axes.axhline(CHANCE, color=QUIET, linewidth=1, linestyle=":")
            axes.annotate("chance", (1, CHANCE), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                          textcoords="offset points", ha="right", fontsize=7.5, color=QUIET)  # fmt: skip
    axes.set_xticks(at, ["0\n(none)", *(f"{x:g}" for x in at[1:])])
    axes.set(xlabel="strength of original", ylabel=QUANTITIES[name].unit)
    axes.set_title(_title(name))


def _title(quantity: str) -> str:
    """What a panel is called: without what stands in brackets, for which it has no room."""
    return QUANTITIES[quantity].spoken.partition(" (")[0]


def _name_marks(figure: Figure, effects: Sequence[PolicyEffect]) -> None:
    """The legend of the verdicts that are drawn, under the figure."""
    drawn = {one.verdict for one in effects}
    shown = {word: mark for word, mark in MARKS.items() if word in drawn}
    handles = [
        plt.Line2D([], [], color=color, marker=marker, markerfacecolor=face, markersize=5, linewidth=1.6)
        for color, marker, face in shown.values()
    ]
    figure.legend(handles, list(shown), loc="outside lower center", ncols=min(4, len(shown)), fontsize=8)
