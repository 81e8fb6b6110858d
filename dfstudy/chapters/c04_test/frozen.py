"""Was training needed? A linear probe on features of the network as its weights came, beside the detector.

Takes a study, its split and one table of `predict` a seed; gives `probe.test.auc`, of a probe that learned
from the training images and chose its penalty on validation, and `probe.test.auc.difference`, detector minus
probe on the same test images, with an interval over groups and seeds. Without pretrained weights, or with too
few groups, both are not defined and say why. Cost: one forward pass an image, where features are not kept
yet, and seconds for the probe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.data.subsample import thin_groups
from dfstudy.number import Number
from dfstudy.predict.features import study_features, why_no_features
from dfstudy.stats.aligned import Aligned, align
from dfstudy.stats.intervals import group_interval, groups_behind, sentences
from dfstudy.stats.linear_probe import MOST, fit_probe
from dfstudy.stats.metrics import auc
from dfstudy.stats.paired import paired_difference

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.stats.weighted import Floats
    from dfstudy.study.study import Study

PROBE, DIFFERENCE = "probe.test.auc", "probe.test.auc.difference"


def probe_test(
    study: Study, split: Split, predictions: Sequence[pd.DataFrame], progress: bool = True
) -> list[Number]:
    """The two numbers.

    Args:
        predictions: one table of `predict` a seed, of the test.
    """
    test = align(predictions)
    why = why_no_features(study)
    if not why:
        try:
            log_odds, told = _score(study, split, test, progress)
        except ValueError as error:  # too few groups to learn from
            why = str(error)
    if why:
        return [Number(name, None, "AUC", len(test), note=why) for name in (PROBE, DIFFERENCE)]
    units, settings = test.units(study.evaluate.level), study.evaluate
    alone = group_interval(
        lambda weights: auc(test.labels, log_odds, weights), units, settings=settings
    ).student("share", groups_behind(test.labels, units))
    same = np.tile(log_odds, (test.seeds, 1))  # the probe has no seed
    apart = paired_difference(test.labels, same, test.probabilities, units, settings)
    note = "detector minus linear probe on features before training"
    return [
        alone.number(PROBE, unit="AUC", n=len(test), note=told),
        apart.number(DIFFERENCE, unit="AUC", n=len(test), note=note),
    ]


def tell_probe(numbers: Mapping[str, Number]) -> str:
    """What training brought, with a small table, for `say`."""
    number = numbers[DIFFERENCE]
    if number.value is None:
        return f"**Not measured:** {number.note}."
    if number.low is None or number.high is None:
        said = "There is no interval, so whether training was needed cannot be told."
    elif number.low > 0:
        said = "Training was needed: the whole interval of the difference lies above 0."
    elif number.high < 0:
        said = (
            "Training was not needed: the whole interval of the difference lies below 0, so the features "
            "that the weights came with rank these images better than the trained network does."
        )
    else:
        said = "Whether training was needed cannot be told: the interval of the difference holds 0."
    return (
        "| | test AUC |\n|---|---|\n"
        f"| detector, after training | {{test.auc}} |\n"
        f"| linear probe on features before training | {{{PROBE}}} |\n"
        f"| difference, detector minus probe | {{{DIFFERENCE}}} |\n\n"
        f"{said}"
    )


def _score(study: Study, split: Split, test: Aligned, progress: bool) -> tuple[Floats, str]:
    """Log-odds of each test image, and what was probed.

    Raises:
        ValueError: too few groups to learn from.
    """
    seed = study.evaluate.seed
    learned = [thin_groups(split.part(name), MOST, seed) for name in ("train", "val")]
    tested = split.part("test").set_index("path", drop=False).loc[test.pictures["path"]]
    images = pd.concat([*learned, tested], ignore_index=True)
    features = study_features(study, split, images, progress)
    part = images["split"].to_numpy(str)
    probe = fit_probe(
        features, images["label"], images["group"].to_numpy(str), part == "train", part == "val"
    )
    note = (
        f"linear probe on {features.width:,} features of {study.model.backbone} before training",
        f"learned from {int((part == 'train').sum()):,} training images, penalty chosen on validation "
        f"(C = {probe.strength:g})",
    )
    return probe(features.part(part == "test")), sentences(*note)
