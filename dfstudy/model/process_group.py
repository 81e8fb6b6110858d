"""The processes that share one run: one a GPU, or several on a CPU for trying.

`accelerate launch` starts them, each with its rank in the environment; Hugging Face Accelerate joins them
through torch.distributed (NCCL between GPUs, Gloo between CPUs). Each process computes its share of every
step; what all have to know (gradients, BatchNorm's moments, scores) is summed over them. A process by itself
is a team of one, in which nothing is sent. Refused: a team of another size than the study asks for.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn

from dfstudy.errors import StudyError
from dfstudy.model.batch_norm import share_batch_norm


def launched() -> int:
    """How many processes the launcher started for this run; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@dataclass(frozen=True)
class Team:
    """This process's place among those that share a run.

    Attributes:
        rank: 0 leads: it alone writes files and speaks.
        size: processes of the run.
        accelerator: joins them; None in a team of one.
    """

    rank: int = 0
    size: int = 1
    accelerator: Accelerator | None = None

    @property
    def leads(self) -> bool:
        """True in the one process that writes and speaks."""
        return self.rank == 0

    def spread(self, network: nn.Module) -> nn.Module:
        """Let BatchNorm see the whole step, in place: call it before the optimiser is made."""
        return network if self.accelerator is None else share_batch_norm(network)

    def wrap(self, network: nn.Module) -> nn.Module:
        """A network whose backward pass averages gradients over the team."""
        return network if self.accelerator is None else self.accelerator.prepare_model(network)

    def without_exchange(self, network: nn.Module) -> contextlib.AbstractContextManager:
        """Context in which a backward pass only adds to this process's gradients."""
        return contextlib.nullcontext() if self.accelerator is None else self.accelerator.no_sync(network)

    def gather(self, values: Tensor) -> Tensor:
        """Float [n] with every entry that any process holds; NaN where none does.

        Each entry is held by one process and NaN in the others, so summing moves it without rounding.
        """
        if self.accelerator is None:
            return values
        held = ~values.isnan()
        total, holders = (
            self.accelerator.reduce(part, "sum") for part in (values.nan_to_num(0.0), held.to(values.dtype))
        )
        return torch.where(holders > 0, total, torch.nan)

    def sum(self, values: Tensor) -> Tensor:
        """Entries added up over the team."""
        return values if self.accelerator is None else self.accelerator.reduce(values, "sum")

    def decide(self, wish: bool) -> bool:
        """The leader's decision, known to all: what hangs on a clock must not differ between processes."""
        if self.accelerator is None:
            return wish
        return bool(self.sum(torch.tensor(float(wish and self.leads), device=self.accelerator.device)))

    def wait(self) -> None:
        """Until every process is here."""
        if self.accelerator is not None:
            self.accelerator.wait_for_everyone()


ALONE = Team()


@dataclass
class _DataParallel(DistributedDataParallelKwargs):
    """Accelerate's options with the new name of one, in place of the name that torch warns of.

    Buffers are equal everywhere, as BatchNorm sees the whole step: a forward pass has nothing to send.
    """

    forward_sync_buffers: bool = True


def join_team(devices: int, device: torch.device) -> Team:
    """The team of `devices` processes that the launcher started.

    Raises:
        StudyError: it started another number.
    """
    size = launched()
    if size != devices:
        raise StudyError(
            f"training.devices is {devices}, but {size} processes were launched",
            f"launch {devices}, or set training.devices: {size} (dfstudy train launches by itself)",
        )
    if size == 1:
        return ALONE
    accelerator = Accelerator(cpu=device.type == "cpu")
    accelerator.ddp_handler = _DataParallel(forward_sync_buffers=False, gradient_as_bucket_view=True)
    return Team(accelerator.process_index, accelerator.num_processes, accelerator)
