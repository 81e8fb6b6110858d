"""The figures of chapter 02 show what they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dfstudy.augment.extremes import show_ends
from dfstudy.augment.gallery import show_policies
from dfstudy.augment.policies import build_policy
from dfstudy.chapters.c02_augmentation import figures as augmentation


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def face(height=40, width=30):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def texts(figure):
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text().strip()]


def test_each_transform_has_its_title_and_values():
    ends = show_ends(face(), 32)
    shown = texts(augmentation.draw_ends(ends))
    for end in ends:
        assert end.title in shown
        assert all(any(text.startswith(label) for text in shown) for label in end.labels)
    assert sum(text.startswith("before") for text in shown) == len(ends)


def test_a_mosaic_keeps_every_picture_in_reading_order():
    pictures = [np.full((8, 6, 3), number, np.uint8) for number in range(5)]
    sheet = augmentation._mosaic(pictures, columns=3)
    assert sheet.shape == (2 * 8 + augmentation.GAP, 3 * 6 + 2 * augmentation.GAP, 3)
    for number in range(5):
        row, column = divmod(number, 3)
        top, left = row * (8 + augmentation.GAP), column * (6 + augmentation.GAP)
        assert (sheet[top : top + 8, left : left + 6] == number).all()


def test_policies_are_named():
    samples = {
        name: [build_policy(name, 16)(face(), key) for key in range(9)] for name in ("none", "original")
    }
    assert {"policy none", "policy original"} <= set(texts(augmentation.draw_policies(samples)))


def test_realised_shares_are_drawn_where_they_are():
    quality = [60.0, 80.0, np.nan, np.nan]
    samples = pd.DataFrame({"sample": range(4), "transform": "jpeg_compression", "probability": 0.2})
    samples = samples.assign(
        quality=quality, sigma=[3.5, np.nan, 5, np.nan], change=[1.0, 2.0, np.nan, np.nan]
    )
    samples["applied"] = ["jpeg_compression", "jpeg_compression", "", ""]
    figure = augmentation.draw_strength(samples)
    share = next(axes for axes in figure.axes if axes.get_title("left") == "Samples changed, by transform")
    was_set, measured = share.lines[:2]
    assert list(was_set.get_xdata()) == [0.2] and list(measured.get_xdata()) == [0.5]
    jpeg = next(axes for axes in figure.axes if axes.get_title("left") == "JPEG quality")
    assert {round(bar.get_x() + bar.get_width() / 2) for bar in jpeg.patches if bar.get_height()} == {60, 80}


def test_alt_texts_hold_the_values():
    ends = show_ends(face(), 32)
    told = augmentation.describe_ends(ends)
    bright = next(end for end in ends if end.title.startswith("brightness"))
    assert f"{bright.title} {bright.changes[0]:.1f} and {bright.changes[1]:.1f}" in told
    samples = pd.DataFrame({"sample": range(4), "transform": "grey", "probability": 0.2, "sigma": 4.0})
    samples = samples.assign(
        quality=70.0, change=[3.0, 5.0, np.nan, np.nan], applied=["grey", "grey", "", ""]
    )
    told = augmentation.describe_strength(samples)
    assert "grey 50.0 % (set 20 %)" in told and "Median change in grey levels: grey 4." in told
    times = pd.DataFrame({"step": ["fancy_pca", "policy none"], "microseconds": [70.2, 13.0]})
    assert augmentation.describe_cost(times).endswith("FancyPCA 70, policy none 13.")


def test_a_transform_that_changes_nothing_is_said_to():
    square = show_ends(face(32, 32), 32)
    shown = texts(augmentation.draw_ends(square))
    assert any(text.endswith("no change") for text in shown)  # resizing to the size that it has
    assert not any(text.endswith("Δ 0.0") for text in shown)


def test_cost_bars_have_the_given_lengths():
    times = pd.DataFrame(
        {"step": ["read the file", "fancy_pca", "policy original"], "microseconds": [5.0, 7, 9]}
    )
    figure = augmentation.draw_cost(times.assign(low=4.0, high=[6.0, 8, 8.5]))
    assert [bar.get_width() for bar in figure.axes[0].patches] == [5, 7, 9]
    assert "FancyPCA" in texts(figure)


def test_each_policy_has_a_row_with_its_name():
    rows = show_policies(["none", "self_blend"], [face(30, 30)], 16, draws=3)
    figure = augmentation.draw_named(rows)
    assert texts(figure) == ["none", "self_blend", "mask", "blended", "fake"]
    sheet = figure.axes[0].images[0].get_array()
    pitch = 16 + augmentation.GAP
    assert sheet.shape == (5 * pitch - augmentation.GAP, 3 * pitch - augmentation.GAP, 3)
    for number, row in enumerate(rows):
        for place, picture in enumerate(row.pictures):
            top, left = number * pitch, place * pitch
            assert np.array_equal(sheet[top : top + 16, left : left + 16], picture)
