"""The coverage drill of what scores mean: calibration error, intercept, slope, and what validation promises.

    python tests/drills/coverage_scores.py                   every world, 1,000 data sets each
    python tests/drills/coverage_scores.py --sets 200 --only promises

Makes data sets whose true calibration, false alarms and wrong verdicts are known, and asks the code of the
report: does a nominal 95 % interval hold the truth, and is a promise kept? Images of a group are related in
what they show (their log-odds) and in what they are; groups hold 1 to 7, or each image stands alone. A
promise that is not given counts as kept, so beside it stands how often one is given.

Ends with status 1 where an interval covers less than 93 % or more than 97 %, or a promise is kept in less
than 93 %, beyond what chance allows (three standard errors). Intervals are asked of 640 images and more.
Takes 8 minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from dfstudy.stats.decisions import choose_band, false_alarm_threshold
from dfstudy.stats.metrics import ECE_BINS, probability_bin
from dfstudy.stats.recalibration import calibration_error, calibration_intercept, calibration_slope
from dfstudy.study.comparisons import Evaluate

LOW, HIGH = 0.93, 0.97
ALIKE, LABELS = 0.5, 0.3  # correlation of two images of a group: of their log-odds, and behind their labels
# name -> what is said of honest log-odds (times, plus), and the honest ones (standard deviation, mean)
CALIBRATIONS = {
    "calibrated": (1.0, 0.0, 1.5, 0.0),
    "shifted by 0.3": (1.0, 0.3, 1.5, 0.0),
    "too bold, 1.5 times": (1.5, 0.2, 1.5, 0.0),
    "too bold, 3 times": (3.0, 0.0, 1.5, 0.0),
    "7 of 10 fake, shifted by 1": (1.0, 1.0, 1.5, 1.4),
}
DETECTORS = {"AUC .86": 2.0, "AUC .92": 3.0}  # standard deviation of honest log-odds
SIZES = {"intervals": (640, 5000), "promises": (300, 1000, 10_000)}
ASKED = ("error", "intercept", "slope")
PROMISES = ("5 % false alarms", "10 % false alarms", "5 % of fake wrong", "5 % of real wrong")
RATES, TARGET = (0.05, 0.1), 0.05


def make_set(
    random: np.random.Generator, images: int, grouped: bool, spread: float, middle: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, honest log-odds and groups, [images] each."""
    group = np.arange(images)
    if grouped:
        group = np.repeat(group, random.integers(1, 8, images))[:images]

    def related(share: float) -> np.ndarray:
        common, own = random.normal(size=group[-1] + 1)[group], random.normal(size=images)
        return np.sqrt(share) * common + np.sqrt(1 - share) * own

    honest = middle + spread * related(ALIKE if grouped else 0.0)
    labels = norm.cdf(related(LABELS if grouped else 0.0)) < expit(honest)
    return labels.astype(int), honest, group


def population(spread: float, middle: float, points: int = 200_000) -> np.ndarray:
    """Honest log-odds of everybody, rising."""
    return middle + spread * norm.ppf((np.arange(points) + 0.5) / points)


def true_calibration(name: str) -> np.ndarray:
    """Error, intercept and slope of an infinite number of images."""
    times, plus, spread, middle = CALIBRATIONS[name]
    honest = population(spread, middle)
    said = times * honest + plus
    bins = probability_bin(expit(said))
    apart = np.bincount(bins, expit(said) - expit(honest), ECE_BINS)
    held = np.bincount(bins, minlength=ECE_BINS)
    error = np.sqrt((apart[held > 0] ** 2 / held[held > 0]).sum() / len(honest))
    shift = brentq(lambda by: float((expit(said + by) - expit(honest)).mean()), -5, 5)
    return np.array([error, shift, 1 / times])


def cover_calibration(name: str, images: int, grouped: bool, sets: int, seed: int = 0) -> np.ndarray:
    """Share of data sets [3] whose interval of error, intercept and slope holds the truth."""
    times, plus, spread, middle = CALIBRATIONS[name]
    random, truth = np.random.default_rng([seed, images, grouped]), true_calibration(name)
    held, settings = np.zeros(3), Evaluate()
    for _ in range(sets):
        labels, honest, group = make_set(random, images, grouped, spread, middle)
        said = times * honest + plus
        found = [
            calibration_error(labels, expit(said), group, settings),
            calibration_intercept(labels, said, group, settings),
            calibration_slope(labels, said, group, settings),
        ]
        held += [bool(one.low <= true <= one.high) for one, true in zip(found, truth, strict=True)]
    return held / sets


def true_risks(name: str) -> dict[str, np.ndarray]:
    """By cut in the probabilities (`cut`, falling): false alarms, and what is wrong among fake and real."""
    honest = population(DETECTORS[name], 0.0)[::-1]
    chance = expit(honest)
    counted = np.arange(1, len(honest) + 1)
    return {
        "cut": chance,
        "alarms": np.cumsum(1 - chance) / (1 - chance).sum(),
        "fake": np.cumsum(1 - chance) / counted,
        "real": np.cumsum(chance[::-1])[::-1] / counted[::-1],
    }


def keep_promises(
    name: str, images: int, grouped: bool, sets: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Share of validations whose promises [4] are kept, and share for which they are given."""
    random, risks = np.random.default_rng([seed, images, grouped]), true_risks(name)
    kept, given = np.zeros(4), np.zeros(4)

    def risk(kind: str, at: float) -> float:
        return float(np.interp(-at, -risks["cut"], risks[kind]))

    for _ in range(sets):
        labels, honest, group = make_set(random, images, grouped, DETECTORS[name], 0.0)
        scores = expit(honest)
        chosen = [false_alarm_threshold(labels, scores, group, rate).threshold for rate in RATES]
        band = choose_band(labels, scores, group, TARGET)
        broken = [
            *(t is not None and risk("alarms", t) > rate for t, rate in zip(chosen, RATES, strict=True)),
            np.isfinite(band.high) and risk("fake", band.high) > TARGET,
            np.isfinite(band.low) and risk("real", band.low) > TARGET,
        ]
        kept += 1 - np.array(broken, float)
        given += [*(t is not None for t in chosen), np.isfinite(band.high), np.isfinite(band.low)]
    return kept / sets, given / sets


def misses(share: float, sets: int, most: float = HIGH) -> bool:
    """True where a share lies outside 93 % to `most` by more than chance explains."""
    chance = 3 * np.sqrt(0.95 * 0.05 / sets)
    return not LOW - chance <= share <= most + chance


def rows(kind: str, sets: int) -> Iterator[tuple[str, bool]]:
    """Lines of the table, and whether one breaks what it says."""
    for images in SIZES[kind]:
        for grouped in (False, True):
            where = f"{images:>6,} {'in groups' if grouped else 'strangers':<10}"
            if kind == "intervals":
                for name in CALIBRATIONS:
                    shares = cover_calibration(name, images, grouped, sets)
                    told = "".join(f"{100 * share:11.1f}" for share in shares)
                    yield f"{where}{name:<28}{told}", any(misses(share, sets) for share in shares)
            else:
                for name in DETECTORS:
                    kept, given = keep_promises(name, images, grouped, sets)
                    told = "".join(
                        f"{100 * k:11.1f} ({100 * g:3.0f})" for k, g in zip(kept, given, strict=True)
                    )
                    yield f"{where}{name:<10}{told}", any(misses(share, sets, 1.0) for share in kept)


def main() -> int:
    """Print the tables; status 1 where an interval or a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000, help="data sets of each world and size")
    parser.add_argument("--only", choices=SIZES, help="one of the two tables")
    given = parser.parse_args()
    start, broken = time.process_time(), 0
    for kind, heads in (("intervals", ASKED), ("promises", PROMISES)):
        if given.only in (None, kind):
            print(f"{kind}, {given.sets:,} data sets a line, per cent: {', '.join(heads)}", flush=True)
            for line, bad in rows(kind, given.sets):
                broken += bad
                print(f"{line}{'  <- broken' * bad}", flush=True)
    print(f"{time.process_time() - start:.0f} s of processor time; {broken} lines are broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
