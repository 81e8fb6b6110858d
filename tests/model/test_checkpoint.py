"""Checkpoints say what they are, and anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.checkpoint import (
    LABEL_MAP,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
    save_weights,
)
from dfstudy.study.recipe import Model
from dfstudy.system.kept import write_atomic
from dfstudy.system.provenance import file_digest

MODEL = Model(backbone="test_efficientnet", size=48, trainable_stages=1)


@pytest.fixture
def network() -> torch.nn.Module:
    torch.manual_seed(5)
    return build_model(MODEL).to(memory_format=torch.channels_last)


@pytest.fixture
def folder(tmp_path, network) -> Path:
    save_weights(tmp_path / "best.safetensors", network.state_dict())
    told = {
        "model": MODEL.model_dump(mode="json"),
        "normalisation": {"mean": [0.5] * 3, "std": [0.5] * 3},
        "size": 48,
        "policy": "none",
        "training": {},
        "seed": 0,
        "fingerprint": "f" * 64,
        "threshold": 0.5,
        "temperature": 1.0,
    }
    save_checkpoint(tmp_path, ("best",), told)
    return tmp_path


def change(folder: Path, **changes: object) -> None:
    file = folder / "checkpoint.json"
    told = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in told.items() if v is not None}))


def test_weights_come_back_bit_by_bit(folder, network):
    loaded, told = load_checkpoint(folder)
    assert told["label_map"] == LABEL_MAP == {"real": 0, "fake": 1}
    assert not loaded.training
    own = network.state_dict()
    assert own.keys() == loaded.state_dict().keys()
    for name, weight in loaded.state_dict().items():
        assert torch.equal(weight, own[name]), name


def test_changed_weights_are_refused(folder, network):
    other = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    save_weights(folder / "best.safetensors", other)
    with pytest.raises(StudyError, match="sha256 differs"):
        load_checkpoint(folder)


def test_another_label_map_is_refused(folder):
    change(folder, label_map={"real": 1, "fake": 0})
    with pytest.raises(StudyError, match="fake = 1"):
        read_checkpoint(folder)


def test_a_missing_key_is_named(folder):
    change(folder, threshold=None)
    with pytest.raises(StudyError, match="does not say its threshold"):
        read_checkpoint(folder)


def test_another_network_is_refused_key_by_key(folder):
    change(folder, model=MODEL.model_dump(mode="json") | {"backbone": "test_resnet"})
    with pytest.raises(StudyError, match=r"blocks.0.0.bn1.bias: not in the network"):
        load_checkpoint(folder)


def test_a_pickle_is_never_opened(folder, tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"conv_stem.weight": Trap()}, folder / "best.safetensors")
    change(folder, weights={"best": file_digest(folder / "best.safetensors")})
    with pytest.raises(StudyError, match="not a safetensors file"):
        load_checkpoint(folder)
    assert not (tmp_path / "sprung").exists()


def test_an_unfinished_run_is_no_checkpoint(tmp_path):
    with pytest.raises(StudyError, match="no finished training"):
        read_checkpoint(tmp_path)


def test_absent_weights_are_refused(folder):
    with pytest.raises(StudyError, match="no weights 'last'"):
        load_checkpoint(folder, "last")


def test_a_description_must_be_whole(tmp_path, network):
    save_weights(tmp_path / "best.safetensors", network.state_dict())
    with pytest.raises(ValueError, match="must say its"):
        save_checkpoint(tmp_path, ("best",), {"size": 48})


def test_writing_replaces_in_one_step(tmp_path, monkeypatch):
    file = tmp_path / "kept.json"
    write_atomic(file, b"old")

    def full_disk(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_atomic(file, b"new and longer")
    assert file.read_bytes() == b"old"
