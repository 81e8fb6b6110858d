"""Faults between images: copies over given splits, both labels, torn videos, lost groups, wrong labels.

Takes the table of a set (path, label, method, group, split), a strength 0..1 and a generator; gives a `Plan`:
the table as it will be, how each new image is made of which old one, and what was planted.
The strength is a share, of what `about` says. Splits that a fault needs are given by group, half of the
groups for training, three tenths for the test, the rest for validation, so that nothing is torn but by the
fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import cv2
import numpy as np
import pandas as pd

from dfstudy.data.names import fit_path
from faults.picture import Picture
from faults.shortcuts import PIXELS

Change = Callable[[Picture, np.random.Generator], Picture]


@dataclass
class Plan:
    """What a planted set will hold.

    Attributes:
        table: path, label, method, group, split, and `made_of`, the path of the image that it is made of.
        changes: path of an image that is not copied as it is -> how it is changed.
        touched: paths that the fault concerns.
        pairs: (planted path, the image that it repeats, in which way).
    """

    table: pd.DataFrame
    changes: dict[str, Change] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Relation:
    """One fault between images.

    Attributes:
        about: what is planted, and of what the strength is a share.
        plant: (table, strength, generator) -> plan.
        families: trait families that it changes by class.
    """

    about: str
    plant: Callable[[pd.DataFrame, float, np.random.Generator], Plan]
    families: tuple[str, ...] = ()


def choose(names: list[str], share: float, random: np.random.Generator) -> list[str]:
    """The share of the names, rounded to whole ones, in sorted order."""
    return sorted(random.permutation(np.array(names, object))[: round(share * len(names))])


def give_splits(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The table with splits by group: half of the groups train, a fifth validates, the rest tests."""
    groups = random.permutation(np.array(sorted(table["group"].unique()), object))
    ends = round(0.5 * len(groups)), round(0.7 * len(groups))
    parts = dict.fromkeys(groups[: ends[0]], "train") | dict.fromkeys(groups[ends[0] : ends[1]], "val")
    return table.assign(split=table["group"].map(parts).fillna("test"))


def _again(picture: Picture, random: np.random.Generator) -> Picture:
    return replace(picture, kind="JPEG", options={"quality": 70})


def _smaller(picture: Picture, random: np.random.Generator) -> Picture:
    size = [side * 3 // 4 for side in picture.pixels.shape[1::-1]]
    return replace(picture, pixels=cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA))


def _cropped(picture: Picture, random: np.random.Generator) -> Picture:
    """A hundredth of the side off each edge, at least one pixel."""
    off = [max(1, round(side / 100)) for side in picture.pixels.shape[:2]]
    inner = picture.pixels[off[0] : -off[0], off[1] : -off[1]]
    return replace(picture, pixels=np.ascontiguousarray(inner))


def _next_frame(picture: Picture, random: np.random.Generator) -> Picture:
    """The same scene a moment later: moved by up to a hundredth of the side, other noise, other light."""
    height, width = picture.pixels.shape[:2]
    move = random.uniform(-0.01, 0.01, 2) * (width, height)
    matrix = np.array([[1, 0, move[0]], [0, 1, move[1]]])
    moved = cv2.warpAffine(picture.pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    noisy = moved + random.normal(random.uniform(-3, 3), 2, moved.shape)
    return replace(picture, pixels=np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


COPIES: dict[str, Change | None] = {"the same bytes": None}
NEAR_COPIES: dict[str, Change | None] = {
    "saved again at quality 70": _again,
    "reduced to 3/4": _smaller,
    "cropped by 1 %": _cropped,
}
FRAMES: dict[str, Change | None] = {"the next frame": _next_frame}


def _repeat(plan: Plan, chosen: list[str], ways: dict[str, Change | None], **new: object) -> Plan:
    """Add an image made of each of the chosen ones, in each way in turn; it names no group."""
    rows = plan.table.set_index("path", drop=False)
    added = []
    for at, path in enumerate(chosen):
        way = list(ways)[at % len(ways)]
        place = PurePosixPath(path)
        name = fit_path(str(place.with_suffix("")), f"_b{place.suffix}")
        added.append({**rows.loc[path], "path": name, "group": "", "made_of": path, **new})
        plan.pairs.append((name, path, way))
        plan.touched.append(name)
        if change := ways[way]:
            plan.changes[name] = change
    plan.table = pd.concat([plan.table, pd.DataFrame(added, columns=plan.table.columns)], ignore_index=True)
    return plan


def _over_splits(ways: dict[str, Change | None]) -> Callable:
    def plant(table: pd.DataFrame, strength: float, random: np.random.Generator) -> Plan:
        plan = Plan(give_splits(table, random))
        tested = plan.table.loc[plan.table["split"] == "test", "path"]
        return _repeat(plan, choose(list(tested), strength, random), ways, split="train")

    return plant


def _both_labels(ways: dict[str, Change | None]) -> Callable:
    def plant(table: pd.DataFrame, strength: float, random: np.random.Generator) -> Plan:
        reals = table.loc[table["label"] == 0, "path"]
        method = table.loc[table["label"] == 1, "method"].min()
        chosen = choose(list(reals), strength, random)
        return _repeat(Plan(table), chosen, ways, label=1, method=method)

    return plant


def _torn(table: pd.DataFrame, strength: float, random: np.random.Generator) -> Plan:
    plan = Plan(give_splits(table, random))
    tested = plan.table[plan.table["split"] == "test"]
    sizes = tested["group"].value_counts()
    groups = choose(sorted(sizes[sizes > 1].index), strength, random)
    part = tested[tested["group"].isin(groups)]
    moved = part[part.groupby("group").cumcount() % 2 == 0]["path"]
    plan.touched = sorted(moved)
    plan.table.loc[plan.table["path"].isin(moved), "split"] = "train"
    return plan


def _lost(table: pd.DataFrame, strength: float, random: np.random.Generator) -> Plan:
    lost = table["group"].isin(choose(sorted(table["group"].unique()), strength, random))
    return Plan(table.assign(group=table["group"].mask(lost, "")), touched=sorted(table.loc[lost, "path"]))


def _wrong(table: pd.DataFrame, strength: float, random: np.random.Generator) -> Plan:
    wrong = table["path"].isin(choose(list(table["path"]), strength, random))
    label = table["label"].where(~wrong, 1 - table["label"])
    method = table["method"].mask(wrong & (label == 1), "fake").mask(label == 0, "real")
    return Plan(table.assign(label=label, method=method), touched=sorted(table.loc[wrong, "path"]))


RELATIONS = {
    "copies": Relation(
        "test images that training holds too, byte for byte, under other names; 1: all",
        _over_splits(COPIES),
    ),
    "near_copies": Relation(
        "test images that training holds too, saved again, reduced or cropped; 1: all",
        _over_splits(NEAR_COPIES),
    ),
    "frames": Relation(
        "test images whose next frame is in training, under another group; 1: all", _over_splits(FRAMES)
    ),
    "torn_groups": Relation(
        "test groups half of whose images are given as training, under their own name; 1: all", _torn
    ),
    "both_labels": Relation("real images that are under fake too; 1: all", _both_labels(COPIES)),
    "both_labels_near": Relation(
        "real images that are under fake too, saved again, reduced or cropped; 1: all",
        _both_labels(NEAR_COPIES),
        ("compression", "file_size", "geometry", *PIXELS),
    ),
    "lost_groups": Relation("groups whose name is lost, each image by itself; 1: all", _lost),
    "wrong_labels": Relation("images whose label is the other one; 1: all", _wrong),
}
