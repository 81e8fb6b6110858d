"""Maps: the layer is found for every kind of network, and the map is Grad-CAM of the logit of fake."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.maps import CELLS, Layer, activation_maps, find_layer
from dfstudy.study.recipe import Model


def network(backbone: str, size: int, **options) -> nn.Module:
    torch.manual_seed(0)
    return build_model(Model(backbone=backbone, size=size, options=options)).eval()


def noise(size: int, count: int = 2, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("backbone", "size", "layer"),
    [
        ("test_resnet", 224, Layer("layer4", 7)),
        ("test_resnet", 96, Layer("layer2", 12)),  # the last stage would have 3 cells
        ("test_efficientnet", 128, Layer("blocks.3", 8)),
        ("test_convnext", 96, Layer("stages.1", 12)),
        ("test_maxvit", 160, Layer("stages.2", 10)),  # convolution and attention
        ("test_vit", 160, Layer("blocks.5.norm1", 10, prefix=1)),
        ("test_mambaout", 160, Layer("stages.2", 10, channels_last=True)),
        ("levit_128s", 224, Layer("stages.1", 7, prefix=0)),  # convolutions that give tokens
    ],
)
def test_the_layer_is_the_deepest_with_enough_cells(backbone, size, layer):
    assert find_layer(network(backbone, size), size) == layer
    assert layer.cells >= CELLS


def test_a_network_without_enough_cells_gives_its_widest():
    assert find_layer(network("test_vit", 96), 96).cells == 6


def test_maps_are_grad_cam_of_the_logit():
    """Written out: channels weighed by their mean gradient, summed, cut at 0, scaled, enlarged."""
    model, pictures = network("test_resnet", 96), noise(96, 3)
    kept = {}
    handle = model.layer2.register_forward_hook(lambda module, given, out: kept.update(out=out))
    logits = model(pictures)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits.sum(), kept["out"])
    weights = gradient.double().mean(dim=(2, 3), keepdim=True)
    low = (weights * kept["out"]).sum(dim=1).clamp(min=0).detach().numpy()
    expected = []
    for one in low:
        one = (one - one.min()) / (one.max() - one.min())
        large = cv2.resize(one.astype(np.float32), (96, 96))
        expected.append((large - large.min()) / (large.max() - large.min()))
    found = activation_maps(model, Layer("layer2", 12), pictures)
    assert found.shape == (3, 96, 96) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_tokens_become_the_places_they_stand_for():
    """A network that reads brightness of one patch alone is explained by that patch."""

    class OnePatch(nn.Module):
        num_prefix_tokens = 1
        feature_info = ({"module": "norm1", "num_chs": 4, "reduction": 8},)

        def __init__(self):
            super().__init__()
            self.embed = nn.Conv2d(3, 4, 8, 8, bias=False)
            nn.init.constant_(self.embed.weight, 1 / 192)
            self.norm1 = nn.Identity()

        def forward(self, x):
            tokens = self.embed(x).flatten(2).transpose(1, 2)
            tokens = self.norm1(torch.cat([torch.zeros_like(tokens[:, :1]), tokens], dim=1))
            return (tokens[:, 1:] ** 2).sum(dim=2)[:, [11]] + 0.001 * tokens.sum(dim=(1, 2))[:, None]

    picture = torch.zeros(1, 3, 64, 64)
    picture[:, :, 8:16, 16:24] = 1  # row 1, column 2 of 8 by 8 patches is number 10
    picture[:, :, 8:16, 24:32] = 3  # number 11
    layer = find_layer(OnePatch(), 64)
    assert layer == Layer("norm1", 8, prefix=1)
    (found,) = activation_maps(OnePatch(), layer, picture)
    assert np.unravel_index(found.argmax(), found.shape)[0] // 8 == 1
    assert np.unravel_index(found.argmax(), found.shape)[1] // 8 == 3


def test_a_faint_network_has_the_same_maps():
    """Scaling the logit changes no evidence; a small constant of the package would darken the map."""
    model, pictures = network("test_resnet", 96), noise(96)
    loud = activation_maps(model, Layer("layer2", 12), pictures)
    with torch.no_grad():
        model.fc.weight.mul_(1e-4)
        model.fc.bias.mul_(1e-4)
    faint = activation_maps(model, Layer("layer2", 12), pictures)
    assert loud.max() > 0.99
    np.testing.assert_allclose(faint, loud, atol=1e-3)


def test_nothing_is_left_behind_in_the_network():
    model = network("test_resnet", 96)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    model.fc.weight.requires_grad_(False)
    layer = find_layer(model, 96)
    first = activation_maps(model, layer, noise(96))
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(weight.grad is None for weight in model.parameters())
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert learning == {name for name, _ in model.named_parameters()} - {"fc.weight"}
    assert np.array_equal(first, activation_maps(model, layer, noise(96)))


def test_a_network_without_stages_is_refused():
    """Its convolutions serve, where it has any: tests/model/test_own.py."""
    plain = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 1))
    with pytest.raises(StudyError, match="no stage of Sequential keeps places apart"):
        find_layer(plain, 32)


def test_real_weights_give_maps_that_differ_between_pictures(shared_models):
    file = shared_models / "mobilenetv2_100_imagenet.safetensors"
    model = build_model(Model(backbone="mobilenetv2_100", weights=str(file), size=160)).eval()
    layer = find_layer(model, 160)
    assert layer == Layer("blocks.4", 10)
    one, other = activation_maps(model, layer, noise(160))
    assert np.abs(one - other).max() > 0.1
