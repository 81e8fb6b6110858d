"""Measurements of pixels, against images whose answer is known and slow second ways."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dfstudy.data import pixel_traits as measured
from dfstudy.data.pixel_traits import pixel_traits

NAMES = {*measured.LIGHT, *measured.DETAIL, *measured.BARS, *measured.BORDER, *measured.PIXELS}


def noisy(height: int = 53, width: int = 37, seed: int = 0) -> np.ndarray:
    """Smooth colours under a little noise."""
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 216, (5, 4, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + random.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_picture_has_finite_traits(height, width, seed, flat):
    picture = noisy(height, width, seed)
    traits = pixel_traits(np.full_like(picture, 255 * (seed % 2)) if flat else picture)
    assert set(traits) == NAMES and np.isfinite(list(traits.values())).all()


def test_light_is_that_of_the_pixels():
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[:, :10] = (200, 100, 50)
    traits = pixel_traits(picture)
    grey = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert traits["brightness"] == traits["contrast"] == grey / 2
    assert traits["saturation"] == 75 and traits["darkest"] == 0 and traits["brightest"] == grey
    assert traits["red_green"] == 50 and traits["blue_yellow"] == pytest.approx(25 - 75)


def test_noise_level_is_that_of_the_noise():
    random = np.random.default_rng(0)
    for sigma in (2.0, 8.0):
        grey = 128 + random.normal(0, sigma, (200, 200, 1))
        traits = pixel_traits(np.repeat(grey.round(), 3, axis=2).astype(np.uint8))
        assert np.exp(traits["noise"]) == pytest.approx(sigma, rel=0.05)


def test_frequencies_are_those_of_the_whole_transform():
    picture = noisy(60, 40)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(float)
    window = np.outer(np.hanning(62)[1:-1], np.hanning(42)[1:-1])
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(60)[:, None], np.fft.fftfreq(40))
    traits = pixel_traits(picture)
    for name, limit in [("high_frequency", 0.25), ("highest_frequency", 0.45)]:
        share = power[radius > limit].sum() / power.sum()
        assert np.exp(traits[name]) == pytest.approx(share, rel=1e-3)


def test_blur_lowers_and_sharpening_raises_detail():
    picture = noisy(96, 96)
    soft = cv2.GaussianBlur(picture, (5, 5), 1)
    for name in ("sharpness", "noise", "high_frequency", "border_contrast"):
        assert pixel_traits(soft)[name] < pixel_traits(picture)[name]


def test_blocks_of_a_jpeg_are_seen_where_they_lie():
    picture = noisy(96, 96)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=20)
    blocky = np.asarray(Image.open(buffer).convert("RGB"))
    assert pixel_traits(blocky)["blocks"] > 0.5 > abs(pixel_traits(picture)["blocks"]) * 4
    assert pixel_traits(blocky[3:, 3:])["blocks"] < pixel_traits(blocky)["blocks"] / 2
    # the middle of a large image begins at a block
    large = np.tile(blocky, (8, 7, 1))[: 700 + 13, : 600 + 5]
    assert pixel_traits(np.ascontiguousarray(large))["blocks"] > 0.5


def test_bars_are_counted_in_both_directions():
    picture = noisy(100, 50)
    picture[:8] = picture[-12:] = 0
    picture[:, :5] = 255
    # a bar that crosses another one is flat only outside it
    assert pixel_traits(picture)["bar_rows"] == 0
    picture[:, :5] = noisy(100, 50)[:, :5]
    picture[:8] = picture[-12:] = 0
    assert pixel_traits(picture)["bar_rows"] == pytest.approx(0.2)
    assert pixel_traits(np.ascontiguousarray(picture.transpose(1, 0, 2)))["bar_columns"] == pytest.approx(0.2)
    assert pixel_traits(np.zeros_like(picture))["bar_rows"] == 1


def test_border_against_the_inside():
    picture = noisy(100, 100)
    plain = pixel_traits(picture)
    picture[:2] = picture[-2:] = picture[:, :2] = picture[:, -2:] = 0
    dark = pixel_traits(picture)
    assert dark["border_brightness"] < plain["border_brightness"] - 50
    assert dark["border_contrast"] == 0
    line = noisy(100, 100)
    line[0] = line[-1] = line[:, 0] = line[:, -1] = 0
    assert pixel_traits(line)["border_step"] > plain["border_step"] + 1


def test_thumbnail_is_the_mean_of_its_cells():
    picture = noisy(64, 64)
    cells = picture.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3)).ravel()
    traits = pixel_traits(picture)
    assert np.abs(np.array([traits[name] for name in measured.PIXELS]) - cells).max() <= 0.5 + 1e-6
