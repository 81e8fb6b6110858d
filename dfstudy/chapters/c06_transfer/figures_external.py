"""Figure, table and sentences of chapter 06 about other folders of images.

Takes results of `dfstudy.chapters.c06_transfer.external`; gives a matplotlib figure, unsaved, a table, and
text for `say`. Nothing is computed here beyond what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dfstudy.chapters.c06_transfer.external import POOLED
from dfstudy.data.split import set_aside
from dfstudy.present.axes import shorten, zoom
from dfstudy.present.numbers import literal
from dfstudy.present.style import FAKE, REAL, WIDTH
from dfstudy.stats.calibration import USED
from dfstudy.stats.prevalence import PREVALENCES
from dfstudy.stats.registry import METRICS
from dfstudy.stats.score_meaning import meaning_numbers
from dfstudy.stats.units import UNITS

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.external import There
    from dfstudy.stats.intervals import Interval

FAINT = "#8C8C8C"
OWN = "the study's own test"
SHOWN_NAME = 30  # letters of a folder's name
SHOWN = (
    "false_alarms",
    "false_alarms.at_5",
    "precision.at_1",
    "precision.at_10",
    "band.answered",
    "band.wrong",
    "band.wrong_unsure",
)
LOSS = f"x.calibration.{USED}.log_loss.after"
NOTHING = (
    "**No other images are tested here.** Folders listed under `test_on` in the study file are scored by "
    "the study's own networks, at thresholds and calibration from its own validation. What holds on the "
    "images of one set need not hold on those of another."
)


def tell_elsewhere(measured: Sequence[There]) -> str:
    """A sentence a folder: what is lost there, by the drop's interval; for `say`."""
    if not measured:
        return NOTHING
    told = [f"- {_tell(one)}" for one in measured]
    if len(measured) > 1:
        told.append(
            f"- **All of them**: AUC {{{POOLED}.auc}} with all images in one ranking, {{{POOLED}.mean_auc}} "
            "as a mean over the sets. The two differ where one set scores higher than another, and then no "
            "one threshold fits them all."
        )
    return "\n".join(told)


def decisions_table(measured: Sequence[There]) -> pd.DataFrame:
    """What validation's choices are worth: a row for the study's own test, and one for each folder."""
    first = measured[0]
    rows = [(OWN, first.own_meaning, first.here), *((x.folder.name, x.meaning, x.there) for x in measured)]
    settings = first.drop.settings
    made = []
    for name, meaning, metrics in rows:
        told = {number.id: str(number) for number in meaning_numbers(meaning, settings, "x")}
        error = meaning.judgements[USED].before["log_loss"].number("x", unit="nats", n=0)
        found = metrics["sensitivity"].number("x", unit="1", n=0)
        made.append((name, str(found), *(told[f"x.{key}"] for key in SHOWN), str(error), told[LOSS]))
    columns = [
        "images",
        "fakes found (sensitivity)",
        "false alarms",
        "false alarms where at most 5 % were promised",
        *(f"precision where {100 * rate:g} % are fake" for rate in PREVALENCES),
        "share with a verdict outside the unsure band",
        "wrong among these",
        "wrong among the unsure, if called",
        "log-loss before calibration",
        "after",
    ]
    return pd.DataFrame(made, columns=columns)


def _tell(one: There) -> str:
    prefix = f"elsewhere.{one.folder.slug}"
    low, high = float(one.drop.low), float(one.drop.high)
    lost = (
        f"less than in the study's own test by {{{prefix}.drop}}"
        if low > 0
        else f"more than in the study's own test (drop {{{prefix}.drop}})"
        if high < 0
        else f"and whether that is less than in the study's own test is inconclusive (drop {{{prefix}.drop}})"
    )
    return (
        f"**{literal(one.folder.name)}**: AUC {{{prefix}.auc}}, {lost}; balanced accuracy "
        f"{{{prefix}.balanced_accuracy}} at the study's own threshold, which finds {{{prefix}.sensitivity}} "
        f"of the "
        f"fakes and calls {{{prefix}.false_alarms}} of the reals fake. {_guessing(one)}"
    )


def _guessing(one: There) -> str:
    auc, at_threshold = one.there["auc"], one.there["balanced_accuracy"]
    if auc.high < 0.5:
        return "**That is worse than chance:** there its score ranks real images above fakes."
    if not auc.low > 0.5:
        return "That is not shown to be better than guessing."
    if not at_threshold.low > 0.5:
        return "Fakes rank above reals there, but the threshold does not carry over."
    return ""


def elsewhere_table(measured: Sequence[There]) -> pd.DataFrame:
    """One row a folder: what was scored, and what was excluded and why."""
    rows = []
    for one in measured:
        folder = one.folder
        labels = folder.rows["label"]
        reasons = "; ".join(
            f"{row.images:,} {row.reason}" for row in set_aside(folder.set_aside).itertuples()
        )
        rows.append(
            (
                folder.name,
                "official test part" if folder.given else "all images",
                f"{folder.usable:,}",
                f"{int((labels == 0).sum()):,}",
                f"{int((labels == 1).sum()):,}",
                f"{one.there['auc'].groups:,}",
                reasons,
            )
        )
    columns = ["folder", "part", "usable", "reals scored", "fakes scored", "groups", "excluded"]
    return pd.DataFrame(rows, columns=columns)


def draw_elsewhere(measured: Sequence[There]) -> Figure:
    """The study's own test and each folder below it: AUC, balanced accuracy and calibration error."""
    first = measured[0]
    names = [OWN, *(shorten(one.folder.name, SHOWN_NAME) for one in measured)]
    found = [first.here, *(one.there for one in measured)]
    counts = [first.own, *(one.scored for one in measured)]
    panels = {name: METRICS[name].title for name in ("auc", "balanced_accuracy", "ece")}
    figure, every = plt.subplots(1, len(panels), figsize=(WIDTH, 1.3 + 0.42 * len(names)), sharey=True)
    places = np.arange(len(names))[::-1]
    for axes, (name, title) in zip(every, panels.items(), strict=True):
        for place, values in zip(places, found, strict=True):
            color, marker = (REAL, "o") if place == places[0] else (FAKE, "s")
            one: Interval = values[name]
            axes.hlines(place, one.low, one.high, color=color, linewidth=1.8)
            axes.plot(float(one.value), place, marker, color=color, markersize=4)
            said, at = f"{float(one.value):.2f}", (float(one.value), place + 0.16)
            backed = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # the line of chance runs behind
            axes.annotate(said, at, ha="center", va="bottom", fontsize=7.5, bbox=backed)
        axes.set(title=title, ylim=(-0.6, len(names) - 0.3), xlabel=METRICS[name].unit.replace("1", "share"))
        axes.grid(visible=False, axis="y")
        ends = [float(end) for values in found for end in (values[name].low, values[name].high)]
        if name == "ece":
            axes.set_xlim(0, max(0.1, 1.1 * np.nanmax([*ends, 0])))
        else:
            axes.set_xlim(zoom(ends, lowest=0, highest=1, least=0.1, near=[0.5]))
            if axes.get_xlim()[0] < 0.5 < axes.get_xlim()[1]:
                axes.axvline(0.5, color=FAINT, linestyle=":", zorder=1)
                axes.annotate("chance", (0.5, 0), xycoords=("data", "axes fraction"), xytext=(2, 2),
                              textcoords="offset points", fontsize=7)  # fmt: skip
        axes.locator_params(axis="x", nbins=4)
    labels = [f"{name}\nn = {count:,}" for name, count in zip(names, counts, strict=True)]
    every[0].set_yticks(places, labels, fontsize=8)
    return figure


def describe_elsewhere(measured: Sequence[There]) -> str:
    """What a caption must say: images, groups and seeds."""
    first = measured[0]
    unit = UNITS[first.drop.settings.level]
    told = [
        f"{one.scored:,} images of {one.folder.name} in {one.there['auc'].groups:,} {unit}"
        for one in measured
    ]
    seeds = f"; means over {first.seeds} training seeds" if first.seeds > 1 else ""
    own = f"{first.own:,} of the study's own test in {first.here['auc'].groups:,} {unit}"
    return f"n = {'; '.join([own, *told])}{seeds}."


def describe_points(measured: Sequence[There]) -> str:
    """For an alt text: each folder's values with their intervals, the study's own test first."""
    first = measured[0]
    rows = [(OWN, first.here), *((one.folder.name, one.there) for one in measured)]
    told = [
        f"{name}: "
        + ", ".join(
            f"{METRICS[metric].title} {values[metric].number('a.b', unit='1', n=0)}"
            for metric in ("auc", "balanced_accuracy", "ece")
        )
        for name, values in rows
    ]
    return f"Three panels of points with intervals, a row for each set of images. {'; '.join(told)}."
