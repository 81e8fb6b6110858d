"""What a network costs, counted against sums by hand."""

from __future__ import annotations

import torch

from dfstudy.chapters.c06_transfer.cost import cost_numbers, count_cost, without_convolutions
from dfstudy.model.build import build_model
from dfstudy.study.recipe import Model


def test_multiplications_are_those_of_the_layers():
    """Every convolution and linear layer, summed from the shapes that a hook sees."""
    model = Model(backbone="test_resnet", size=64)
    network = build_model(model).eval()
    seen = []

    def count(layer, _, out):
        weights = layer.weight.numel()
        places = out.shape[2] * out.shape[3] if out.dim() == 4 else 1
        seen.append(weights * places)

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    network(torch.zeros(1, 3, 64, 64))
    parameters, multiplied = count_cost(model)
    assert parameters == sum(weight.numel() for weight in network.parameters())
    assert multiplied == sum(seen)


def test_attention_counts_and_nothing_random_is_drawn():
    before = torch.random.get_rng_state()
    networks = {
        "vit": Model(backbone="test_vit", size=96),
        "vit at 64 px": Model(backbone="test_vit", size=64),
    }
    numbers = {number.id: number for number in cost_numbers(networks, 10)}
    assert torch.equal(before, torch.random.get_rng_state())
    large, small = (numbers[f"cross.{slug}.multiply_adds"].value for slug in ("vit", "vit_at_64_px"))
    assert large > 2.25 * small  # 36 and 16 patches; attention grows with their square
    assert numbers["cross.vit.parameters"].value > 100_000


def test_networks_without_convolutions_are_told_from_hybrids():
    sizes = {"test_resnet": 64, "test_vit": 96, "botnet26t_256": 64, "test_maxvit": 96, "mixer_s32_224": 224}
    networks = {name: Model(backbone=name, size=size) for name, size in sizes.items()}
    assert without_convolutions(networks) == ["test_vit", "mixer_s32_224"]
