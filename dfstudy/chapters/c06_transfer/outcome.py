"""What the runs of a variant say about the test images.

Takes variants (see `dfstudy.variants.registry`); gives an `Outcome` for each, and what its network costs.
Variants are trained where they are not yet. Cost: predictions of the test images, once a run.
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
    from dfstudy.variants.variant import Variant


@dataclass(frozen=True)
class Outcome:
    """One variant, tested.

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


def run_variants(variants: Sequence[Variant], progress: bool = True) -> list[Outcome]:
    """Find or train every variant's runs and predict the test images."""
    names = name_networks(variants)
    tested = []
    for variant in variants:
        runs = variant.train(progress)
        tables = [predict(run, variant.split, "test", progress) for run in runs]
        thresholds = [run.checkpoint["threshold"] for run in runs]
        seconds = tuple(float(run.timings["seconds"].sum()) for run in runs)
        network = names[_key(variant.study.model)]
        learning = judge_runs(runs, variant.study.evaluate)
        tested.append(
            Outcome(variant.name, network, variant.trained_on, tables, thresholds, seconds, learning)
        )
    return tested


def name_networks(variants: Sequence[Variant]) -> dict[str, str]:
    """A name for each network, by its settings."""
    models = {_key(variant.study.model): variant.study.model for variant in variants}
    return dict(zip(models, name_models(list(models.values())), strict=True))


def network_models(variants: Sequence[Variant]) -> dict[str, Model]:
    """The settings of each network of the variants, by its name."""
    names = name_networks(variants)
    return {names[_key(variant.study.model)]: variant.study.model for variant in variants}


def _key(model: Model) -> str:
    return model.model_dump_json()
