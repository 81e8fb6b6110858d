"""What would end a report later ends it at once: before anything is trained, rendered or indexed."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file

from dfstudy.errors import StudyError
from dfstudy.pipeline import build, check_networks, preflight
from dfstudy.pipeline.check_networks import HubFile, check_model, check_policy
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.preflight import PREFLIGHT, check_study, weight_sizes
from dfstudy.study.recipe import Model
from dfstudy.study.study import load_study
from dfstudy.system.kept import write_if_changed

NET = {"backbone": "test_efficientnet", "size": 48}
FULL = "tf_efficientnetv2_m.in21k_ft_in1k"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty cache, and what the hub answers: an error, nothing at all, or that it has the file."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(check_networks, "PATIENCE", 0.3)
    asked = []

    def answer(action) -> list[str]:
        def ask(url, timeout):
            assert timeout <= 3  # and no second try: that is the default of what is called
            asked.append(url)
            return action()

        monkeypatch.setattr(check_networks, "get_hf_file_metadata", ask)
        return asked

    return answer


def raise_offline():
    raise OSError("Name or service not known")


def fill_cache(folder, repository: str = "timm/test_efficientnet.r160_in1k") -> str:
    """The layout of the hub's own cache."""
    place = folder / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    (place / "snapshots" / "abc").mkdir(parents=True)
    save_file({"x": torch.zeros(1)}, place / "snapshots/abc/model.safetensors")
    return str(place / "snapshots/abc/model.safetensors")


def test_a_good_network_gives_the_bytes_of_its_weights(tmp_path):
    found = check_model("model", Model(**NET))
    weights = sum(each.nbytes for each in check_networks._build(Model(**NET)).state_dict().values())
    assert found == {"bytes": weights, "cached": ""} and weights > 400_000
    assert (
        check_model("model", Model(backbone="tf_efficientnet_lite0", weights="package", size=64))["bytes"]
        > 1e7
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"backbone": "test_resnett"}, "no network 'test_resnett' (did you mean 'test_resnet'?)"),
        ({"backbone": "test_vit", "size": 97}, "97 px"),
        ({"backbone": "test_resnet.r160_in21k"}, "no weight tag"),
        ({"backbone": "test_resnet", "weights": "package"}, "package has no weights for test_resnet"),
        ({"backbone": "test_resnet", "options": {"pad_tipe": "same"}}, "pad_tipe"),
        ({"backbone": "gcvit_base", "weights": "hub"}, "not as safetensors on the hub"),
    ],
)
def test_a_network_that_cannot_be_built_is_named(hub, model, expected):
    hub(raise_offline)
    with pytest.raises(StudyError) as error:
        check_model("model", Model(**model))
    assert expected in error.value.message and error.value.hint
    with pytest.raises(StudyError, match=r"^forgeries\.second: "):
        check_model("forgeries.second", Model(**model))


def test_a_weights_file_that_does_not_fit_is_named(tmp_path):
    file = tmp_path / "net.safetensors"
    save_file({"foreign.weight": torch.zeros(3)}, file)
    with pytest.raises(StudyError, match="does not fit the network"):
        check_model("model", Model(**NET, weights=str(file)))
    file.write_bytes(b"no weights at all")
    with pytest.raises(StudyError, match="not a safetensors file"):
        check_model("model", Model(**NET, weights=str(file)))


def test_a_hub_that_cannot_be_reached_is_said_with_three_ways_on(hub, tmp_path):
    asked = hub(raise_offline)
    began = time.monotonic()
    with pytest.raises(StudyError, match="OSError: Name or service not known") as error:
        check_model("model", Model(backbone=FULL, weights="hub"))
    assert time.monotonic() - began < 8 and len(asked) == 1
    for way in ("path/to/model.safetensors", "HF_HOME", "model.weights: none", asked[0]):
        assert way in error.value.hint
    assert str(tmp_path / "hub") in error.value.message and "package" not in error.value.hint


def test_a_hub_that_never_answers_is_not_waited_for(hub):
    never = threading.Event()
    hub(never.wait)
    began = time.monotonic()
    file = HubFile("timm/any")
    assert file.missing() == "no answer in 0.3 s" and time.monotonic() - began < 2
    never.set()


def test_offline_by_wish_asks_nobody(hub, monkeypatch):
    asked = hub(raise_offline)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert HubFile("timm/any").missing() == "HF_HUB_OFFLINE is set" and not asked


def test_weights_that_the_hub_has_are_left_for_the_training_to_fetch(hub):
    asked = hub(lambda: None)
    assert check_model("model", Model(**NET, weights="hub"))["cached"] == "" and len(asked) == 1


def test_weights_in_the_cache_need_no_hub(hub, tmp_path):
    asked = hub(raise_offline)
    file = fill_cache(tmp_path / "hub")
    assert check_model("model", Model(**NET, weights="hub"))["cached"] == file and not asked


@pytest.mark.parametrize("name", ["none", "original", "none+grey", "original-grey-colour", "original*0.5"])
def test_good_policies_pass(name):
    check_policy(name)


@pytest.mark.parametrize("name", ["dfdc_winner-shadow", "original*0", "none*x", "self_blend+grey"])
def test_policies_that_the_study_file_lets_through_are_read_to_their_end(name):
    with pytest.raises(StudyError, match=r"augment\.policy"):
        check_policy(name)


def test_a_missing_weights_file_is_told_without_loading_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "_ask", lambda *_: pytest.fail("not needed"))
    (tmp_path / "net.safetensors").touch()
    with pytest.raises(StudyError, match=r"model\.weights: there is no file .*nett\.safetensors") as error:
        check_study(load_study(overrides={"model.weights": str(tmp_path / "nett.safetensors")}))
    assert "did you mean 'net.safetensors'" in error.value.message
    assert "dfstudy settings model.weights" in error.value.hint
    with pytest.raises(StudyError, match=r"forgeries\.second\.weights: there is no file"):
        check_study(load_study(overrides={"forgeries.second.weights": str(tmp_path / "x.safetensors")}))


def test_what_was_found_good_is_not_looked_at_again(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        preflight, "_ask", lambda models, names: asked.append(names) or {k: TOLD for k in models}
    )
    save_file({"x": torch.zeros(1)}, tmp_path / "net.safetensors")
    given = {"model.weights": str(tmp_path / "net.safetensors"), "forgeries.second": None}
    study = load_study(out=str(tmp_path / "out"), overrides=given)
    found = check_study(study)
    assert weight_sizes(found) == {"tf_efficientnet_lite0, 64 px, 2 stages": 7}
    write_if_changed(study.out / PREFLIGHT, found)
    assert check_study(study) == found and len(asked) == 1
    save_file({"x": torch.zeros(9)}, tmp_path / "net.safetensors")
    check_study(study)
    assert len(asked) == 2
    check_study(study.model_copy(update={"augment": study.augment.model_copy(update={"policy": "none"})}))
    assert len(asked) == 3 and "none" in asked[2]


TOLD = {"bytes": 7, "cached": ""}


def test_weights_of_the_hub_are_looked_for_until_they_are_in_the_cache(tmp_path, monkeypatch):
    told = dict(TOLD)
    asked = []
    monkeypatch.setattr(preflight, "_ask", lambda models, _: asked.append(1) or {key: told for key in models})
    study = load_study("full", out=str(tmp_path / "out"))
    write_if_changed(study.out / PREFLIGHT, check_study(study))
    write_if_changed(study.out / PREFLIGHT, check_study(study))
    assert len(asked) == 2
    told["cached"] = fill_cache(tmp_path / "hub")
    write_if_changed(study.out / PREFLIGHT, check_study(study))
    check_study(study)
    assert len(asked) == 3


def test_a_report_without_trainings_asks_nothing(monkeypatch):
    monkeypatch.setattr(preflight, "CHAPTERS", (SimpleNamespace(needs=("pictures", "numbers")),))
    monkeypatch.setattr(preflight, "_ask", lambda *_: pytest.fail("not needed"))
    assert check_study(load_study("full")) == {} and weight_sizes({}) == {}


def test_the_check_runs_in_a_process_of_its_own_and_nothing_is_written(tmp_path, monkeypatch):
    """The whole way, and what a report says of it."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"
    with pytest.raises(
        StudyError, match=rf"weights of {FULL} are not in the hub's cache .*home.*HF_HUB_OFFLINE"
    ):
        build.build(resolve("full", out=str(out)))
    assert not out.exists()
    found = check_study(load_study(out=str(out)))
    assert [round(told["bytes"] / 1e6) for told in found["networks"].values()] == [14, 14]
    assert not out.exists() and json.dumps(found)
