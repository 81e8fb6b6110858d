"""Does a network that never learned of forgery solve this set? A linear probe on its features.

Takes a study, its split and the images of the audit; gives `probe.images.auc`: each image is ranked by a
probe that saw none of its group. It stands beside the probe of file and image properties, which sees no face.
Without pretrained weights, or with too few groups, it is not defined and says why. Cost: one forward pass an
image, where features are not kept yet, and a minute of one core for 20,000 images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.number import Number
from dfstudy.predict.features import FrozenFeatures, study_features, why_no_features
from dfstudy.stats.intervals import group_interval, groups_behind, sentences
from dfstudy.stats.linear_probe import HeldOut, cross_validate
from dfstudy.stats.metrics import auc
from dfstudy.stats.units import by_group

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

PROBE, PROPERTIES = "probe.images.auc", "shortcut.together.auc"
SOLVED = 0.95  # AUC from which a set asks for no forensics
CHANCE = 0.5


@dataclass(frozen=True)
class ProbedImages:
    """Images as a probe ranks them that saw none of their group.

    Attributes:
        rows: [n] of the split.
        features: of the network before training; none where there is nothing to probe.
        held: what the probes say; none likewise.
        why: there is none; empty where there is.
        seed: of the folds.
    """

    rows: pd.DataFrame
    features: FrozenFeatures | None
    held: HeldOut | None
    why: str
    seed: int

    def cross_validate(self, labels: np.ndarray) -> HeldOut:
        """What probes say that learn these labels [n].

        Raises:
            ValueError: too few groups to learn from.
        """
        kinds = self.rows["method"].where(labels == 1, "").to_numpy(str)
        return cross_validate(self.features, labels, kinds, self.rows["group"].to_numpy(str), self.seed)


def hold_out_images(study: Study, split: Split, rows: pd.DataFrame, progress: bool = True) -> ProbedImages:
    """Each image ranked by a probe of other groups.

    Args:
        rows: of the split, as many as are to be probed.
    """
    seed, why = study.evaluate.seed, why_no_features(study)
    if why:
        return ProbedImages(rows, None, None, why, seed)
    probed = ProbedImages(rows, study_features(study, split, rows, progress), None, "", seed)
    try:
        return replace(probed, held=probed.cross_validate(rows["label"].to_numpy("int64")))
    except ValueError as error:  # too few groups to learn from
        return replace(probed, why=str(error))


def probe_images(study: Study, probed: ProbedImages) -> list[Number]:
    """The number."""
    rows, held, features = probed.rows, probed.held, probed.features
    if held is None or features is None:
        return [Number(PROBE, None, "AUC", len(rows), note=probed.why)]
    labels, groups = rows["label"].to_numpy("int64"), rows["group"].to_numpy(str)
    interval = group_interval(
        lambda weights: auc(labels, held.ranks, weights), groups, settings=by_group(study.evaluate)
    ).student("share", groups_behind(labels, groups))
    note = sentences(
        f"linear probe on {features.width:,} features of {study.model.backbone} before training",
        f"cross-validated over {len(held.strengths)} folds of whole groups",
    )
    return [interval.number(PROBE, unit="AUC", n=len(rows), note=note)]


def tell_probe(numbers: Mapping[str, Number]) -> str:
    """What the probe says of the set, with a small table, for `say`."""
    number = numbers[PROBE]
    if number.value is None:
        return f"**Not measured:** {number.note}."
    if number.low is not None and number.low >= SOLVED:
        said = (
            "A network that never learned of forgery all but solves this set: a good result on it says "
            "little about forensics."
        )
    elif number.low is not None and number.low > CHANCE:
        said = (
            "A network that never learned of forgery ranks these images better than chance. A detector "
            "has to do better than that, as chapter 04 asks."
        )
    else:
        said = "These features do not rank the images measurably better than chance."
    return (
        "| probe, cross-validated | AUC |\n|---|---|\n"
        f"| features of the network before training | {{{PROBE}}} |\n"
        f"| properties of file and image, no face | {{{PROPERTIES}}} |\n\n"
        f"{said}"
    )
