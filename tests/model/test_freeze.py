"""What trains and what is held, by stage, in several families of networks."""

from __future__ import annotations

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from dfstudy.errors import StudyError
from dfstudy.model import build_model, count_parameters, freeze, train_mode
from dfstudy.study import Model

FAMILIES = ["test_resnet", "test_efficientnet", "test_byobnet", "mobilenetv3_small_050", "regnety_002"]


def one_step(network: torch.nn.Module, size: int = 64) -> None:
    generator = torch.Generator().manual_seed(0)
    network(torch.randn(4, 3, size, size, generator=generator)).sum().backward()


def test_the_recorded_freezing_leaves_as_many_parameters_as_recorded():
    network = build_model(Model(backbone="tf_efficientnetv2_m.in21k_ft_in1k", size=224))
    freeze(network, 2)
    assert count_parameters(network) == (52_859_637, 42_983_813)
    trains = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    blocks = {name.split(".")[1] for name, p in network.blocks.named_parameters("blocks") if p.requires_grad}
    assert trains == {"blocks", "conv_head", "bn2", "classifier"}
    assert blocks == {"5", "6"}
    train_mode(network)
    held = [m for m in network.modules() if isinstance(m, _BatchNorm) and not m.training]
    assert len(held) == 87  # the layers whose statistics drifted in the recorded protocol


@pytest.mark.parametrize("backbone", FAMILIES)
def test_frozen_statistics_and_weights_stand_still_and_the_rest_moves(backbone):
    torch.manual_seed(0)
    network = build_model(Model(backbone=backbone, size=64))
    freeze(network, 1)
    train_mode(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    one_step(network)
    trains = {name: p.requires_grad for name, p in network.named_parameters()}
    assert any(trains.values())
    assert not all(trains.values())
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
    moved = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    for name, module in network.named_modules():
        if isinstance(module, _BatchNorm):
            assert (f"{name}.running_mean" in moved) == trains[f"{name}.weight"], name


@pytest.mark.parametrize("backbone", [*FAMILIES, "test_vit", "test_convnext2", "densenet121"])
def test_stages_nest_from_the_head_alone_to_everything(backbone):
    counts = []
    network = build_model(Model(backbone=backbone, size=64))
    stages = 0
    while True:
        try:
            freeze(network, stages)
        except StudyError as refusal:
            assert f"from 0 to {stages - 1}" in refusal.hint
            break
        counts.append(count_parameters(network)[1])
        stages += 1
    assert counts == sorted(set(counts))
    assert network.get_classifier().weight.numel() <= counts[0] < counts[-1]
    assert counts[-1] == count_parameters(network)[0]


def test_all_freezes_nothing():
    network = build_model(Model(backbone="test_resnet", size=64))
    freeze(network, "all")
    everything, trainable = count_parameters(network)
    assert everything == trainable


def test_batch_norm_in_eval_keeps_statistics_where_weights_train():
    network = build_model(Model(backbone="test_resnet", size=64))
    train_mode(network, "eval")
    before = {name: b.clone() for name, b in network.named_buffers()}
    one_step(network)
    assert network.training
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())
    assert all(p.grad is not None for p in network.parameters())
