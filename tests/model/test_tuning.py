"""Ways of tuning train what they say and nothing else, in convolutional networks and transformers."""

from __future__ import annotations

import re
from collections import OrderedDict

import pytest
import torch
from timm.models import get_pretrained_cfg
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from dfstudy.errors import StudyError
from dfstudy.model.build import build_model, classifier_keys
from dfstudy.model.freeze import train_mode
from dfstudy.model.tuning import choose_trained, plain_weights, remove_updates
from dfstudy.study.recipe import Model
from dfstudy.system.provenance import project_root

NETWORKS = {
    "test_efficientnet": {},
    "test_convnext": {},
    "test_vit": {},
    "swin_tiny_patch4_window7_224": {"embed_dim": 12, "window_size": 2},
}


def settings(backbone: str, tuning: str) -> Model:
    return Model(backbone=backbone, size=64, tuning=tuning, rank=2, options=NETWORKS.get(backbone, {}))


def images() -> torch.Tensor:
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def step(network: nn.Module) -> None:
    """A training step with a rate that moves whatever trains."""
    train_mode(network)
    trained = [each for each in network.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=0.01, weight_decay=0.0)
    for _ in range(2):  # the updates of `lora` begin at zero: their first factor moves in the second step
        optimiser.zero_grad()
        network(images()).square().sum().backward()
        optimiser.step()


def norm_keys(network: nn.Module) -> set[str]:
    """By the types of torch, of which these networks have no others."""
    kinds = (_BatchNorm, nn.LayerNorm)
    return {
        f"{path}.{name}"
        for path, module in network.named_modules()
        if isinstance(module, kinds)
        for name, _ in module.named_parameters()
    }


@pytest.mark.parametrize("tuning", ["head", "norm", "lora"])
@pytest.mark.parametrize("backbone", NETWORKS)
def test_what_trains_moves_and_nothing_else_does(backbone, tuning):
    torch.manual_seed(0)
    asked = settings(backbone, tuning)
    network = build_model(asked)
    head, norms = set(classifier_keys(network)), norm_keys(network)
    assert len(head) == 2
    choose_trained(network, asked)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    step(network)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    statistics = {name for name in moved if "running_" in name or "num_batches" in name}
    updates = {name for name in before if ".lora_" in name}
    expected = {"head": head, "norm": head | norms, "lora": head | updates}[tuning]
    assert moved - statistics == expected and bool(updates) == (tuning == "lora")
    held = {name for name, each in network.named_parameters() if each.grad is None}
    assert held == {name for name, _ in network.named_parameters()} - expected
    # a BatchNorm takes the statistics of batches where it trains, and only there
    has_batch_norm = any(isinstance(module, _BatchNorm) for module in network.modules())
    assert bool(statistics) == (has_batch_norm and tuning == "norm")


@pytest.mark.parametrize("backbone", NETWORKS)
def test_low_rank_updates_are_kept_as_an_ordinary_network(backbone):
    torch.manual_seed(0)
    asked = settings(backbone, "lora")
    ordinary = build_model(asked)
    network = build_model(asked)
    network.load_state_dict(ordinary.state_dict())
    choose_trained(network, asked)
    tuned = {name.partition(".lora_A")[0] for name in network.state_dict() if ".lora_A" in name}
    for name in tuned:  # every linear layer but the head, and 1 x 1 convolutions
        weight = ordinary.get_submodule(name).weight
        assert weight.ndim == 2 or weight.shape[2:] == (1, 1)
    assert torch.equal(network.eval()(images()), ordinary.eval()(images()))  # they begin at zero
    step(network)
    plain, scores = plain_weights(network), network.eval()(images())
    ordinary.load_state_dict(plain)
    for name in tuned:
        layer = network.get_submodule(name)
        down, up = layer.lora_A["default"].weight.flatten(1), layer.lora_B["default"].weight.flatten(1)
        update = plain[f"{name}.weight"] - layer.base_layer.weight
        assert down.shape[0] == up.shape[1] == 2
        torch.testing.assert_close(update.flatten(1), up @ down, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(ordinary.eval()(images()), scores, atol=1e-4, rtol=1e-3)
    remove_updates(network)
    network.load_state_dict(plain)
    assert torch.equal(network.eval()(images()), ordinary(images()))


def test_stages_are_frozen_as_ever_and_ordinary_weights_stay_as_they_are():
    asked = settings("test_efficientnet", "stages").model_copy(update={"trainable_stages": 1})
    network = build_model(asked)
    choose_trained(network, asked)
    trains = {name.split(".")[0] for name, each in network.named_parameters() if each.requires_grad}
    assert (
        trains == {"blocks", "conv_head", "bn2", "classifier"} and not network.conv_stem.weight.requires_grad
    )
    plain = plain_weights(network)
    assert plain.keys() == network.state_dict().keys()
    assert all(
        plain[name] is value or torch.equal(plain[name], value)
        for name, value in network.state_dict().items()
    )


def bare(classifier: str = "fc") -> nn.Module:
    """A network without 1 x 1 convolutions or norms."""
    layers = OrderedDict(
        conv=nn.Conv2d(3, 4, 3), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), fc=nn.Linear(4, 1)
    )
    network = nn.Sequential(layers)
    network.pretrained_cfg = {"classifier": classifier}
    return network


@pytest.mark.parametrize(
    ("network", "tuning", "why"),
    [
        (bare(""), "head", "no classifier that timm names"),
        (bare(), "norm", "no normalisation layer"),
        (bare(), "lora", "no linear layer"),
    ],
)
def test_a_network_without_what_would_train_is_refused(network, tuning, why):
    with pytest.raises(StudyError, match=why) as error:
        choose_trained(network, Model(tuning=tuning, size=32))
    assert "model.tuning: stages" in error.value.hint


def test_layers_that_an_update_would_not_reach_are_refused():
    """BEiT takes the weights of its qkv layer and does not call it."""
    asked = settings("beit_base_patch16_224", "lora").model_copy(
        update={"options": {"embed_dim": 24, "depth": 1, "num_heads": 2}}
    )
    with pytest.raises(StudyError, match=r"takes the weights of blocks\.0\.attn\.qkv"):
        choose_trained(build_model(asked), asked)


def test_the_page_says_of_foundation_models_what_timm_says():
    page = (project_root() / "docs" / "tuning.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+\.\w+)` \| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert len(rows) == 8
    for name, size, mean, std, licence in rows:
        known = get_pretrained_cfg(name)
        shown = [", ".join(f"{value:.3f}" for value in values) for values in (known.mean, known.std)]
        assert [int(size), mean, std, licence] == [known.input_size[1], *shown, known.license]
