"""One set of limits for what can be judged, whoever asks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dfstudy.data import limits
from dfstudy.data.index import index_study
from dfstudy.errors import StudyError
from dfstudy.faces.face import Face
from dfstudy.faces.scene import faces_in_picture
from dfstudy.faces.settings import FaceSettings, read_settings

random = np.random.default_rng(0)


def noise(height: int, width: int, low: int = 0, high: int = 256) -> np.ndarray:
    return random.integers(low, high, (height, width, 3), np.uint8)


def dotted() -> np.ndarray:
    """Black but for dots that a sample of every fifth pixel misses."""
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[2::6, 1::6] = 255
    return picture


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (noise(1, 1), "too small"),
        (noise(2, 3), "too small"),
        (noise(15, 15), "too small"),
        (noise(4000, 1), "too small"),
        (noise(16, 161), "too narrow"),
        (noise(161, 16), "too narrow"),
        (noise(50, 70, 0, 8), "too dark"),
        (np.zeros((3000, 4000, 3), np.uint8), "too dark"),
        (np.full((50, 70, 3), 255, np.uint8), "without content"),
        (np.full((500, 700, 3), (9, 80, 200), np.uint8), "without content"),
        (noise(500, 700, 100, 103), "without content"),
        (noise(16, 16), ""),
        (noise(16, 160), ""),
        (noise(50, 70, 0, 20), ""),
        (noise(50, 70, 100, 110), ""),
        (dotted(), ""),
    ],
)
def test_limits(pixels, reason):
    assert limits.why_useless(pixels).partition(":")[0] == reason


def test_index_and_faces_refuse_for_the_same_reasons(fill, open_study):
    folder = fill([f"{name}/{at}.png" for name in ("real", "fake") for at in range(4)])
    useless = {
        "dot": np.full((1, 1, 3), 9, np.uint8),
        "strip": noise(16, 400),
        "night": np.zeros((60, 70, 3), np.uint8),
        "wall": np.full((60, 70, 3), 180, np.uint8),
    }
    for name, pixels in useless.items():
        cv2.imwrite(str(folder / "fake" / f"{name}.png"), pixels)
    table = index_study(open_study(folder), progress=False).set_index("path")

    class Sure:
        key = "sure"

        def find(self, picture, turn=None):
            height, width = picture.shape[:2]
            return [Face((0, 0, width, height), ((width / 2, height / 2),) * 5, 0.95)]

    for name, pixels in useless.items():
        assert table.loc[f"fake/{name}.png", "error"] == limits.why_useless(pixels) != ""
        if name != "strip":  # its crop is a square of 16 px
            settings = FaceSettings(size=0, smallest=1)
            (missed,) = faces_in_picture(pixels, Sure(), settings).missed
            assert missed.reason == limits.why_useless(pixels)
    assert (table["error"] == "").sum() == 8


def test_no_crop_is_written_that_the_index_would_refuse():
    with pytest.raises(StudyError, match="size 8"):
        read_settings({"size": 8})
    assert read_settings({"size": 0}).size == 0 and read_settings({"size": 16}).size == 16
