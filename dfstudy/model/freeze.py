"""Which part of a network trains: by stages, with frozen parts held still.

Takes a timm network and a number of stages; stages are timm's own coarse groups (`group_matcher`), in which
a neck such as `conv_head` counts with the last stage, what precedes the blocks (a ViT's position embedding
and class token) with the stem, and the head is a group by itself. The seed's rule, blocks.5, blocks.6 and the
head, is `trainable_stages: 2`. Refuses a number of stages that the network does not have, and networks whose
stages timm does not name (in timm 1.0.31 CSATv2, MetaFormer, PiT and RDNet, 4 of 98 families).

Cost of the frozen part: its forward pass alone. Its parameters require no gradient and neither do images,
so autograd records nothing there: no backward pass, nothing kept for one, no gradient, no memory of the
optimiser. (CoaT is the exception: it uses a frozen module again in a trained stage.) Its modules stay in
eval: BatchNorm takes no statistics and cannot drift, and dropout inside a frozen stage does not act; between
stages, as by a ViT's `pos_drop_rate`, it acts where it is asked for.
"""

from __future__ import annotations

from typing import Literal

from timm.models import group_parameters
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from dfstudy.errors import StudyError


def freeze(network: nn.Module, trainable_stages: int | Literal["all"]) -> None:
    """Leave the head and the last `trainable_stages` stages trainable, all if "all".

    Raises:
        StudyError: the network has fewer stages, or timm knows none for it.
    """
    if trainable_stages == "all":
        return
    stages = _stages(network)
    last = max(stages.values())
    if trainable_stages > last:
        raise StudyError(
            f"model.trainable_stages is {trainable_stages}, but {type(network).__name__} has {last} "
            "stages before its head",
            f"give a number from 0 to {last}, or all",
        )
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(stages[name] >= last - trainable_stages)


def train_mode(
    network: nn.Module, batch_norm: Literal["train", "eval"] = "train", drifting: bool = False
) -> None:
    """Set the network to training, its frozen modules to eval, and all BatchNorm to eval if asked.

    `drifting` is an original flaw: frozen modules are set to training too, so that their BatchNorm uses and
    gathers the statistics of each batch, and their dropout acts, while their parameters stay.
    """
    network.train()
    if not drifting:
        _hold_frozen(network)
    if batch_norm == "eval":
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def _hold_frozen(module: nn.Module) -> None:
    parameters = list(module.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        module.eval()
        return
    for child in module.children():
        _hold_frozen(child)


def count_parameters(network: nn.Module) -> tuple[int, int]:
    """(all, trainable) parameters."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in network.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trains in sizes if trains)


def _stages(network: nn.Module) -> dict[str, int]:
    """Parameter name -> number of its stage: 0 is the stem, the highest is the head."""
    try:
        return group_parameters(network, network.group_matcher(coarse=True), reverse=True)
    except (AttributeError, NotImplementedError, AssertionError):  # RDNet asserts
        raise StudyError(
            f"model.trainable_stages: timm knows no stages of {type(network).__name__}: none can be frozen",
            "set model.trainable_stages: all, or choose another backbone",
        ) from None
