"""A network of the user's own: an `nn.Module` that a function of a file returns.

Takes `study.Model` whose `backbone` is `path/to/file.py:function`; gives a module that maps float32
[N, 3, S, S] to logits [N, 1], as `build` gives timm's. The function is called with `model.options`, and with
`size` where it asks for it. Refused with `StudyError`: what `own_code` refuses, a result that is no module,
an output of another shape, nothing to train, and weights from the hub or a package, which know no such
network.

Images are normalised by `default_cfg` of the module, or of the function: a dictionary with `mean` and `std`
of R, G, B in 0..1; without one by 0.5 and 0.5, which gives the network values from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from dfstudy.errors import StudyError
from dfstudy.study.own_code import OwnCode, call_own, load_function

if TYPE_CHECKING:
    from dfstudy.study.recipe import Model

KEY = "model.backbone"
HALF = (0.5, 0.5, 0.5)
IMAGES = 2  # passed to see the shape of the output: one alone would not tell [N, 1] from [1, N]


def build_own(settings: Model, own: OwnCode) -> nn.Module:
    """The network with the weights that the function gave it; they draw from torch's global generator."""
    if settings.weights in ("hub", "package"):
        raise StudyError(
            f"model.weights: {settings.weights} has none for {own.title}",
            "give none, or a .safetensors file of this network's own state dict",
        )
    network = call_own(own, KEY, settings.size, settings.options)
    if not isinstance(network, nn.Module):
        kind = type(network).__name__
        raise StudyError(
            f"{KEY}: {own.title} returned {kind}, not a torch.nn.Module",
            "return the network itself, such as nn.Sequential(...), and not its class",
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise StudyError(f"{KEY}: {own.title} gives a network without a parameter that trains", "give it one")
    _check_output(network, settings.size, own)
    known = _default_cfg(network, own)
    network.default_cfg = {name: tuple(map(float, known.get(name, HALF))) for name in ("mean", "std")}
    return network


def _default_cfg(network: nn.Module, own: OwnCode) -> Mapping[str, object]:
    """Of the module, or of the function, with a mean and a std that are three numbers; else empty."""
    for holder in (network, load_function(own, KEY)):
        told = getattr(holder, "default_cfg", None)
        if not isinstance(told, Mapping):
            continue
        for name in ("mean", "std"):
            values = told.get(name, HALF)
            if not isinstance(values, list | tuple) or len(values) != 3:
                raise StudyError(
                    f"{KEY}: default_cfg of {own.title} has {name} {values!r}, not three numbers",
                    "give one for each of R, G, B, in 0..1",
                )
        return told
    return {}


def _check_output(network: nn.Module, size: int, own: OwnCode) -> None:
    network.eval()
    given = [IMAGES, 3, size, size]
    try:
        with torch.no_grad():
            output = network(torch.zeros(given))
    except Exception as error:
        raise StudyError(
            f"{KEY}: {own.title} fails on images of shape {given}: {type(error).__name__}: {error}",
            "mend the network, or set model.size to a size it takes",
        ) from error
    shape = list(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    if shape != [IMAGES, 1]:
        raise StudyError(
            f"{KEY}: {own.title} gives an output of shape {shape} for images of shape {given}, not "
            f"{[IMAGES, 1]}: one logit an image",
            "end the network in one value, such as nn.Linear(features, 1)",
        )
