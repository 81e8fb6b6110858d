"""What the trainings of chapter 05 say about images: the test, their own training, and corrupted images.

Takes a study and its split; gives a `TestedVariant` for each training that a comparison needs. Probabilities
are calibrated on each run's own validation, which does not change their order. Corrupted images meet the
named policies at the full budget alone, at one severity in the middle. Refused: as `predict`. Cost: trains
what is missing; then one forward pass a run and image, and one more a corruption for each named policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.predict.corruptions import CORRUPTIONS
from dfstudy.predict.predict import predict
from dfstudy.predict.predict_corrupted import Condition, predict_corrupted
from dfstudy.stats.calibration import calibrate_run
from dfstudy.stats.learning import Learning, judge_learning
from dfstudy.variants.policies import Trained
from dfstudy.variants.registry import POLICIES, list_variants

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run
    from dfstudy.variants.variant import Variant

SEVERITY = 3  # of 5: visible, and no image is unrecognisable
CONDITIONS = tuple(Condition(name, SEVERITY) for name in CORRUPTIONS)


@dataclass(frozen=True)
class TestedVariant:
    """The runs of one training, one table a seed in each list.

    Attributes:
        learned: forgery methods among its training images.
        test: of `predict` on the test, the probability calibrated.
        clean: of the run: logits of its training and validation images.
        corrupted: of `predict_corrupted`; empty where the training does not meet corrupted images.
        losses: validation loss by epoch, one list a run.
    """

    learned: tuple[str, ...]
    test: list[pd.DataFrame]
    clean: list[pd.DataFrame]
    corrupted: list[pd.DataFrame]
    losses: list[list[float]] = field(default_factory=list)

    def judge(self, settings: Evaluate) -> Learning:
        """Whether these runs have learned."""
        return judge_learning(self.clean, self.losses, settings)

    def is_same(self, other: TestedVariant) -> bool:
        """Seed by seed the very same scores: what the two trainings differ in changed no weight."""
        sides = zip(self.test + self.clean, other.test + other.clean, strict=True)
        columns = ["path", "logit"]
        return all(one[columns].equals(another[columns]) for one, another in sides)


def run_policies(study: Study, split: Split, progress: bool = True) -> dict[Trained, TestedVariant]:
    """Find or train every variant's runs and predict; empty where no policy is named.

    Args:
        split: the study's own.
    """
    variants = list_variants(study, split, POLICIES)
    runs = {_trained(variant): (variant, variant.train(progress)) for variant in variants}
    whole = [
        trained
        for trained in runs
        if trained.epochs == study.training.epochs and trained.policy in study.policies.names
    ]
    corrupted = _corrupt(study, [runs[trained] for trained in whole], progress)
    return {
        trained: _test(variant, own, corrupted.get(trained, []), progress)
        for trained, (variant, own) in runs.items()
    }


def run_variant(variant: Variant, progress: bool = True) -> TestedVariant:
    """Find or train one variant's runs and predict the test; no corrupted image."""
    return _test(variant, variant.train(progress), [], progress)


def _test(variant: Variant, runs: list[Run], corrupted: list[pd.DataFrame], progress: bool) -> TestedVariant:
    return TestedVariant(
        tuple(sorted(variant.split.part("train").query("label == 1")["method"].unique())),
        [calibrated(predict(run, variant.split, "test", progress), run) for run in runs],
        [run.clean for run in runs],
        corrupted,
        [run.history["val_loss"].tolist() for run in runs],
    )


def calibrated(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The table of `predict` with calibrated probabilities."""
    return table.assign(probability=calibrate_run(run)(table["logit"].to_numpy()))


def _trained(variant: Variant) -> Trained:
    return Trained(variant.study.augment.policy, variant.study.training.epochs)


def _corrupt(
    study: Study, trained: Sequence[tuple[Variant, list[Run]]], progress: bool
) -> dict[Trained, list[pd.DataFrame]]:
    """Each image is corrupted once for all of them, which have one split."""
    if not trained:
        return {}
    every = [run for _, runs in trained for run in runs]
    table = predict_corrupted(every, trained[0][0].split, study.evaluate, CONDITIONS, progress)
    parts = {key: part for key, part in table.groupby(["policy", "seed"], sort=False)}
    return {
        _trained(variant): [parts[variant.study.augment.policy, run.seed] for run in runs]
        for variant, runs in trained
    }
