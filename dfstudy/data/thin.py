"""Fewer pictures by whole groups, the same ones every time.

Takes rows and a number; gives the rows whose groups fit into it. Groups come in an order that hashes their
names with a seed: a larger number keeps the groups of a smaller one. Cost: a hash a group.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd


def thin_groups(rows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Rows of whole groups, at most so many; one group is kept even where it alone holds more."""
    if len(rows) <= most:
        return rows
    sizes = rows["group"].value_counts()
    order = sorted(sizes.index, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    fits = np.cumsum(sizes[order].to_numpy()) <= most
    fits[0] = True
    return rows[rows["group"].isin([group for group, fit in zip(order, fits, strict=True) if fit])]
