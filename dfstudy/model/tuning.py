"""Ways to tune a pretrained network: which of its parameters train.

Takes a network of `build_model` and its settings; leaves trainable what `model.tuning` says and freezes the
rest:

- `stages`: the last stages, see `freeze`;
- `head`: the classifier's weights and bias, a linear model on the network's features;
- `norm`: weights and biases of normalisation layers, and the classifier (Frankle, Schwab and Morcos 2021,
  "Training BatchNorm and Only BatchNorm"). A BatchNorm that trains also takes the statistics of the batches,
  unless `model.batch_norm` is eval;
- `lora`: an update of low rank beside every linear layer, and the classifier (Hu et al. 2022, "LoRA"), by the
  library peft. A convolution of 1 x 1 is a linear layer at each position and has one too; larger and grouped
  convolutions have none. The update begins at zero and is not scaled (alpha is the rank), without dropout.

Under `head` and `lora` every BatchNorm keeps its statistics. What is kept on disk is always an ordinary
network: `plain_weights` adds the updates to the layers. Refused with `StudyError`: a network whose classifier
timm does not name, one without normalisation or linear layers, and layers that an update would not reach,
because the network takes their weights and does not call them. Cost: `lora` imports peft, seconds, and passes
one black image.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dfstudy.errors import StudyError
from dfstudy.model.build import classifier_keys
from dfstudy.model.freeze import freeze

if TYPE_CHECKING:
    from dfstudy.study.recipe import Model

ADAPTER = "default"  # what peft calls the only update
BASE = ".base_layer."  # in the names of a layer that has one


def choose_trained(network: nn.Module, settings: Model) -> None:
    """Leave trainable what the settings say, and freeze the rest; `lora` adds its layers to the network."""
    if settings.tuning == "stages":
        freeze(network, settings.trainable_stages)
        return
    chosen = {*classifier_keys(network)}
    if not chosen:
        raise _unfit(settings, "has no classifier that timm names")
    if settings.tuning == "norm":
        normalising = _normalisation_keys(network)
        if not normalising:
            raise _unfit(settings, "has no normalisation layer with weights")
        chosen |= normalising
    if settings.tuning == "lora":
        _add_updates(network, settings, {name.rpartition(".")[0] for name in chosen})
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in chosen or ".lora_" in name)


def plain_weights(network: nn.Module) -> dict[str, Tensor]:
    """The state dict of the ordinary network: updates are added to their layers."""
    state = network.state_dict()
    if not _has_updates(network):
        return state
    plain = {name.replace(BASE, "."): value for name, value in state.items() if ".lora_" not in name}
    with torch.no_grad():
        for name in state:
            layer, marked, _ = name.partition(f"{BASE}weight")
            if marked:
                plain[f"{layer}.weight"] = state[name] + network.get_submodule(layer).get_delta_weight(
                    ADAPTER
                )
    return plain


def remove_updates(network: nn.Module) -> None:
    """Make it the ordinary network, which `plain_weights` fit; the updates are lost."""
    if _has_updates(network):
        for name in {name.partition(BASE)[0] for name, _ in network.named_parameters() if BASE in name}:
            network.set_submodule(name, network.get_submodule(f"{name}.base_layer"))
        network.has_updates = False


def _has_updates(network: nn.Module) -> bool:
    return bool(getattr(network, "has_updates", False))


def _normalisation_keys(network: nn.Module) -> set[str]:
    """Names of the own parameters of modules that call themselves a norm, as all of torch and timm do."""
    return {
        f"{path}.{name}".removeprefix(".")
        for path, module in network.named_modules()
        if "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False)
    }


def _add_updates(network: nn.Module, settings: Model, head: set[str]) -> None:
    """Put an update beside every linear layer but the head's."""
    layers = [name for name, module in network.named_modules() if _is_linear(module) and name not in head]
    if not layers:
        raise _unfit(
            settings, "has no linear layer and no ungrouped convolution of 1 x 1 beside its classifier"
        )
    # imported here: it loads several libraries, which only such a training needs
    from peft import LoraConfig, inject_adapter_in_model

    rank, exactly = settings.rank, "|".join(map(re.escape, layers))
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=exactly), network, ADAPTER)
    network.has_updates = True
    network(next(network.parameters()).new_zeros(1, 3, settings.size, settings.size)).sum().backward()
    missed = [name.partition(".lora_")[0] for name, each in _updates(network) if each.grad is None]
    network.zero_grad(set_to_none=True)
    if missed:
        raise _unfit(settings, f"takes the weights of {missed[0]} without calling it, where no update acts")


def _updates(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, each) for name, each in network.named_parameters() if ".lora_" in name]


def _is_linear(module: nn.Module) -> bool:
    """Of these very types: what is derived from them may do more to its weights than apply them."""
    if type(module) is nn.Conv2d:
        return module.kernel_size == (1, 1) and module.groups == 1
    return type(module) is nn.Linear


def _unfit(settings: Model, why: str) -> StudyError:
    return StudyError(
        f"model.tuning is {settings.tuning}, but {settings.network} {why}",
        "set model.tuning: stages (or leave this one out of tuning.modes), or choose another model.backbone",
    )
