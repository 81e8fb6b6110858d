"""A published cross-forgery experiment, read again with intervals.

`cross_forgery.csv` holds accuracies published with Coccomini, Caldelli, Falchi, Gennaro and Amato, "Cross-
forgery analysis of vision transformers and CNNs for deepfake image detection" (2022, arXiv 2206.13829, doi
10.1145/3512732.3533582), as their repository's plots.py has them: 15 EfficientNetV2-M and 15 ViT-B, each
trained on one method of ForgeryNet (He et al., CVPR 2021), on real images and on each method's fakes.

Takes nothing; gives the table, and numbers whose intervals resample the 15 training methods, because the
images are not published. Balanced accuracy is (real + unseen fakes) / 2: it does not move when a network
merely calls more images fake. Cost: milliseconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.number import Number, name_methods
from dfstudy.stats.intervals import Floats, Interval, group_interval
from dfstudy.stats.weighted import correlation, mean

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate

TABLE = Path(__file__).with_name("cross_forgery.csv")
SOURCE = "accuracies published with Coccomini et al. 2022, arXiv 2206.13829"
CNN, TRANSFORMER = "EfficientNetV2-M", "ViT-B"
COLUMNS = ("real", "seen", "unseen", "balanced")
SPOKEN = {
    "real": "accuracy on real images",
    "seen": "accuracy on fakes of the method trained on",
    "unseen": "mean accuracy on fakes of the 14 other methods",
    "balanced": "(real + unseen) / 2",
}


def read_published() -> pd.DataFrame:
    """network, trained_on, tested_on (`real` or a method), accuracy in 0..1; 480 rows in published order."""
    return pd.read_csv(TABLE)


def published_models() -> pd.DataFrame:
    """One row a published model: network, trained_on, and the accuracies real, seen, unseen and balanced."""
    table = read_published()
    real = table["tested_on"] == "real"
    seen = table["tested_on"] == table["trained_on"]
    by = ["network", "trained_on"]
    rows = pd.DataFrame(
        {
            "real": table[real].set_index(by)["accuracy"],
            "seen": table[seen].set_index(by)["accuracy"],
            "unseen": table[~real & ~seen].groupby(by)["accuracy"].mean(),
        }
    ).reset_index()
    return rows.assign(balanced=(rows["real"] + rows["unseen"]) / 2)


def published_numbers(settings: Evaluate) -> list[Number]:
    """Numbers `published.<network>.<column>`, `published.difference.<column>` and `published.correlation`.

    A difference is the transformer minus the CNN trained on the same methods, so its interval is paired.
    The correlation is that of `real` and `unseen` over all models.
    """
    models = published_models()
    by_network = {name: rows.reset_index(drop=True) for name, rows in models.groupby("network")}
    methods = by_network[CNN]["trained_on"].to_numpy(str)
    if list(methods) != list(by_network[TRANSFORMER]["trained_on"]):
        raise ValueError("the two networks were trained on different methods")
    values = np.stack([by_network[name][list(COLUMNS)].to_numpy() for name in (CNN, TRANSFORMER)])

    def statistic(weights: Floats) -> Floats:
        means = np.stack(
            [[mean(weights, one) for one in network.T] for network in values]
        )  # [2, 4, replicates]
        alike = correlation(np.tile(weights, 2), values[..., 0].ravel(), values[..., 2].ravel())
        return np.concatenate([means[0], means[1], means[1] - means[0], alike[None]]).T

    found = group_interval(statistic, methods, settings=settings)
    names = [*(f"{slug}.{c}" for slug in name_methods((CNN, TRANSFORMER)) for c in COLUMNS)]
    names += [*(f"difference.{column}" for column in COLUMNS), "correlation"]
    told = [*(SPOKEN[column] for column in COLUMNS * 2), *(f"{TRANSFORMER} minus {CNN}",) * len(COLUMNS)]
    told += ["of the accuracies on real images and on unseen fakes, over all 30 models"]
    return [
        _number(f"published.{name}", found[at], note)
        for at, (name, note) in enumerate(zip(names, told, strict=True))
    ]


def _number(name: str, found: Interval, note: str) -> Number:
    models = 2 * found.groups if ".difference." in name or name.endswith("correlation") else found.groups
    sure = f"{100 * found.settings.confidence:g} %"
    made = f"{sure} interval over resamples of the {found.groups} training methods"
    return Number(
        name,
        float(found.value),
        "1",
        models,
        low=float(found.low),
        high=float(found.high),
        groups=found.groups,
        note=f"{note}; n counts models; {SOURCE}; {made}",
    )
