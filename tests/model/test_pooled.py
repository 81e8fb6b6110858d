"""Features of stages are what hooks on these stages see, pooled, whatever the family of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.pooled import HEAD, PooledStages, weights_digest
from dfstudy.study.recipe import Model

SIZES = {"test_resnet": 64, "test_efficientnet": 64, "test_convnext": 64, "test_vit": 160}


def build(backbone: str, weights: str = "none", seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_model(Model(backbone=backbone, size=SIZES.get(backbone, 64), weights=weights)).eval()


def images(backbone: str, count: int = 3) -> torch.Tensor:
    size = SIZES.get(backbone, 64)
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def hook(network: nn.Module, names: list[str]) -> dict[str, torch.Tensor]:
    """What modules give, filled in when the network passes."""
    seen: dict[str, torch.Tensor] = {}
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda module, given, out, name=name: seen.__setitem__(name, out.detach())
        )
    return seen


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "test_convnext"])
def test_a_stage_gives_mean_and_deviation_of_its_channels(backbone):
    network = build(backbone)
    pooled = PooledStages(network, SIZES[backbone])
    modules = [network.feature_info[stage]["module"] for stage in pooled.stages]
    seen = hook(network, modules)
    with torch.no_grad():
        found = pooled(images(backbone)).numpy()
        before_head = network.forward_head(network.forward_features(images(backbone)), pre_logits=True)
    parts = [part for name in modules for part in (seen[name].mean((2, 3)), seen[name].std((2, 3), False))]
    wanted = torch.cat([*parts, before_head], 1).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert [each.name for each in pooled.columns] == [
        *(f"{module} {kind}" for module in modules for kind in ("mean", "deviation")),
        HEAD,
    ]
    assert pooled.width == found.shape[1] == sum(each.width for each in pooled.columns)
    strides = [network.feature_info[stage]["reduction"] for stage in pooled.stages]
    assert strides == [8, 16]


def test_a_block_of_a_transformer_gives_its_class_token_and_the_mean_of_its_patches():
    network = build("test_vit")
    pooled = PooledStages(network, 160, [1, 4])
    seen = hook(network, ["blocks.1", "blocks.4"])
    with torch.no_grad():
        found = pooled(images("test_vit")).numpy()
    parts = [part for block in seen.values() for part in (block[:, 0], block[:, 1:].mean(1))]
    np.testing.assert_allclose(found[:, : -network.num_features], torch.cat(parts, 1).numpy(), atol=1e-5)
    assert [each.name for each in pooled.columns][:2] == ["blocks.1 class token", "blocks.1 mean of tokens"]


def test_the_packaged_network_gives_what_was_measured_first():
    """Stages blocks.2 and blocks.4 and the last convolution of EfficientNet-Lite0: 1,584 features."""
    pooled = PooledStages(build("tf_efficientnet_lite0", "package"), 64)
    assert [tuple(each) for each in pooled.columns] == [
        ("blocks.2 mean", 40),
        ("blocks.2 deviation", 40),
        ("blocks.4 mean", 112),
        ("blocks.4 deviation", 112),
        ("head", 1280),
    ]


@pytest.mark.parametrize("backbone", SIZES)
def test_neighbours_in_a_batch_change_no_bit(backbone):
    pooled, x = PooledStages(build(backbone), SIZES[backbone]), images(backbone, 8)
    with torch.inference_mode():
        assert torch.equal(pooled(x), pooled(x.flip(0)).flip(0))
        other = torch.cat([x[:1], torch.zeros_like(x[1:])])
        assert torch.equal(pooled(x)[:1], pooled(other)[:1])


def test_without_stages_only_what_the_classifier_takes_is_left():
    pooled = PooledStages(build("test_resnet"), 64, [])
    assert [each.name for each in pooled.columns] == [HEAD]


def test_a_stage_that_is_not_there_is_refused():
    with pytest.raises(StudyError, match="has no stage 5: timm counts 5 from 0") as error:
        PooledStages(build("test_resnet"), 64, [2, 5])
    assert "from 0 to 4" in error.value.hint


def test_a_network_without_stages_is_refused():
    class Plain(nn.Module):
        pass

    with pytest.raises(StudyError, match="timm gives no stages of Plain"):
        PooledStages(Plain(), 64)


def test_the_digest_is_of_all_weights_but_the_classifiers():
    network = build("test_resnet")
    before = weights_digest(network)
    with torch.no_grad():
        network.get_classifier().weight.add_(1)
    assert weights_digest(network) == before
    with torch.no_grad():
        network.layer2[0].conv1.weight[0, 0, 0, 0] += 1e-6
    assert weights_digest(network) != before
    assert weights_digest(build("test_resnet", seed=1)) not in (before, weights_digest(network))
