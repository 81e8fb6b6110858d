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
from typing import TYPE_CHECKING

import numpy as np
import torch

from dfstudy.augment.policies import Policy, build_policy
from dfstudy.data.loader import Loader, make_loader
from dfstudy.data.order import Pairing, epoch_order, sample_key
from dfstudy.errors import Diverged
from dfstudy.model.checkpoint import save_weights
from dfstudy.model.device import DeviceSetup, predict_logits
from dfstudy.model.freeze import train_mode
from dfstudy.model.process_group import ALONE, Team
from dfstudy.model.tuning import plain_weights
from dfstudy.study.recipe import WEIGHT_SOURCES
from dfstudy.train.learner import Learner, pictures_at_once, refuse_lone_picture
from dfstudy.train.log import Log, tell
from dfstudy.train.protocol import fake_weight, learning_rate
from dfstudy.train.selection import Scores, is_better, score, selected_value
from dfstudy.train.state import Progress, Seen, load_state, save_state
from dfstudy.train.targets import Targets, mixed_targets

if TYPE_CHECKING:
    from dfstudy.data.samples import Batch
    from dfstudy.study.study import Study

SAVE_SECONDS = 30.0  # at most this much work is lost by an interruption
CHECK_STEPS = 20  # steps between looks at the losses, each of which makes a GPU wait
STATE = "state.safetensors"


@dataclass(frozen=True)
class Part:
    """Images of one part of the split.

    Attributes:
        paths: absolute.
        labels: [N], 1 is fake.
        sizes: int [N, 2], width and height in pixels; None keeps no decoded image in memory.
        sets: int [N]; a fake and a real of one set train in one batch. None shuffles all images alike.
    """

    paths: list[Path]
    labels: np.ndarray
    sizes: np.ndarray | None = None
    sets: np.ndarray | None = None


class Trainer:
    """A network on its way through one training."""

    def __init__(
        self,
        study: Study,
        seed: int,
        training: Part,
        validation: Part,
        place: DeviceSetup,
        folder: Path,
        team: Team = ALONE,
    ) -> None:
        self.study, self.seed, self.place, self.folder, self.team = study, seed, place, folder, team
        self.recipe, self.size, self.defects = study.recipe, study.model.size, study.protocol
        self.training, self.validation = training, validation
        sets, size = training.sets, self.recipe.batch_size
        self.pairing = None if sets is None else Pairing(training.labels, sets, size)
        inverted = self.defects.inverted_class_weight
        self.weight = fake_weight(training.labels, self.recipe.class_weight, inverted)
        self.learner = Learner(study, sample_key(seed, 0, 0), self.weight, place, team)
        self.network, self.optimiser = self.learner.network, self.learner.optimiser
        self.normalisation = self.learner.normalisation
        self.batches = -(-len(training.labels) // self.recipe.batch_size)
        self.seen, self.progress, self.has_compiled = self._new_epoch(), Progress(), False

    def run(self, name: str, progress: bool) -> None:
        """Train to the end, from the start or from the saved state.

        Raises:
            StudyError: a step would hold a single image, which is too few for the network's BatchNorm.
            Diverged: the loss left the finite numbers.
        """
        refuse_lone_picture(self.learner, self.study, len(self.training.labels))
        progress = progress and self.team.leads
        if saved := load_state(self.folder / STATE, self.learner, self.place.device):
            self.seen, self.progress = saved
            if not self.team.leads:
                self.seen = self.seen.without_results(self.progress.batch)  # the leader holds everyone's
            tell(f"{name}: goes on at epoch {self.progress.epoch}, step {self.progress.batch}", progress)
        elif note := self.study.model.weights not in WEIGHT_SOURCES and self.learner.network.weights_note:
            tell(f"{name}: weights: {note}", progress)
        at, limits = self.progress, (self.recipe.epochs, self.recipe.patience)
        told = (len(self.training.labels), self.batches, self.recipe.epochs, at, progress)
        with (
            self.loader(self.training, train=True) as training,
            self.loader(self.validation) as validation,
            Log(self.folder, name, *told, writes=self.team.leads) as log,
        ):
            log.note(self._describe_batch())
            log.note(training.cache_note)
            while not at.is_over(*limits):
                self._epoch(training, validation, log)
        if self.team.leads:
            save_weights(self.folder / "last.safetensors", plain_weights(self.learner.tested))

    def loader(self, part: Part, train: bool = False, once: bool = False) -> Loader:
        """Batches of a part: shuffled and varied for training, else in order and only resized.

        What is read `once` is not kept in memory. Under a policy that makes fakes of real images, training
        sees none of the set's own; under one that mixes samples, a batch holds mixed ones and soft labels.
        """
        policy = self._policy() if train else build_policy("none", self.size, train=False)
        return make_loader(
            part.paths,
            part.labels,
            policy,
            # without gradients nothing is in parts: a step's memory must do
            batch_size=self.recipe.batch_size if train else pictures_at_once(self.recipe) * self.team.size,
            workers=self.recipe.workers,
            seed=self.seed,
            shuffle=train,
            share=(self.team.rank, self.team.size),
            sizes=part.sizes,
            cache="off" if once else self.recipe.cache,
            forge=policy.fakes,
            mixer=policy.mixer,
            pairing=self.pairing if train else None,
        )

    def _policy(self) -> Policy:
        """The policy under which this training varies its images."""
        augment = self.study.augment
        return build_policy(augment.policy, self.size, own=augment.policies)

    def clean_logits(self, part: Part) -> torch.Tensor:
        """Logits float32 [N] of a part without augmentation, by row."""
        with self.loader(part, once=True) as loader:
            return self._predict(loader, part)

    def score(
        self,
        logits: torch.Tensor,
        labels: np.ndarray,
        order: np.ndarray | None = None,
        soft: np.ndarray | None = None,
    ) -> Scores:
        """Scores as this training reports them.

        Args:
            logits, labels: float32 [N] and [N], by row.
            order: row numbers [N] as the batches took them; None is by row.
            soft: labels [N] in 0..1 that the loss is computed against; None takes `labels`.
        """
        soft = labels if soft is None else soft
        if not self.defects.batch_means:
            return score(logits, labels, self.weight, soft=soft)
        taken = np.arange(len(labels)) if order is None else order
        return score(logits[taken], labels[taken], self.weight, self.recipe.batch_size, soft[taken])

    def _predict(self, loader: Loader, part: Part) -> torch.Tensor:
        return predict_logits(
            self.learner.tested,
            loader.epoch(0),
            len(part.labels),
            self.normalisation,
            self.place,
            team=self.team,
        )

    def _epoch(self, training: Loader, validation: Loader, log: Log) -> None:
        at, before = self.progress, self.progress.seconds
        train_mode(self.network, self.study.model.batch_norm, self.defects.drifting_batch_norm)
        began = saved = time.perf_counter()
        for batch in training.epoch(at.epoch, start_batch=at.batch):
            if at.epoch == 1 and at.batch == 0:
                log.pictures(batch.images_NHWC)
            rate = learning_rate(self.recipe, (at.epoch - 1) * self.batches + at.batch, self.batches)
            pictures, stepped = self._whole(at.batch), time.perf_counter()
            self.step(batch, rate)
            if self.recipe.compile and not self.has_compiled:
                self.has_compiled = True
                log.note(f"compiled with the first step in {time.perf_counter() - stepped:.0f} s")
            at.batch += 1
            log.step(pictures, (at.epoch - 1) * self.batches + at.batch, rate)
            if at.batch % CHECK_STEPS == 0:
                self._check_losses()
            if at.batch < self.batches and self._is_time_to_save(time.perf_counter() - saved):
                saved = time.perf_counter()
                at.seconds = before + saved - began
                self._save_state()
        self._check_losses()

        def clock() -> float:
            return before + time.perf_counter() - began

        self._validate(validation, rate, clock(), clock, log)

    def step(self, batch: Batch, rate: float) -> torch.Tensor:
        """One optimiser step at a learning rate; gives this process's part of the mean loss, float32 []."""
        at = self.progress
        whole = len(batch.rows) if self.team.size == 1 else self._whole(at.batch)
        logits, loss = self.learner.step(batch, rate, sample_key(self.seed, at.epoch, at.batch), whole)
        self.seen.logits[batch.rows.to(self.place.device, non_blocking=True)] = logits
        self.seen.losses[at.batch] = loss
        return loss

    def _whole(self, batch: int) -> int:
        """Images of a step over all processes: the last step of an epoch holds what is left."""
        return min(self.recipe.batch_size, len(self.training.labels) - batch * self.recipe.batch_size)

    def _is_time_to_save(self, seconds: float) -> bool:
        """The leader's clock decides; a group asks it only now and then, because asking waits for GPUs."""
        if self.team.size > 1 and self.progress.batch % CHECK_STEPS:
            return False
        return self.team.decide(seconds >= SAVE_SECONDS)

    def _describe_batch(self) -> str:
        recipe, at_once = self.recipe, pictures_at_once(self.recipe)
        if at_once == recipe.batch_size:
            return f"{recipe.batch_size} images a step"
        shares = f"{recipe.devices} processes, {recipe.accumulate} parts each"
        return f"{recipe.batch_size} images a step: {shares}, {at_once} images at a time"

    def _validate(
        self, loader: Loader, rate: float, trained: float, clock: Callable[[], float], log: Log
    ) -> None:
        """End an epoch that took `trained` seconds of training; `clock` gives those of the whole epoch."""
        at = self.progress
        seen = self.seen.over(self.team)
        order = epoch_order(self.seed, at.epoch, len(self.training.labels), self.pairing)
        targets = self._targets()
        of_training = self.score(seen.logits.cpu(), targets.hard, order, targets.soft)
        logits = self._predict(loader, self.validation)
        if not bool(torch.isfinite(logits).all()):
            raise _not_finite(f"seed {self.seed}, validation of epoch {at.epoch}", self.recipe.learning_rate)
        of_validation = self.score(logits, self.validation.labels)
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
        chosen_by = (self.recipe.select_by, self.defects.selection_is_result)
        best = is_better(of_validation, at.best_value, *chosen_by)
        if best:
            at.best_epoch, at.best_value = at.epoch, selected_value(of_validation, *chosen_by)
            if self.team.leads:
                save_weights(self.folder / "best.safetensors", plain_weights(self.learner.tested))
        at.history.append(row)
        at.timings.append(timing)
        at.epoch, at.batch, at.seconds = at.epoch + 1, 0, 0.0
        self.seen = self._new_epoch()
        # after the best weights: killed between the two, this epoch is repeated and writes them again
        self._save_state()
        log.epoch(row, timing, best)

    def _targets(self) -> Targets:
        """What the running epoch was asked for."""
        labels, mixer = self.training.labels, self._policy().mixer
        if mixer is None:
            return Targets(labels, labels)
        at = self.seed, self.progress.epoch, self.recipe.batch_size
        return mixed_targets(labels, mixer, *at, self.pairing)

    def _new_epoch(self) -> Seen:
        return Seen.nothing(len(self.training.labels), self.batches, self.place.device)

    def _save_state(self) -> None:
        self._check_losses()
        seen = self.seen.over(self.team)
        if self.team.leads:
            save_state(self.folder / STATE, self.learner, seen, self.progress)

    def _check_losses(self) -> None:
        done = self.seen.losses[: self.progress.batch].cpu()
        if not bool(torch.isfinite(done).all()):
            step = int((~torch.isfinite(done)).nonzero()[0]) + 1
            where = f"seed {self.seed}, epoch {self.progress.epoch}, step {step} of {self.batches}"
            raise _not_finite(where, self.recipe.learning_rate)


def _not_finite(where: str, rate: float) -> Diverged:
    return Diverged(
        f"the loss is not finite any more: {where}",
        f"try a lower training.learning_rate than {rate:g}, training.warmup_epochs with the cosine "
        "schedule, or training.precision: float32",
    )
