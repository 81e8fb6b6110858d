"""What trains and what is held, by stage, in several families of networks."""

from __future__ import annotations

import pytest
import timm
import torch
from timm.layers import DropPath
from timm.models import group_parameters
from torch.nn.modules.batchnorm import _BatchNorm

from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.freeze import count_parameters, freeze, train_mode
from dfstudy.study.recipe import Model, Training
from dfstudy.study.study import load_study
from dfstudy.train.protocol import build_optimiser

FAMILIES = ["test_resnet", "test_efficientnet", "test_byobnet", "mobilenetv3_small_050", "regnety_002"]
# A small member of each family that a study is likely to fine-tune, and a parameter outside every block.
FINE_TUNED = {
    "tf_efficientnetv2_b0": "conv_stem.weight",
    "mobilenetv2_050": "conv_stem.weight",
    "mobilenetv3_small_050": "conv_stem.weight",
    "convnext_atto": "stem.0.weight",
    "test_vit": "pos_embed",
    "test_vit2": "reg_token",
    "swin_tiny_patch4_window7_224": "patch_embed.proj.weight",
}


def one_step(network: torch.nn.Module, size: int = 64) -> None:
    generator = torch.Generator().manual_seed(0)
    network(torch.randn(4, 3, size, size, generator=generator)).sum().backward()


def in_graph(loss: torch.Tensor) -> set[torch.Tensor]:
    """Parameters that a backward pass from the loss would reach."""
    found, seen, ahead = set(), set(), [loss.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        found |= {node.variable} if hasattr(node, "variable") else set()
        ahead += [after for after, _ in node.next_functions]
    return found


def test_the_recorded_freezing_leaves_as_many_parameters_as_recorded():
    settings = load_study("original").model.model_copy(update={"weights": "none"})
    network = build_model(settings)
    freeze(network, settings.trainable_stages)
    assert count_parameters(network) == (52_859_637, 42_983_813)
    trains = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    blocks = {name.split(".")[1] for name, p in network.blocks.named_parameters("blocks") if p.requires_grad}
    assert trains == {"blocks", "conv_head", "bn2", "classifier"}
    assert blocks == {"5", "6"}
    train_mode(network)
    held = [m for m in network.modules() if isinstance(m, _BatchNorm) and not m.training]
    assert len(held) == 87  # the layers whose statistics drifted in the original protocol


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


@pytest.fixture(scope="module", params=FINE_TUNED)
def half_frozen(request):
    """A network with the first half of its stages frozen, and four images."""
    torch.manual_seed(0)
    network = build_model(Model(backbone=request.param, size=64, options={"drop_path_rate": 0.2}))
    stages = max(group_parameters(network, network.group_matcher(coarse=True), reverse=True).values())
    freeze(network, stages // 2)
    train_mode(network)
    assert not network.get_parameter(FINE_TUNED[request.param]).requires_grad
    return network, torch.randn(4, 3, 64, 64)


def frozen_leaves(network: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Modules with parameters of their own, all of them frozen."""
    own = {name: list(module.parameters(recurse=False)) for name, module in network.named_modules()}
    return {
        name: network.get_submodule(name)
        for name, parameters in own.items()
        if name and parameters and not any(p.requires_grad for p in parameters)
    }


def test_the_frozen_part_has_no_backward_pass_no_gradient_and_no_optimiser_memory(half_frozen):
    network, pictures = half_frozen
    optimiser = build_optimiser(network, Training())
    trained = {p for p in network.parameters() if p.requires_grad}
    leaves = frozen_leaves(network)
    passed, inside, kept = [], [], []

    def enter(module, given):
        inside.append(module)

    def leave(module, given, result):
        passed.append((inside.pop(), result.requires_grad))

    hooks = [module.register_forward_pre_hook(enter) for module in leaves.values()]
    hooks += [module.register_forward_hook(leave) for module in leaves.values()]
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(bool(inside)) or x, lambda x: x):
        loss = network(pictures).square().mean()
    for hook in hooks:
        hook.remove()
    assert {module for module, _ in passed} == set(leaves.values()) and len(leaves) > 2
    assert not any(has_graph for _, has_graph in passed)
    assert kept and not any(kept)  # nothing is kept for a backward pass while a frozen layer runs
    assert in_graph(loss) == trained
    loss.backward()
    assert {p for p in network.parameters() if p.grad is not None} == trained
    optimiser.step()
    assert set(optimiser.state) == trained


def test_the_frozen_part_stays_in_eval_and_does_not_move(half_frozen):
    network, pictures = half_frozen
    leaves = frozen_leaves(network)
    assert not any(module.training for module in leaves.values())
    for name, module in network.named_modules():
        if isinstance(module, DropPath):
            block = network.get_submodule(name.rpartition(".")[0])
            assert module.training == any(p.requires_grad for p in block.parameters()), name
    before = {name: {k: v.clone() for k, v in leaf.state_dict().items()} for name, leaf in leaves.items()}
    optimiser = build_optimiser(network, Training(weight_decay=0.5))
    for _ in range(2):
        optimiser.zero_grad()
        network(pictures).square().mean().backward()
        optimiser.step()
    for name, leaf in leaves.items():
        assert all(torch.equal(value, before[name][key]) for key, value in leaf.state_dict().items()), name
    norms = {name: m for name, m in network.named_modules() if isinstance(m, _BatchNorm)}
    assert all((name in leaves) == (int(norm.num_batches_tracked) == 0) for name, norm in norms.items())


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


@pytest.mark.parametrize("backbone", ["pit_ti_224", "rdnet_tiny"])
def test_a_network_whose_stages_timm_does_not_know_is_refused(backbone):
    with torch.device("meta"):
        network = timm.create_model(backbone, num_classes=1)
    with pytest.raises(StudyError, match="timm knows no stages of") as refusal:
        freeze(network, 1)
    assert "trainable_stages: all" in refusal.value.hint


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
