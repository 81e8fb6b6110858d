"""One prediction an image: exact, kept beside the run, and never of the wrong split."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from dfstudy.data import loader
from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.checkpoint import load_checkpoint, save_checkpoint, save_weights
from dfstudy.model.device import resolve_normalisation
from dfstudy.predict.predict import COLUMNS, predict
from dfstudy.study.recipe import Model
from dfstudy.train.run import Run

METHODS = ("real", "None", "NA, or so")  # names that a table reader may take for nothing
PICTURES = 70  # one whole batch of 64 and a part


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Split:
    """70 test images of 37 x 53 with different R, G, B, and two training images."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    rows = []
    for number in range(PICTURES + 2):
        path = f"{number:02d}.png"
        cv2.imwrite(
            str(root / path), random.normal((60, 120, 200), 40, (53, 37, 3)).clip(0, 255).astype("uint8")
        )
        part = "test" if number < PICTURES else "train"
        label = int(number % 3 > 0)
        row = {"path": path, "label": label, "method": METHODS[number % 3], "group": f"0{number // 2}"}
        rows.append({**row, "sha256": f"{number:064x}", "split": part})
    return Split(pd.DataFrame(rows), pd.DataFrame(), root, "f" * 64, True, (), pd.DataFrame())


@pytest.fixture
def run(tmp_path) -> Run:
    model = Model(backbone="test_resnet", size=32)
    torch.manual_seed(0)
    network = build_model(model)
    for name in ("best", "last"):
        save_weights(tmp_path / f"{name}.safetensors", network.state_dict())
    normalisation = resolve_normalisation(network, model)
    description = {
        "model": model.model_dump(mode="json"),
        "normalisation": {"mean": normalisation.mean, "std": normalisation.std},
        "size": 32,
        "policy": "none",
        "fingerprint": "f" * 64,
        "threshold": 0.5,
        "temperature": 1.0,
        "training": {"precision": "float32"},
        "seed": 0,
    }
    save_checkpoint(tmp_path, ("best", "last"), description)
    told = load_checkpoint(tmp_path)[1]
    return Run("seed0-key", 0, tmp_path, pd.DataFrame(), pd.DataFrame(), told)


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    """Workers change no byte (tests of the loader) and take a second each to start."""
    monkeypatch.setattr(loader, "count_workers", lambda workers, processes=1: 0)


def test_one_row_a_picture_sorted_by_path(run, split):
    table = predict(run, split, progress=False)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == PICTURES and table["path"].is_monotonic_increasing
    truth = split.part("test").set_index("path")
    for column in ("label", "method", "group"):
        assert table.set_index("path")[column].equals(truth[column])
    assert (table["logit"].astype("float32") == table["logit"]).all()
    assert np.allclose(table["probability"], 1 / (1 + np.exp(-table["logit"])), rtol=1e-12)
    assert table["logit"].nunique() > PICTURES // 2


def test_equals_the_network_picture_by_picture(run, split):
    """Read, resized and normalised here in another way: close, and told apart from a wrong channel order."""
    table = predict(run, split, progress=False)
    network, told = load_checkpoint(run.folder)
    mean, std = (np.float32(told["normalisation"][part]) for part in ("mean", "std"))
    logits = {}
    for order in ("RGB", "BGR"):
        for path in table["path"][:5]:
            picture = cv2.imread(str(split.root / path))[..., :: -1 if order == "RGB" else 1]
            small = cv2.resize(picture, (22, 32), interpolation=cv2.INTER_AREA)
            padded = cv2.copyMakeBorder(small, 0, 0, 5, 5, cv2.BORDER_CONSTANT, value=0)
            x = torch.from_numpy((padded / np.float32(255) - mean) / std).permute(2, 0, 1)[None].float()
            with torch.inference_mode():
                logits.setdefault(order, []).append(float(network(x)))
    ours = table["logit"][:5].to_numpy()
    assert np.abs(ours - logits["RGB"]).max() < 0.2 * np.abs(ours - logits["BGR"]).max()


def test_a_prediction_does_not_depend_on_the_pictures_beside_it(run, split):
    table = predict(run, split, progress=False)
    for rows in (
        split.rows.iloc[:1],
        split.rows.iloc[60:PICTURES],
        split.rows.sample(frac=1, random_state=0),
    ):
        fewer = predict(run, dataclasses.replace(split, rows=rows), progress=False)
        expected = table.set_index("path").loc[fewer["path"], "logit"]
        assert expected.tolist() == fewer["logit"].tolist()


def test_the_kept_table_is_the_same_to_the_last_bit_and_needs_no_pictures(run, split, tmp_path):
    first = predict(run, split, progress=False)
    elsewhere = dataclasses.replace(split, root=tmp_path / "gone")
    pd.testing.assert_frame_equal(predict(run, elsewhere, progress=False), first, check_exact=True)
    assert (first["method"] == "None").any() and first["group"][0] == "00"


def test_the_kept_table_is_left_where_anything_changed(run, split):
    first = predict(run, split, progress=False)
    file = run.folder / "predictions_test.csv"
    whole = file.read_bytes()
    for damage in (whole[:-40], whole.replace(b"00.png,0", b"00.png,1"), b""):
        file.write_bytes(damage)
        pd.testing.assert_frame_equal(predict(run, split, progress=False), first, check_exact=True)
        assert file.read_bytes() == whole
    file.with_suffix(".json").write_text("{")
    pd.testing.assert_frame_equal(predict(run, split, progress=False), first, check_exact=True)
    rows = split.rows.assign(sha256="0" * 64)
    changed = predict(run, dataclasses.replace(split, rows=rows.assign(group="one")), progress=False)
    assert (changed["group"] == "one").all()
    assert sorted(p.name for p in run.folder.glob("*.partial")) == []


def test_parts_are_kept_apart(run, split):
    assert len(predict(run, split, "train", progress=False)) == 2
    assert len(predict(run, split, "test", progress=False)) == PICTURES
    assert len(predict(run, split, "train", progress=False)) == 2


def test_refuses_another_split(run, split):
    with pytest.raises(StudyError, match="trained on other images or another split"):
        predict(run, dataclasses.replace(split, fingerprint="0" * 64), progress=False)


def test_refuses_changed_weights(run, split):
    save_weights(run.folder / "best.safetensors", build_model(Model(backbone="test_resnet")).state_dict())
    with pytest.raises(StudyError, match="changed after it was written"):
        predict(run, split, progress=False)


def test_refuses_a_picture_that_is_gone_and_keeps_nothing(run, split):
    rows = split.rows.copy()
    rows.loc[3, "path"] = "gone.png"
    with pytest.raises(StudyError, match=r"gone\.png"):
        predict(run, dataclasses.replace(split, rows=rows), progress=False)
    assert not list(run.folder.glob("predictions*"))


def test_reading_scores_needs_no_torch():
    code = (
        "import sys, dfstudy.predict.predict\n"
        "print([m for m in ('torch', 'timm', 'sklearn') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
