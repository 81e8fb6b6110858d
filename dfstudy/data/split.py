"""Training, validation and test: whole groups, the same mix of classes and methods, proven disjoint.

Takes a study and its index; gives a `Split`. A group (frames of one video, a fake with its source) and
exact copies of one picture stay together. Splits that the folders or index.csv give are honoured; what
they lack is made here, from (seed, groups) alone, in whatever order the rows come. Sets aside, each with
its reason, what would make the test unfair: one picture under both labels, and training rows whose
group is also tested. Refuses a split with one class only. Cost: 1 s for 100,000 pictures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from dfstudy.data.layouts import CLASS_NAMES
from dfstudy.errors import StudyError
from dfstudy.provenance import digest
from dfstudy.study import Study

SPLITS = ("train", "val", "test")
_SPOKEN = {"train": "training", "val": "validation", "test": "test"}
_HELD_BACK = 8  # groups a kind and split that even out what larger groups left uneven


@dataclass(frozen=True)
class Split:
    """Which picture trains, which selects, which tests.

    Attributes:
        rows: usable pictures sorted by path, columns as the index (label int64) with `group` joined over
            exact copies and `split`; the RangeIndex is the row number that the loader gives back.
        set_aside: the index's other rows, with `error` saying why.
        root: folder that the paths count from.
        fingerprint: sha256 of (path, sha256, label, group, split) of the rows.
        groups_known: something named groups; else each picture is its own, but for exact copies.
        given: splits that were given with the pictures, such as ("train", "test"); empty: all made here.
    """

    rows: pd.DataFrame
    set_aside: pd.DataFrame
    root: Path
    fingerprint: str
    groups_known: bool
    given: tuple[str, ...]

    def part(self, name: str) -> pd.DataFrame:
        """Rows of `train`, `val` or `test`, with their row numbers as index."""
        if name not in SPLITS:
            raise ValueError(f"no split is called '{name}': {', '.join(SPLITS)}")
        return self.rows[self.rows["split"] == name]


def split_study(study: Study, index: pd.DataFrame) -> Split:
    """Assign every usable picture to training, validation or test.

    Raises:
        StudyError: a split lacks a class, or splits were given without one for training.
    """
    rows = index.sort_values("path", ignore_index=True)
    groups_known = bool(((rows["error"] == "") & (rows["group"] != rows["path"])).any())
    rows["error"] = rows["error"].where(rows["error"] != "", _both_labels(rows))
    rows["group"] = join_copies(rows)
    given = _given_splits(rows)
    rows["split"] = rows["given_split"].map(given).fillna("")
    rows["error"] = rows["error"].where(rows["error"] != "", _given_conflicts(rows, given))
    good = rows["error"] == ""
    usable = rows[good].reset_index(drop=True).astype({"label": "int64"})
    usable["split"] = _assign(study, usable, given)
    _refuse_one_class(study, usable, given)
    prove_disjoint(usable)
    content = usable[["path", "sha256", "label", "group", "split"]].to_numpy().tolist()
    aside = rows[~good].drop(columns="split").reset_index(drop=True)
    names = tuple(name for name in SPLITS if name in given.values())
    return Split(usable, aside, study.pictures, digest(content), groups_known, names)


def prove_disjoint(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what two splits share, pair by pair: paths, contents and groups, each of which must be none.

    Returns:
        One row a pair of splits: the pair, and shared pictures, contents (sha256) and groups, all 0.
    Raises:
        RuntimeError: something is shared. No study may go on with such a split.
    """
    proof = []
    for one, other in combinations(SPLITS, 2):
        first, second = rows[rows["split"] == one], rows[rows["split"] == other]
        shared = [len(set(first[key]) & set(second[key])) for key in ("path", "sha256", "group")]
        proof.append((f"{_SPOKEN[one]} and {_SPOKEN[other]}", *shared))
    table = pd.DataFrame(proof, columns=["splits", "shared pictures", "shared contents", "shared groups"])
    if table.iloc[:, 1:].to_numpy().any():
        raise RuntimeError(f"the split is not disjoint:\n{table.to_string(index=False)}")
    return table


def set_aside(rows: pd.DataFrame, examples: int = 3) -> pd.DataFrame:
    """What was not used and why: reason, pictures, first examples; most frequent first.

    Args:
        rows: an index, or `Split.set_aside`; rows whose `error` is empty do not count.
    """
    found = rows[rows["error"] != ""].sort_values("path").groupby("error", sort=True)["path"]
    table = pd.DataFrame(
        {
            "pictures": found.size(),
            "first examples": found.apply(lambda paths: ", ".join(paths.iloc[:examples])),
        }
    )
    table = table.rename_axis("reason").reset_index()
    return table.sort_values("pictures", ascending=False, kind="stable", ignore_index=True)


def join_copies(rows: pd.DataFrame) -> pd.Series:
    """The group of each row, where groups that hold an exact copy of one picture are one group.

    A joined group is called like the first of its members in sorted order.
    """
    leader: dict[str, str] = {}

    def find(group: str) -> str:
        while group in leader:
            group = leader[group]
        return group

    usable = rows[rows["error"] == ""]
    copies = usable[usable["sha256"].duplicated(keep=False)]
    for _, groups in copies.groupby("sha256")["group"]:
        first, *others = sorted({find(group) for group in groups})
        leader |= dict.fromkeys(others, first)
    return rows["group"].map(lambda group: find(group)) if leader else rows["group"]


def _both_labels(rows: pd.DataFrame) -> pd.Series:
    usable = rows[rows["error"] == ""]
    labels = usable.groupby("sha256")["label"].nunique()
    both = rows["sha256"].isin(labels.index[labels > 1])
    return both.map({True: "the same picture stands under real and under fake", False: ""})


def _given_splits(rows: pd.DataFrame) -> dict[str, str]:
    """Name of a given split -> what it is used as; empty where no split is given."""
    found = set(rows.loc[rows["error"] == "", "given_split"]) - {""}
    if len(found) < 2:  # a single part of a set, such as its test folder, is split like any other set
        return {}
    if "train" not in found:
        raise StudyError(
            f"the pictures are given as {' and '.join(sorted(found))}, and none for training",
            "name a folder train, or take those names away: then the split is made here",
        )
    # Two parts are a training and a test set, whatever the second is called.
    return {"train": "train", **({"val": "test"} if "test" not in found else {"val": "val", "test": "test"})}


def _given_conflicts(rows: pd.DataFrame, given: dict[str, str]) -> pd.Series:
    """Rows that given splits leave without a place, or on the wrong side of a shared group."""
    reason = pd.Series("", index=rows.index)
    if not given:
        return reason
    usable = rows["error"] == ""
    reason[usable & (rows["split"] == "")] = "in no split, where others are given one"
    for later in ("val", "test"):  # the test keeps what it has; so does validation against training
        held = set(rows.loc[usable & (rows["split"] == later), "group"])
        earlier = rows["split"].isin(SPLITS[: SPLITS.index(later)])
        reason[usable & earlier & rows["group"].isin(held)] = (
            f"its group, or an exact copy, is also in the given {_SPOKEN[later]} set"
        )
    return reason


def _assign(study: Study, rows: pd.DataFrame, given: dict[str, str]) -> pd.Series:
    data = study.data
    if not given:
        shares = {"test": data.test_fraction, "val": data.val_fraction}
        return rows["group"].map(assign_groups(rows, shares, data.split_seed))
    if "val" in given.values():
        return rows["split"]
    training = rows[rows["split"] == "train"]
    parts = assign_groups(training, {"val": data.val_fraction}, data.split_seed)
    return rows["split"].where(rows["split"] != "train", rows["group"].map(parts))


def assign_groups(rows: pd.DataFrame, shares: dict[str, float], seed: int) -> dict[str, str]:
    """Deal whole groups into `train` and the splits of `shares`, alike in classes and methods.

    Groups with the same content (so many pictures of each method) are interchangeable: they are shuffled by
    a hash of seed and name, and dealt by share. A few of each kind are held back and go, the largest first,
    where they bring the counts nearest to the shares, in chi-square. Where that leaves a split without a
    class that could be there, splits that lack it come first.

    Args:
        rows: columns group, label, method.
        shares: split -> fraction of the pictures; the rest trains.
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
        kinds: [kinds, methods], pictures of each method in one group of the kind.
        numbers: [kinds], groups of the kind.
        fractions: [splits].
        is_class: bool [methods, classes]: classes that must not be missing; none where it has no column.
    """
    wanted = np.outer(fractions, numbers @ kinds)  # [splits, methods], pictures
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


def _refuse_one_class(study: Study, rows: pd.DataFrame, given: dict[str, str]) -> None:
    for name in SPLITS:
        for label, spoken in CLASS_NAMES.items():
            if not ((rows["split"] == name) & (rows["label"] == label)).any():
                groups = rows.loc[rows["label"] == label, "group"].nunique()
                hint = f"add {spoken} pictures of other groups: three splits need three groups of each class"
                if given:
                    hint = f"add {spoken} pictures to the given parts, or take their names away to split here"
                raise StudyError(
                    f"{study.pictures}: the {_SPOKEN[name]} set holds no {spoken} picture; "
                    f"usable {spoken} pictures come from {groups:,} groups",
                    hint,
                )
