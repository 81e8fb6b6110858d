"""What a score of the test means: calibration, thresholds for few false alarms, a band without verdict.

Takes finished runs and their tables of `predict`, one a seed; gives a `Meaning`: everything in it is fitted
and chosen on validation, run by run, and judged on test. Its probabilities are those after slope and
intercept, which were settled beforehand; isotonic regression is judged beside them and chooses nothing.
Values are means over seeds. Refused with ValueError: a validation of one class. Cost: as twenty metrics of
`testing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.calibration import FITS, USED
from dfstudy.stats.calibration_effect import Judgement, judge
from dfstudy.stats.decisions import (
    Alarm,
    Band,
    alarm_numbers,
    band_numbers,
    called_shares,
    choose_band,
    false_alarm_threshold,
)
from dfstudy.stats.prevalence import prevalence_numbers
from dfstudy.stats.risk import risk_band

if TYPE_CHECKING:
    from dfstudy.number import Number
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.train.run import Run

RATES = (0.01, 0.05, 0.1)  # shares of reals that may be called fake
TARGET = 0.05  # share of wrong ones among the verdicts of each kind that the band promises


@dataclass(frozen=True)
class Meaning:
    """What validation says of the scores of a test.

    Attributes:
        judgements: what each way of calibrating changes on test, by its name.
        tables: the test's, `probability` calibrated; one a seed.
        thresholds: the verdict's, on that probability; one a seed.
        alarms: rate -> threshold on that probability that promises at most this share of false alarms, one a
            seed.
        bands: where no verdict is given; one a seed.
    """

    judgements: dict[str, Judgement]
    tables: list[pd.DataFrame]
    thresholds: list[float]
    alarms: dict[float, list[Alarm]]
    bands: list[Band]


def calibrate(
    runs: Sequence[Run],
    predictions: Sequence[pd.DataFrame],
    settings: Evaluate,
    kinds: Iterable[str] = tuple(FITS),
) -> Meaning:
    """Fit and choose on each run's validation, judge on its test, or on images of another folder.

    Args:
        runs: one a seed; read are `clean` and the checkpoint's threshold.
        predictions: one table of `predict` or `predict_elsewhere` a run, with the network's logits.
        kinds: ways of calibrating that are judged, `USED` among them.
    """
    validation = [run.clean[run.clean["part"] == "val"] for run in runs]
    test = align(predictions)
    logits = _logits(predictions, test)
    units = test.units(settings.level)
    fitted = {
        kind: [FITS[kind](rows["logit"].to_numpy(), rows["label"].to_numpy()) for rows in validation]
        for kind in kinds
    }
    judgements = {kind: judge(each, logits, test.labels, units, settings) for kind, each in fitted.items()}
    tables, thresholds, bands = [], [], []
    alarms: dict[float, list[Alarm]] = {rate: [] for rate in RATES}
    for run, rows, table, mapped in zip(runs, validation, predictions, fitted[USED], strict=True):
        tables.append(table.assign(probability=mapped(table["logit"].to_numpy())))
        thresholds.append(float(mapped(logit(run.checkpoint["threshold"]))))
        known = rows["label"].to_numpy(), mapped(rows["logit"].to_numpy()), rows["group"].to_numpy(str)
        for rate, chosen in alarms.items():
            chosen.append(false_alarm_threshold(*known, rate))
        bands.append(choose_band(*known, TARGET, thresholds[-1]))
    return Meaning(judgements, tables, thresholds, alarms, bands)


def meaning_numbers(meaning: Meaning, settings: Evaluate, prefix: str = "test") -> list[Number]:
    """Numbers `<prefix>.calibration.*`, `.false_alarms.at_*`, `.sensitivity.at_*`, `.band.*`, and those of
    `prevalence_numbers` at the verdict's threshold.

    Losses before calibration are `test.log_loss`, `test.brier` and `test.ece` already, and not given twice.
    """
    test = align(meaning.tables)
    units = test.units(settings.level)
    numbers = [
        number
        for judgement in meaning.judgements.values()
        for number in judgement.numbers(f"{prefix}.calibration")
        if not number.id.endswith(".before")
    ]
    for alarms in meaning.alarms.values():
        numbers += alarm_numbers(test.labels, test.probabilities, units, alarms, settings, prefix)
    told = (test.labels, test.probabilities, units)
    numbers += band_numbers(*told, meaning.bands, settings, f"{prefix}.band")
    shares = called_shares(*told, meaning.thresholds, settings)
    fakes = int(test.labels.sum())
    return numbers + prevalence_numbers(*shares, len(test) - fakes, fakes, prefix)


def risk_curve(meaning: Meaning, settings: Evaluate) -> pd.DataFrame:
    """`risk_band` of the test at the thresholds of the verdicts, a mean over seeds."""
    test = align(meaning.tables)
    units = test.units(settings.level)
    return risk_band(test.labels, test.probabilities, units, settings, meaning.thresholds)


def _logits(predictions: Sequence[pd.DataFrame], test: Aligned) -> NDArray[np.float64]:
    """[seeds, n] in the order of the aligned test."""
    paths = test.pictures["path"]
    return np.stack(
        [table.set_index("path").loc[paths, "logit"].to_numpy("float64") for table in predictions]
    )
