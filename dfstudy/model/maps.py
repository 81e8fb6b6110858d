"""Where a network looks: Grad-CAM maps of a timm network, of convolutions and of tokens alike.

Takes a network with one logit and normalised images float32 [N, 3, S, S]; gives float32 [N, S, S] in 0..1,
1 being what raises the logit of fake most. The layer is found: the deepest stage whose map has `CELLS` cells
a side, as few as Grad-CAM was published with (the last stage of a network of 224 px); of transformers the
first norm of the last block, as behind it a class token leaves the other tokens without a gradient. Refused
with `StudyError`: a network whose stages timm does not name, or none of which keeps places apart.
Cost: one forward and one backward pass.

Reference: Selvaraju et al. 2017, Grad-CAM (arXiv 1610.02391); maps by the package pytorch-grad-cam.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dfstudy.errors import StudyError

CELLS = 7  # a side of the map, at least
# The package divides by a map's greatest value plus 1e-7: the logit is raised, so that a faint map stays one.
LOUDNESS = 1e6


@dataclass(frozen=True)
class Layer:
    """A layer that keeps places apart.

    Attributes:
        name: of the module in the network.
        cells: a side of its map.
        channels_last: its output is [N, h, w, C] and not [N, C, h, w]; nothing of a layer of tokens.
        prefix: tokens before those of places, which stand for none; None where it is no layer of tokens.
    """

    name: str
    cells: int
    channels_last: bool = False
    prefix: int | None = None

    def arrange(self, output: Tensor) -> Tensor:
        """Its output as [N, C, cells, cells]."""
        if self.prefix is not None:
            places = output[:, self.prefix :]
            return places.transpose(1, 2).unflatten(2, (self.cells, self.cells))
        return output.movedim(3, 1) if self.channels_last else output


def find_layer(network: nn.Module, size: int) -> Layer:
    """The layer whose maps explain the network.

    Args:
        network: of timm, in eval.
        size: side of its input, pixels.
    Raises:
        StudyError: no layer fits.
    """
    names = _candidates(network)
    outputs, gradients = _probe(network, names, size)
    channels = {stage["module"]: stage["num_chs"] for stage in _stages(network)}
    fitting = []
    for name in names:
        output = outputs.get(name)
        if output is None:
            continue
        layer = _read_shape(network, name, output, channels.get(name))
        if layer is None or name not in gradients:
            continue
        # where one place alone counts, or none, a map would say nothing
        if int((layer.arrange(gradients[name])[0] != 0).any(dim=0).sum()) > 1:
            fitting.append(layer)
    if not fitting:
        raise StudyError(
            f"no stage of {type(network).__name__} keeps places apart and hands a gradient to them",
            "choose a network of convolutions or of tokens as model.backbone",
        )
    wide = [layer for layer in fitting if layer.cells >= CELLS]
    return wide[0] if wide else max(fitting, key=lambda layer: layer.cells)


def activation_maps(network: nn.Module, layer: Layer, pictures: Tensor, side: int = 1) -> np.ndarray:
    """Grad-CAM of the logit of fake, brought to the size of the images.

    Args:
        network: in eval.
        layer: of `find_layer`.
        pictures: float32 [N, 3, S, S], normalised, on the network's device.
        side: 1 for what speaks for fake, -1 for what speaks for real.

    Returns:
        float32 [N, S, S] in 0..1, each with its own greatest value at 1; all 0 where nothing speaks for it.
    """
    from pytorch_grad_cam import GradCAM  # brings scikit-learn and matplotlib along

    def logit(output: Tensor) -> Tensor:
        return side * LOUDNESS * output[0]

    with _frozen(network), torch.enable_grad():
        method = GradCAM(network, [network.get_submodule(layer.name)], layer.arrange)
        try:
            return method(pictures.requires_grad_(), [logit] * len(pictures))
        finally:
            method.activations_and_grads.release()


def _stages(network: nn.Module) -> list[dict]:
    """What timm records of its stages: module, num_chs, reduction."""
    known = getattr(network, "feature_info", None) or []
    return [stage for stage in known if isinstance(stage, dict) and stage.get("module")]


def _candidates(network: nn.Module) -> list[str]:
    """Modules that may serve, the deepest first; of a network without stages its convolutions."""
    own = dict(network.named_modules())
    stages = _stages(network)
    if not stages:
        return [name for name, module in reversed(own.items()) if isinstance(module, nn.Conv2d)]
    names = []
    for stage in reversed(stages):
        names += [name for name in (f"{stage['module']}.norm1", stage["module"]) if name in own]
    return names


def _probe(
    network: nn.Module, names: Sequence[str], size: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Outputs of the named modules for one noisy image, and the logit's gradients there."""
    outputs: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: object, output: object) -> None:
            if isinstance(output, Tensor):
                outputs[name] = output.detach()
                output.register_hook(lambda gradient: gradients.__setitem__(name, gradient))

        return hook

    handles = [network.get_submodule(name).register_forward_hook(watch(name)) for name in names]
    device = next(network.parameters()).device
    noise = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    try:
        with _frozen(network), torch.enable_grad():
            network(noise.requires_grad_()).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    return outputs, gradients


def _read_shape(network: nn.Module, name: str, output: Tensor, channels: int | None) -> Layer | None:
    """How a module's output lays out places; None where it does not."""
    shape = tuple(output.shape)
    if len(shape) == 3:
        # some networks add their class token behind the last stage
        for prefix in (int(getattr(network, "num_prefix_tokens", 0) or 0), 0):
            side = math.isqrt(max(shape[1] - prefix, 0))
            if side > 1 and side * side == shape[1] - prefix:
                return Layer(name, side, prefix=prefix)
        return None
    if len(shape) != 4:
        return None
    last = str(getattr(network, "output_fmt", "")).endswith("NHWC") or (shape[3] == channels != shape[1])
    high, wide = shape[1:3] if last else shape[2:4]
    return Layer(name, high, channels_last=last) if high == wide > 1 else None


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """No gradient of any weight: only of what images become on their way."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    for weight in learning:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in learning:
            weight.requires_grad_(True)
