"""Networks of the user's own: built from a file, checked with words, and kept with their code."""

from __future__ import annotations

import textwrap

import pytest
import torch
from torch import nn

from dfstudy.errors import StudyError
from dfstudy.model.build import build_model, start_head_at_zero
from dfstudy.model.checkpoint import SOURCE, describe_model, keep_source, save_weights
from dfstudy.model.device import resolve_normalisation
from dfstudy.model.freeze import freeze
from dfstudy.model.maps import activation_maps, find_layer
from dfstudy.study.recipe import Model
from dfstudy.system.provenance import file_digest

TINY = """
from torch import nn

def build(width=8):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 1),
    )
"""


@pytest.fixture
def write(tmp_path):
    def written(text, name="tiny.py"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text))
        return file

    return written


def settings(file, function="build", **more):
    return Model(backbone=f"{file}:{function}", **{"size": 48, **more})


def test_a_network_of_ten_lines_is_built_with_its_options(write):
    file = write(TINY)
    torch.manual_seed(3)
    network = build_model(settings(file, options={"width": 4}))
    torch.manual_seed(3)
    again = build_model(settings(file, options={"width": 4}))
    assert network[0].out_channels == 4 and network.new_layers == ("all",)
    assert all(torch.equal(*pair) for pair in zip(network.parameters(), again.parameters(), strict=True))
    before = network[-1].weight.clone()
    start_head_at_zero(network)  # its own beginning stays
    assert torch.equal(network[-1].weight, before) and before.abs().sum() > 0
    freeze(network, "all")
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_images_are_normalised_as_it_says_or_by_a_half(write):
    file = write(TINY)
    told = resolve_normalisation(build_model(settings(file)), settings(file))
    assert (told.mean, told.std) == ((0.5,) * 3, (0.5,) * 3)
    asked = settings(file, mean=[0.1, 0.2, 0.3])
    assert resolve_normalisation(build_model(asked), asked).mean == (0.1, 0.2, 0.3)
    file = write(TINY + "\nbuild.default_cfg = {'mean': (0.4, 0.5, 0.6), 'std': (0.2, 0.2, 0.2)}\n", "two.py")
    told = resolve_normalisation(build_model(settings(file)), settings(file))
    assert (told.mean, told.std) == ((0.4, 0.5, 0.6), (0.2, 0.2, 0.2))
    file = write(TINY + "\nbuild.default_cfg = {'mean': 0.5}\n", "three.py")
    with pytest.raises(StudyError, match=r"default_cfg of three\.py:build has mean 0.5, not three numbers"):
        build_model(settings(file))


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        ("def bulid():\n    return 1\n", {}, ["has no function 'build'", "did you mean 'bulid'"]),
        ("def build():\n    return 1\n", {}, ["returned int, not a torch.nn.Module"]),
        (
            "from torch import nn\nclass Net(nn.Module):\n    pass\ndef build():\n    return Net\n",
            {},
            ["returned type, not a torch.nn.Module", "and not its class"],
        ),
        (
            TINY.replace("nn.Linear(2 * width, 1)", "nn.Linear(2 * width, 2)"),
            {},
            [
                "an output of shape [2, 2] for images of shape [2, 3, 48, 48], not [2, 1]",
                "nn.Linear(features, 1)",
            ],
        ),
        (TINY.replace(", nn.Flatten()", ""), {}, ["fails on images of shape [2, 3, 48, 48]", "RuntimeError"]),
        (
            "from torch import nn\ndef build():\n    return nn.Identity()\n",
            {},
            ["without a parameter that trains"],
        ),
        (TINY, {"options": {"depth": 2}}, ["cannot be called with depth", "'depth'"]),
        (TINY, {"weights": "package"}, ["model.weights: package has none for tiny.py:build"]),
        (TINY, {"weights": "hub"}, ["model.weights: hub has none for tiny.py:build"]),
    ],
)
def test_a_wrong_network_is_refused_with_words(write, text, more, says):
    with pytest.raises(StudyError) as error:
        build_model(settings(write(text), **more))
    assert all(part in str(error.value) for part in says), error.value


def test_no_stage_of_it_can_be_frozen(write):
    network = build_model(settings(write(TINY)))
    with pytest.raises(StudyError, match=r"model\.trainable_stages: timm knows no stages of Sequential"):
        freeze(network, 1)


def test_maps_explain_its_last_convolution(write):
    network = build_model(settings(write(TINY))).eval()
    layer = find_layer(network, 48)
    assert layer.name == "3" and layer.cells == 12
    maps = activation_maps(network, layer, torch.randn(2, 3, 48, 48))
    assert maps.shape == (2, 48, 48) and maps.max() <= 1
    file = write(
        "from torch import nn\ndef build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(6912, 1))\n",
        "flat.py",
    )
    with pytest.raises(StudyError, match="no stage of Sequential keeps places apart"):
        find_layer(build_model(settings(file)).eval(), 48)


def test_weights_of_a_file_are_loaded_by_its_own_names(write, tmp_path):
    file = write(TINY)
    network = build_model(settings(file))
    save_weights(tmp_path / "w.safetensors", network.state_dict())
    again = build_model(settings(file, weights=str(tmp_path / "w.safetensors")))
    assert all(torch.equal(*pair) for pair in zip(network.parameters(), again.parameters(), strict=True))
    assert again.new_layers == ()


def test_a_checkpoint_runs_its_code_only_where_it_is_asked_to(write, tmp_path):
    file, folder = write(TINY), tmp_path / "run"
    folder.mkdir()
    keep_source(folder, settings(file))
    told = {
        "model": settings(file).model_dump(mode="json") | {"backbone": "tiny.py:build"},
        "own_network": {"sha256": file_digest(file)},
    }
    with pytest.raises(StudyError, match="is code of its maker's own"):
        describe_model(folder, told)
    file.unlink()  # the copy is enough
    network = build_model(describe_model(folder, told, own_code=True))
    assert isinstance(network, nn.Sequential)
    (folder / SOURCE).write_text(TINY + "\n")
    with pytest.raises(StudyError, match="changed after it was written"):
        describe_model(folder, told, own_code=True)
    (folder / SOURCE).unlink()
    with pytest.raises(StudyError, match=r"lacks network\.py"):
        describe_model(folder, told, own_code=True)
    keep_source(folder, Model())  # of timm's network nothing is kept
    assert not (folder / SOURCE).exists()
