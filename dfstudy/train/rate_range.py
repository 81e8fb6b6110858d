"""The learning-rate range test: which rates a study's network learns at, tried in a minute.

Takes a study, its split and a seed; gives the loss at rates that rise geometrically from step to step
(Smith, arXiv 1506.01186) and a suggestion for `training.learning_rate`. Batches, augmentation, optimiser,
freezing and order are those of the study's own training; the network is a fresh one that nobody keeps: no
run folder is read or written. Refuses rates that do not rise and too few steps. Suggests nothing where the
loss never fell. Cost: that of `steps` training steps, fewer where the loss diverges before.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import sys
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from dfstudy.errors import StudyError
from dfstudy.model.device import choose_place
from dfstudy.model.freeze import train_mode
from dfstudy.train.learner import refuse_lone_picture
from dfstudy.train.loop import Part, Trainer
from dfstudy.train.memory import explain_out_of_memory

if TYPE_CHECKING:
    from dfstudy.data.samples import Batch
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

FEWEST_STEPS = 20
# Weight of the past in the moving average: about ten batches deep, so that its lowest point comes late, which
# the tenth in the suggestion makes good.
SMOOTHING = 0.9
# Where the smoothed loss exceeds its lowest value this many times the test ends, as in fastai's `lr_find`.
DIVERGED = 4.0
# A tenth of the rate with the lowest smoothed loss: `minimum` among the rules of fastai's `lr_find`. It needs
# no slope, and slopes of a loss over single batches are mostly noise.
SUGGESTED = 0.1
# The loss has fallen if it did so by this many standard deviations between batches. Smoothed noise of 100
# steps falls by 1.3 of them once in a hundred tests, and by half of one in every other.
FALLEN = 1.5


@dataclass(frozen=True)
class RateRange:
    """What a range test saw.

    Attributes:
        table: a row a step: step (from 1), rate, loss (mean over the batch, fakes weighted as in training),
            smoothed (moving average).
        own: the study's `training.learning_rate`.
        suggestion: a rate for it; None where the loss never fell.
        diverged: False where the highest rate was reached.
    """

    table: pd.DataFrame
    own: float
    suggestion: float | None
    diverged: bool

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss was lowest, of those high enough to have changed it."""
        return float(self.table["rate"][_lowest_row(self.table)])

    def describe(self) -> str:
        """The result in one or two sentences."""
        if len(self.table) < FEWEST_STEPS:
            return f"The loss diverged after {len(self.table)} steps: no suggestion. Begin at a lower rate."
        reached = f"up to a rate of {self.table['rate'].iloc[-1]:.2g}"
        if self.suggestion is None:
            return (
                f"The loss never fell {reached} by more than batches differ: no suggestion. Try more steps, "
                "or larger batches; it may also be that this network cannot learn these images."
            )
        end = "diverged later" if self.diverged else f"did not diverge {reached}"
        return (
            f"The loss was lowest at a rate of {self.lowest:.2g} and {end}. Suggested is a tenth of that, "
            f"training.learning_rate: {self.suggestion:.1e}; the study has {self.own:.1e}."
        )


def try_rates(
    study: Study,
    split: Split,
    seed: int,
    ends: tuple[float, float],
    steps: int,
    progress: bool = True,
) -> RateRange:
    """Train a fresh network for some steps at rising rates.

    A study for several devices is tried on one, in as many more parts: the batch is the same.

    Args:
        ends: first rate, and the one that the last step would have.
        progress: show a bar on stderr.
    Raises:
        StudyError: rates or steps do not fit, one class is missing, weights cannot be had, or a step does
            not fit into memory.
    """
    low, high = ends
    if not 0 < low < high < math.inf:
        raise StudyError(
            f"learning rates from {low:g} to {high:g} do not rise", "give, say, --low 1e-6 --high 10"
        )
    if steps < FEWEST_STEPS:
        raise StudyError(f"{steps} steps are too few for a curve", f"give --steps {FEWEST_STEPS} or more")
    recipe = study.training
    parts_of_step = recipe.accumulate * recipe.devices
    alone = {"devices": 1, "accumulate": parts_of_step, "ema": 0.0, "compile": False}
    study = study.model_copy(update={"training": recipe.model_copy(update=alone)})
    training, validation = (_part(split, name) for name in ("train", "val"))
    place = choose_place(recipe.precision, threads=recipe.threads)
    trainer = Trainer(study, seed, training, validation, place, study.out / "rates")
    refuse_lone_picture(trainer.learner, study, min(len(trainer.training.labels), steps * recipe.batch_size))
    rates = np.geomspace(low, high, steps)
    shown = {"desc": "learning rates", "unit": " steps", "file": sys.stderr, "leave": False}
    with tqdm(total=steps, disable=not progress, **shown) as bar, explain_out_of_memory(trainer):
        losses, diverged = _climb(trainer, rates, bar)
    return _judge(rates, losses, diverged, recipe.learning_rate)


def _climb(trainer: Trainer, rates: np.ndarray, bar: tqdm) -> tuple[list[float], bool]:
    """Finite losses of a step at each rate, and whether they diverged before the last."""
    train_mode(trainer.network, trainer.study.model.batch_norm, trainer.defects.drifting_batch_norm)
    losses: list[float] = []
    smoothed, lowest = 0.0, math.inf
    with contextlib.closing(_batches(trainer)) as batches:
        for step, (rate, batch) in enumerate(zip(rates, batches, strict=False), 1):
            loss = float(trainer.step(batch, float(rate)))
            if not math.isfinite(loss):
                return losses, True
            losses.append(loss)
            bar.update()
            smoothed = SMOOTHING * smoothed + (1 - SMOOTHING) * loss
            level = smoothed / (1 - SMOOTHING**step)  # the average began at 0
            lowest = min(lowest, level)
            if level > DIVERGED * lowest:
                return losses, True
    return losses, False


def _batches(trainer: Trainer) -> Generator[Batch, None, None]:
    """Training batches, epoch after epoch, with the trainer's progress where each of them is."""
    with trainer.loader(trainer.training, train=True) as loader:
        for epoch in itertools.count(1):
            for number, batch in enumerate(loader.epoch(epoch)):
                trainer.progress.epoch, trainer.progress.batch = epoch, number
                yield batch


def _judge(rates: np.ndarray, losses: list[float], diverged: bool, own: float) -> RateRange:
    """Table and suggestion from the losses of the first rates."""
    count = len(losses)
    smoothed = pd.Series(losses, dtype="float64").ewm(alpha=1 - SMOOTHING).mean()
    table = pd.DataFrame(
        {"step": np.arange(1, count + 1), "rate": rates[:count], "loss": losses, "smoothed": smoothed}
    )
    if count < FEWEST_STEPS:
        return RateRange(table, own, None, diverged)
    # from neighbouring batches, so that the curve's own course is no noise; a median, so that neither is
    # the divergence (1.4826 medians of absolute values are a standard deviation)
    noise = 1.4826 * float(np.median(np.abs(np.diff(losses)))) / math.sqrt(2)
    row = _lowest_row(table)
    fallen = float(np.mean(losses[: _still(count)])) - table["smoothed"][row]
    suggestion = float(SUGGESTED * table["rate"][row]) if fallen > FALLEN * noise else None
    return RateRange(table, own, suggestion, diverged)


def _still(count: int) -> int:
    """Steps at the start whose rates are taken to be too low to change the loss."""
    return count // 10


def _lowest_row(table: pd.DataFrame) -> int:
    return int(table["smoothed"].iloc[_still(len(table)) :].idxmin())


def _part(split: Split, name: str) -> Part:
    rows = split.part(name)
    return Part([split.root / path for path in rows["path"]], rows["label"].to_numpy("int64"))
