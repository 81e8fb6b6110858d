"""Tables of predictions as `predict` gives them, made up: unequal groups, several methods and seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


def make_predictions(groups: int = 30, seeds: int = 2, methods=("swap", "blend"), seed: int = 0):
    """One table a seed; later methods are easier; a group's pictures are alike."""
    random = np.random.default_rng(seed)
    rows = []
    for group in range(groups):
        shift = random.normal(0, 0.7)
        for frame in range(1 + group % 3):
            rows.append((f"{group:03d}_real{frame}.png", 0, "real", f"g{group}", shift))
        for easy, method in enumerate(methods):
            rows.append((f"{group:03d}_{method}.png", 1, method, f"g{group}", shift + 1.5 + easy))
    table = pd.DataFrame(rows, columns=["path", "label", "method", "group", "logit"])
    table = table.sort_values("path", ignore_index=True)
    tables = []
    for _ in range(seeds):
        logit = random.normal(table["logit"] - 1, 1.0)
        tables.append(table.assign(logit=logit, probability=1 / (1 + np.exp(-logit))))
    return tables


@pytest.fixture
def predictions():
    return make_predictions()


@pytest.fixture
def made():
    return make_predictions
