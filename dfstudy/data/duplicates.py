"""One image twice, or nearly: copies, images under both labels, near-duplicates; groups they join.

Takes rows of the index; gives links between images, and groups joined along them. Two kinds:

exact: the same bytes, or the same decoded pixels in another file. Such a pair under both labels is a mistake
    of the set: nothing can be learnt from it, and `split_study` sets it aside.
near: the perceptual hashes (`phash.py`) differ in at most `data.near_duplicates` bits, and the pixels differ.
    Under both labels this is most often a fake and its source, so such pairs join a group and stay.

Links join groups in chains: frames of a clip, each near the next, belong together though first and last look
unlike. That chance makes no chains is seen to by the hash (flat images have none) and by the distance: in
49 million pairs of three sets of faces, 25 images of different groups lie within 31 of 255 bits, each pair
that was looked at one scene, and the first strangers are 51 bits apart. From how their number falls with the
distance, 100,000 such images hold 0.1 pairs of strangers within 31 bits.
Cost: 2 s for 100,000 images, the search a twelfth of what comparing all pairs takes; memory grows with the
images alone, however many pairs there are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from dfstudy.data.hash_search import FARTHEST, near_pairs
from dfstudy.data.phash import hash_bits

EXACT, NEAR = "exact", "near"
_LINKS = ["first", "second", "kind", "distance"]
_SPLITS = ("train", "val", "test")
_REDUCE = 2**21  # near pairs gathered before all but those that join something are let go


def find_duplicates(index: pd.DataFrame, distance: int = FARTHEST) -> pd.DataFrame:
    """Images that the set holds twice, or nearly, as a table to look at.

    Args:
        index: an index as `index_study` gives it.
        distance: bits, 0..31; 0 looks for exact copies only.
    Returns:
        One row a pair, exact ones first, then the nearest: path, other (`path` repeats `other`, which stands
        before it), kind (`exact`, `near`), distance (bits of 255; 0 where exact), same_label, same_group (the
        set itself names one group), splits (the given splits, such as `train and test`; empty without).
        Of n equal images each but the first has a row. Of near-duplicates the table holds the pairs that
        join one group to another, the nearest of them: at most one row less than there are groups.
    """
    rows = index.sort_values("path", ignore_index=True)
    return describe_links(rows, find_links(rows, distance))


def find_links(rows: pd.DataFrame, distance: int = FARTHEST) -> pd.DataFrame:
    """Which usable rows are duplicates of which.

    Args:
        rows: columns label, group, sha256, phash, pixels, width, height, error; a RangeIndex, sorted by path.
        distance: as `find_duplicates`.
    Returns:
        first, second (row numbers, first < second), kind and distance. Near links form a forest over the
        groups: of all near pairs those that join two groups, nearest first, ties in order of rows.
    """
    usable = np.flatnonzero(rows["error"] == "")
    content, _ = pd.factorize(content_keys(rows.iloc[usable]))
    _, leaders = np.unique(content, return_index=True)
    copies = np.ones(len(usable), bool)
    copies[leaders] = False
    exact = np.stack([usable[leaders[content[copies]]], usable[copies]])
    links = pd.DataFrame({"first": exact[0], "second": exact[1], "kind": EXACT, "distance": 0})
    if not distance:
        return links[_LINKS]
    both = both_labels(rows, links)
    searched = usable[leaders]
    searched = searched[(rows["phash"].to_numpy()[searched] != "") & ~both[searched]]
    groups, _ = pd.factorize(rows["group"])
    nodes = _components(groups, links[~both[links["first"]]])[groups]
    parts = near_pairs(hash_bits(rows["phash"].iloc[searched]), distance, apart=nodes[searched])
    found = _forest(((bits_off, searched[a], searched[b]) for a, b, bits_off in parts), nodes)
    near = pd.DataFrame({"first": found[1], "second": found[2], "kind": NEAR, "distance": found[0]})
    return pd.concat([links, near], ignore_index=True)[_LINKS]


def content_keys(rows: pd.DataFrame) -> pd.Series:
    """A text a row, equal where two files hold the same image: the same bytes or the same decoded pixels.

    Of the pixels the index keeps a 32-bit checksum, which decides together with size and perceptual hash;
    an image too flat to have a hash is compared by its bytes alone.
    """
    size = rows["width"].astype(str) + "x" + rows["height"].astype(str)
    return rows["sha256"].where(rows["phash"] == "", rows["phash"] + rows["pixels"] + size)


def both_labels(rows: pd.DataFrame, links: pd.DataFrame) -> np.ndarray:
    """Bool [rows]: one and the same image stands under real and under fake."""
    exact = links[links["kind"] == EXACT]
    first, second = exact["first"].to_numpy(), exact["second"].to_numpy()
    labels = rows["label"].to_numpy(dtype="float64", na_value=np.nan)
    leaders = first[labels[first] != labels[second]]
    both = np.zeros(len(rows), bool)
    both[leaders] = True
    both[second] = both[first]
    return both


def join_groups(rows: pd.DataFrame, links: pd.DataFrame) -> pd.Series:
    """The group of each row, where groups that a link ties together are one group.

    A joined group is called like the first of its members in sorted order.
    """
    groups, names = pd.factorize(rows["group"], sort=True)
    component = _components(groups, links)
    _, first = np.unique(component, return_index=True)
    return pd.Series(names.take(first[component][groups]), index=rows.index, name="group")


def describe_links(rows: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Links as `find_duplicates` gives them."""
    links = links.sort_values(["kind", "distance", "first", "second"], kind="stable")
    one = rows.iloc[links["first"]].reset_index(drop=True)
    other = rows.iloc[links["second"]].reset_index(drop=True)
    table = pd.DataFrame({"path": other["path"], "other": one["path"]})
    table["kind"], table["distance"] = links["kind"].to_numpy(), links["distance"].to_numpy()
    table["same_label"] = (one["label"] == other["label"]).to_numpy(bool)
    table["same_group"] = one["group"] == other["group"]
    splits = zip(one["given_split"], other["given_split"], strict=True)
    texts = [" and ".join(name for name in _SPLITS if name in pair) for pair in splits]
    table["splits"] = pd.Series(texts, dtype=str)
    return table


def count_duplicates(table: pd.DataFrame, rows: pd.DataFrame) -> dict[str, int]:
    """What chapter 01 says about duplicates, counted.

    Args:
        table: as `find_duplicates` gives it.
        rows: images with `group` joined, such as `Split.rows`.
    Returns:
        copies (images that repeat another of their class), both_labels (links between copies of one image
        under both labels), near (near-duplicates that join groups), near_labels (those of them between real
        and fake), given_splits (links of either kind between two given splits), joined_groups (groups that
        near-duplicates joined), largest_joined (images in the largest of these), flat (no hash).
    """
    near, apart = table["kind"] == NEAR, ~table["same_label"]
    tied = pd.concat([table.loc[near, "path"], table.loc[near, "other"]])
    joined = rows["group"].isin(rows.loc[rows["path"].isin(tied), "group"])
    sizes = rows.loc[joined, "group"].value_counts()
    counts = {
        "copies": (~near & ~apart).sum(),
        "both_labels": (~near & apart).sum(),
        "near": near.sum(),
        "near_labels": (near & apart).sum(),
        "given_splits": table["splits"].str.contains(" and ").sum(),
        "joined_groups": len(sizes),
        "largest_joined": sizes.max() if len(sizes) else 0,
        "flat": (rows["phash"] == "").sum(),
    }
    return {name: int(count) for name, count in counts.items()}


def _components(groups: np.ndarray, links: pd.DataFrame) -> np.ndarray:
    """Int [groups]: equal where links lead from one group to the other; `groups` is int [rows]."""
    size = int(groups.max(initial=-1)) + 1
    ends = groups[links["first"]], groups[links["second"]]
    graph = csr_array((np.ones(len(links), bool), ends), shape=(size, size))
    return connected_components(graph, directed=False)[1]


def _forest(parts: Iterator[tuple[np.ndarray, ...]], nodes: np.ndarray) -> np.ndarray:
    """The nearest pairs that join what all pairs join: [3, links], rows distance, first, second."""
    kept, new, size, limit = np.empty((3, 0), np.int64), [], 0, _REDUCE
    for part in parts:  # many are small: put together a few times, not each by itself
        new.append(np.stack(part))
        size += new[-1].shape[1]
        if size > limit:
            kept, new = _joining(np.concatenate([kept, *new], axis=1), nodes), []
            size = kept.shape[1]
            limit = _REDUCE + size
    kept = np.concatenate([kept, *new], axis=1)
    return _joining(kept, nodes)


def _joining(pairs: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """The minimum spanning forest of the pairs, over nodes, in the order (distance, first, second).

    As no two pairs are equal in that order, the forest is one alone; so it does not matter in which parts
    the pairs arrive, and a pair that is let go once is in no later forest either.
    """
    pairs = pairs[:, np.lexsort(pairs[::-1])]
    ends = np.sort(nodes[pairs[1:]], axis=0)
    size = int(nodes.max(initial=0)) + 1
    _, nearest = np.unique(ends[0] * size + ends[1], return_index=True)
    nearest.sort()
    pairs, ends = pairs[:, nearest], ends[:, nearest]
    rank = np.arange(1.0, pairs.shape[1] + 1)
    forest = minimum_spanning_tree(csr_array((rank, (ends[0], ends[1])), shape=(size, size)))
    return pairs[:, np.sort(forest.data).astype(np.int64) - 1]
