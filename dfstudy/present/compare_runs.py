"""Two finished runs side by side: what was set differently, how they learned, and whether they differ.

Takes two runs, or as many seeds of each of two ways of training; gives a `RunsCompared`, which a notebook
shows as three tables. Differences are the second's minus the first's. The validation images that both have
are compared image by image, with an interval over groups; with several seeds it covers other seeds as well. A
validation set has chosen the epoch and the threshold of its run, so it says which of two runs is better and
by how much, and not how good either is. Refused: runs that are not finished, and unequal numbers of seeds.
Cost: a second.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from dfstudy.errors import StudyError
from dfstudy.present.numbers import number_table
from dfstudy.stats.intervals import sentences
from dfstudy.stats.paired import paired_difference
from dfstudy.stats.registry import METRICS
from dfstudy.stats.units import by_group
from dfstudy.study.comparisons import Evaluate
from dfstudy.train.find import find_run
from dfstudy.train.run import Run, load_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dfstudy.number import Number

RunLike = Run | str | os.PathLike[str]
SIDES = ("first", "second")
PARTS = ("model", "training", "protocol")  # of a run's description: sections of its study
SHORT = 12  # of a digest
WHOLE = {  # values of a run's description: what they are called here, and how much of them is shown
    "policy": ("augment.policy", None),
    "device": ("device", None),
    "fingerprint": ("images and split", SHORT),
    "code": ("code", SHORT),
}
UNSET = "not set"
CURVES = ("val_auc", "val_loss", "train_auc", "train_loss")  # of a run's history
COMPARED = ("auc", "log_loss")


@dataclass(frozen=True)
class RunsCompared:
    """What two runs, or two ways of training, say of each other.

    Attributes:
        settings: a row for each setting that differs: setting, first, second.
        epochs: a row for each epoch of the longer one: epoch, and val_auc, val_loss, train_auc, train_loss of
            each side at its end, means over seeds. Losses weigh the classes as the training did.
        differences: `compare.auc` and `compare.log_loss` on the validation images that both have, second
            minus first; empty where they share none.
        seeds: runs of each side.
    """

    settings: pd.DataFrame
    epochs: pd.DataFrame
    differences: list[Number]
    seeds: int

    def _repr_html_(self) -> str:
        alike = "Every setting is the same." if self.settings.empty else self.settings.to_html(index=False)
        curves = self.epochs.to_html(index=False, float_format="{:.3f}".format, na_rep="")
        difference = "The two have no validation image in common."
        if self.differences:
            difference = number_table(self.differences).to_html(index=False)
        return (
            f"<p><b>Settings that differ</b></p>{alike}<p><b>At the end of each epoch</b></p>{curves}"
            f"<p><b>On the same validation images: second minus first</b></p>{difference}"
        )


def compare_runs(
    first: RunLike | Sequence[RunLike], second: RunLike | Sequence[RunLike], evaluate: Evaluate | None = None
) -> RunsCompared:
    """Compare two finished runs, or two lists of them.

    Args:
        first, second: a `Run`, the folder of one, or results such as `reports/sample` or `sample`, see
            `dfstudy.train.find`; or a list of these, one a training seed, the same seed at the same place.
        evaluate: replicates, confidence and seed of the intervals; None is the default.

    Raises:
        StudyError: a run is not there or not finished, or the lists are not equally long.
    """
    sides = [_load(side) for side in (first, second)]
    if len(sides[0]) != len(sides[1]) or not sides[0]:
        counts = " and ".join(str(len(side)) for side in sides)
        raise StudyError(
            f"{counts} runs cannot be compared", "give one of each, or lists of as many seeds, in one order"
        )
    differences = _compare_validation(sides, by_group(evaluate or Evaluate()))
    return RunsCompared(_compare_settings(sides), _compare_epochs(sides), differences, len(sides[0]))


def _load(side: RunLike | Sequence[RunLike]) -> list[Run]:
    listed = [side] if isinstance(side, Run | str | os.PathLike) else list(side)
    return [one if isinstance(one, Run) else load_run(find_run(one)) for one in listed]


def _compare_settings(sides: Sequence[Sequence[Run]]) -> pd.DataFrame:
    told = [_describe(side) for side in sides]
    names = dict.fromkeys([*told[0], *told[1]])
    rows = [(name, *(one.get(name, UNSET) for one in told)) for name in names]
    return pd.DataFrame([row for row in rows if row[1] != row[2]], columns=["setting", *SIDES], dtype=object)


def _describe(side: Sequence[Run]) -> dict[str, str]:
    """What shaped the runs, by the keys of a study file; of the original flaws those that are on."""
    told = side[0].checkpoint
    found = {f"{part}.{name}": str(value) for part in PARTS for name, value in _items(told.get(part))}
    found |= {key: str(told[name])[:most] for name, (key, most) in WHOLE.items() if name in told}
    found |= {f"version of {name}": str(value) for name, value in _items(told.get("versions"))}
    return found | {"seeds": ", ".join(str(run.seed) for run in side)}


def _items(section: Any) -> list[tuple[str, Any]]:
    return list(section.items()) if isinstance(section, Mapping) else []


def _compare_epochs(sides: Sequence[Sequence[Run]]) -> pd.DataFrame:
    means = [
        pd.concat([run.history for run in side]).groupby("epoch")[list(CURVES)].mean().add_suffix(f", {name}")
        for side, name in zip(sides, SIDES, strict=True)
    ]
    both = means[0].join(means[1], how="outer").sort_index()
    return both[[f"{curve}, {name}" for curve in CURVES for name in SIDES]].reset_index()


def _compare_validation(sides: Sequence[Sequence[Run]], evaluate: Evaluate) -> list[Number]:
    tables = [[_validation(run) for run in side] for side in sides]
    every = [table for side in tables for table in side]
    shared = every[0].index
    for table in every[1:]:
        shared = shared.intersection(table.index)
    shared = shared.sort_values()
    known = every[0].loc[shared]
    # flaws of the original protocol may guess labels: an image with two truths cannot be scored
    agreed = np.all([table.loc[shared, "label"] == known["label"] for table in every], axis=0)
    shared, known = shared[agreed], known[agreed]
    if not len(shared):
        return []
    labels, units = known["label"].to_numpy(), known["group"].to_numpy(str)
    one, other = (_scores(side, shared) for side in tables)
    found = []
    for name in COMPARED:
        metric = METRICS[name]
        difference = paired_difference(labels, one, other, units, evaluate, metric, metric.apart)
        note = sentences(f"{metric.title} on the validation images of both", metric.remark)
        found.append(difference.number(f"compare.{name}", unit=metric.unit, n=len(shared), note=note))
    return found


def _validation(run: Run) -> pd.DataFrame:
    clean = run.clean
    return clean[clean["part"] == "val"].set_index("path")


def _scores(side: Sequence[pd.DataFrame], paths: pd.Index) -> NDArray[np.float64]:
    """Probabilities of fake [seeds, n], without calibration."""
    return np.stack([expit(table.loc[paths, "logit"].to_numpy()) for table in side])
