"""The variants of chapter 09's learning curve: the study's own network on shares of the training groups.

Takes a study and its split; gives a variant for each draw and share below all, `curve_25-draw_0`, with the
study's first seed, and `curve_all`, which is the study's own run; none where `learning_curve.networks` is
off. Validation and test stay. Cost: a hash a group and draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dfstudy.data.subsample import nest_groups
from dfstudy.variants.variant import Variant, methods_of, with_recipe, with_rows

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

WHOLE = "curve_all"


def list_curve(study: Study, split: Split) -> list[Variant]:
    """Draw by draw, each from the smallest share; the one of all images last."""
    wanted = study.learning_curve
    if not wanted.networks or not wanted.shares:
        return []
    short = with_recipe(study, 1, devices=study.training.devices)
    trains = (split.rows["split"] == "train").to_numpy()
    variants = []
    nested = nest_groups(split.part("train"), wanted.shares[:-1], wanted.draws, study.evaluate.seed)
    for draw, parts in enumerate(nested):
        for share, part in zip(wanted.shares, parts, strict=False):
            keep = ~trains
            keep[np.flatnonzero(trains)[part]] = True
            own = with_rows(split, keep)
            name = f"curve_{f'{100 * share:g}'.replace('.', '_')}-draw_{draw}"
            variants.append(Variant(name, methods_of(own), short, own))
    return [*variants, Variant(WHOLE, methods_of(split), short, split)]
