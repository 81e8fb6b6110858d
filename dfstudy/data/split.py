"""Training, validation and test: whole groups, the same mix of classes and methods, proven disjoint.

Takes a study and its index; gives a `Split`. A group (frames of one video, a fake with its source), copies
of one image and near-duplicates (`duplicates.py`) stay together. Splits that the folders or index.csv give
are honoured; what they lack is made here, from (seed, groups) alone, in whatever order the rows come. Sets
aside, each with its reason, what would make the test unfair: one image under both labels, training rows
whose group, copy or near-duplicate is also tested, and further copies of an image of one class, which say
nothing new and count double. A given validation or test set alone keeps its copies: it is the user's, and
its numbers are compared with others'. Refuses a split with one class only, and a set of which one part is
given and the rest is not.
Cost: 4 s for 100,000 images, 55 s for a million, and 2 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.data.assign import assign_groups
from dfstudy.data.duplicates import EXACT, both_labels, describe_links, find_links, join_groups
from dfstudy.data.layouts.names import CLASS_NAMES
from dfstudy.errors import StudyError
from dfstudy.system.provenance import digest

if TYPE_CHECKING:
    from dfstudy.study.study import Study

SPLITS = ("train", "val", "test")
# Share of images that need a named group for groups to be known: a test that recognised every one of the
# others would be lifted by hundredths.
NAMED = 0.95
COPY = "a copy of another image of its class"
_SPOKEN = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Split:
    """Which image trains, which selects, which tests.

    Attributes:
        rows: usable images sorted by path, columns as the index (label int64) with `group` joined over
            duplicates and `split`; the RangeIndex is the row number that the loader gives back.
        set_aside: the index's other rows, with `error` saying why.
        root: folder that the paths count from.
        fingerprint: sha256 of (path, sha256, label, group, split) of the rows.
        groups_known: nearly all images have a named group; any other is its own, but for duplicates.
        given: splits that were given with the images, such as ("train", "test"); empty: all made here.
        duplicates: what the set holds twice, or nearly, as `find_duplicates` gives it.
        groups_named: how many of the rows name a group, or are joined to one that does.
    """

    rows: pd.DataFrame
    set_aside: pd.DataFrame
    root: Path
    fingerprint: str
    groups_known: bool
    given: tuple[str, ...]
    duplicates: pd.DataFrame
    groups_named: int = 0

    def part(self, name: str) -> pd.DataFrame:
        """Rows of `train`, `val` or `test`, with their row numbers as index."""
        if name not in SPLITS:
            raise ValueError(f"no split is called '{name}': {', '.join(SPLITS)}")
        return self.rows[self.rows["split"] == name]

    @property
    def why_groups_unknown(self) -> str:
        """What is missing, as part of a sentence; empty where groups are known."""
        if self.groups_known:
            return ""
        if not self.groups_named:
            return "nothing names groups"
        return f"only {self.groups_named:,} of {len(self.rows):,} images have a named group"


def split_study(study: Study, index: pd.DataFrame) -> Split:
    """Assign every usable image to training, validation or test.

    Raises:
        StudyError: a split lacks a class, splits were given without one for training, or the study asks for
            an original flaw of split or labels.
    """
    _refuse_defects(study)
    rows = index.sort_values("path", ignore_index=True)
    named = rows["group"] != rows["path"]
    links = find_links(rows, study.data.near_duplicates)
    table = describe_links(rows, links)
    both = both_labels(rows, links)
    rows.loc[both, "error"] = "the same image is under real and under fake"
    links = links[~both[links["first"]]]
    copied = join_groups(rows, links[links["kind"] == EXACT])
    rows["group"] = join_groups(rows, links)
    given = _given_splits(rows)
    rows["split"] = [given.get(name, "") for name in rows["given_split"]]
    rows["error"] = rows["error"].where(rows["error"] != "", _given_conflicts(rows, given, copied))
    rows["error"] = rows["error"].where(rows["error"] != "", _copies(rows, links))
    good = rows["error"] == ""
    usable = rows[good].reset_index(drop=True).astype({"label": "int64"})
    usable["split"] = _assign(study, usable, given)
    aside = rows[~good].drop(columns="split").reset_index(drop=True)
    _refuse_one_class(study, usable, aside, given)
    prove_disjoint(usable)
    content = usable[["path", "sha256", "label", "group", "split"]].to_numpy().tolist()
    names = tuple(name for name in SPLITS if name in given.values())
    count = int(usable["group"].isin(set(rows.loc[named, "group"])).sum())
    known = count >= NAMED * len(usable)
    return Split(usable, aside, study.pictures, digest(content), known, names, table, count)


def prove_disjoint(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what two splits share, pair by pair: paths, contents and groups, each of which must be none.

    Returns:
        One row a pair of splits: the pair, and shared images, contents (sha256) and groups, all 0.
    Raises:
        RuntimeError: something is shared. No study may go on with such a split.
    """
    found = {}
    for key in ("path", "sha256", "group"):
        codes, names = pd.factorize(rows[key])
        found[key] = {name: np.zeros(len(names), bool) for name in SPLITS}
        for name, held in found[key].items():
            held[codes[rows["split"] == name]] = True
    proof = []
    for one, other in combinations(SPLITS, 2):
        shared = [int((held[one] & held[other]).sum()) for held in found.values()]
        proof.append((f"{_SPOKEN[one]} and {_SPOKEN[other]}", *shared))
    table = pd.DataFrame(proof, columns=["splits", "shared images", "shared contents", "shared groups"])
    if table.iloc[:, 1:].to_numpy().any():
        raise RuntimeError(f"the split is not disjoint:\n{table.to_string(index=False)}")
    return table


def set_aside(rows: pd.DataFrame, examples: int = 3) -> pd.DataFrame:
    """What was not used and why: reason, images, first examples; most frequent first.

    Args:
        rows: an index, or `Split.set_aside`; rows whose `error` is empty do not count.
    """
    found = rows[rows["error"] != ""].sort_values("path").groupby("error", sort=True)["path"]
    table = pd.DataFrame(
        {
            "images": found.size(),
            "first examples": found.apply(lambda paths: ", ".join(paths.iloc[:examples])),
        }
    )
    table = table.rename_axis("reason").reset_index()
    return table.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def _refuse_defects(study: Study) -> None:
    """Torn groups and guessed labels are measured beside a study; they never are its own."""
    for name in ("random_split", "substring_labels"):
        if getattr(study.protocol, name):
            raise StudyError(
                f"protocol.{name} is on, and no result on such a split would mean anything",
                "turn it off: chapter 08 measures it beside the study (defects.measured)",
            )


def _given_splits(rows: pd.DataFrame) -> dict[str, str]:
    """Name of a given split -> what it is used as; empty where no split is given."""
    found = set(rows.loc[rows["error"] == "", "given_split"]) - {""}
    counts = rows.loc[rows["error"] == "", "given_split"].value_counts()
    if len(found) == 1 and "" in counts:
        name = next(iter(found))
        raise StudyError(
            f"{counts[name]:,} images are given as {name}, and {counts['']:,} are given as nothing",
            "say of the others whether they train, val or test (a folder's name, or the column split of "
            "index.csv), or take the one name away: then the split is made here",
        )
    if len(found) < 2:  # a single part of a set, such as its test folder, is split like any other set
        return {}
    if "train" not in found:
        raise StudyError(
            f"the images are given as {' and '.join(sorted(found))}, and none for training",
            "name a folder train, or take those names away: then the split is made here",
        )
    # Two parts are a training and a test set, whatever the second is called.
    return {name: name if "test" in found or name == "train" else "test" for name in found}


def _given_conflicts(rows: pd.DataFrame, given: dict[str, str], copied: pd.Series) -> pd.Series:
    """Rows that given splits leave without a place, or on the wrong side of a shared group.

    Args:
        copied: groups joined over exact copies alone; `rows["group"]` is joined over near-duplicates as well.
    """
    reason = pd.Series("", index=rows.index)
    if not given:
        return reason
    usable = rows["error"] == ""
    reason[usable & (rows["split"] == "")] = "in no split, where others are given one"
    for later in ("val", "test"):  # the test keeps what it has; so does validation against training
        there = usable & (rows["split"] == later)
        earlier = usable & rows["split"].isin(SPLITS[: SPLITS.index(later)])
        spoken = f"in the given {_SPOKEN[later]} set"
        near = f"it, or an image of its group, has a near-duplicate {spoken}"
        reason[earlier & rows["group"].isin(set(rows.loc[there, "group"]))] = near
        same = copied.isin(set(copied[there]))
        reason[earlier & same] = f"its group, or an exact copy, is also {spoken}"
    return reason


def _copies(rows: pd.DataFrame, links: pd.DataFrame) -> pd.Series:
    """Usable rows that repeat another usable one, but for those of a given validation or test set."""
    exact = links[links["kind"] == EXACT]
    content = pd.Series(rows.index, index=rows.index)
    content[exact["second"]] = exact["first"].to_numpy()
    usable = rows["error"] == ""
    repeats = usable & content.where(usable).duplicated() & ~rows["split"].isin(["val", "test"])
    return repeats.map({True: COPY, False: ""})


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


def _refuse_one_class(study: Study, rows: pd.DataFrame, aside: pd.DataFrame, given: dict[str, str]) -> None:
    for name in SPLITS:
        for label, spoken in CLASS_NAMES.items():
            if ((rows["split"] == name) & (rows["label"] == label)).any():
                continue
            groups = rows.loc[rows["label"] == label, "group"].nunique()
            message = (
                f"{study.pictures}: the {_SPOKEN[name]} set holds no {spoken} image; "
                f"usable {spoken} images come from {groups:,} group{'s' * (groups != 1)}"
            )
            if len(aside):
                reason = set_aside(aside)["reason"].iloc[0]
                message += f"; {len(aside):,} of the set are excluded, most because: {reason}"
            hint = f"add {spoken} images of other groups: three splits need three groups of each class"
            if given:
                hint = f"add {spoken} images to the given parts, or take their names away to split here"
            raise StudyError(message, hint)
