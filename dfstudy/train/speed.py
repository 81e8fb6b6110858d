"""How long a training step and a prediction take, measured on real images of the study in seconds.

Takes a study and its split; gives seconds an image for training (decoding, policy, both passes, optimiser)
and for prediction. A fresh network that nobody keeps goes over a few batches twice, and the second time
counts: by then images are decoded, as in every epoch but the first. Where runs of few threads stand side by
side on a processor, images are read by the same thread, so that times add up to what all cores do. Refused:
as by `train`. Cost: `MOST_SECONDS` or two steps, whichever is more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dfstudy.model.device import DeviceSetup, choose_place
from dfstudy.model.freeze import train_mode
from dfstudy.train.loop import Part, Trainer
from dfstudy.train.memory import explain_out_of_memory
from dfstudy.train.selection import check_both_classes

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

STEPS = 8  # batches that are gone over twice
PREDICTED = 64  # images: what one call of the network gets
MOST_SECONDS = 20.0  # of training steps: enough for a median, little beside any report


@dataclass(frozen=True)
class Pace:
    """Seconds an image.

    Attributes:
        train: in training.
        predict: in validation or test.
    """

    train: float
    predict: float


def measure_pace(study: Study, split: Split) -> Pace:
    """Time the study's network on this machine.

    Raises:
        StudyError: one class is missing, weights cannot be had, or a step does not fit into memory.
    """
    recipe = study.training
    place = choose_place(recipe.precision, threads=recipe.threads)
    alone = {"devices": 1, "accumulate": recipe.accumulate * recipe.devices, "ema": 0.0, "compile": False}
    if recipe.threads != "auto" and place.device.type == "cpu":
        alone["workers"] = 0
    study = study.model_copy(update={"training": recipe.model_copy(update=alone)})
    training = _some(split, "train", STEPS * recipe.batch_size)
    validation = _some(split, "val", PREDICTED)
    check_both_classes(training.labels, "training")
    trainer = Trainer(study, 0, training, validation, place, study.out / "speed")
    with explain_out_of_memory(trainer):
        return Pace(_step(trainer, place), _prediction(trainer, validation))


def _step(trainer: Trainer, place: DeviceSetup) -> float:
    """Median seconds an image of the steps after the first epoch, or of those that there was time for."""
    train_mode(trainer.network, trainer.study.model.batch_norm)
    first: list[float] = []
    second: list[float] = []
    began = time.perf_counter()
    with trainer.loader(trainer.training, train=True) as loader:
        for epoch, taken in ((1, first), (2, second)):
            asked = time.perf_counter()
            for number, batch in enumerate(loader.epoch(epoch)):
                trainer.progress.epoch, trainer.progress.batch = epoch, number
                float(trainer.step(batch, trainer.recipe.learning_rate))  # waits for a GPU
                now = time.perf_counter()
                taken.append((now - asked) / len(batch.rows))
                asked = now
                if now - began > MOST_SECONDS and len(first) > 1:
                    break
    # the very first step also loads and warms what later ones find
    return float(np.median(second or first[1:]))


def _prediction(trainer: Trainer, part: Part) -> float:
    """Seconds an image; the first of two passes warms up."""
    for _ in range(2):
        began = time.perf_counter()
        trainer.clean_logits(part)
    return (time.perf_counter() - began) / len(part.labels)


def _some(split: Split, name: str, most: int) -> Part:
    """At most so many images of a part, evenly from real ones and fakes."""
    rows: pd.DataFrame = split.part(name).sort_values(["label", "path"], ignore_index=True)
    chosen = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))]
    paths = [Path(split.root) / path for path in chosen["path"]]
    return Part(paths, chosen["label"].to_numpy("int64"), chosen[["width", "height"]].to_numpy("int64"))
