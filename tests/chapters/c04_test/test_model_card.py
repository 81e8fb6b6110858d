"""The model card: what it must say, same bytes again, written beside a checkpoint without disturbing it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard

from dfstudy.chapters.c04_test.model_card import FILE, model_card, write_model_card
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.pictures import Card, Data
from dfstudy.study.study import Study

METHODS = ("real", "easy_swap", "hard|{swap}")


def table(groups: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = [
        (f"{group}_{at}.png", int(at > 0), name, f"g{group}")
        for group in range(groups)
        for at, name in enumerate(METHODS)
    ]
    told = pd.DataFrame(rows, columns=["path", "label", "method", "group"])
    middle = told["method"].map({"real": -2.0, "easy_swap": 2.5, "hard|{swap}": -1.5})
    logit = random.normal(middle, 1.0)
    return told.assign(logit=logit, probability=1 / (1 + np.exp(-logit)))


def make_run(folder: Path, seed: int = 3) -> SimpleNamespace:
    recipe = {
        "optimiser": "adamw", "learning_rate": 0.003, "schedule": "one_cycle", "weight_decay": 0.01,
        "batch_size": 32, "epochs": 9, "select_by": "auc",
    }  # fmt: skip
    checkpoint = {
        "backbone": "test_resnet", "size": 64, "parameters": 1234, "trainable": 1000, "threshold": 0.5,
        "weights": {"best": "ab" * 32}, "fingerprint": "cd" * 32, "training": recipe, "policy": "original",
        "epochs": 8, "best_epoch": 7, "fake_weight": 0.5, "versions": {"torch": "9.9", "numpy": "8.8"},
    }  # fmt: skip
    clean = table(12, 90).assign(part="val")[["part", "path", "label", "group", "logit"]]
    return SimpleNamespace(key=f"seed{seed}-00", seed=seed, folder=folder, clean=clean, checkpoint=checkpoint)


class FakeSplit:
    why_groups_unknown = ""

    def part(self, name: str) -> pd.DataFrame:
        return table({"train": 30, "val": 12, "test": 14}[name], 1)


@pytest.fixture
def study(tmp_path) -> Study:
    data = Data(root=str(tmp_path / "secret" / "faces"), card=Card(origin="made up", licence="CC0"))
    told = Study(name="toy", title="A toy", data=data, evaluate=Evaluate(replicates=100))
    return told.model_copy(update={"out": tmp_path / "out"})


def test_it_says_what_it_must(study, tmp_path):
    card = model_card(study, FakeSplit(), make_run(tmp_path), table(14, 1))
    for said in (
        "seed 3", "made up", "CC0", "not stated (data.card.consent", "90 images (30 real, 60 fake)",
        "42 images (14 real, 28 fake)", "epochs:** 8 of at most 9", "torch:** 9.9", "Intended", "Not for",
        "`test.auc`", "`test.calibration.platt.log_loss.change`", "`test.band.answered`", "ab" * 32,
        "Calibration: sigmoid(", "right where 67% of the images are fake",
        "At most 1 % false alarms: no threshold",
    ):  # fmt: skip
        assert said in card, said
    assert str(tmp_path) not in card and "secret" not in card
    assert ModelCard(card).data.pipeline_tag == "image-classification"
    assert re.search(r"`test\.auc` \| 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", card)
    failing = card[card.index("## Where it fails") : card.index("## What its scores mean")]
    assert failing.index("hard") < failing.index("easy") and "hard\\|&#123;swap}" in failing


def test_same_inputs_same_bytes_and_written_in_one_step(study, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    before = folder / "checkpoint.json"
    before.write_text("{}")
    file = write_model_card(study, FakeSplit(), make_run(folder), table(14, 1))
    first = file.read_bytes()
    assert write_model_card(study, FakeSplit(), make_run(folder), table(14, 1)).read_bytes() == first
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.json", FILE]
    assert before.read_text() == "{}"


def test_a_metric_of_the_registry_is_on_the_card(new_metric, study, tmp_path):
    card = model_card(study, FakeSplit(), make_run(tmp_path), table(14, 1))
    assert re.search(rf"`test\.{new_metric.name}` \| 0\.\d{{3}} \[0\.\d{{3}}, 0\.\d{{3}}\]", card)
    assert f"`test.calibration.platt.{new_metric.name}.change`" in card


@pytest.mark.parametrize("groups", [1, 2])
def test_few_groups_are_no_crash(study, tmp_path, groups):
    card = model_card(study, FakeSplit(), make_run(tmp_path), table(groups, 1))
    assert "too few groups" in card or groups > 1
    assert "nan" not in card


def test_a_test_without_fakes_says_so(study, tmp_path):
    reals = table(14, 1).query("label == 0")
    assert "no fake" in model_card(study, FakeSplit(), make_run(tmp_path), reals)
