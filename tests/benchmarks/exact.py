"""Whether trainings end with the same bytes: run again, interrupted, fed by workers, kept in memory or not.

Takes images, a study and a folder; gives a claim with true or false for each comparison. Compared are the
bytes of the best and the last weights, and the history with every digit. An interruption is an exception
in the middle of a random step, after a state was written at the step before; SIGKILL has its own tests in
tests/train.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from unittest import mock

import torch
from pictures import take

from dfstudy.data.samples import Batch
from dfstudy.model.device import DeviceSetup, choose_place
from dfstudy.study.study import Study
from dfstudy.system.provenance import digest, file_digest
from dfstudy.train import loop
from dfstudy.train.loop import Part, Trainer

BREAKS = (2, 7)  # steps of one try each that are interrupted: in the first epoch and in the second


class Interrupted(Exception):
    """What ends a training half-way here."""


def compare_trainings(study: Study, part: Part, folder: Path) -> dict[str, bool]:
    """Train a small network in each way, and compare with the plain way."""
    plain = _train(study, part, folder / "plain", workers=0)
    return {
        "trained again": _train(study, part, folder / "again", workers=0) == plain,
        "fed by 2 workers": _train(study, part, folder / "workers", workers=2) == plain,
        "decoded images not kept": _train(study, part, folder / "files", workers=0, cache="off") == plain,
        "interrupted and resumed": _train(study, part, folder / "broken", breaks=BREAKS, workers=2) == plain,
        # a comparison that could not fail would say nothing
        "another seed differs": _train(study, part, folder / "other", seed=1, workers=0) != plain,
    }


def compare_steps(study: Study, held: Batch, part: Part, folder: Path, steps: int = 4) -> dict[str, bool]:
    """A few steps of the large network, twice: on a GPU, are its algorithms the deterministic ones?

    Also told, as a claim that is false where torch warned of it: that every operation has such a version.
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        ends = [_steps(study, held, part, folder, steps) for _ in range(2)]
    unsure = sorted(
        {str(told.message).split(", but")[0] for told in warned if "determin" in str(told.message)}
    )
    for text in unsure:
        print(f"exact: {text}")
    return {
        "the large network's steps again": ends[0] == ends[1],
        "all its operations are deterministic": not unsure,
    }


def _train(
    study: Study, part: Part, folder: Path, seed: int = 0, breaks: tuple[int, ...] = (), **feeding: object
) -> str:
    """Digest of everything that a training leaves."""
    study = study.model_copy(update={"training": study.training.model_copy(update=feeding)})
    folder.mkdir(parents=True)
    with mock.patch.object(loop, "SAVE_SECONDS", 0.0):  # a state after every step
        for steps in breaks:
            try:
                _Breaking(steps, study, seed, part, _validation(part), _place(study), folder).run("", False)
            except Interrupted:
                continue
            raise RuntimeError(f"the training ended before step {steps}: nothing was interrupted")
        trainer = Trainer(study, seed, part, _validation(part), _place(study), folder)
        trainer.run("", False)
    weights = [file_digest(folder / f"{name}.safetensors") for name in ("best", "last")]
    return digest([*weights, trainer.progress.history])


class _Breaking(Trainer):
    """A training that is interrupted after so many steps of its own."""

    def __init__(self, steps: int, *given: object) -> None:
        super().__init__(*given)
        self.steps_left = steps

    def step(self, batch: Batch, rate: float) -> torch.Tensor:
        if not self.steps_left:
            raise Interrupted
        self.steps_left -= 1
        return super().step(batch, rate)


def _validation(part: Part) -> Part:
    return take(part, len(part.labels) // 3)


def _place(study: Study) -> DeviceSetup:
    return choose_place(study.training.precision, deterministic=True)


def _steps(study: Study, held: Batch, part: Part, folder: Path, steps: int) -> str:
    trainer = Trainer(study, 0, part, part, _place(study), folder)
    losses = [trainer.step(held, study.training.learning_rate) for _ in range(steps)]
    weights = {name: tensor.cpu().numpy() for name, tensor in trainer.network.state_dict().items()}
    sums = {name: digest(values.tobytes().hex()) for name, values in weights.items()}
    return digest([sums, [loss.item() for loss in losses]])
