"""Groups of images dealt into splits by share, alike in classes and methods.

Takes one row an image (group, label, method) and the share of each split; gives the split of each group.
Refuses nothing: where there are too few groups, `split_study` sees what is missing.
Cost: 1 s for 100,000 groups.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from dfstudy.data.layouts.names import CLASS_NAMES

_HELD_BACK = 8  # groups a kind and split that even out what larger groups left uneven


def assign_groups(rows: pd.DataFrame, shares: dict[str, float], seed: int) -> dict[str, str]:
    """Deal whole groups into `train` and the splits of `shares`, alike in classes and methods.

    Groups with the same content (so many images of each method) are interchangeable: they are shuffled by
    a hash of seed and name, and dealt by share. A few of each kind are held back and go, the largest first,
    where they bring the counts nearest to the shares, in chi-square. Where that leaves a split without a
    class that could be there, splits that lack it come first.

    Args:
        rows: columns group, label, method.
        shares: split -> fraction of the images; the rest trains.
    Returns:
        group -> split. It depends on the groups, their contents and the seed, and on no order.
    """
    if rows.empty:
        return {}
    shares = {"train": 1 - sum(shares.values()), **shares}
    names, fractions = list(shares), np.array(list(shares.values()))
    counts = pd.crosstab(rows["group"], [rows["label"], rows["method"]]).sort_index()
    kinds, kind_of = np.unique(counts.to_numpy(), axis=0, return_inverse=True)
    dealt = pd.DataFrame({"group": counts.index, "kind": kind_of.ravel()})
    dealt["order"] = [_shuffle_key(seed, group) for group in counts.index]
    # Largest groups first: the small ones that follow even out what those left uneven.
    rank = np.lexsort((*kinds.T[::-1], -kinds.sum(axis=1)))
    dealt["kind"] = np.argsort(rank)[dealt["kind"]]
    dealt = dealt.sort_values(["kind", "order"])
    kinds, numbers = kinds[rank], np.bincount(dealt["kind"])
    is_class = np.stack([counts.columns.get_level_values("label") == label for label in CLASS_NAMES], axis=1)
    for fill_first in (False, True):
        places = _deal(kinds, numbers, fractions, is_class if fill_first else is_class[:, :0])
        held = np.stack([kinds[dealt["kind"]][places == place].sum(axis=0) for place in range(len(names))])
        if (held @ is_class).all():
            break
    return dict(zip(dealt["group"], np.array(names)[places].tolist(), strict=True))


def _deal(kinds: np.ndarray, numbers: np.ndarray, fractions: np.ndarray, is_class: np.ndarray) -> np.ndarray:
    """The split of each group, kind by kind.

    Args:
        kinds: [kinds, methods], images of each method in one group of the kind.
        numbers: [kinds], groups of the kind.
        fractions: [splits].
        is_class: bool [methods, classes]: classes that must not be missing; none where it has no column.
    """
    wanted = np.outer(fractions, numbers @ kinds)  # [splits, methods], images
    held = np.zeros_like(wanted)
    dealt = []
    for kind, number in zip(kinds, numbers, strict=True):
        shared = np.maximum(np.floor(number * fractions + 1e-9).astype(int) - _HELD_BACK, 0)
        held += np.outer(shared, kind)
        places = np.repeat(np.arange(len(fractions)), shared).tolist()
        for _ in range(number - len(places)):
            # What one more group takes off chi-square, the sum of (wanted - held)^2 / wanted.
            nearer = ((2 * (wanted - held) - kind) * kind / wanted).sum(axis=1)
            lacking = ((held @ is_class == 0) & (kind @ is_class > 0)).any(axis=1)
            place = int(np.argmax(np.where(lacking, nearer, -np.inf) if lacking.any() else nearer))
            held[place] += kind
            places.append(place)
        dealt += places
    return np.array(dealt)


def _shuffle_key(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}/{group}".encode()).digest()
