"""What the runs of an arm say about the test pictures.

Takes arms (see `dfstudy.variants.registry`); gives an `Outcome` for each, and what its network costs. Arms
are trained where they are not yet. Cost: predictions of the test pictures, once a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from dfstudy.chapters.c06_transfer.names import name_models
from dfstudy.predict.predict import predict
from dfstudy.stats.learning import Learning, judge_runs

if TYPE_CHECKING:
    from dfstudy.study.recipe import Model
    from dfstudy.variants.arm import Arm


@dataclass(frozen=True)
class Outcome:
    """One arm, tested.

    Attributes:
        network: its name, see `name_models`.
        trained_on: forgery methods that it learned.
        tables: one of `predict` a seed.
        thresholds: each seed's, from validation.
        seconds: each seed's training, as it was measured; empty where that is not known.
        learning: whether its runs have learned; None where that is not known.
    """

    name: str
    network: str
    trained_on: tuple[str, ...]
    tables: list[pd.DataFrame]
    thresholds: list[float]
    seconds: tuple[float, ...] = ()
    learning: Learning | None = None


def run_arms(arms: Sequence[Arm], progress: bool = True) -> list[Outcome]:
    """Find or train every arm's runs and predict the test pictures."""
    names = name_networks(arms)
    tested = []
    for arm in arms:
        runs = arm.train(progress)
        tables = [predict(run, arm.split, "test", progress) for run in runs]
        thresholds = [run.checkpoint["threshold"] for run in runs]
        seconds = tuple(float(run.timings["seconds"].sum()) for run in runs)
        network = names[_key(arm.study.model)]
        learning = judge_runs(runs, arm.study.evaluate)
        tested.append(Outcome(arm.name, network, arm.trained_on, tables, thresholds, seconds, learning))
    return tested


def name_networks(arms: Sequence[Arm]) -> dict[str, str]:
    """A name for each network, by its settings."""
    models = {_key(arm.study.model): arm.study.model for arm in arms}
    return dict(zip(models, name_models(list(models.values())), strict=True))


def network_models(arms: Sequence[Arm]) -> dict[str, Model]:
    """The settings of each network of the arms, by its name."""
    names = name_networks(arms)
    return {names[_key(arm.study.model)]: arm.study.model for arm in arms}


def _key(model: Model) -> str:
    return model.model_dump_json()
