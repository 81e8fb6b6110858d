"""Time of the group bootstrap: 2,000 replicates of AUC on 100,000 predictions, against a plain loop.

    python tests/benchmarks/bench_bootstrap.py

The plain loop repeats the drawn images and asks scikit-learn for every AUC; it runs a few replicates
and is scaled up. Both take turns in this process.
"""

from __future__ import annotations

import numpy as np
from measure import Table, interleave, parse
from sklearn.metrics import roc_auc_score

from dfstudy.stats.intervals import group_interval
from dfstudy.stats.metrics import auc
from dfstudy.study.comparisons import Evaluate


def main() -> None:
    """Print and keep seconds of both and their ratio, for groups of one and of four images."""
    given = parse(__doc__).parse_args()
    pictures, replicates, looped, repeats = (2000, 100, 2, 1) if given.quick else (100_000, 2000, 10, 3)
    table, generator = Table("bootstrap"), np.random.default_rng(0)
    labels = (generator.random(pictures) < 0.5).astype(int)
    scores = 1 / (1 + np.exp(-generator.normal(labels, 1.0)))
    settings = Evaluate(replicates=replicates)
    for size in (1, 4):
        groups = np.arange(pictures) // size

        def ours(groups: np.ndarray = groups) -> None:
            group_interval(lambda weights: auc(labels, scores, weights), groups, settings=settings)

        def plain(size: int = size) -> None:
            for _ in range(looped):
                drawn = generator.integers(0, pictures // size, pictures // size)
                rows = (drawn[:, None] * size + np.arange(size)).ravel()
                roc_auc_score(labels[rows], scores[rows])

        seconds = interleave({"ours": ours, "plain": plain}, repeats, warm=0)
        scaled = [took * replicates / looped for took in seconds["plain"]]
        what = f"{replicates:,} replicates, {pictures:,} predictions in groups of {size}"
        table.add(f"ours, {what}", seconds["ours"], "s")
        table.add(f"plain loop, {what}", scaled, "s")
        table.ratio(f"plain loop / ours, groups of {size}", scaled, seconds["ours"])
    table.keep(given)


if __name__ == "__main__":
    main()
