"""YuNet itself on real photographs and clips, where this machine has both."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from dfstudy.data.images import read_picture
from dfstudy.faces.face import overlap
from dfstudy.faces.finder import FaceFinder
from dfstudy.faces.folder import crop_folder
from dfstudy.faces.settings import FaceSettings


@pytest.fixture(scope="module")
def yunet(shared_models) -> FaceFinder:
    return FaceFinder.load(shared_models / "yunet_n_640_640.onnx")


@pytest.fixture(scope="module")
def photographs(shared_data) -> list[np.ndarray]:
    files = sorted((shared_data / "openforensics_7k/Validation").rglob("*.jpg"))
    return [read_picture(file) for file in files[:: len(files) // 12][:12]]


def test_a_photograph_is_turned_until_its_face_stands(yunet, photographs):
    right = 0
    for picture in photographs:
        upright = yunet.find(picture)[0]
        assert upright.turn == 0 and upright.score > 0.85
        for turn in (90, 180, 270):
            found = yunet.find(np.ascontiguousarray(np.rot90(picture, turn // 90)))[0]
            right += found.turn == turn
    assert right >= 34  # of 36


def test_a_face_in_a_huge_a_dark_and_a_small_picture(yunet, photographs):
    photograph = photographs[0]
    face = yunet.find(photograph)[0]
    huge = np.full((3000, 5000, 3), 110, np.uint8)
    huge[2000:2256, 3000:3256] = photograph
    left, top, *size = face.box
    (found,) = yunet.find(huge)
    assert overlap(found.box, (left + 3000, top + 2000, *size)) > 0.6
    dark = (photograph * 0.04).astype(np.uint8)
    assert overlap(yunet.find(dark)[0].box, face.box) > 0.6
    half = cv2.resize(photograph, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    assert overlap(yunet.find(half)[0].scaled(4, 4).box, face.box) > 0.6
    for nothing in (np.zeros((1, 1, 3), np.uint8), np.zeros((20, 900, 3), np.uint8), huge[:1800, :2000]):
        assert yunet.find(nothing) == []


def test_clips_and_their_fakes(yunet, shared_data, tmp_path, open_study):
    names = ["real/celebdf_id0_0001", "fake/celebdf_id0_id1_0001", "real/ffpp_youtube_004"]
    for name in [*names, "fake/ffpp_NeuralTextures_004_982"]:
        target = tmp_path / "videos" / f"{name}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared_data / "videos" / f"{name}.mp4", target)
    data = (tmp_path / "videos/real/ffpp_youtube_004.mp4").read_bytes()
    (tmp_path / "videos/real/cut.mp4").write_bytes(data[: len(data) // 2])
    settings = FaceSettings(frames=3, size=96)
    done = crop_folder(open_study(tmp_path / "videos"), tmp_path / "out", settings, yunet, progress=False)
    rows = pd.read_csv(tmp_path / "out/index.csv").set_index(["source", "frame"])
    assert (done.crops, done.used, done.borrowed) == (12, 4, 2)
    assert set(done.reasons) == {"cut off before its index (moov), without which no frame can be read"}
    assert rows["score"].min() > 0.9 and set(rows["turn"]) == {0} and set(rows["faces"]) == {1}
    pair = [rows.loc[f"{name}.mp4"] for name in ("real/ffpp_youtube_004", "fake/ffpp_NeuralTextures_004_982")]
    geometry = ["group", "left", "top", "width", "height", "crop_left", "crop_top", "crop_side"]
    assert pair[0][geometry].equals(pair[1][geometry]) and set(pair[0]["group"]) == {"004+982"}
    # where the presenter of this clip sits: right of the middle, in the upper half
    assert pair[0]["left"].between(650, 800).all() and pair[0]["top"].between(60, 220).all()
