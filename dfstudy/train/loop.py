"""The training loop: epochs of steps, validation, the best and the last weights.

Takes a study, the paths and labels of both parts, a seed and a folder; leaves `best.safetensors`,
`last.safetensors` and the progress. Goes on from `state.safetensors` where there is one, with the same
bytes in the end as if it had never stopped. Refuses a loss that is not finite, with epoch and step.
Cost: the network's; a state is written each epoch and at most every `SAVE_SECONDS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dfstudy.augment import build_policy
from dfstudy.data.loader import Batch, Loader, make_loader, sample_key
from dfstudy.errors import StudyError
from dfstudy.model import (
    Normalisation,
    Place,
    build_model,
    freeze,
    predict_logits,
    resolve_normalisation,
    train_mode,
)
from dfstudy.model.checkpoint import save_weights
from dfstudy.study import Study
from dfstudy.train.log import Log, tell
from dfstudy.train.protocol import build_optimiser, fake_weight, learning_rate, loss_of_each
from dfstudy.train.selection import is_better, score, selected_value
from dfstudy.train.state import Progress, Seen, load_state, save_state

SAVE_SECONDS = 30.0  # at most this much work is lost by an interruption
CHECK_STEPS = 20  # steps between looks at the losses, each of which makes a GPU wait
STATE = "state.safetensors"


@dataclass(frozen=True)
class Part:
    """Pictures of one part of the split: absolute paths, and labels [N] (1 is fake)."""

    paths: list[Path]
    labels: np.ndarray


class Trainer:
    """A network on its way through one training."""

    def __init__(
        self, study: Study, seed: int, training: Part, validation: Part, place: Place, folder: Path
    ) -> None:
        self.study, self.seed, self.place, self.folder = study, seed, place, folder
        self.recipe, self.size = study.training, study.model.size
        self.training, self.validation = training, validation
        self.weight = fake_weight(training.labels, self.recipe.class_weight)
        torch.manual_seed(sample_key(seed, 0, 0))
        network = build_model(study.model)
        freeze(network, study.model.trainable_stages)
        self.new_layers = network.new_layers
        self.normalisation: Normalisation = resolve_normalisation(network, study.model)
        self.network = network.to(place.device, memory_format=torch.channels_last)
        self.optimiser = build_optimiser(network, self.recipe)
        self.batches = -(-len(training.labels) // self.recipe.batch_size)
        self.seen, self.progress = self._new_epoch(), Progress()

    def run(self, name: str, progress: bool) -> None:
        """Train to the end, from the start or from the saved state."""
        file = self.folder / STATE
        if file.is_file():
            self.seen, self.progress = load_state(file, self.network, self.optimiser, self.place.device)
            tell(f"{name}: goes on at epoch {self.progress.epoch}, step {self.progress.batch}", progress)
        elif self.study.model.weights not in ("none", "hub") and self.new_layers:
            tell(f"{name}: new {', '.join(self.new_layers)}: the file's were for other classes", progress)
        at, limits = self.progress, (self.recipe.epochs, self.recipe.patience)
        told = (len(self.training.labels), self.batches, self.recipe.epochs, at, progress)
        with (
            self.loader(self.training, train=True) as training,
            self.loader(self.validation) as validation,
            Log(self.folder, name, *told) as log,
        ):
            while not at.is_over(*limits):
                self._epoch(training, validation, log)
        save_weights(self.folder / "last.safetensors", self.network.state_dict())

    def loader(self, part: Part, train: bool = False) -> Loader:
        """Batches of a part: shuffled and varied for training, else in order and only resized."""
        return make_loader(
            part.paths,
            part.labels,
            build_policy(self.study.augment.policy if train else "none", self.size, train=train),
            batch_size=self.recipe.batch_size,
            workers=self.recipe.workers,
            seed=self.seed,
            shuffle=train,
        )

    def clean_logits(self, part: Part) -> torch.Tensor:
        """Logits float32 [N] of a part without augmentation, by row."""
        with self.loader(part) as loader:
            return self._predict(loader, part)

    def _predict(self, loader: Loader, part: Part) -> torch.Tensor:
        return predict_logits(self.network, loader.epoch(0), len(part.labels), self.normalisation, self.place)

    def _epoch(self, training: Loader, validation: Loader, log: Log) -> None:
        at, before = self.progress, self.progress.seconds
        train_mode(self.network, self.study.model.batch_norm)
        began = saved = time.perf_counter()
        for batch in training.epoch(at.epoch, start_batch=at.batch):
            if at.epoch == 1 and at.batch == 0:
                log.pictures(batch.images_NHWC)
            rate = self._step(batch)
            at.batch += 1
            log.step(len(batch.rows), (at.epoch - 1) * self.batches + at.batch, rate)
            if at.batch % CHECK_STEPS == 0:
                self._check_losses()
            if (now := time.perf_counter()) - saved >= SAVE_SECONDS and at.batch < self.batches:
                at.seconds = before + now - began
                self._save_state()
                saved = now
        self._check_losses()

        def clock() -> float:
            return before + time.perf_counter() - began

        self._validate(validation, rate, clock(), clock, log)

    def _step(self, batch: Batch) -> float:
        at, device = self.progress, self.place.device
        rate = learning_rate(self.recipe, (at.epoch - 1) * self.batches + at.batch, self.batches)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(sample_key(self.seed, at.epoch, at.batch))  # dropout of this step alone
        labels = batch.labels.to(device, non_blocking=True)
        with self.place.autocast():
            logits = self.network(self.normalisation(batch.images_NHWC, device)).flatten()
        loss = loss_of_each(logits.float(), labels, self.weight).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.seen.logits[batch.rows.to(device, non_blocking=True)] = logits.detach().float()
        self.seen.losses[at.batch] = loss.detach()
        return rate

    def _validate(
        self, loader: Loader, rate: float, trained: float, clock: Callable[[], float], log: Log
    ) -> None:
        """End an epoch that took `trained` seconds of training; `clock` gives those of the whole epoch."""
        at = self.progress
        of_training = score(self.seen.logits.cpu(), self.training.labels, self.weight)
        logits = self._predict(loader, self.validation)
        if not bool(torch.isfinite(logits).all()):
            raise _not_finite(f"validation of epoch {at.epoch}", self.recipe.learning_rate)
        of_validation = score(logits, self.validation.labels, self.weight)
        row = {
            "epoch": at.epoch,
            **{f"train_{name}": value for name, value in vars(of_training).items()},
            **{f"val_{name}": value for name, value in vars(of_validation).items()},
            "learning_rate": rate,
        }
        timing = {
            "epoch": at.epoch,
            "seconds": clock(),
            "pictures_per_second": len(self.training.labels) / trained,
        }
        best = is_better(of_validation, at.best_value, self.recipe.select_by)
        if best:
            at.best_epoch, at.best_value = at.epoch, selected_value(of_validation, self.recipe.select_by)
            save_weights(self.folder / "best.safetensors", self.network.state_dict())
        at.history.append(row)
        at.timings.append(timing)
        at.epoch, at.batch, at.seconds = at.epoch + 1, 0, 0.0
        self.seen = self._new_epoch()
        # after the best weights: killed between the two, this epoch is repeated and writes them again
        self._save_state()
        log.epoch(row, timing, best)

    def _new_epoch(self) -> Seen:
        return Seen.nothing(len(self.training.labels), self.batches, self.place.device)

    def _save_state(self) -> None:
        self._check_losses()
        save_state(self.folder / STATE, self.network, self.optimiser, self.seen, self.progress)

    def _check_losses(self) -> None:
        done = self.seen.losses[: self.progress.batch].cpu()
        if not bool(torch.isfinite(done).all()):
            step = int((~torch.isfinite(done)).nonzero()[0]) + 1
            where = f"epoch {self.progress.epoch}, step {step} of {self.batches}"
            raise _not_finite(where, self.recipe.learning_rate)


def _not_finite(where: str, rate: float) -> StudyError:
    return StudyError(
        f"the loss is not finite any more: {where}",
        f"try a lower training.learning_rate than {rate:g}, training.warmup_epochs with the cosine "
        "schedule, or training.precision: float32",
    )
