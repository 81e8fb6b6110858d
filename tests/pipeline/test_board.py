"""TensorBoard gets runs by variant and seed, with curves, images and settings, also under way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from torch.utils.tensorboard import SummaryWriter

from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.pipeline import board
from dfstudy.pipeline.board import SETTINGS, Board
from dfstudy.study.study import Study, load_study
from dfstudy.train.key import describe_run
from dfstudy.variants.registry import RUNS, list_variants

ROWS = pd.DataFrame(
    [
        (part, method)
        for part in ("train", "val", "test")
        for method in ("real", "entire_synthesis", "face_editing")
    ],
    columns=["split", "method"],
).assign(label=[0, 1, 1] * 3, **{name: list("abcdefghi") for name in ("path", "sha256", "group")})
SPLIT = Split(ROWS, ROWS.iloc[:0], Path(), "f" * 64, True, (), ROWS.iloc[:0])


class Place:
    name = "a device"


@pytest.fixture
def study(tmp_path, monkeypatch) -> Study:
    """The sample study whose images are six rows."""
    monkeypatch.setattr(board, "index_study", lambda study, progress: None)
    monkeypatch.setattr(board, "split_study", lambda study, index: SPLIT)
    return load_study("sample", out=str(tmp_path))


def train(study: Study, key: str, note: str = "", seed: int = 0, other: str = "") -> Path:
    """What a training of the study's own recipe leaves of itself from its first steps on."""
    folder = study.out / "runs" / key
    with SummaryWriter(str(folder / "tensorboard")) as events:
        events.add_scalar("auc/validation", 0.75, 8)
        events.add_images("augmented images", np.zeros((2, 8, 8, 3)), 0, dataformats="NHWC")
    [own] = list_variants(study, SPLIT, RUNS)
    told = describe_run(own.study, other or SPLIT.fingerprint, seed, Place)
    (folder / "config.json").write_text(json.dumps(told))
    if note:
        (study.out / "runs" / f"{note}.json").write_text(json.dumps({"key": key}))
    return folder


def test_runs_are_named_by_variant_and_seed_and_the_own_come_first(study):
    train(study, "seed0-b", "policy_a-b-seed_0")
    train(study, "seed10-a", "seed_10")
    train(study, "seed2-c", "seed_2")
    (study.out / "runs" / "policy_none-seed_2.json").write_text('{"key": "seed2-c"}')  # one run, two names
    train(study, "seed2-d", "defect_all-seed_2")
    names = Board(study).refresh()
    assert names == [
        "main/seed 10",
        "main/seed 2",
        "variants/defect_all, seed 2",
        "variants/policy_a-b, seed 0",
    ]


def test_a_run_under_way_is_named_by_what_shapes_it(study):
    train(study, "seed1-a", seed=1)
    train(study, "seed1-b", seed=1, other="0" * 64)  # of other images: nobody's
    (study.out / "runs" / "cut.json").write_text("{")
    assert Board(study).refresh() == ["main/seed 1", "without a name/seed1-b"]


def test_pictures_that_are_gone_hide_no_curve(study, monkeypatch):
    def gone(study, progress):
        raise StudyError("there is no folder", "give one")

    monkeypatch.setattr(board, "index_study", gone)
    train(study, "seed0-a")
    assert Board(study).refresh() == ["without a name/seed0-a"]


def test_curves_images_and_settings_are_there(study):
    train(study, "seed0-a", "seed_0")
    shown = Board(study)
    [name] = shown.refresh()
    events = EventAccumulator(str(shown.folder / name)).Reload()
    assert [point.value for point in events.Scalars("auc/validation")] == [0.75]
    assert events.Tags()["images"] == ["augmented images"]
    told = events.SummaryMetadata(metadata.SESSION_START_INFO_TAG)
    settings = metadata.parse_session_start_info_plugin_data(told.plugin_data.content).hparams
    assert settings["policy"].string_value == study.augment.policy
    assert settings["epochs"].number_value == study.training.epochs
    assert settings["flaws"].string_value == "none" and settings["seed"].number_value == 0


def test_the_folder_follows_the_runs(study):
    """New events, a name that came late, and a run that is gone; nothing in the runs is changed."""
    first, shown = train(study, "seed0-a", other="0" * 64), Board(study)
    before = sorted(file.name for file in first.rglob("*"))
    assert shown.refresh() == ["without a name/seed0-a"]
    (study.out / "runs" / "only_swap-seed_0.json").write_text('{"key": "seed0-a"}')
    second = train(study, "seed0-b", other="0" * 64)
    second.rename(study.out / "runs" / "seed1-c")
    names = shown.refresh()
    assert names == ["variants/only_swap, seed 0", "without a name/seed1-c"]
    assert sorted(file.parent.name for file in shown.folder.glob(f"*/*/{SETTINGS}")) == [
        "only_swap, seed 0",
        "seed1-c",
    ]
    [old] = (first / "tensorboard").iterdir()
    new = old.rename(old.with_name("events.out.tfevents.new"))
    shown.refresh()
    laid = {file.name for file in (shown.folder / names[0]).iterdir()}
    assert laid == {SETTINGS, new.name}
    assert len(before) == len(sorted(first.rglob("*")))


def test_two_runs_of_one_name_are_told_apart(study):
    train(study, "seed0-a")  # such as before an edit of the code that trains
    train(study, "seed0-b", "seed_0")
    assert Board(study).refresh() == ["main/seed 0", "main/seed 0, seed0-a"]
