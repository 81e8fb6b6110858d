"""Figures and words of calibration: what probabilities promise, what few false alarms cost, and unsure.

Takes the tables and the `Meaning` of `dfstudy.evaluate`, and its numbers by id; gives matplotlib figures, a
table and text for `say`. A sentence says `improves` only where the whole interval of a change says so.
Nothing is computed here beyond what is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfstudy.evaluate.calibration import LOSSES
from dfstudy.evaluate.meaning import TARGET, USED, Meaning
from dfstudy.number import Number
from dfstudy.report.figures.style import FAKE, PALETTE, REAL, WIDTH, legend_below, show_percent

INK, FAINT = "#000000", "#8C8C8C"
SPOKEN = {"log_loss": "log-loss", "brier": "Brier score", "ece": "calibration error"}
SAID = {
    "improves": "improves the log-loss of the test",
    "worsens": "**worsens** the log-loss of the test: take the network's own probabilities",
    "inconclusive": "does not improve the log-loss of the test for certain: the interval of the change "
    "holds zero",
}


def draw_reliability(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of fakes against probability, with intervals, above how many pictures each bin holds.

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
            full["probability"], full["share"], "o", color=FAKE, markersize=4, label="pictures of a bin"
        )
        axes.set(title=name, ylim=(-0.02, 1.02))
        width = table["right"] - table["left"]
        below.bar(table["left"], table["pictures"], width=0.92 * width, align="edge", color=FAINT)
        below.set(xlabel="probability of fake", xlim=(-0.01, 1.01))
    every[0, 0].set_ylabel("fakes among them (share)")
    every[1, 0].set_ylabel("pictures")
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
    axes.plot(curve["coverage"], curve["risk"], color=REAL, label="surest pictures first (band: interval)")
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
    axes.set(xlabel="pictures that get a verdict (share)", ylabel="wrong verdicts (share)")
    show_percent(axes.xaxis, axes.yaxis)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)
    percents = [f"{100 * rate:g}" for rate in meaning.alarms]
    _draw_ends(alarms, numbers, "test.false_alarms.at_{}", percents, FAKE)
    alarms.scatter(range(len(percents)), list(meaning.alarms), marker="_", s=220, color=INK, zorder=4)
    alarms.set(title="False alarms", ylabel="reals called fake (line: allowed)")
    alarms.set_ylim(bottom=0)
    _draw_ends(found, numbers, "test.sensitivity.at_{}", percents, REAL)
    found.set(title="Fakes found", ylim=(-0.02, 1.02))
    return figure


def calibration_table(meaning: Meaning) -> pd.DataFrame:
    """A row a way of calibrating and loss: before, after and change with their intervals, and the verdict."""
    rows = []
    for kind, judgement in meaning.judgements.items():
        given = {number.id: number for number in judgement.numbers("of")}
        for loss, (_, unit) in LOSSES.items():
            told = [str(given[f"of.{kind}.{loss}.{when}"]) for when in ("before", "after", "change")]
            rows.append((kind, f"{SPOKEN[loss]} ({unit})", *told, judgement.verdict(loss)))
    columns = ["calibration", "loss (smaller is better)", "before", "after", "change", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def calibration_sentence(meaning: Meaning) -> str:
    """What the temperature changes, as text for `say`."""
    used = meaning.judgements[USED]
    ends = [f" It lies {each}." for each in dict.fromkeys(x.at_end for x in used.calibrations) if each]
    other = meaning.judgements["isotonic"].verdict()
    change = f"test.calibration.{USED}.log_loss.change"
    return (
        f"The temperature from validation, {{test.calibration.temperature}}, {SAID[used.verdict()]} (change "
        f"{{{change}}} nats).{''.join(ends)} The calibration error goes from {{test.ece}} to "
        f"{{test.calibration.{USED}.ece.after}} ({used.verdict('ece')}). "
        f"Isotonic regression, by log-loss: {other}."
    )


def decision_sentence(numbers: Mapping[str, Number]) -> str:
    """What few false alarms and the unsure band come to, as text for `say`."""
    alarmed = numbers["test.false_alarms.at_5"]
    kept = "the interval of what they became holds the promise"
    if alarmed.low is None or alarmed.high is None:
        kept = "whether the promise held cannot be said"
    elif alarmed.low > 0.05:
        kept = "they became **more than promised**"
    elif alarmed.high < 0.05:
        kept = "they became fewer than promised"
    text = (
        "The threshold that validation set for 5 % false alarms calls {test.false_alarms.at_5} of the "
        f"test's reals fake ({kept}), and finds {{test.sensitivity.at_5}} of the fakes. "
    )
    if not numbers["test.band.answered"].value:
        return text + "No picture was sure enough for a verdict outside the unsure band."
    wrong = numbers["test.band.wrong"]
    more = ", and here they are **more**" if wrong.low is not None and wrong.low > TARGET else ""
    return text + (
        "Outside the unsure band {test.band.answered} of the pictures get a verdict, of which "
        f"{{test.band.wrong}} are wrong; validation allowed {100 * TARGET:g} % of each kind{more}."
    )


def _draw_ends(
    axes: Axes, numbers: Mapping[str, Number], pattern: str, percents: list[str], color: str
) -> None:
    """Values with their intervals, one a rate; what is not defined is left out."""
    for at, percent in enumerate(percents):
        number = numbers[pattern.format(percent.replace(".", "_"))]
        if number.value is None:
            continue
        if number.low is not None and number.high is not None:
            axes.vlines(at, number.low, number.high, color=color, linewidth=1.2)
        axes.plot(at, number.value, "o", color=color, markersize=4)
    names = [f"{percent} %" for percent in percents]
    axes.set(xticks=range(len(percents)), xticklabels=names, xlim=(-0.6, len(percents) - 0.4))
    axes.set_xlabel("allowed on\nvalidation")
    show_percent(axes.yaxis)
