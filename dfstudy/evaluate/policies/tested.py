"""What the trainings of chapter 05 say about pictures: the test, their own training, and corrupted pictures.

Takes a study and its split; gives a `Tested` for each training that a comparison needs. Probabilities are
after each run's own temperature, which does not change their order. Corrupted pictures meet the named
policies at the full budget alone, at one severity in the middle. Refused: as `predict`. Cost: trains what is
missing; then one forward pass a run and picture, and one more a corruption for each named policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
from scipy.special import expit

from dfstudy.evaluate.arms import POLICIES, Arm, list_arms
from dfstudy.evaluate.arms.policies import Trained
from dfstudy.evaluate.corrupted import Condition, predict_corrupted
from dfstudy.evaluate.corruptions import CORRUPTIONS
from dfstudy.evaluate.predict import predict
from dfstudy.study import Study

if TYPE_CHECKING:
    from dfstudy.data import Split
    from dfstudy.train import Run

SEVERITY = 3  # of 5: visible, and no picture is unrecognisable
CONDITIONS = tuple(Condition(name, SEVERITY) for name in CORRUPTIONS)


@dataclass(frozen=True)
class Tested:
    """The runs of one training, one table a seed in each list.

    Attributes:
        learned: forgery methods among its training pictures.
        test: of `predict` on the test, the probability calibrated.
        clean: of the run: logits of its training and validation pictures.
        corrupted: of `predict_corrupted`; empty where the training does not meet corrupted pictures.
        temperatures: one a run, from validation; none counts as 1.
        losses: validation loss by epoch, one list a run.
    """

    learned: tuple[str, ...]
    test: list[pd.DataFrame]
    clean: list[pd.DataFrame]
    corrupted: list[pd.DataFrame]
    temperatures: list[float] = field(default_factory=list)
    losses: list[list[float]] = field(default_factory=list)

    def is_same(self, other: Tested) -> bool:
        """Seed by seed the very same scores: what the two trainings differ in changed no weight."""
        sides = zip(self.test + self.clean, other.test + other.clean, strict=True)
        columns = ["path", "logit"]
        return all(one[columns].equals(another[columns]) for one, another in sides)


def run_policies(study: Study, split: Split, progress: bool = True) -> dict[Trained, Tested]:
    """Find or train every arm's runs and predict; empty where no policy is named.

    Args:
        split: the study's own.
    """
    arms = list_arms(study, split, POLICIES)
    runs = {_trained(arm): (arm, arm.train(progress)) for arm in arms}
    whole = [
        trained
        for trained in runs
        if trained.epochs == study.training.epochs and trained.policy in study.policies.names
    ]
    corrupted = _corrupt(study, [runs[trained] for trained in whole], progress)
    return {
        trained: Tested(
            tuple(sorted(arm.split.part("train").query("label == 1")["method"].unique())),
            [calibrated(predict(run, arm.split, "test", progress), run) for run in own],
            [run.clean for run in own],
            corrupted.get(trained, []),
            [run.checkpoint["temperature"] for run in own],
            [run.history["val_loss"].tolist() for run in own],
        )
        for trained, (arm, own) in runs.items()
    }


def calibrated(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The table of `predict` with probabilities after the run's temperature."""
    return table.assign(probability=expit(table["logit"].to_numpy() / run.checkpoint["temperature"]))


def _trained(arm: Arm) -> Trained:
    return Trained(arm.study.augment.policy, arm.study.training.epochs)


def _corrupt(
    study: Study, trained: Sequence[tuple[Arm, list[Run]]], progress: bool
) -> dict[Trained, list[pd.DataFrame]]:
    """Each picture is corrupted once for all of them, which have one split."""
    if not trained:
        return {}
    every = [run for _, runs in trained for run in runs]
    table = predict_corrupted(every, trained[0][0].split, study.evaluate, CONDITIONS, progress)
    parts = {key: part for key, part in table.groupby(["policy", "seed"], sort=False)}
    return {
        _trained(arm): [parts[arm.study.augment.policy, run.seed] for run in runs] for arm, runs in trained
    }
