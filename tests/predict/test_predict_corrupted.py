"""Predictions under corruptions: right, kept one by one, gone on with, and the same with any loader."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.augment.policies import build_policy
from dfstudy.data import loader
from dfstudy.data.images import read_picture
from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.checkpoint import load_checkpoint, save_checkpoint, save_weights
from dfstudy.model.device import resolve_normalisation
from dfstudy.predict import predict_corrupted as room
from dfstudy.predict.corruptions import CORRUPTIONS, picture_key
from dfstudy.predict.predict import predict
from dfstudy.predict.predict_corrupted import Condition, choose_pictures, predict_corrupted
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.recipe import Model
from dfstudy.train.run import Run

PICTURES = 9
SETTINGS = Evaluate(replicates=100)
SOME = (Condition("jpeg", 5), Condition("noise", 3), Condition("messenger", 4))


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Split:
    """Nine test images of 53 x 37 with different R, G, B, and one training image."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    rows = []
    for number in range(PICTURES + 1):
        pixels = random.normal((60, 120, 200), 40, (53, 37, 3)).clip(0, 255).astype("uint8")
        cv2.imwrite(str(root / f"{number}.png"), pixels)
        row = {"path": f"{number}.png", "label": number % 2, "method": "m", "group": f"g{number // 2}"}
        part = "test" if number < PICTURES else "train"
        rows.append({**row, "sha256": f"{number:064x}", "split": part, "width": 37, "height": 53})
    return Split(pd.DataFrame(rows), pd.DataFrame(), root, "f" * 64, True, (), pd.DataFrame())


def make_run(folder, seed: int) -> Run:
    model = Model(backbone="test_resnet", size=32)
    torch.manual_seed(seed)
    network = build_model(model)
    folder.mkdir()
    save_weights(folder / "best.safetensors", network.state_dict())
    normalisation = resolve_normalisation(network, model)
    description = {
        "model": model.model_dump(mode="json"),
        "normalisation": {"mean": normalisation.mean, "std": normalisation.std},
        "size": 32,
        "policy": "none",
        "fingerprint": "f" * 64,
        "threshold": 0.4,
        "temperature": 1.0,
        "training": {"precision": "float32"},
        "seed": seed,
    }
    save_checkpoint(folder, ("best",), description)
    return Run(folder.name, seed, folder, pd.DataFrame(), pd.DataFrame(), load_checkpoint(folder)[1])


@pytest.fixture
def runs(tmp_path) -> list[Run]:
    return [make_run(tmp_path / f"seed{seed}", seed) for seed in (0, 1)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Workers take a second each to start; one test has one. Batches of eight: a whole one and a part."""
    monkeypatch.setattr(loader, "count_workers", lambda workers, processes=1: 0)
    monkeypatch.setattr(room, "BATCH", 8)


@pytest.fixture
def computed(monkeypatch) -> list[tuple[str, Condition]]:
    """Every run and condition that is computed, in order."""
    kept, keep = [], room._Asked.keep

    def note(self, condition, paths, logits):
        kept.append((self.run.key, condition))
        keep(self, condition, paths, logits)

    monkeypatch.setattr(room._Asked, "keep", note)
    return kept


def score(runs, split, conditions=SOME, settings=SETTINGS):
    return predict_corrupted(runs, split, settings, conditions, progress=False)


def test_a_row_a_run_condition_and_picture(runs, split):
    table = score(runs, split)
    assert len(table) == 2 * (1 + len(SOME)) * PICTURES
    conditions = list(dict.fromkeys(zip(table["corruption"], table["severity"], strict=True)))
    assert conditions == [("none", 0), *SOME]
    assert (table["threshold"] == 0.4).all() and (table["policy"] == "none").all()
    for run in runs:
        clean = table[(table["seed"] == run.seed) & (table["severity"] == 0)].reset_index(drop=True)
        wanted = predict(run, split, progress=False)
        for column in ("path", "label", "method", "group", "probability"):
            assert clean[column].equals(wanted[column])


def test_equals_the_network_on_each_corrupted_picture(runs, split):
    table = score(runs, split)
    told = split.rows.set_index("path")
    resize = build_policy("none", 32, train=False)
    for run in runs:
        network, checkpoint = load_checkpoint(run.folder)
        mean, std = (np.float32(checkpoint["normalisation"][part]) for part in ("mean", "std"))
        mine = table[table["seed"] == run.seed].set_index(["corruption", "severity", "path"])["probability"]
        for name, severity in SOME:
            for path in ("0.png", "8.png"):
                key = picture_key(0, told.loc[path, "sha256"])
                seen = resize(CORRUPTIONS[name](read_picture(split.root / path), severity, key), 0)
                x = torch.from_numpy((seen / np.float32(255) - mean) / std).permute(2, 0, 1)[None]
                with torch.inference_mode():
                    wanted = torch.sigmoid(network(x.float())).item()
                assert mine[name, severity, path] == pytest.approx(wanted, abs=1e-5)


def test_only_new_pairs_are_computed(runs, split, computed, tmp_path):
    first = score(runs[:1], split, SOME[:2])
    score(runs[:1], split, SOME[:2])
    assert computed == [("seed0", SOME[0]), ("seed0", SOME[1])]
    computed.clear()
    whole = score(runs, split, SOME)
    assert sorted(computed) == sorted([("seed0", SOME[2]), *(("seed1", condition) for condition in SOME)])
    assert whole[whole["seed"] == 0].head(len(first)).reset_index(drop=True).equals(first)
    computed.clear()
    elsewhere = dataclasses.replace(split, root=tmp_path / "gone")
    assert score(runs, elsewhere).equals(whole) and computed == []


def test_what_shapes_a_prediction_is_computed_again(runs, split, computed, monkeypatch):
    score(runs[:1], split)
    computed.clear()
    stronger = dataclasses.replace(CORRUPTIONS["noise"], levels=(5, 10, 21, 40, 80))
    monkeypatch.setitem(CORRUPTIONS, "noise", stronger)
    room._identity.cache_clear()
    score(runs[:1], split)
    room._identity.cache_clear()
    assert [condition for _, condition in computed] == [Condition("noise", 3)]
    computed.clear()
    score(runs[:1], split, settings=Evaluate(replicates=100, seed=1))
    assert len(computed) == len(SOME)


def test_an_interruption_loses_one_condition(runs, split, computed, monkeypatch):
    keep = room._Asked.keep

    def stop(self, condition, paths, logits):
        if condition == SOME[1] and self.run.key == "seed1":
            raise KeyboardInterrupt
        keep(self, condition, paths, logits)

    with monkeypatch.context() as patch:
        patch.setattr(room._Asked, "keep", stop)
        with pytest.raises(KeyboardInterrupt):
            score(runs, split)
    assert len(computed) == 3
    computed.clear()
    resumed = score(runs, split)
    assert sorted(computed) == sorted([("seed1", SOME[1]), *((run.key, SOME[2]) for run in runs)])
    for run in runs:
        for file in (run.folder / "corrupted").iterdir():
            file.unlink()
    assert score(runs, split).equals(resumed)


def test_a_damaged_file_is_made_again(runs, split):
    first = score(runs[:1], split)
    file = runs[0].folder / "corrupted" / "jpeg_5.parquet"
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 255
    for damage in (b"", whole[:-30], bytes(flipped)):
        file.write_bytes(damage)
        assert score(runs[:1], split).equals(first)
    assert file.read_bytes() == whole
    assert not list(file.parent.glob("*.partial"))


def test_the_same_bytes_with_a_worker(runs, split, monkeypatch):
    alone = score(runs, split)
    for run in runs:
        for file in (run.folder / "corrupted").iterdir():
            file.unlink()
    monkeypatch.setattr(loader, "count_workers", lambda workers, processes=1: 1)
    assert score(runs, split).equals(alone)


def test_fewer_pictures_have_the_same_predictions(runs, split):
    few = score(runs[:1], split, settings=Evaluate(replicates=100, robustness_pictures=5))
    assert 0 < few["path"].nunique() <= 5
    keys = ["corruption", "severity", "path"]
    whole = score(runs[:1], split).set_index(keys)["probability"]
    assert (few.set_index(keys)["probability"] == whole[list(few[keys].itertuples(index=False))]).all()


def test_refuses_another_split(runs, split):
    with pytest.raises(StudyError, match="trained on other images or another split"):
        score(runs, dataclasses.replace(split, fingerprint="0" * 64))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 60), st.integers(0, 5))
def test_as_many_pictures_are_drawn_as_the_study_asks_for(sizes, most, seed):
    groups = np.repeat([f"g{number}" for number in range(len(sizes))], sizes)
    paths = [f"{number:03d}.png" for number in range(len(groups))]
    rows = pd.DataFrame({"group": groups, "path": paths, "label": np.arange(len(groups)) % 2})

    def chosen(number: int) -> pd.DataFrame:
        return choose_pictures(rows, Evaluate(robustness_pictures=number, seed=seed))

    assert 0 < len(chosen(most)) <= most
    assert len(chosen(0)) == len(rows) == len(chosen(len(rows)))
