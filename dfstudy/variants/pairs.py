"""The variants of chapter 09's pairs: the study's training, and the same with each fake beside its source.

Takes a study and its split; gives `pairs_shuffled`, whose runs are the study's own, and `pairs_paired`: the
same network, recipe, seeds, images and steps, each image once an epoch, but a batch that holds a fake holds a
real of its own, as many as both classes allow. The real is the one that the fake's `source` in index.csv
names by its path, else any of its group. None where `pairs.measured` is off, or `why_no_pairs` says why.
Cost: none.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.data.columns import NOTES, PAIR
from dfstudy.system.provenance import digest
from dfstudy.variants.variant import Variant, methods_of, with_recipe

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

SHUFFLED, PAIRED = "pairs_shuffled", "pairs_paired"
OWN_FAKES = "self_blend"  # the policy, at any strength


def list_pairs(study: Study, split: Split) -> list[Variant]:
    """Both ways of training, the shuffled one first."""
    if not study.pairs.measured or why_no_pairs(study, split):
        return []
    short, learned = with_recipe(study, study.pairs.seeds), methods_of(split)
    return [Variant(SHUFFLED, learned, short, split), Variant(PAIRED, learned, short, pair_rows(split))]


def why_no_pairs(study: Study, split: Split) -> str:
    """Why a fake cannot be put beside its source; empty where it can."""
    if study.augment.policy.partition("*")[0] == OWN_FAKES:
        return (
            f"under {study.augment.policy} each fake is made of a real image, and the set's own are not seen"
        )
    if study.training.batch_size < 2:
        return "a batch holds one image"
    if not paired_share(pair_rows(split)):
        return "no training fake names a training image as its source, or shares a group with a real one"
    return ""


def pair_rows(split: Split) -> Split:
    """The split with a column `pair`, alike for the reals and fakes that may stand beside each other."""
    rows = split.rows
    notes = rows[NOTES] if NOTES in rows else [""] * len(rows)
    sources = [json.loads(text).get("source", "") if text else "" for text in notes]
    real = rows["label"] == 0
    known = set(rows.loc[real & (rows["split"] == "train"), "path"])
    named = np.where(~real & np.isin(sources, sorted(known)), sources, "")
    used = set(named) - {""}
    own = [
        f"source/{source or path}" if source or path in used else f"group/{group}"
        for source, path, group in zip(named, rows["path"], rows["group"], strict=True)
    ]
    return replace(split, rows=rows.assign(**{PAIR: own}), fingerprint=digest([split.fingerprint, own]))


def paired_share(split: Split) -> float:
    """Share of the training fakes that stand beside a real of theirs in any one epoch, 0..1."""
    counts = split.part("train").groupby(PAIR)["label"].agg(["sum", "size"])
    return float(np.minimum(counts["sum"], counts["size"] - counts["sum"]).sum() / counts["sum"].sum())
