"""Figures and words of calibration: what probabilities promise, what few false alarms cost, and unsure.

Takes the tables and the `Meaning` of `calibration`, and its numbers by id; gives matplotlib figures, a
table and text for `say`. A sentence says `improves` only where the whole interval of a change says so.
Nothing is computed here beyond what is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfstudy.present.axes import whole_percents, zoom
from dfstudy.present.numbers import literal
from dfstudy.present.style import FAKE, PALETTE, REAL, WIDTH, legend_below, show_percent
from dfstudy.stats.calibration import USED
from dfstudy.stats.decisions import SURE
from dfstudy.stats.registry import METRICS, listed
from dfstudy.stats.score_meaning import TARGET, Meaning
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, WORSENS

if TYPE_CHECKING:
    from dfstudy.number import Number
    from dfstudy.stats.calibration_effect import Judgement

INK, FAINT = "#000000", "#8C8C8C"
NAMES = {"platt": "slope and intercept", "isotonic": "isotonic regression"}
DOUBT = "happens once in twenty, or to images unlike validation's"
SAID = {
    IMPROVES: "improves the log-loss of the test",
    WORSENS: "**worsens** the log-loss of the test: take the network's own probabilities",
    INCONCLUSIVE: "does not improve the log-loss of the test for certain: the interval of the change "
    "holds zero",
}


def draw_reliability(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of fakes against probability, with intervals, above how many images each bin holds.

    Args:
        tables: of `reliability`, one a column, by its heading.
    """
    figure, every = plt.subplots(
        2, len(tables), figsize=(WIDTH, 4.3), sharex=True, sharey="row", height_ratios=[3, 1], squeeze=False
    )
    for (axes, below), (name, table) in zip(every.T, tables.items(), strict=True):
        full = table[table["pictures"] > 0]
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="perfect")
        axes.vlines(
            full["probability"], full["low"], full["high"], color=FAKE, linewidth=1.2, label="interval"
        )
        axes.plot(
            full["probability"], full["share"], "o", color=FAKE, markersize=3.5, label="images of a bin"
        )
        axes.set(title=name, ylim=(-0.02, 1.02))
        width = table["right"] - table["left"]
        below.bar(table["left"], table["pictures"], width=0.92 * width, align="edge", color=FAINT)
        below.set(xlabel="probability of fake", xlim=(-0.01, 1.01))
    every[0, 0].set_ylabel("fakes among them (share)")
    every[1, 0].set_ylabel("images")
    show_percent(every[0, 0].yaxis)
    legend_below(figure, every[0, 0])
    return figure


def draw_risk(curve: pd.DataFrame, numbers: Mapping[str, Number], meaning: Meaning) -> Figure:
    """Wrong verdicts against verdicts given; false alarms and fakes found at thresholds for few alarms.

    Args:
        curve: of `risk_curve`.
        numbers: of `meaning_numbers`, by id.
    """
    figure, (axes, alarms, found) = plt.subplots(1, 3, figsize=(WIDTH, 3.4), width_ratios=[2, 1, 1])
    axes.fill_between(curve["coverage"], curve["low"], curve["high"], color=REAL, alpha=0.2, linewidth=0)
    axes.plot(curve["coverage"], curve["risk"], color=REAL, label="surest images first (band: interval)")
    band = [numbers[f"test.band.{name}"].value for name in ("answered", "wrong")]
    if None in band:
        told = "the unsure band\nleaves no verdict"
        axes.text(0.03, 0.95, told, transform=axes.transAxes, va="top", fontsize=8)
    else:
        axes.plot(
            *band, "D", color=PALETTE[4], markeredgecolor=INK, markersize=5.5, linestyle="none",
            label="outside the unsure band", zorder=4,
        )  # fmt: skip
    highest = np.nanmax([0.05, *curve["risk"], *curve["high"], band[1] or 0])
    axes.set(xlim=(-0.01, 1.02), ylim=(-0.02 * highest, 1.05 * highest), title="When it may say unsure")
    axes.set(xlabel="images that get a verdict (share)", ylabel="wrong verdicts (share)")
    whole_percents(axes.xaxis, axes.yaxis)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)
    percents = [f"{100 * rate:g}" for rate in meaning.alarms]
    _draw_ends(alarms, numbers, "test.false_alarms.at_{}", percents, FAKE)
    promised = {
        at: rate
        for at, (rate, chosen) in enumerate(meaning.alarms.items())
        if all(alarm.threshold is not None for alarm in chosen)
    }
    alarms.scatter(list(promised), list(promised.values()), marker="_", s=220, color=INK, zorder=4)
    alarms.set(title="False alarms", ylabel="reals called fake (line: promised)")
    alarms.set_ylim(bottom=0)
    _draw_ends(found, numbers, "test.sensitivity.at_{}", percents, REAL)
    sure = [numbers[f"test.sensitivity.at_{percent.replace('.', '_')}"] for percent in percents]
    ends = [end for one in sure for end in (one.low, one.value, one.high)]
    found.set(title="Fakes found", ylim=zoom(ends, lowest=0, highest=1, least=0.2))
    whole_percents(alarms.yaxis, found.yaxis)
    return figure


def calibration_table(meaning: Meaning, before: Number) -> pd.DataFrame:
    """A row a way of calibrating and loss: before, after and change with their intervals, and the verdict.

    The calibration error has no change: what it is before and after says it.

    Args:
        before: the calibration error without calibration.
    """
    rows = []
    for kind, judgement in meaning.judgements.items():
        given = {number.id: number for number in judgement.numbers("of")}
        for metric in listed("calibration"):
            told = [str(given[f"of.{kind}.{metric.name}.{when}"]) for when in ("before", "after", "change")]
            named = f"{metric.title} ({metric.unit})"
            rows.append((NAMES[kind], named, *told, judgement.verdict(metric.name)))
        error, ece = str(given[f"of.{kind}.ece.after"]), METRICS["ece"]
        rows.append((NAMES[kind], f"{ece.title} ({ece.unit})", str(before), error, "", ""))
    columns = ["calibration", "loss (smaller is better)", "before", "after", "change", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def calibration_sentence(meaning: Meaning) -> str:
    """What slope and intercept change, and whether the test still finds them off, as text for `say`."""
    used = meaning.judgements[USED]
    stem = f"test.calibration.{USED}"
    remarks = "".join(f" Note: {remark}." for remark in used.remarks)
    other = meaning.judgements["isotonic"].verdict()
    return (
        f"The line from validation, slope {{{stem}.fitted_slope}} and intercept {{{stem}.fitted_intercept}}, "
        f"{SAID[used.verdict()]} (change {{{stem}.log_loss.change}} nats).{remarks} The calibration error "
        f"goes from {{test.ece}} to {{{stem}.ece.after}}. {_remaining(used, stem)} Isotonic regression, by "
        f"log-loss: {other}. The probabilities hold where {used.calibrations[0].fakes:.0%} of the images "
        "are fake, as in validation."
    )


def _remaining(used: Judgement, stem: str) -> str:
    """Which way calibrated probabilities are still off."""
    said = (
        f"On the test intercept and slope are {{{stem}.intercept}} (right: 0) and {{{stem}.slope}} (right: 1)"
    )
    ends = [float(end) for each in (used.intercept, used.slope) for end in (each.low, each.high)]
    if np.isnan(ends).any():
        return f"{said}."
    low, high, flat, steep = ends
    off = [
        *(["fakes are more frequent than the probabilities say"] if low > 0 else []),
        *(["fakes are rarer than the probabilities say"] if high < 0 else []),
        *(["the probabilities are too timid"] if flat > 1 else []),
        *(["the probabilities are too extreme"] if steep < 1 else []),
    ]
    return f"{said}: {' and '.join(off) or 'neither is shown to be off'}."


def decision_sentence(numbers: Mapping[str, Number]) -> str:
    """What few false alarms and the unsure band come to, as text for `say`."""
    return f"{_alarm_sentence(numbers)} {_band_sentence(numbers)}"


def _alarm_sentence(numbers: Mapping[str, Number]) -> str:
    alarmed = numbers["test.false_alarms.at_5"]
    if alarmed.value is None:
        return f"What at most 5 % false alarms would cost is not known: {literal(alarmed.note)}."
    kept = "the interval allows the promise"
    if alarmed.low is None or alarmed.high is None:
        kept = "whether the promise held cannot be said"
    elif alarmed.low > 0.05:
        kept = f"**more than promised**, which {DOUBT}"
    elif alarmed.high < 0.05:
        kept = "fewer than promised"
    return (
        f"The threshold for which validation promises {SURE} at most 5 % false alarms calls "
        f"{{test.false_alarms.at_5}} of the test's reals fake ({kept}), and finds {{test.sensitivity.at_5}} "
        "of the fakes."
    )


def _band_sentence(numbers: Mapping[str, Number]) -> str:
    if not numbers["test.band.answered"].value:
        return (
            f"Validation is too small, or errs too often, to promise {SURE} that at most {100 * TARGET:g} % "
            "of any verdict is wrong, so every image stays unsure."
        )
    wrong = numbers["test.band.wrong"]
    broken = wrong.low is not None and wrong.low > TARGET
    more = f", and here they are **more**, which {DOUBT}" if broken else ""
    return (
        "Outside the unsure band {test.band.answered} of the images get a verdict, of which "
        f"{{test.band.wrong}} are wrong; validation promises {SURE} at most {100 * TARGET:g} % of each "
        f"kind{more}."
    )


def _draw_ends(
    axes: Axes, numbers: Mapping[str, Number], pattern: str, percents: list[str], color: str
) -> None:
    """Values with their intervals, one a rate; what is not defined is left out."""
    for at, percent in enumerate(percents):
        number = numbers[pattern.format(percent.replace(".", "_"))]
        if number.value is None:
            place = axes.get_xaxis_transform()
            axes.text(at, 0.04, "not defined", transform=place, rotation=90, ha="center", fontsize=8)
            continue
        if number.low is not None and number.high is not None:
            axes.vlines(at, number.low, number.high, color=color, linewidth=1.2)
        axes.plot(at, number.value, "o", color=color, markersize=3.5)
    names = [f"{percent} %" for percent in percents]
    axes.set(xticks=range(len(percents)), xticklabels=names, xlim=(-0.6, len(percents) - 0.4))
    axes.set_xlabel("promised by\nvalidation")
