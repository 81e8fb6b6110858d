"""One run on two processes: the same data, the same losses within rounding, every image counted once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from fixtures.patience import PATIENCE

from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.model.process_group import join_team
from dfstudy.study.study import load_study
from dfstudy.train import launch
from dfstudy.train.launch import launch_command
from dfstudy.train.run import Run, load_run, train
from dfstudy.train.state import Seen

# batches of 7 over 2 processes: shares of 4 and 3; of 15 images the last one is left for one process
COUNTS = {"train": 15, "val": 9, "test": 4}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder with given splits: noisy images, the fakes with a faint stripe."""
    root = tmp_path_factory.mktemp("given")
    random = np.random.default_rng(1)
    for part, count in COUNTS.items():
        for number in range(count):
            kind = "fake" if number % 3 == 1 else "real"
            picture = random.normal((90, 120, 150), 25, (40, 36, 3))
            picture += 30 * (kind == "fake") * (np.arange(36) % 4 < 2)[None, :, None]
            file = root / part / kind / f"{number:02d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), np.clip(picture, 0, 255).astype(np.uint8))
    return root


def train_alone_and_shared(pictures: Path, out: Path, model: dict, **recipe) -> tuple[Run, Run, str]:
    """The same study by this process and by two that the launcher starts; the last is what they said."""
    files = [write_study(pictures, out / str(n), model, devices=n, **recipe) for n in (1, 2)]
    study = load_study(str(files[0]), out=str(out / "1"))
    alone = train(study, split_study(study, index_study(study, progress=False)), 0, progress=False)
    command = launch_command(2, files[1], out / "2", 0)
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr
    (folder,) = (out / "2" / "runs").glob("seed0-*")
    return alone, load_run(folder), ended.stderr


def write_study(pictures: Path, out: Path, model: dict, policy: str = "original", **recipe) -> Path:
    training = {"epochs": 2, "batch_size": 7, "learning_rate": 0.001, "workers": 0, **recipe}
    study = {
        "name": "team",
        "title": "A team",
        "data": {"root": str(pictures)},
        "model": {"size": 32, **model},
        "augment": {"policy": policy},
        "training": training,
    }
    out.mkdir(parents=True)
    file = out / "study.yaml"
    file.write_text(yaml.safe_dump(study))
    return file


def environment() -> dict[str, str]:
    """Without what pytest-xdist or a launcher above may have set."""
    return {k: v for k, v in os.environ.items() if k not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")}


@pytest.mark.parametrize(
    ("model", "recipe"),
    [
        # batches of 7, 7 and 1: in the last, the second process has no image
        pytest.param({"backbone": "test_convnext"}, {}, id="no BatchNorm, an empty share"),
        pytest.param(
            {"backbone": "test_resnet"},
            {"batch_size": 5, "ema": 0.5, "clip_norm": 1.0},
            id="BatchNorm over both, averaged, clipped",
        ),
        pytest.param(
            {"backbone": "test_convnext"},
            {"accumulate": 2, "policy": "cutmix"},
            id="in two parts, mixed across both",
        ),
    ],
)
def test_two_processes_train_as_one(pictures, tmp_path, model, recipe):
    alone, shared, told = train_alone_and_shared(pictures, tmp_path, model, **recipe)
    assert "2 processes" in told
    assert "Warning" not in told
    for column in ("train_loss", "val_loss", "train_accuracy", "val_accuracy"):
        np.testing.assert_allclose(shared.history[column], alone.history[column], rtol=2e-4, atol=1e-6)
    assert list(shared.clean["path"]) == list(alone.clean["path"])
    assert shared.clean.groupby("part").size().to_dict() == {"train": COUNTS["train"], "val": COUNTS["val"]}
    np.testing.assert_allclose(shared.clean["logit"], alone.clean["logit"], rtol=5e-3, atol=5e-4)
    assert shared.key != alone.key  # rounding differs, so the runs are different ones


def test_more_devices_than_the_machine_has_are_refused(make_study, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(StudyError, match=r"training\.devices is 8, but this machine shows 1 GPU") as refusal:
        launch.launch(make_study(devices=8), 0, tmp_path)
    assert "training.devices: 1" in refusal.value.hint


def test_a_failed_launch_names_the_next_step(make_study, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "launch_command", lambda *_: ["false"])
    with pytest.raises(StudyError, match="seed 3 on 2 devices failed"):
        launch.launch(make_study(devices=2), 3, tmp_path)


def test_a_launcher_of_another_size_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(StudyError, match=r"training\.devices is 2, but 4 processes"):
        join_team(2, torch.device("cpu"))


def test_what_others_saw_is_not_counted_again_after_a_resume():
    nan = float("nan")
    seen = Seen(torch.tensor([1.0, nan, 3.0]), torch.tensor([0.5, nan]))
    follower = seen.without_results(1)
    assert follower.logits.isnan().all()
    assert torch.equal(follower.losses.isnan(), torch.tensor([False, True]))
    assert follower.losses[0] == 0
