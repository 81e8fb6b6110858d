"""What would end a report later ends it at once: before anything is trained, rendered or indexed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import httpx2
import huggingface_hub.constants
import pytest
import timm
import torch
from huggingface_hub.errors import HfHubHTTPError
from safetensors.torch import save_file

from dfstudy.chapters import registry
from dfstudy.errors import StudyError
from dfstudy.pipeline import build, check_networks, preflight
from dfstudy.pipeline import hub as hub_module
from dfstudy.pipeline.check_networks import check_model, check_policy
from dfstudy.pipeline.hub import HubFile, ask_hub
from dfstudy.pipeline.invocation import resolve
from dfstudy.pipeline.preflight import PREFLIGHT, Preflight, weight_sizes
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
    monkeypatch.setattr(hub_module, "PATIENCE", 0.3)
    asked = []

    def answer(action) -> list[str]:
        def ask(url, timeout):
            assert timeout <= 3  # and no second try: that is the default of what is called
            asked.append(url)
            return action()

        monkeypatch.setattr(hub_module, "get_hf_file_metadata", ask)
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
    file = ask_hub(FULL)
    with pytest.raises(StudyError, match="OSError: Name or service not known") as error:
        file.refuse_unreachable()
    assert len(asked) == 1
    for way in ("path/to/model.safetensors", "HF_HOME", "model.weights: none", asked[0]):
        assert way in error.value.hint
    assert str(tmp_path / "hub") in error.value.message
    with pytest.raises(StudyError, match="Name or service not known"):
        check_model("model", Model(**NET, weights="hub"))


def test_a_hub_that_never_answers_is_not_waited_for(hub):
    never = threading.Event()
    hub(never.wait)
    with pytest.raises(StudyError, match=r"no answer in 0\.3 s"):
        HubFile("any", "timm/any").refuse_unreachable()
    never.set()


def test_offline_by_wish_asks_nobody(hub, monkeypatch):
    asked = hub(raise_offline)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(StudyError, match="HF_HUB_OFFLINE is set"):
        HubFile("any", "timm/any").refuse_unreachable()
    assert not asked


def test_a_hub_that_answers_no_was_reached(hub):
    """What the repository is really called, only timm knows: the other process asks again."""

    def refuse():
        request = httpx2.Request("HEAD", "https://hub/x")
        raise HfHubHTTPError("404: no such repository", response=httpx2.Response(404, request=request))

    hub(refuse)
    HubFile("any", "timm/any").refuse_unreachable()
    with pytest.raises(StudyError, match="404: no such repository"):
        HubFile("any", "timm/any").refuse_missing()


def test_a_report_says_so_before_anything_is_loaded(hub, tmp_path, monkeypatch):
    hub(raise_offline)
    monkeypatch.setattr(Preflight, "_begin", lambda _: pytest.fail("not needed"))
    with pytest.raises(StudyError, match="Name or service not known"):
        Preflight(load_study("full", out=str(tmp_path / "out")))


def test_a_backbone_without_a_tag_may_be_in_the_cache_under_one(hub, tmp_path):
    asked = hub(raise_offline)
    fill_cache(tmp_path / "hub")
    assert ask_hub("test_efficientnet") is None and not asked
    assert ask_hub("test_efficientnet.r160_in1k").cached


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


@pytest.fixture
def answers(monkeypatch):
    """The other process replaced: what it was asked, and what it says of each network."""
    asked, told = [], {"bytes": 7, "cached": ""}

    def begin(self):
        asked.append(self._asking["policies"])
        self._process = subprocess.Popen(["true"])

    monkeypatch.setattr(Preflight, "_begin", begin)
    monkeypatch.setattr(preflight, "_refuse_silent_hub", lambda _: None)
    monkeypatch.setattr(Preflight, "_read_answer", lambda self: {key: dict(told) for key in self._models})
    return asked, told


def keep(study) -> dict:
    """What a report does first."""
    with Preflight(study) as begun:
        found = begun.finish()
    write_if_changed(study.out / PREFLIGHT, found)
    return found


def test_a_missing_weights_file_is_told_without_loading_anything(tmp_path, answers):
    (tmp_path / "net.safetensors").touch()
    with pytest.raises(StudyError, match=r"model\.weights: there is no file .*nett\.safetensors") as error:
        Preflight(load_study(overrides={"model.weights": str(tmp_path / "nett.safetensors")}))
    assert "did you mean 'net.safetensors'" in error.value.message
    assert "dfstudy settings model.weights" in error.value.hint
    with pytest.raises(StudyError, match=r"forgeries\.second\.weights: there is no file"):
        Preflight(load_study(overrides={"forgeries.second.weights": str(tmp_path / "x.safetensors")}))
    assert not answers[0]


def test_a_network_that_timm_never_heard_of_is_told_without_loading_it(tmp_path, answers):
    for key in ("model", "forgeries.second"):
        study = load_study(out=str(tmp_path), overrides={f"{key}.backbone": "tf_efficientnet_lite00"})
        with pytest.raises(StudyError, match=rf"{key}\.backbone: timm .* has no network") as error:
            Preflight(study)
        assert "did you mean 'tf_efficientnet_lite0'" in error.value.message
    assert not answers[0]


def test_the_sources_of_timm_name_every_network_that_it_lists():
    named = preflight._named_in_timm()
    assert {name for name, is_one in named.items() if is_one} == set(timm.list_models())


def test_what_was_found_good_is_not_looked_at_again(tmp_path, answers):
    asked, _ = answers
    save_file({"x": torch.zeros(1)}, tmp_path / "net.safetensors")
    given = {"model.weights": str(tmp_path / "net.safetensors"), "forgeries.second": None}
    study = load_study(out=str(tmp_path / "out"), overrides=given)
    found = keep(study)
    assert weight_sizes(study, found) == {
        f"tf_efficientnet_lite0, 64 px, {part}": 7 for part in ("2 stages", "head")
    }
    assert keep(study) == found and len(asked) == 1
    save_file({"x": torch.zeros(9)}, tmp_path / "net.safetensors")
    keep(study)
    assert len(asked) == 2
    keep(study.model_copy(update={"augment": study.augment.model_copy(update={"policy": "none+grey"})}))
    assert len(asked) == 3 and "none+grey" in asked[2]


def test_weights_of_the_hub_are_looked_for_until_they_are_in_the_cache(tmp_path, answers):
    asked, told = answers
    study = load_study("full", out=str(tmp_path / "out"))
    keep(study)
    keep(study)
    assert len(asked) == 2
    told["cached"] = fill_cache(tmp_path / "hub")
    keep(study)
    keep(study)
    assert len(asked) == 3


def test_a_report_without_trainings_asks_nothing(monkeypatch, tmp_path, answers):
    asked, _ = answers
    study = load_study("full", out=str(tmp_path / "out"))
    with monkeypatch.context() as patch:
        patch.setattr(registry, "CHAPTERS", (SimpleNamespace(needs=("pictures", "numbers")),))
        assert keep(study)["networks"] == {} and weight_sizes(study, keep(study)) == {}
    assert len(asked) == 1  # begun before the chapters were known, and not again
    assert keep(study)["networks"] and len(asked) == 2


def test_the_check_runs_in_a_process_of_its_own_and_nothing_is_written(tmp_path, monkeypatch):
    """The whole way, and what a report says of it."""
    out = tmp_path / "out"
    given = {"model.backbone": "tf_efficientnet_lite0.in21k", "model.weights": "none"}
    with pytest.raises(StudyError, match="has no weight tag 'in21k'"):
        build.build(resolve(out=str(out), overrides=given))
    assert not out.exists()
    with Preflight(load_study(out=str(out))) as begun:
        found = begun.finish()
    assert [round(told["bytes"] / 1e6) for told in found["networks"].values()] == [14, 14, 14]
    assert not out.exists() and json.dumps(found)


def test_a_process_that_cannot_check_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "COMMAND", [sys.executable, "-c", "raise SystemExit('broken')"])
    with (
        Preflight(load_study(out=str(tmp_path))) as begun,
        pytest.raises(StudyError, match="could not be checked: broken"),
    ):
        begun.finish()
