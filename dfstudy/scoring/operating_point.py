"""The point at which a run gives verdicts, and what its score means, from its validation images.

Takes a run's description and its `clean.csv`; gives calibration, threshold and the band without a verdict,
and the words for a reader. Slope and intercept are fitted to the same images as the report's. A run without
`clean.csv` has the checkpoint's temperature, which says nothing of how frequent fakes are, and gives verdicts
at the checkpoint's threshold, with no band and no rates. Cost: 20 ms for 1,000 validation images, for the
intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import logit as log_odds

from dfstudy.errors import StudyError
from dfstudy.stats.calibration import FITS, USED, Calibration
from dfstudy.stats.decisions import SURE, Band, called_shares, choose_band
from dfstudy.stats.score_meaning import TARGET
from dfstudy.study.comparisons import Evaluate
from dfstudy.system.file_kind import no_file
from dfstudy.train.find import HINT
from dfstudy.train.threshold import best_threshold

if TYPE_CHECKING:
    from dfstudy.stats.intervals import Interval

USE = (
    "Not evidence about a person. The network knows the forgeries and cameras that it was trained on; on "
    "others it may be wrong without a sign of it, and 'real' does not mean that nothing was forged."
)


@dataclass(frozen=True)
class Operating:
    """How logits become probabilities and verdicts.

    Attributes:
        threshold: probability, calibrated, with the best balanced accuracy on validation.
        band: without a verdict around it; equal ends where validation's images are not known.
        rates: share of validation's reals called fake by the band, and of its fakes; empty if unknown.
    """

    calibration: Calibration
    threshold: float
    band: Band
    rates: tuple[Interval, ...] = ()

    def verdict(self, probability: float) -> str:
        """`real`, `fake` or `unsure`."""
        return str(self.band.verdicts([probability])[0])

    def legend(self) -> list[str]:
        """What score, verdict and threshold mean, and what they are not for; a sentence or two each."""
        fitted = self.calibration
        lines = [
            f"Score: probability of fake where {fitted.fakes:.0%} of the images are fake, as among the "
            f"{fitted.pictures:,} validation images; where fakes are rarer it is too high."
        ]
        if not self.rates:
            lines = [
                f"Score: sigmoid of the logit divided by a temperature of {1 / fitted.slope:.3g}. It ranks "
                "images; how frequent fakes must be for it to be a probability is not known."
            ]
            lines.append(
                f"Verdict: fake from {self.threshold:.3f} on, chosen on validation. This run kept no scores "
                "of validation, so there is no band 'unsure' and its false-alarm rate is not known."
            )
        elif not self.band.reached:
            lines.append(
                f"Verdict: none; {_behind(self)} are too few, or their errors too many, to promise {SURE} "
                f"that {1 - TARGET:.0%} of any verdict is right."
            )
        else:
            lines.append(
                f"Verdict: {_ends(self.band)}; {_behind(self)} promise {SURE} that at most {TARGET:.0%} of "
                "each verdict is wrong, on images like them and with fakes as frequent. The threshold "
                f"without a band is {self.threshold:.3f}."
            )
            alarms, found = (_share(interval) for interval in self.rates)
            lines.append(
                f"Among them it called {alarms} of the reals fake (false alarms) and {found} of the fakes."
            )
        return [*lines, USE]


def read_operating(folder: Path, told: Mapping[str, Any]) -> Operating:
    """The operating point of a finished run.

    Args:
        told: its description, as `read_checkpoint` gives it.
    """
    clean = _validation(folder)
    if clean is None:
        calibration = Calibration("temperature", 1 / float(told["temperature"]))
        threshold = _mapped(calibration, told["threshold"])
        return Operating(calibration, threshold, Band(threshold, threshold, TARGET))
    labels, groups = clean["label"].to_numpy(), clean["group"].to_numpy(str)
    calibration = FITS[USED](clean["logit"].to_numpy(), labels)
    threshold = _mapped(calibration, best_threshold(clean["logit"].to_numpy(), labels))
    scores = calibration(clean["logit"].to_numpy())
    band = choose_band(labels, scores, groups, TARGET, threshold)
    high = band.high if band.reached else float("inf")
    return Operating(calibration, threshold, band, called_shares(labels, scores, groups, high, Evaluate()))


def _mapped(calibration: Calibration, threshold: float) -> float:
    """A threshold that was chosen on probabilities without calibration."""
    with np.errstate(divide="ignore"):
        return float(calibration([log_odds(threshold)])[0])


def _validation(folder: Path) -> pd.DataFrame | None:
    file = folder / "clean.csv"
    try:
        if kind := no_file(file):
            raise ValueError(f"it is {kind}")
        table = pd.read_csv(file, keep_default_na=False, dtype={"path": str, "group": str, "logit": float})
        rows = table[table["part"] == "val"]
        if not np.isfinite(rows["logit"]).all() or len(rows[["label", "group"]].dropna()) < len(rows):
            raise ValueError("a logit is no number")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError) as error:
        raise StudyError(f"{file} is no table of a run's scores: {error}", HINT) from None
    return rows if set(rows["label"]) == {0, 1} else None


def _behind(point: Operating) -> str:
    return f"{point.calibration.pictures:,} validation images"


def _ends(band: Band) -> str:
    fake = f"fake from {band.high:.3f} on" if np.isfinite(band.high) else "never fake"
    real = f"real below {band.low:.3f}" if np.isfinite(band.low) else "never real"
    return f"{fake}, {real}" + (", unsure between" if band.low < band.high else "")


def _share(found: Interval) -> str:
    known = not np.isnan(found.low)
    ends = f" (95 % interval {100 * found.low:.1f} to {100 * found.high:.1f})" if known else ""
    return f"{100 * found.value:.1f} %{ends}"
