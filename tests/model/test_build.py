"""Networks by name, with weights from nowhere, a file or the hub, or a refusal that says what to do."""

from __future__ import annotations

import importlib.metadata
import shlex
import subprocess
import sys

import huggingface_hub.errors
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from dfstudy.errors import StudyError
from dfstudy.model import build as build_module
from dfstudy.model.build import build_model, start_head_at_zero
from dfstudy.model.packaged import PACKAGED, read_packaged
from dfstudy.study.recipe import Model

SMALL = {"backbone": "test_efficientnet", "size": 48}


def test_one_logit_and_the_same_weights_from_the_same_seed():
    torch.manual_seed(3)
    one = build_model(Model(**SMALL))
    torch.manual_seed(3)
    two = build_model(Model(**SMALL))
    assert one(torch.zeros(2, 3, 48, 48)).shape == (2, 1)
    assert one.new_layers == ("all",)
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, two.state_dict()[name]), name


@pytest.mark.parametrize("backbone", ["test_vit", "test_maxvit", "test_resnet", "test_convnext2"])
def test_other_sizes_than_the_weights_were_made_for(backbone):
    network = build_model(Model(backbone=backbone, size=96))
    assert network(torch.zeros(1, 3, 96, 96)).shape == (1, 1)


def test_unknown_backbone_names_a_near_one():
    with pytest.raises(StudyError, match=r"no network 'test_resnett' \(did you mean 'test_resnet'\?\)"):
        build_model(Model(backbone="test_resnett"))


def test_unknown_tag_lists_the_tags():
    with pytest.raises(StudyError, match="r160_in1k"):
        build_model(Model(backbone="test_resnet.r160_in21k"))


def test_impossible_size_is_named():
    with pytest.raises(StudyError, match="97 px"):
        build_model(Model(backbone="test_vit", size=97))


def test_unknown_option_is_named():
    with pytest.raises(StudyError, match="pad_tipe"):
        build_model(Model(**SMALL, options={"pad_tipe": "same"}))


def weights_of(classes: int, seed: int = 1) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return timm.create_model("test_efficientnet", num_classes=classes).state_dict()


def test_a_classifier_for_other_classes_is_left_out_and_named(tmp_path):
    given = weights_of(1000)
    save_file(given, tmp_path / "w.safetensors")
    network = build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))
    assert network.new_layers == ("classifier.weight", "classifier.bias")
    for name, weight in network.state_dict().items():
        if name not in network.new_layers:
            assert torch.equal(weight, given[name]), name


def test_a_classifier_of_one_logit_is_kept(tmp_path):
    given = weights_of(1)
    save_file(given, tmp_path / "w.safetensors")
    network = build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))
    assert network.new_layers == ()
    assert torch.equal(network.classifier.weight, given["classifier.weight"])


def test_every_key_that_does_not_fit_is_listed(tmp_path):
    given = weights_of(1)
    given["surplus.weight"] = torch.zeros(3)
    given["conv_stem.weight"] = torch.zeros(7, 3, 3, 3)
    del given["bn1.running_mean"]
    del given["bn1.num_batches_tracked"]  # a mere counter that old files lack
    save_file(given, tmp_path / "w.safetensors")
    with pytest.raises(StudyError) as refusal:
        build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))
    assert "(3 keys)" in refusal.value.message
    assert "bn1.running_mean: missing in the file" in refusal.value.message
    assert "surplus.weight: not in the network" in refusal.value.message
    assert "conv_stem.weight: (7, 3, 3, 3) in the file, (24, 3, 3, 3)" in refusal.value.message


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    with pytest.raises(StudyError, match="there is no file"):
        build_model(Model(**SMALL, weights=str(tmp_path / "none.safetensors")))
    pickled = tmp_path / "pickled.safetensors"
    torch.save(weights_of(1), pickled)
    with pytest.raises(StudyError, match="not a safetensors file"):
        build_model(Model(**SMALL, weights=str(pickled)))


def test_offline_the_error_names_the_file_and_the_setting(monkeypatch):
    def offline(*_, **__):
        raise huggingface_hub.errors.LocalEntryNotFoundError("no network")

    monkeypatch.setattr(build_module, "hf_hub_download", offline)
    with pytest.raises(StudyError) as refusal:
        build_model(Model(backbone="tf_efficientnetv2_m.in21k_ft_in1k", weights="hub"))
    address = "https://huggingface.co/timm/tf_efficientnetv2_m.in21k_ft_in1k/resolve/main/model.safetensors"
    assert address in refusal.value.hint
    assert "model.weights:" in refusal.value.hint


def test_hub_weights_are_loaded_except_the_classifier(monkeypatch, tmp_path):
    given = weights_of(1000)
    save_file(given, tmp_path / "model.safetensors")
    asked = []

    def cached(*names):
        asked.append(names)
        return str(tmp_path / "model.safetensors")

    monkeypatch.setattr(build_module, "hf_hub_download", cached)
    network = build_model(Model(**SMALL, weights="hub"))
    assert asked == [("timm/test_efficientnet.r160_in1k", "model.safetensors")]
    assert torch.equal(network.conv_stem.weight, given["conv_stem.weight"])
    assert network.new_layers == ("classifier.weight", "classifier.bias")


def test_weights_never_published_on_the_hub_are_refused():
    with pytest.raises(StudyError, match="not as safetensors on the hub"):
        build_model(Model(backbone="gcvit_base", weights="hub"))


def test_real_imagenet_weights_with_their_padding(shared_models):
    file = shared_models / "mobilenetv2_100_imagenet.safetensors"
    padding = {"pad_type": "same"}
    network = build_model(Model(backbone="mobilenetv2_100", size=128, weights=str(file), options=padding))
    assert network.new_layers == ("classifier.weight", "classifier.bias")
    assert type(network.conv_stem).__name__ == "Conv2dSame"
    assert torch.equal(network.conv_stem.weight, load_file(file)["conv_stem.weight"])


LITE = {"backbone": "tf_efficientnet_lite0", "weights": "package", "size": 64}


def test_packaged_weights_fill_everything_but_the_classifier():
    network = build_model(Model(**LITE))
    assert network.new_layers == ("classifier.weight", "classifier.bias")
    whole = timm.create_model("tf_efficientnet_lite0")
    given = read_packaged("tf_efficientnet_lite0", list(whole.state_dict()))
    whole.load_state_dict(given)  # strict: every key and shape
    body = [name for name in given if not name.startswith("classifier")]
    assert len(body) > 250
    assert all(torch.equal(network.state_dict()[name], given[name]) for name in body)
    assert network.pretrained_cfg["mean"] == network.pretrained_cfg["std"] == (0.5, 0.5, 0.5)


def test_a_backbone_without_packaged_weights_lists_those_that_have_them():
    with pytest.raises(StudyError, match="no weights for test_resnet") as refused:
        build_model(Model(backbone="test_resnet", weights="package"))
    assert "tf_efficientnet_lite0" in refused.value.hint


def test_other_content_and_a_missing_package_are_refused(monkeypatch, tmp_path):
    known = PACKAGED["tf_efficientnet_lite0"]
    (tmp_path / known.file).parent.mkdir(parents=True)
    (tmp_path / known.file).write_bytes(b"other")

    class Other:
        def locate_file(self, name):
            return tmp_path / name

    with monkeypatch.context() as patched:
        patched.setattr(importlib.metadata, "distribution", lambda name: Other())
        with pytest.raises(StudyError, match="sha256 differs"):
            build_model(Model(**LITE))
        (tmp_path / known.file).unlink()
        with pytest.raises(StudyError, match="lacks its file"):
            build_model(Model(**LITE))

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    with monkeypatch.context() as patched:
        patched.setattr(importlib.metadata, "distribution", missing)
        with pytest.raises(StudyError, match="not installed"):
            build_model(Model(**LITE))


def test_the_new_head_of_a_pretrained_network_starts_at_zero():
    network = build_model(Model(**LITE))
    assert network.classifier.weight.std() > 0.4  # timm draws it from U(-1, 1)
    start_head_at_zero(network)
    assert not network.eval()(torch.rand(2, 3, 64, 64)).any()


def test_a_head_that_came_with_the_weights_stays(tmp_path):
    given = weights_of(1)
    save_file(given, tmp_path / "w.safetensors")
    network = build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))
    start_head_at_zero(network)
    assert torch.equal(network.classifier.weight, given["classifier.weight"])


def test_a_network_of_other_layers_than_the_packaged_one_is_refused():
    names = list(build_model(Model(**LITE)).state_dict())
    with pytest.raises(StudyError, match="holds 296 tensors, and this network has 290"):
        read_packaged("tf_efficientnet_lite0", names[:290])


WRAPPED = {
    "module.": lambda key: f"module.{key}",
    "model.": lambda key: f"model.{key}",
    "state_dict.module.": lambda key: f"state_dict.module.{key}",
    "net.backbone.": lambda key: f"net.backbone.{key}",
}


@pytest.mark.parametrize("prefix", WRAPPED)
@pytest.mark.parametrize("classes", [1, 1000])
def test_a_wrappers_name_is_taken_off_and_that_is_said(tmp_path, prefix, classes):
    given = weights_of(classes)
    wrapped = {prefix + key: value for key, value in given.items()} | {"optimizer.step": torch.ones(1)}
    save_file(wrapped, tmp_path / "w.safetensors")
    network = build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))
    assert f"'{prefix}' taken off" in network.weights_note and "left out: 1" in network.weights_note
    assert torch.equal(network.conv_stem.weight, given["conv_stem.weight"])
    assert network.new_layers == (() if classes == 1 else ("classifier.weight", "classifier.bias"))


@pytest.mark.parametrize("name", ["", "fc", "head.1", "last_linear"])
def test_a_file_without_our_classifier_gets_a_new_one(tmp_path, name):
    given = weights_of(5)
    own = {key: value for key, value in given.items() if not key.startswith("classifier")}
    if name:
        own |= {f"{name}.{kind}": given[f"classifier.{kind}"] for kind in ("weight", "bias")}
    save_file(own, tmp_path / "w.safetensors")
    network = build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))
    assert network.new_layers == ("classifier.weight", "classifier.bias")
    assert "the file has none" in network.weights_note
    assert (f"its classifier {name}.bias, {name}.weight left out" in network.weights_note) == bool(name)
    assert torch.equal(network.conv_stem.weight, given["conv_stem.weight"])


def test_a_file_with_two_networks_is_not_guessed_at(tmp_path):
    given = weights_of(1)
    both = {f"{name}.{key}": value.clone() for name in ("model", "ema") for key, value in given.items()}
    save_file(both, tmp_path / "w.safetensors")
    with pytest.raises(StudyError, match=r"holds the network 2 times, under 'ema\.', 'model\.'"):
        build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))


def test_at_most_ten_keys_are_listed(tmp_path):
    other = {f"layers.{at}.weight": torch.zeros(3) for at in range(50)}
    save_file(other, tmp_path / "w.safetensors")
    with pytest.raises(StudyError) as refusal:
        build_model(Model(**SMALL, weights=str(tmp_path / "w.safetensors")))
    assert refusal.value.message.count("\n") == 11 and refusal.value.message.endswith(" more")
    assert "weights of another network" in refusal.value.hint and "layers.0.weight" in refusal.value.hint


@pytest.mark.parametrize("nested", [None, "state_dict", "model"])
def test_the_command_for_pickled_weights_does_what_it_says(tmp_path, nested):
    given = {f"module.{key}": value for key, value in weights_of(1).items()}
    old, new = tmp_path / "old.pth", tmp_path / "new.safetensors"
    torch.save({nested: given, "epoch": 3} if nested else given, old)
    with pytest.raises(StudyError, match="not a safetensors file") as refusal:
        build_model(Model(**SMALL, weights=str(old)))
    command = refusal.value.hint.partition("convert it once: ")[2]
    words = shlex.split(command.replace("OLD.pth", str(old)).replace("NEW.safetensors", str(new)))
    subprocess.run([sys.executable, *words[1:]], check=True)
    network = build_model(Model(**SMALL, weights=str(new)))
    assert torch.equal(network.conv_stem.weight, given["module.conv_stem.weight"])
