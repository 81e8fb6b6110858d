"""Fewer images, mostly by whole groups, the same ones every time; and nested parts for learning curves.

Takes rows and a number; gives the rows whose groups fit into it. Groups come in an order that hashes their
names with a seed; the first that holds a real and the first that holds a fake go before the others. Of a
group that alone would be more than a twentieth of what is asked for, a part is taken, both classes in turn:
a few long videos would else be all, and what is independent are groups. Cost: a hash a group, and one a
image of such groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

SHARE = 20  # a group may be one part in so many of what is drawn
WHOLE = 8  # images: a group of no more is never cut


def thin_groups(rows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """At most so many rows (at least one), in the order in which they stand.

    Args:
        rows: columns path, label, group.
    """
    if len(rows) <= most:
        return rows
    kept = _cut_large(rows, min(max(most, 1), max(WHOLE, most // SHARE)), seed)
    sizes = kept["group"].value_counts()
    order = sorted(sizes.index, key=lambda group: _shuffle_key(seed, group))
    place = {group: at for at, group in enumerate(order)}
    first = {min(own["group"].unique(), key=place.__getitem__) for _, own in kept.groupby("label")}
    left, taken = max(most, 1), set()
    for group in sorted(order, key=lambda group: group not in first):  # else as they are: sorting is stable
        if sizes[group] <= left:
            taken.add(group)
            left -= sizes[group]
    return kept[kept["group"].isin(taken)]


def nest_groups(rows: pd.DataFrame, shares: Sequence[float], draws: int, seed: int) -> np.ndarray:
    """Which rows each part holds, bool [draws, shares, n]: whole groups, each share within the next.

    A group with a real and one with a fake come first in a draw, so that no part lacks a class.

    Args:
        rows: columns label and group.
        shares: of the groups, rising, in 0..1.
    """
    masks = np.zeros((draws, len(shares), len(rows)), bool)
    of_class = [set(own) for _, own in rows.groupby("label")["group"]]
    for draw in range(draws):
        order = sorted(rows["group"].unique(), key=lambda group: _shuffle_key(seed, f"{draw}:{group}"))
        first = [next(group for group in order if group in held) for held in of_class]
        order = list(dict.fromkeys([*first, *order]))
        for at, share in enumerate(shares):
            count = max(len(set(first)), round(share * len(order)))
            masks[draw, at] = rows["group"].isin(order[:count])
    return masks


def nest_images(rows: pd.DataFrame, shares: Sequence[float], draws: int, seed: int) -> np.ndarray:
    """The same of single images: of each class of each group a share, one at least; every group stays.

    Args:
        rows: columns path, label and group.
    """
    masks = np.zeros((draws, len(shares), len(rows)), bool)
    for draw in range(draws):
        keyed = rows.assign(key=[_shuffle_key(seed, f"{draw}:{path}") for path in rows["path"]])
        own = keyed.groupby(["group", "label"])["key"]
        place, size = own.rank(method="first").to_numpy(), own.transform("size").to_numpy()
        for at, share in enumerate(shares):
            masks[draw, at] = place <= np.maximum(1, np.rint(share * size))
    return masks


def _cut_large(rows: pd.DataFrame, each: int, seed: int) -> pd.DataFrame:
    """Of a group that holds more than `each` images so many, its classes in turn."""
    large = rows[rows.groupby("group")["path"].transform("size") > each]
    if large.empty:
        return rows
    large = large.assign(key=[_shuffle_key(seed, path) for path in large["path"]]).sort_values("key")
    large["turn"] = large.groupby(["group", "label"]).cumcount()
    chosen = large.sort_values(["turn", "key"]).groupby("group").head(each)
    return rows.drop(large.index.difference(chosen.index))


def _shuffle_key(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
