"""BatchNorm over all images of a step, wherever they are computed.

Takes a network; gives the same one with its BatchNorm layers (timm's with activation too) summing their
moments over the processes of the run, so that a step's result does not depend on how many share it. On GPUs
this is torch's SyncBatchNorm; torch has none for CPUs, so the mean and variance of the whole step are
formed here from sums over all processes, with the same gradient.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from timm.layers import BatchNormAct2d, convert_sync_batchnorm
from torch import Tensor, nn


def share_batch_norm(network: nn.Module) -> nn.Module:
    """Make every BatchNorm of a network a shared one; parameters and buffers stay the same objects."""
    if next(network.parameters()).device.type != "cpu":
        return convert_sync_batchnorm(network)
    for module in network.modules():
        if type(module) in _ON_CPU:
            module.__class__ = _ON_CPU[type(module)]
    return network


class _Sum(torch.autograd.Function):
    """Sum over processes; what each process's input does to the result reaches every process's loss."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _normalise(layer: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """What a BatchNorm in training does to float32 [N, C, H, W], with N counted over all processes."""
    axes, shape = (0, 2, 3), (1, -1, 1, 1)
    count = _Sum.apply(torch.tensor(float(x.numel() // x.shape[1])))
    mean = _Sum.apply(x.sum(axes)) / count
    centred = x - mean.view(shape)
    variance = _Sum.apply(centred.square().sum(axes)) / count
    with torch.no_grad():  # the running variance is the unbiased one, as torch keeps it
        layer.num_batches_tracked += 1
        layer.running_mean.lerp_(mean, layer.momentum)
        layer.running_var.lerp_(variance * count / (count - 1), layer.momentum)
    scale = (layer.weight * (variance + layer.eps).rsqrt()).view(shape)
    return centred * scale + layer.bias.view(shape)


class _CpuBatchNorm(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return _normalise(self, x) if self.training else super().forward(x)


class _CpuBatchNormAct(BatchNormAct2d):
    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(_normalise(self, x))) if self.training else super().forward(x)


_ON_CPU = {nn.BatchNorm2d: _CpuBatchNorm, BatchNormAct2d: _CpuBatchNormAct}
