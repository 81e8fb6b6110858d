"""Whether networks have learned what they are asked about: settled before anything is said of them.

Takes what the runs of one recipe, one a seed, say of unvaried training and validation images, and their
validation losses by epoch; gives a `Learning`. A network that learned nothing has no gap to reduce, nothing
to lose to corruptions and no score to flatter, so that every comparison with it is true and says nothing.

- *learned*: over the seeds the AUC on training images and the log-loss on validation images are better than
  those of a constant prediction with the whole interval over groups and seeds, and the training AUC is at
  least `FLOOR`. Each class counts one half, and the loss is that after slope and intercept fitted to other
  groups of validation: neither overconfidence nor a weight that training gave to a class counts against
  ranking, and no image is judged by a line that it helped to fit. Too few groups for an interval leave the
  values to decide, and every verdict open.
- *still improving*: in the last quarter of the epochs the validation loss fell below the best before it with
  every seed, by `FALLS` or more on average. More epochs would give another network.

Cost: one AUC and one log-loss a seed and replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dfstudy.number import Number
from dfstudy.stats.calibration import fit_platt
from dfstudy.stats.intervals import Floats, groups_behind, sentences
from dfstudy.stats.metrics import auc, log_loss
from dfstudy.stats.paired import PairedDifference, difference_over
from dfstudy.stats.units import by_group
from dfstudy.stats.verdicts import UNTRAINED

if TYPE_CHECKING:
    from dfstudy.study.comparisons import Evaluate
    from dfstudy.train.run import Run

CHANCE = 0.5  # AUC of a constant prediction
CONSTANT = float(np.log(2))  # its log-loss where each class counts one half, nats
FLOOR = 0.85  # AUC on its own training images: below it there is little to compare, however sure it is
LATE = 0.25  # last share of the epochs
FOLDS = 5  # parts of validation, of whole groups, each calibrated by the others
FALLS = 0.02  # nats: a validation loss that falls by less has flattened


@dataclass(frozen=True)
class Learning:
    """What the runs of one recipe have learned.

    Attributes:
        train_auc: AUC on unvaried training images, mean over seeds; interval over groups and seeds. gain:
        log-loss of a constant prediction minus that on validation images, nats, calibrated by other groups
            of validation; likewise.
        val_auc: AUC on validation images, mean over seeds.
        fall: mean over seeds of what the last quarter of the epochs took off the best validation loss; None
            where an epoch is all there is.
        improving: it still falls with every seed, and by more than `FALLS`.
        images: of training and validation.
    """

    train_auc: PairedDifference
    gain: PairedDifference
    val_auc: float
    fall: float | None
    improving: bool
    images: int

    @property
    def learned(self) -> bool:
        """Whether anything may be said of these networks."""
        return not self.lacks()

    def lacks(self) -> list[str]:
        """What is missing to have learned, in words."""
        ranks = self.train_auc.value >= FLOOR and (self.train_auc.low is None or self.train_auc.low > CHANCE)
        predicts = self.gain.value > 0 and (self.gain.low is None or self.gain.low > 0)
        needed = f"{FLOOR} and an interval above chance are asked"
        ranking = f"a training AUC of {self.train_auc.value:.3f}, where {needed}"
        predicting = "a validation log-loss whose interval is not below that of a constant prediction"
        return [ranking] * (not ranks) + [predicting] * (not predicts)

    def told(self) -> str:
        """The state in words."""
        if not self.learned:
            return f"not learned: {' and '.join(self.lacks())}"
        return "learned, and still improving when training ended" if self.improving else "learned"

    def numbers(self, stem: str) -> list[Number]:
        """`<stem>.train_auc`, and `<stem>.learned` and `.improving`, 1 or 0 with the state in words."""
        note = "unvaried training images"
        auc = self.train_auc.number(f"{stem}.train_auc", unit="AUC", n=self.images, note=note)
        return [auc, *self.states(stem)]

    def states(self, stem: str) -> list[Number]:
        """`<stem>.learned` and `<stem>.improving`."""
        return [
            Number(f"{stem}.learned", int(self.learned), "1 = learned", self.images, note=self.told()),
            Number(f"{stem}.improving", int(self.improving), "1 = improving", self.images, note=self.told()),
        ]


def judge_runs(runs: Sequence[Run], settings: Evaluate) -> Learning:
    """Judge finished runs of one recipe on one split, one a seed."""
    return judge_learning(
        [run.clean for run in runs],
        [run.history["val_loss"].tolist() for run in runs],
        settings,
    )


def judge_learning(
    clean: Sequence[pd.DataFrame],
    losses: Sequence[Sequence[float]],
    settings: Evaluate,
) -> Learning:
    """Judge the runs of one recipe on one split.

    Args:
        clean: a table a seed with columns part, path, label, group, logit; see `Run.clean`.
        losses: one list a seed, validation loss by epoch.
    Raises:
        ValueError: the tables show different images.
    """
    settings = by_group(settings)  # what a run keeps of its training names no video
    sides = {name: _part(clean, name) for name in ("train", "val")}
    (seen, scores), (held, logits) = sides["train"], sides["val"]
    labels = held["label"].to_numpy("int64")
    balance = 0.5 / np.where(labels == 1, labels.mean(), 1 - labels.mean())
    folds = _folds(held["group"].to_numpy(str), settings.seed)
    calm = [_cross_fitted(row, labels, balance, folds) for row in logits]

    def ranked(weights: Floats) -> Floats:
        known = seen["label"].to_numpy("int64")
        return np.stack([auc(known, row, weights) for row in scores], axis=1)

    def gained(weights: Floats) -> Floats:
        return CONSTANT - np.stack([log_loss(labels, row, weights * balance) for row in calm], axis=1)

    units = [table["group"].to_numpy(str) for table in (seen, held)]
    behind = [groups_behind(table["label"], own) for table, own in zip((seen, held), units, strict=True)]
    falls = [fall for each in losses if (fall := late_fall(each)) is not None]
    return Learning(
        difference_over(ranked, units[0], behind=behind[0], settings=settings, scale="share"),
        difference_over(gained, units[1], behind=behind[1], settings=settings, scale="plain"),
        float(np.mean([auc(labels, row) for row in logits])),
        float(np.mean(falls)) if falls else None,
        bool(falls) and min(falls) > 0 and float(np.mean(falls)) >= FALLS,
        len(seen) + len(held),
    )


def late_fall(losses: Sequence[float]) -> float | None:
    """By how much the last quarter of the epochs lowered the best loss; None where nothing came before it."""
    late = max(1, round(LATE * len(losses)))
    if len(losses) <= late:
        return None
    return float(min(losses[:-late]) - min(losses[-late:]))


def tell_untrained(names: Sequence[str]) -> str:
    """Which sides of a comparison have not learned, as a reason; empty where all have."""
    if not names:
        return ""
    return sentences(UNTRAINED, f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'} not learned")


def _folds(groups: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """Part 0..4 of every image [n]: whole groups at random, or what there is of them."""
    codes = np.unique(groups, return_inverse=True)[1]
    return (np.random.default_rng(seed).permutation(codes.max() + 1) % FOLDS)[codes]


def _cross_fitted(
    logits: Floats, labels: NDArray[np.int64], balance: Floats, folds: NDArray[np.int64]
) -> Floats:
    """Probabilities [n] of fake where each class is one half; those of a fold by the line of the others.

    Where the others lack a class, as with a group or two, the line is that of all.
    """
    found = np.empty(len(logits))
    for fold in np.unique(folds):
        others = folds != fold
        if len(set(labels[others])) < 2:
            others = np.ones(len(labels), bool)
        line = fit_platt(logits[others], labels[others], balance[others])
        found[folds == fold] = line(logits[folds == fold])
    return found


def _part(tables: Sequence[pd.DataFrame], name: str) -> tuple[pd.DataFrame, list[Floats]]:
    """Images of one part, and each seed's logits [n]."""
    rows = [table[table["part"] == name].reset_index(drop=True) for table in tables]
    if any(not one[["path", "label"]].equals(rows[0][["path", "label"]]) for one in rows):
        raise ValueError("the runs were trained on different images")
    return rows[0], [one["logit"].to_numpy("float64") for one in rows]
