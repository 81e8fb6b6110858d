"""Probabilities that mean what they say: fitted on validation, and judged on test by `judgement`.

Takes logits [n] and labels [n] of validation; gives a map from logit to probability of fake: slope and
intercept (Platt), or isotonic regression. Every image counts once, so a probability is right where fakes are
as frequent as among the validation images: that share stands in the map. A temperature alone has no
intercept, and where training weighs the classes equally it takes fakes for half of the images, whatever
validation holds. Deterministic, in float64. Refused with ValueError: one class, logits that are not finite.
Cost: milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from dfstudy.stats.logistic import fit_line
from dfstudy.stats.weighted import checked

if TYPE_CHECKING:
    from dfstudy.stats.intervals import Floats
    from dfstudy.train.run import Run

USED = "platt"  # settled before any test: what scores are shown with, and thresholds and bands are on
FLATTEST = 0.01  # log-odds for a standard deviation of validation's logits: below it their order is not used


@dataclass(frozen=True)
class Calibration:
    """A map from logit to probability of fake.

    Attributes:
        kind: `none`, `platt`, `isotonic`, or `temperature` (slope alone, from a checkpoint).
        slope, intercept: of the log-odds; 1 and 0 for `none` and `isotonic`.
        steps: logits [k] and probabilities [k] between which isotonic regression is linear; empty else.
        pictures: validation images behind it, 0 where they are not known.
        fakes: share of fakes among them, 0..1; the mixture for which its probabilities are right.
        is_flat: the slope lies at its lower end, because validation's scores do not rank its classes.
    """

    kind: Literal["none", "platt", "isotonic", "temperature"]
    slope: float = 1.0
    intercept: float = 0.0
    steps: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    pictures: int = 0
    fakes: float = 0.0
    is_flat: bool = False

    def __call__(self, logits: ArrayLike) -> Floats:
        """Probabilities [n] of fake, float64."""
        if self.kind == "isotonic":
            return np.interp(np.asarray(logits, np.float64), *self.steps)
        chance: Floats = expit(self.log_odds(logits))
        return chance

    def log_odds(self, logits: ArrayLike) -> Floats:
        """Log-odds [n] of fake, float64; finite for any finite logit."""
        exact = np.asarray(logits, np.float64)
        return logit(self(exact)) if self.kind == "isotonic" else self.slope * exact + self.intercept


def fit_platt(logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Calibration:
    """Slope and intercept with the least log-loss of sigmoid(slope * logit + intercept).

    The targets are not 0 and 1 but 1 / (reals + 2) and (fakes + 1) / (fakes + 2), with which classes that are
    apart have finite ones too. The slope stays above 0, at least `FLATTEST` for a standard deviation of the
    logits, so that the order keeps. Reference: Platt 1999, Probabilistic Outputs for Support Vector Machines;
    Cox 1958.

    Args:
        weights: [n]; none counts every image once, as probabilities at validation's own mixture need.
    """
    fake, exact, _ = _both_classes(labels, logits)
    fakes, pictures = int(fake.sum()), len(fake)
    targets = np.where(fake, (fakes + 1) / (fakes + 2), 1 / (pictures - fakes + 2))
    line = fit_line(exact, targets, weights, FLATTEST)
    spread = float(np.std(exact))
    # one logit for all has no slope; any keeps their order
    slope = line.slope or 1.0
    intercept = line.intercept if line.slope else line.intercept - float(exact[0])
    is_flat = line.slope * spread <= FLATTEST * (1 + 1e-9)
    return Calibration("platt", slope, intercept, pictures=pictures, fakes=fakes / pictures, is_flat=is_flat)


def fit_isotonic(logits: ArrayLike, labels: ArrayLike) -> Calibration:
    """The rising map with the least squared error, linear between its steps (pool adjacent violators).

    Each step is drawn to the share of fakes that Laplace's rule gives, (fakes + 1) / (images + 2), so that
    no image of the test is promised 0 or 1 and one mistake cannot make the log-loss infinite. Ranking
    keeps, but for ties. Needs more images than a line: about 1,000 (Niculescu-Mizil and Caruana
    2005). Reference: Zadrozny and Elkan 2002.
    """
    fake, exact, _ = _both_classes(labels, logits)
    # imported here: judging a table of scores passes through this room and needs no scikit-learn
    from sklearn.isotonic import IsotonicRegression

    levels = IsotonicRegression(out_of_bounds="clip").fit(exact, fake.astype(float)).predict(exact)
    # equal levels are one step; their rounding is the same, because they are one mean
    _, step, sizes = np.unique(levels, return_inverse=True, return_counts=True)
    fakes = np.bincount(step, weights=fake)
    # small steps are drawn further to one half, which may break the order of neighbours
    drawn = np.maximum.accumulate((fakes + 1) / (sizes + 2))
    least, most = (
        np.array([pick(exact[step == at]) for at in range(len(sizes))]) for pick in (np.min, np.max)
    )
    knots, values = np.stack([least, most], axis=1).ravel(), np.repeat(drawn, 2)
    kept = np.append(True, np.diff(knots) > 0)
    steps = (tuple(knots[kept].tolist()), tuple(values[kept].tolist()))
    return Calibration("isotonic", steps=steps, pictures=len(exact), fakes=float(fake.mean()))


FITS: dict[str, Callable[[ArrayLike, ArrayLike], Calibration]] = {
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


def calibrate_run(run: Run) -> Calibration:
    """The map that is used, from a finished run's validation images."""
    rows = run.clean[run.clean["part"] == "val"]
    return FITS[USED](rows["logit"].to_numpy(), rows["label"].to_numpy())


def _both_classes(labels: ArrayLike, logits: ArrayLike) -> tuple[NDArray[np.bool_], Floats, Floats]:
    fake, exact, weight = checked(labels, logits, None)
    if fake.all() or not fake.any():
        raise ValueError("a calibration is fitted on both classes, and the images are of one")
    return fake, exact, weight
