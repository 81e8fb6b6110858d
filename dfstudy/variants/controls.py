"""The variants of chapter 05's controls: trainings between which there is nothing to find.

Takes a study and its split; gives `control_same`, the first named policy once more with seeds that no other
run has, and `control_permuted`, the same with the labels of training and of validation images dealt anew
among the images of each part. A comparison that finds a difference between equal recipes, or learning where
labels mean nothing, would find either anywhere. None where no policy is named or `policies.controls` is off.
Cost: none.
"""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.variants.policies import Trained, shortened, without_unseen
from dfstudy.variants.variant import Variant, methods_of, with_recipe, with_table

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

SAME, PERMUTED = "control_same", "control_permuted"


def list_controls(study: Study, split: Split) -> list[Variant]:
    """Equal recipes, and permuted labels with one seed."""
    if not study.policies.names or not study.policies.controls:
        return []
    first = shortened(study, Trained(study.policies.names[0], study.training.epochs))
    own = without_unseen(study, split)
    used = set(study.training.seeds)
    fresh = itertools.islice(
        (seed for seed in itertools.count() if seed not in used), len(first.training.seeds)
    )
    same = first.model_copy(update={"training": first.training.model_copy(update={"seeds": list(fresh)})})
    lost = permute_labels(own, study.data.split_seed)
    single = with_recipe(first, 1)
    return [
        Variant(SAME, methods_of(own), same, own),
        Variant(PERMUTED, methods_of(lost), single, lost),
    ]


def permute_labels(split: Split, seed: int) -> Split:
    """Labels and methods of training and of validation dealt anew within each part; the test stays.

    As many images are fake as before, and which are says nothing about them. The order hashes seed and path,
    so that it is the same on every machine.
    """
    rows = split.rows.copy()
    for part in ("train", "val"):
        own = rows.index[rows["split"] == part].to_numpy()
        keys = [hashlib.sha256(f"permuted/{seed}/{rows.at[at, 'path']}".encode()).digest() for at in own]
        order = own[np.array(sorted(range(len(own)), key=keys.__getitem__), dtype=int)]
        for column in ("label", "method"):
            rows.loc[own, column] = rows.loc[order, column].to_numpy()
    return with_table(split, rows)
