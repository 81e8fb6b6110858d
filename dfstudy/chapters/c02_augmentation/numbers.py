"""Numbers of what a policy really does to training images.

Takes the table of `dfstudy.augment.strength.measure_policy`; gives realised means with Student's interval and
shares with Wilson's (1927). Samples are independent draws, so no group is resampled. Cost: milliseconds.
"""

from __future__ import annotations

import pandas as pd
from scipy import stats

from dfstudy.number import Number


def augmentation_numbers(samples: pd.DataFrame, confidence: float = 0.95) -> list[Number]:
    """Numbers of one policy.

    Args:
        samples: one row a sample and transform, columns as `measure_policy` gives them.
        confidence: coverage of the intervals.

    Returns:
        `augment.jpeg_quality` (1-100) and `augment.noise_sigma` (grey levels) over the samples that met
        them, `augment.<transform>.share` for each transform left to chance, `augment.<transform>.change`
        (mean absolute change in grey levels) for each that keeps pixels in place, `augment.samples`, and
        how many shares' intervals hold the nominal probability.
    """
    shares = share_table(samples, confidence)
    inside = shares["probability"].between(shares["low"], shares["high"])
    return [
        Number("augment.samples", samples["sample"].nunique(), "images", samples["sample"].nunique()),
        _mean("augment.jpeg_quality", samples["quality"], "quality (1-100)", confidence, digits=1),
        _mean("augment.noise_sigma", samples["sigma"], "grey levels", confidence, digits=2),
        Number("augment.shares", len(shares), "transforms", len(samples)),
        Number("augment.shares_as_set", int(inside.sum()), "transforms", len(samples)),
        *(
            Number(
                f"augment.{row.transform}.share",
                row.share,
                "1",
                row.n,
                row.low,
                row.high,
                note="Wilson's interval",
            )
            for row in shares.itertuples()
        ),
        *(
            _mean(f"augment.{applied}.change", part["change"], "grey levels", confidence, digits=2)
            for applied, part in samples.dropna(subset="change").groupby("applied")
        ),
    ]


def share_table(samples: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Share of samples that each transform touched: transform, probability, share, low, high, n.

    In the policy's order; transforms that always run are left out.
    """
    rows = []
    for name, part in samples[samples["probability"] < 1].groupby("transform", sort=False):
        touched = int((part["applied"] != "").sum())
        interval = stats.binomtest(touched, len(part)).proportion_ci(confidence, method="wilson")
        share = touched / len(part)
        rows.append((name, part["probability"].iloc[0], share, interval.low, interval.high, len(part)))
    return pd.DataFrame(rows, columns=["transform", "probability", "share", "low", "high", "n"])


def _mean(name: str, values: pd.Series, unit: str, confidence: float, digits: int) -> Number:
    values = values.dropna()
    if len(values) < 2:
        return Number(name, None, unit, len(values), note="fewer than two samples met it")
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.sem()
    mean = float(values.mean())
    note = "Student's interval over samples"
    return Number(name, mean, unit, len(values), mean - half, mean + half, note=note, digits=digits)
