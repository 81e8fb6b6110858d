"""Images in memory get the very logits of `predict`, however many come at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dfstudy.data.images import read_picture
from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.model.checkpoint import read_checkpoint
from dfstudy.predict.predict import BATCH, predict
from dfstudy.predict.predict_images import predict_images
from dfstudy.train.run import Run

IMAGES = BATCH + 6


@pytest.fixture
def run(tmp_path, make_run) -> Run:
    folder = make_run(tmp_path / "run")
    return Run(folder.name, 0, folder, pd.DataFrame(), pd.DataFrame(), read_checkpoint(folder))


def test_the_logits_are_those_of_predict(run, tmp_path, write_noise):
    files = write_noise(tmp_path / "pictures", IMAGES)
    rows = pd.DataFrame({"path": [file.name for file in files], "label": np.arange(IMAGES) % 2})
    rows = rows.assign(method="swap", group=rows["path"], sha256=rows["path"], split="test")
    split = Split(rows, rows.iloc[:0], tmp_path / "pictures", "f" * 64, True, (), rows.iloc[:0])
    expected = predict(run, split, progress=False)["logit"].to_numpy()
    images = [read_picture(file) for file in files]
    assert np.array_equal(predict_images(run, images), expected)
    assert np.array_equal(predict_images(run, images[:2]), expected[:2])
    assert len(predict_images(run, [])) == 0


def test_weights_that_changed_are_refused(run):
    with (run.folder / "best.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(StudyError, match="changed after it was written"):
        predict_images(run, [])
