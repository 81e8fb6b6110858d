"""What a network costs, counted and not measured: parameters, and multiplications for one image.

Takes settings of networks; gives numbers that are the same on every machine. Multiply-adds are those of
convolutions, linear layers and attention in one forward pass, as torch counts them (two of its operations are
one multiply-add); a training step takes about three times as many. Also which networks have no convolutions,
and so do not learn from few images. Cost: a network built without its weights, and one image passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dfstudy.number import Number, name_methods

if TYPE_CHECKING:
    from torch import nn

    from dfstudy.study.recipe import Model


def cost_numbers(networks: Mapping[str, Model], n: int) -> list[Number]:
    """Numbers `cross.<network>.parameters` and `.multiply_adds`, and with two networks `cross.cost`, a ratio.

    Args:
        networks: settings by the network's name.
        n: test images.
    """
    slugs = {name: slug for slug, name in name_methods(networks).items()}
    numbers = []
    for name, model in networks.items():
        parameters, multiplied = count_cost(model)
        note = f"one forward pass of an image of {model.size} px"
        numbers.append(Number(f"cross.{slugs[name]}.parameters", parameters, "parameters", n))
        numbers.append(
            Number(f"cross.{slugs[name]}.multiply_adds", multiplied / 1e6, "millions", n, note=note, digits=1)
        )
    counted = [number.value for number in numbers if number.id.endswith(".multiply_adds")]
    if len(counted) > 1:
        ratio = counted[1] / counted[0]
        note = "multiply-adds of the second network by those of the first"
        numbers.append(Number("cross.cost", ratio, "1", n, note=note, digits=2))
    return numbers


def count_cost(model: Model) -> tuple[int, int]:
    """Parameters, and multiply-adds of one forward pass of one image."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    network = _build(model)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, model.size, model.size))
    return sum(weight.numel() for weight in network.parameters()), counter.get_total_flops() // 2


def without_convolutions(networks: Mapping[str, Model]) -> list[str]:
    """Names of networks in which no convolution overlaps: pure transformers (and perceptrons over patches).

    A transformer cuts its image into patches by a convolution whose step is as wide as its kernel, so that
    no patch sees another; that one does not count.
    """
    return [name for name, model in networks.items() if not _convolves(_build(model))]


def _convolves(network: nn.Module) -> bool:
    from torch import nn

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    return any(
        wide > step for layer in layers for wide, step in zip(layer.kernel_size, layer.stride, strict=True)
    )


def _build(model: Model) -> nn.Module:
    import torch

    from dfstudy.model.build import build_model

    with torch.random.fork_rng(devices=[]):  # new weights are drawn: nothing after this may notice
        return build_model(model.model_copy(update={"weights": "none"})).eval()
