"""An interrupted training, kept so that it goes on exactly where it stopped.

Takes the learner, what the running epoch has seen so far and the progress; gives one
safetensors file (the progress as JSON in its head), replaced atomically: there is never a half-written state
and never weights of one moment beside the progress of another. No pickle. Random numbers need no
keeping, as every step seeds its own.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from dfstudy.model.checkpoint import save_weights
from dfstudy.system.kept import throw_away

if TYPE_CHECKING:
    from dfstudy.model.process_group import Team
    from dfstudy.train.learner import Learner


@dataclass
class Progress:
    """How far a training is; everything JSON can hold.

    Attributes:
        epoch: the epoch under way, from 1.
        batch: its finished steps.
        seconds: spent on it so far, by earlier sessions too.
        best_epoch, best_value: the chosen epoch (0 is none yet) and its selecting quantity.
        history, timings: a row for each finished epoch.
    """

    epoch: int = 1
    batch: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    best_value: float | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    timings: list[dict[str, float]] = field(default_factory=list)

    def is_over(self, epochs: int, patience: int) -> bool:
        """All epochs done, or `patience` epochs without a better one."""
        done = self.epoch - 1
        return done >= epochs or (self.best_epoch > 0 and done - self.best_epoch >= patience)


@dataclass
class Seen:
    """The running epoch: logit float32 [images] by row and loss float32 [batches] by step, NaN ahead."""

    logits: Tensor
    losses: Tensor

    @classmethod
    def nothing(cls, pictures: int, batches: int, device: torch.device) -> Seen:
        """An epoch that has not begun."""
        return cls(*(torch.full((n,), float("nan"), device=device) for n in (pictures, batches)))

    def over(self, team: Team) -> Seen:
        """What all processes of a group have seen together: each image by one, of each loss its part."""
        return Seen(team.gather(self.logits), team.sum(self.losses))

    def without_results(self, steps: int) -> Seen:
        """The same moment for a process that has seen nothing of it: `steps` steps of others."""
        losses = self.losses.clone()
        losses[:steps] = 0.0
        return Seen(torch.full_like(self.logits, float("nan")), losses)


def save_state(file: Path, learner: Learner, seen: Seen, progress: Progress) -> None:
    """Replace the state on disk by this moment's."""
    tensors = {f"network.{name}": tensor for name, tensor in learner.network.state_dict().items()}
    for number, memory in learner.optimiser.state_dict()["state"].items():
        kept = {name: value for name, value in memory.items() if value is not None}
        tensors |= {f"optimiser.{number}.{name}": value for name, value in kept.items()}
    if learner.average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in learner.average.state_dict().items()}
    tensors |= {"seen.logits": seen.logits, "seen.losses": seen.losses}
    save_weights(file, tensors, {"progress": json.dumps(dataclasses.asdict(progress))})


def load_state(file: Path, learner: Learner, device: torch.device) -> tuple[Seen, Progress] | None:
    """Put a saved state back into network, optimiser and average, and return the rest.

    None where there is none. One that was cut off is removed, with a line.
    """
    try:
        with safe_open(file, "pt") as stored:
            progress = Progress(**json.loads(stored.metadata()["progress"]))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError):
        throw_away(file)
        return None
    learner.network.load_state_dict(_under("network.", tensors))
    if learner.average is not None:
        learner.average.load_state_dict(_under("average.", tensors))
    optimiser = learner.optimiser
    parameters = optimiser.param_groups[0]["params"]
    memory: dict[int, dict[str, Tensor]] = {}
    for key, value in _under("optimiser.", tensors).items():
        number, name = key.split(".")
        memory.setdefault(int(number), {})[name] = _laid_out_like(parameters[int(number)], value)
    optimiser.load_state_dict({"state": memory, "param_groups": optimiser.state_dict()["param_groups"]})
    return Seen(tensors["seen.logits"].to(device), tensors["seen.losses"].to(device)), progress


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _laid_out_like(parameter: Tensor, value: Tensor) -> Tensor:
    """The memory of a channels_last weight is channels_last too, as it was before it was stored."""
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, device="cpu", requires_grad=False).copy_(value)
