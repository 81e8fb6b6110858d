"""How much memory a training step takes beside the weights, counted rather than measured.

Takes a study; gives bytes: what the forward pass keeps for the backward pass of the images that a device
holds at a time, and gradient and optimiser's memory of the parameters that train, all in float32. So it is
the same on every machine, and differs between ways of tuning by what they really keep. Left out, as they are
alike for all of them or the library's affair: weights, a moving average, batches under way, and buffers that
a convolution works in. Cost: a forward pass of two images through a fresh network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dfstudy.model.build import build_model
from dfstudy.model.freeze import count_parameters, train_mode
from dfstudy.model.tuning import choose_trained
from dfstudy.train.learner import pictures_at_once

if TYPE_CHECKING:
    from dfstudy.study.study import Study

FLOAT32 = 4  # bytes
MOMENTS = {"sgd": 0, "nesterov": 1, "adamw": 2}  # values that the optimiser keeps of each parameter
IMAGES = 2  # passed to count: BatchNorm does not train on one


def step_bytes(study: Study) -> int:
    """Bytes of one step of the study's network and recipe on one device."""
    model = study.model.model_copy(update={"weights": "none"})
    with torch.random.fork_rng(devices=[]):
        network = build_model(model)
        choose_trained(network, model)
        train_mode(network, model.batch_norm, study.protocol.drifting_batch_norm)
        kept = _kept_bytes(network, torch.zeros(IMAGES, 3, model.size, model.size))
    _, trainable = count_parameters(network)
    activations = kept * pictures_at_once(study.recipe) // IMAGES
    return activations + FLOAT32 * trainable * (1 + MOMENTS[study.recipe.optimiser])


def _kept_bytes(network: nn.Module, images: Tensor) -> int:
    """Bytes that autograd keeps of these images float32 [N, 3, S, S], each piece of memory once."""
    own = {each.untyped_storage().data_ptr() for each in (*network.parameters(), *network.buffers())}
    found: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in own:
            found[memory.data_ptr()] = memory.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = network(images)  # holds what was kept, so that no address is used twice
    return sum(found.values()) if output.requires_grad else 0
