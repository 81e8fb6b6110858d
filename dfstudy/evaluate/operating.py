"""The point at which a run gives verdicts, and what its score means, from its validation pictures.

Takes a run's description and its `clean.csv`; gives calibration, threshold and the band without a verdict,
and the words for a reader. The temperature is the checkpoint's, which training fitted on the same pictures.
A run without `clean.csv` gives verdicts at the checkpoint's threshold, with no band and no rates.
Cost: 20 ms for 1,000 validation pictures, for the intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit as log_odds

from dfstudy.evaluate.calibration import Calibration
from dfstudy.evaluate.decisions import Band, alarm_numbers, choose_band
from dfstudy.number import Number
from dfstudy.study import Evaluate

TARGET = 0.05  # largest share of wrong verdicts of each kind that validation allows
USE = (
    "Not evidence about a person. The network knows the forgeries and cameras that it was trained on; on "
    "others it may be wrong without a sign of it, and 'real' does not mean that nothing was forged."
)


@dataclass(frozen=True)
class Operating:
    """How logits become probabilities and verdicts.

    Attributes:
        threshold: probability, calibrated, with the best balanced accuracy on validation.
        band: without a verdict around it; equal ends where validation's pictures are not known.
        rates: share of validation's reals called fake, and of its fakes, with intervals; empty if unknown.
    """

    calibration: Calibration
    threshold: float
    band: Band
    rates: tuple[Number, ...] = ()

    def verdict(self, probability: float) -> str:
        """`real`, `fake` or `unsure`."""
        return str(self.band.verdicts([probability])[0])

    def legend(self) -> list[str]:
        """What score, verdict and threshold mean, and what they are not for; a sentence or two each."""
        lines = [
            "Score: probability of fake, as if fakes were as frequent as among the validation pictures; "
            f"temperature {self.calibration.temperature:.3g}."
        ]
        if not self.rates:
            lines.append(
                f"Verdict: fake from {self.threshold:.3f} on, chosen on validation. This run kept no scores "
                "of validation, so there is no band 'unsure' and its false-alarm rate is not known."
            )
        elif not self.band.reached:
            lines.append(
                f"Verdict: none; on {_behind(self)} no score was right {1 - TARGET:.0%} of the time."
            )
        else:
            lines.append(
                f"Verdict: {_ends(self.band)}; chosen on {_behind(self)} so that at most {TARGET:.0%} of "
                f"each verdict is wrong there. The threshold without a band is {self.threshold:.3f}."
            )
            alarms, found = (_share(number) for number in self.rates)
            lines.append(
                f"There it called {alarms} of the reals fake (false alarms) and {found} of the fakes."
            )
        return [*lines, USE]


def read_operating(folder: Path, told: Mapping[str, Any]) -> Operating:
    """The operating point of a finished run.

    Args:
        told: its description, as `read_checkpoint` gives it.
    """
    clean = _validation(folder)
    temperature = float(told["temperature"])
    calibration = Calibration("temperature", temperature, pictures=0 if clean is None else len(clean))
    # training chose the threshold on probabilities without temperature
    with np.errstate(divide="ignore"):
        threshold = float(calibration([log_odds(told["threshold"])])[0])
    if clean is None:
        return Operating(calibration, threshold, Band(threshold, threshold, TARGET))
    labels, scores = clean["label"].to_numpy(), calibration(clean["logit"])
    band = choose_band(labels, scores, TARGET, threshold)
    high = band.high if band.reached else float("inf")
    rates = alarm_numbers(labels, scores, clean["group"], high, TARGET, Evaluate(), "validation")
    return Operating(calibration, threshold, band, tuple(rates))


def _validation(folder: Path) -> pd.DataFrame | None:
    try:
        table = pd.read_csv(folder / "clean.csv", keep_default_na=False, dtype={"path": str, "group": str})
    except FileNotFoundError:
        return None
    rows = table[table["part"] == "val"]
    return rows if set(rows["label"]) == {0, 1} else None


def _behind(point: Operating) -> str:
    return f"{point.calibration.pictures:,} validation pictures"


def _ends(band: Band) -> str:
    fake = f"fake from {band.high:.3f} on" if np.isfinite(band.high) else "never fake"
    real = f"real below {band.low:.3f}" if np.isfinite(band.low) else "never real"
    return f"{fake}, {real}" + (", unsure between" if band.low < band.high else "")


def _share(number: Number) -> str:
    known = number.low is not None and number.high is not None
    ends = f" (95 % interval {100 * number.low:.1f} to {100 * number.high:.1f})" if known else ""
    return f"{100 * number.value:.1f} %{ends}"
