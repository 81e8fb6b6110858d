"""The numbers of the training: what it took, and how much better it does on what it has seen.

Takes finished runs, one a seed; gives `Number`s. Values are means over seeds; intervals resample the groups
of training and of validation images, independently of each other, the same draw for every seed.
Both AUCs come from the chosen weights on images that are only resized, so the gap compares like with
like: training scores with augmentation would hide overfitting. Cost: two AUCs a seed and replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.number import Number
from dfstudy.stats.intervals import Floats, group_interval, groups_behind
from dfstudy.stats.learning import judge_runs
from dfstudy.stats.metrics import auc
from dfstudy.stats.units import by_group

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.train.run import Run


def training_numbers(runs: Sequence[Run], settings: Evaluate) -> list[Number]:
    """Numbers `train.*`: the AUC on training and validation images and their gap, and what was trained.

    Args:
        runs: one a seed, on the same split.
    """
    settings = by_group(settings)  # what a run keeps of its training names no video
    tables = [run.clean for run in runs]
    training, validation = (_Part(tables, name) for name in ("train", "val"))
    both = len(training.groups) + len(validation.groups)
    gap = group_interval(
        lambda seen, unseen: training.auc(seen) - validation.auc(unseen),
        training.groups,
        validation.groups,
        settings=settings,
    ).student("gap", (*training.behind, *validation.behind))
    chose = "validation also chose the epoch, so the gap is rather too small than too large"
    epochs = [run.checkpoint["best_epoch"] for run in runs]
    of = ", ".join(f"{best} of {run.checkpoint['epochs']}" for best, run in zip(epochs, runs, strict=True))
    first = runs[0].checkpoint
    return [
        gap.number("train.auc_gap", unit="AUC", n=both, note=chose),
        training.number("train.auc", settings),
        validation.number("train.val_auc", settings),
        *judge_runs(runs, settings).states("train"),
        Number("train.best_epoch", _mean(epochs), "epochs", len(validation.groups), note=of, digits=1),
        Number("train.pictures", len(training.groups), "images", len(training.groups)),
        Number("train.val_pictures", len(validation.groups), "images", len(validation.groups)),
        Number("train.parameters", first["parameters"], "parameters", len(training.groups)),
        Number("train.trainable", first["trainable"], "parameters", len(training.groups)),
        Number("train.seeds", len(runs), "runs", len(training.groups)),
        Number("train.fake_weight", first["fake_weight"], "1", len(training.groups)),
    ]


class _Part:
    """Labels, groups and each seed's logits of one part."""

    def __init__(self, tables: Sequence[pd.DataFrame], name: str) -> None:
        rows = [table[table["part"] == name] for table in tables]
        if any(
            not one["path"].reset_index(drop=True).equals(rows[0]["path"].reset_index(drop=True))
            for one in rows
        ):
            raise ValueError("the runs were trained on different splits")
        self.labels, self.groups = rows[0]["label"].to_numpy(), rows[0]["group"].to_numpy()
        self.behind = groups_behind(self.labels, self.groups)
        self.logits = [one["logit"].to_numpy() for one in rows]

    def auc(self, weights: Floats) -> Floats:
        return np.mean([auc(self.labels, logits, weights) for logits in self.logits], axis=0)

    def number(self, name: str, settings: Evaluate) -> Number:
        found = group_interval(self.auc, self.groups, settings=settings)
        return found.student("share", self.behind).number(name, unit="AUC", n=len(self.groups))


def _mean(epochs: Sequence[int]) -> int | float:
    return epochs[0] if len(epochs) == 1 else float(np.mean(epochs))
