"""Time of the group bootstrap: 2,000 replicates of AUC on 100,000 predictions, against a plain loop.

    python tests/benchmarks/bench_bootstrap.py

The plain loop repeats the drawn pictures and asks scikit-learn for every AUC; it runs a few replicates
and is scaled up. Both run in this process, one after the other.
"""

from __future__ import annotations

import time

import numpy as np
from sklearn.metrics import roc_auc_score

from dfstudy.evaluate.intervals import group_interval
from dfstudy.evaluate.metrics import auc
from dfstudy.study import Evaluate

PICTURES, REPLICATES, LOOPED = 100_000, 2_000, 10


def main() -> None:
    """Print seconds of both and their ratio, for groups of one and of four pictures."""
    generator = np.random.default_rng(0)
    labels = (generator.random(PICTURES) < 0.5).astype(int)
    scores = 1 / (1 + np.exp(-generator.normal(labels, 1.0)))
    for size in (1, 4):
        groups = np.arange(PICTURES) // size
        start = time.perf_counter()
        settings = Evaluate(replicates=REPLICATES)
        interval = group_interval(lambda w: auc(labels, scores, w), groups, settings=settings)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        for _ in range(LOOPED):
            drawn = generator.integers(0, PICTURES // size, PICTURES // size)
            rows = (drawn[:, None] * size + np.arange(size)).ravel()
            roc_auc_score(labels[rows], scores[rows])
        plain = (time.perf_counter() - start) * REPLICATES / LOOPED
        print(
            f"group bootstrap, {PICTURES:,} predictions in groups of {size}, {REPLICATES:,} replicates: "
            f"{ours:.1f} s, plain loop {plain:.1f} s, ratio {plain / ours:.1f}; "
            f"AUC {interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]"
        )


if __name__ == "__main__":
    main()
