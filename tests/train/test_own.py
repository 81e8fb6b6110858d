"""Own networks and policies, and mixed samples, through a whole training: found again, resumed, shared."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dfstudy.errors import StudyError
from dfstudy.model.checkpoint import load_checkpoint
from dfstudy.model.device import choose_place
from dfstudy.study.study import Study
from dfstudy.train.key import describe_run
from dfstudy.train.loop import Part, Trainer
from dfstudy.train.run import train

TINY = """
from torch import nn

def build():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1),
    )
"""
MINE = [{"HueSaturationValue": {"p": 0.5}}, {"GaussNoise": {"p": 0.5}}]


def with_own(study, declared=MINE, **model):
    """The study under an own policy, and with changes of its network."""
    settings = study.model_dump(mode="json")
    settings["augment"] = {"policy": "mine", "policies": {"mine": declared}}
    settings["model"] |= model
    return Study.model_validate(settings).model_copy(update={"out": study.out})


def key_of(study, parts):
    return describe_run(study, parts.fingerprint, 0, choose_place("float32"))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "tiny.py").write_text(TINY)
    return tmp_path / "tiny.py"


def test_an_own_network_and_policy_are_trained_kept_and_loaded(parts, make_study, file):
    study = with_own(make_study(epochs=2), backbone=f"{file}:build", options={})
    run = train(study, parts, 0, False)
    assert run.checkpoint["backbone"] == run.checkpoint["model"]["backbone"] == "tiny.py:build"
    assert run.checkpoint["parameters"] == run.checkpoint["trainable"] > 0
    assert run.checkpoint["normalisation"]["mean"] == [0.5, 0.5, 0.5]
    assert run.checkpoint["own_policy"]["transforms"][0]["__class_fullname__"] == "HueSaturationValue"
    assert str(file.parent) not in (run.folder / "checkpoint.json").read_text()
    again = train(study, parts, 0, False)
    assert again.folder == run.folder
    network, _ = load_checkpoint(run.folder, own_code=True)
    kept = load_file(run.folder / "best.safetensors")
    assert all(torch.equal(value, kept[name]) for name, value in network.state_dict().items())
    with pytest.raises(StudyError, match="--own-code"):
        load_checkpoint(run.folder)


def test_the_key_follows_the_content_of_what_is_own(parts, make_study, file):
    study = with_own(make_study(), backbone=f"{file}:build", options={})
    before = key_of(study, parts)
    moved = file.parent / "elsewhere" / "tiny.py"
    moved.parent.mkdir()
    shutil.copy(file, moved)
    assert key_of(with_own(make_study(), backbone=f"{moved}:build", options={}), parts) == before
    other = [{"HueSaturationValue": {"p": 0.4}}, {"GaussNoise": {"p": 0.5}}]
    assert key_of(with_own(make_study(), other, backbone=f"{file}:build", options={}), parts) != before
    # the same transforms, with a default written out
    said = [{"HueSaturationValue": {"p": 0.5, "hue_shift_limit": [-20, 20]}}, {"GaussNoise": {"p": 0.5}}]
    assert key_of(with_own(make_study(), said, backbone=f"{file}:build", options={}), parts) == before
    file.write_text(TINY.replace("0.1", "0.2"))
    assert key_of(study, parts) != before


def test_a_policy_that_does_not_train_is_no_part_of_the_key(parts, make_study):
    settings = make_study().model_dump(mode="json")
    settings["augment"]["policies"] = {"mine": MINE}
    assert key_of(Study.model_validate(settings), parts) == key_of(make_study(), parts)


def weights(run):
    return load_file(run.folder / "last.safetensors")


def equal(one, other):
    return all(torch.equal(*pair) for pair in zip(one.values(), other.values(), strict=True))


@pytest.mark.parametrize("policy", ["mixup", "cutmix"])
def test_mixing_is_exact_for_any_number_of_workers_and_parts_of_a_resume(
    parts, make_study, policy, train_with_a_stop
):
    whole = train(make_study("whole", policy=policy, epochs=2), parts, 0, False)
    assert np.isfinite(whole.history[["train_loss", "train_auc", "val_auc"]]).all(axis=None)
    with_workers = train(make_study("workers", policy=policy, epochs=2, workers=2), parts, 0, False)
    assert equal(weights(whole), weights(with_workers))
    assert whole.history.equals(with_workers.history)

    # in the second epoch, of three steps each
    resumed = train_with_a_stop(make_study("resumed", policy=policy, epochs=2), parts, 0, 4)
    assert equal(weights(whole), weights(resumed)) and whole.history.equals(resumed.history)


def test_the_training_loss_of_mixed_samples_is_that_of_their_soft_labels(parts, make_study, tmp_path):
    study = make_study(policy="mixup", epochs=1, optimiser="sgd", learning_rate=1e-9)
    tables = [parts.part("train"), parts.part("val")]
    training, validation = (
        Part([parts.root / p for p in t["path"]], t["label"].to_numpy("int64")) for t in tables
    )
    trainer = Trainer(study, 0, training, validation, choose_place("float32"), tmp_path)
    trainer.run("mixed", False)
    (row,) = trainer.progress.history
    batches = -(-len(training.labels) // 8)
    assert batches == 3 and row["train_loss"] == pytest.approx(np.log(2) * trainer.weight * 2 / 3, rel=0.5)
    soft = []
    with trainer.loader(training, train=True) as loader:
        for batch in loader.epoch(1):
            soft += batch.labels.tolist()
    assert any(0.01 < value < 0.99 for value in soft)
    # at zero every logit is 0: each sample costs log 2, times what its soft label weighs
    expected = np.mean([np.log(2) * (trainer.weight * each + 1 - each) for each in soft])
    assert row["train_loss"] == pytest.approx(expected, rel=1e-3)
