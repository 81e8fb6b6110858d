"""Figures of chapter 05: differences to the first policy, their course over budgets, parts, and strengths.

Takes a `Compared`; gives matplotlib figures, unsaved. Verdicts differ in colour and mark: a filled blue
circle improves, a filled orange square worsens, a hollow grey square is no measurable difference, a hollow
grey diamond is inconclusive; crosses mark where nothing can be said, as of networks that have not learned.
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

from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.chapters.c05_policies.words import course_words
from dfstudy.present.style import FAKE, REAL, WIDTH
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, NO_DIFFERENCE, UNTRAINED, WORSENS

if TYPE_CHECKING:
    from dfstudy.chapters.c05_policies.compare import Compared, Course, PolicyEffect
    from dfstudy.variants.policies import Trained
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
    "not applicable": (FAINT, "1", FAINT),
}
COLUMNS = 3
PARTS = ("auc", "gap")  # quantities of the transforms and strengths that are drawn
SHOWN_NAME = 20  # letters of a policy's name


def variants_table(variants: Sequence[Variant]) -> pd.DataFrame:
    """What is trained: one row a variant, with its policy, length, seeds and pictures."""
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
    columns = ["training", "policy", "epochs", "seeds", "training pictures", "methods learned"]
    return pd.DataFrame(rows, columns=columns)


def draw_forest(compared: Compared) -> Figure:
    """Difference of each policy to the first at the full budget, a panel a quantity."""
    names = [name for name in QUANTITIES if compared.of("policy", name, 1.0)]
    rows, policies = -(-len(names) // COLUMNS), len(compared.policies) - 1
    figure, every = plt.subplots(
        rows, COLUMNS, figsize=(WIDTH, 0.5 + rows * (0.85 + 0.26 * policies)), sharey=True, squeeze=False
    )
    for axes, name in zip(every.flat, names, strict=False):
        _draw_effects(axes, compared.of("policy", name, 1.0), _title(name))
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
        axes.set_ylabel(f"AUC minus that of {_short(compared.policies[0])}", fontsize=8)
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
        for axes, kind in zip(axes_row, kinds, strict=True):
            _draw_effects(axes, compared.of(kind, name), f"{_title(name)}, {titles[kind]}")
    _name_marks(figure, [one for name in names for kind in kinds for one in compared.of(kind, name)])
    return figure


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
    """One forest: the first effect at the top."""
    places = np.arange(len(effects))[::-1]
    axes.axvline(0, color=INK, linewidth=0.9)
    for place, one in zip(places, effects, strict=True):
        color, marker, face = MARKS[one.verdict]
        found = one.difference
        if found.low is not None:
            axes.hlines(place, found.low, found.high, color=color, linewidth=1.6)
        axes.plot(found.value, place, marker, color=color, markerfacecolor=face, markersize=5)
    axes.set_yticks(places, [_short(one.comparison.subject) for one in effects], fontsize=8)
    axes.set_ylim(-0.6, len(effects) - 0.4)
    axes.set_title(title, fontsize=8.5)
    better = "better →" if QUANTITIES[effects[0].quantity].gain > 0 else "← better"
    axes.set_xlabel(
        f"difference, {QUANTITIES[effects[0].quantity].unit}   {better}", fontsize=7.5, labelpad=1
    )
    axes.tick_params(axis="x", labelsize=7.5)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(visible=False, axis="y")


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
        color, marker, face = MARKS[one.verdict]
        axes.vlines(x, low, high, color=color, linewidth=1.6)
        axes.plot(x, one.difference.value, marker, color=color, markerfacecolor=face, markersize=5)
    axes.set_xticks(across, [f"{x:.3g} %" for x in across], fontsize=8)
    axes.set_xlim(min(across) - 8, 108)
    axes.set_title(f"{_short(course.policy)}\n", fontsize=8.5)
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
    if QUANTITIES[name].apart == "gap" and name == "gap":
        axes.axhline(0, color=INK, linewidth=0.9)
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


def _short(name: str) -> str:
    return name if len(name) <= SHOWN_NAME else f"{name[: SHOWN_NAME - 1]}…"
