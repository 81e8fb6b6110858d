"""What a detector was trained on: silent on validation, and not on what it never saw."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from dfstudy.data.split import Split
from dfstudy.errors import StudyError
from dfstudy.model.build import build_model
from dfstudy.model.checkpoint import read_checkpoint
from dfstudy.model.pooled import PooledStages
from dfstudy.predict import known_images
from dfstudy.predict.known_images import FILE, StageFeatures, _limit, keep_known_images, read_known_images
from dfstudy.scoring.detector import Detector
from dfstudy.study.recipe import Model
from dfstudy.train.run import Run

TRAIN, VAL = 120, 110


@pytest.fixture
def trained(tmp_path, make_run, write_noise):
    """A finished run, and a split of noisy images that it might have learned from."""
    folder = make_run(tmp_path / "runs" / "seed0-key")
    paths = write_noise(tmp_path / "pictures", TRAIN + VAL)
    rows = pd.DataFrame({"path": [path.name for path in paths], "width": 37, "height": 53, "format": "PNG"})
    rows["label"], rows["group"] = np.arange(len(rows)) % 2, rows["path"]
    rows["split"] = np.where(np.arange(len(rows)) < TRAIN, "train", "val")
    split = Split(rows, pd.DataFrame(), tmp_path / "pictures", "f" * 64, True, (), pd.DataFrame())
    return Run(folder.name, 0, folder, pd.DataFrame(), pd.DataFrame(), read_checkpoint(folder)), split


def test_silent_on_validation_and_not_on_what_was_never_seen(trained, tmp_path):
    run, split = trained
    paths = [split.root / path for path in split.part("val")["path"]]
    unknowing = Detector.load(run.folder)
    before = list(unknowing.stream(paths))
    assert all(score.unlike == "" and score.distance is None for score in before)
    assert f"has no {FILE}" in " ".join(unknowing.legend())
    keep_known_images(run, split, rendered=True)
    detector = Detector.load(run.folder)
    after = list(detector.stream(paths))
    # looking on changes no bit of a score
    assert [score.logit for score in after] == [score.logit for score in before]
    assert detector.key != unknowing.key  # so their rows do not mix in one table
    beyond = [score.distance > 1 for score in after]
    assert sum(beyond) <= 0.01 * VAL
    assert [bool(score.unlike) for score in after] == beyond
    # a training image is its own neighbour, but for the rounding of what is kept
    assert detector.score(split.root / split.part("train")["path"].iloc[0]).distance < 0.05
    stripes = np.zeros((53, 37, 3), np.uint8)
    stripes[::8] = 255
    cv2.imwrite(str(tmp_path / "stripes.png"), stripes)
    assert detector.score(tmp_path / "stripes.png").unlike == "features"
    noise = cv2.imread(str(paths[0]))
    cv2.imwrite(str(tmp_path / "noise.bmp"), noise)
    assert detector.score(tmp_path / "noise.bmp").unlike == "format"
    assert "size" in detector.score(np.tile(noise, (3, 3, 1))).unlike  # shorter side 111 px, known 37
    assert "size" not in detector.score(np.tile(noise, (2, 2, 1))).unlike
    told = " ".join(detector.legend())
    assert "trained on rendered faces only" in told and "120 training images than 99% of 110" in told


def test_the_file_is_the_runs_own_and_the_same_again(trained, monkeypatch):
    run, split = trained
    file = keep_known_images(run, split, rendered=False)
    content, weights = file.read_bytes(), run.checkpoint["weights"]["best"]
    assert keep_known_images(run, split, rendered=False).read_bytes() == content
    known = read_known_images(run.folder, weights)
    assert (known.summary.sides, known.summary.formats, known.summary.rendered) == ((37, 37), ("PNG",), False)
    assert known.rows.shape == (TRAIN, 2 * known.summary.channels)
    assert read_known_images(run.folder, "0" * 64) is None  # of weights that were trained anew
    for damaged in (content[:-8], b"", content.replace(b"channels", b"chanels_")):
        file.write_bytes(damaged)
        with pytest.raises(StudyError, match="is damaged"):
            read_known_images(run.folder, weights)
    file.write_bytes(content.replace(known.summary.stage.encode(), b"x" * len(known.summary.stage)))
    with pytest.raises(StudyError, match="has no stage"):
        Detector.load(run.folder)
    # a network that gives no stage, such as one of the user's own: size and format are known none the less
    monkeypatch.setattr(known_images, "_choose_stage", lambda network, size: ("", 0))
    keep_known_images(run, split, rendered=False)
    score = Detector.load(run.folder).score(np.tile(cv2.imread(str(split.root / "00.png")), (3, 3, 1)))
    assert (score.unlike, score.distance) == ("size", None)
    run.checkpoint["fingerprint"] = "0" * 64
    with pytest.raises(StudyError, match="another split"):
        keep_known_images(run, split, rendered=False)


@pytest.mark.parametrize("count", [98, 99, 256, 1000])
def test_at_most_one_in_a_hundred_lies_beyond_the_limit(count):
    distances = np.random.default_rng(count).exponential(size=count)
    limit = _limit(distances)
    if count < 99:  # a limit would have to lie beyond all of them, and nothing says how far
        assert limit is None
    else:
        assert 0.01 * count - 2 < (distances > limit).sum() <= 0.01 * count


@pytest.mark.parametrize("backbone", ["test_resnet", "test_convnext2", "test_vit"])
def test_features_taken_on_the_way_are_those_of_the_stage(backbone):
    network = build_model(Model(backbone=backbone, size=64)).eval()
    stage = PooledStages(network, 64).stages[-1]
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    told = list(network.feature_info)[stage]
    taken = StageFeatures(network, told["module"], told["num_chs"])
    with torch.inference_mode():
        network(images)
        pooled = PooledStages(network, 64, [stage])(images)[:, : 2 * told["num_chs"]].numpy()
        network(images)
    assert taken.rows.shape == (3, 2 * told["num_chs"])
    if backbone != "test_vit":  # there a stage is its class token and the mean of the others
        np.testing.assert_allclose(taken.rows, pooled, rtol=1e-4, atol=1e-5)
