"""Corruptions do what their unit says, by chance only where a key decides, and keep their identity."""

from __future__ import annotations

import dataclasses
import io
import re
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from dfstudy.predict.corruptions import CORRUPTIONS, SEVERITIES, picture_key

each = pytest.mark.parametrize("name", CORRUPTIONS)
severities = pytest.mark.parametrize("severity", SEVERITIES)


def make(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth colours that differ between channels, with a little texture; far from black and white."""
    y, x = np.mgrid[:height, :width] / 16
    waves = np.stack([np.sin(x + y), np.cos(1.3 * x), np.sin(0.7 * y - x)], -1)
    texture = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    return (np.array([150, 110, 80]) + 25 * waves + texture).clip(0, 255).astype(np.uint8)


def level(name: str, severity: int):
    return CORRUPTIONS[name].levels[severity - 1]


@given(
    st.sampled_from(sorted(CORRUPTIONS)), st.sampled_from(SEVERITIES), st.tuples(*[st.integers(1, 60)] * 2)
)
@settings(deadline=None, max_examples=150)
def test_any_picture_gives_a_picture_and_stays_as_it_was(name, severity, shape):
    picture = make(*shape)
    before = picture.copy()
    after = CORRUPTIONS[name](picture, severity, key=3)
    assert after.dtype == np.uint8 and after.shape[2] == 3 and np.array_equal(picture, before)
    if name == "messenger":
        factor = min(1, level(name, severity)[0] / 4032)
        assert after.shape[:2] == tuple(max(1, round(side * factor)) for side in shape)
    else:
        assert after.shape == picture.shape
    assert np.array_equal(after, CORRUPTIONS[name](picture, severity, key=3))


@each
def test_five_severities_each_worse_than_the_one_before(name):
    corruption, picture = CORRUPTIONS[name], make(128, 112)
    changes = []
    for severity in SEVERITIES:
        after = cv2.resize(corruption(picture, severity, 1), (112, 128), interpolation=cv2.INTER_CUBIC)
        changes.append(np.abs(after.astype(int) - picture).mean())
    if name == "messenger":  # the fourth shrinks more than the third, and writes at a higher quality
        changes = [changes[0], np.mean(changes[1:3]), np.mean(changes[3:])]
    assert changes == sorted(changes) and changes[0] > 0
    assert len(corruption.levels) == len(corruption.ticks) == len(corruption.labels) == len(SEVERITIES)
    for severity in (0, 6):
        with pytest.raises(ValueError, match=f"severity {severity} of {name}"):
            corruption(picture, severity)


@severities
@pytest.mark.parametrize(("name", "kind"), [("jpeg", "JPEG"), ("webp", "WEBP")])
def test_codecs_are_those_of_another_library(name, kind, severity):
    picture = make(64, 96)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, quality=level(name, severity), subsampling="4:2:0")
    theirs = np.asarray(Image.open(file).convert("RGB")).astype(int)
    ours = CORRUPTIONS[name](picture, severity).astype(int)
    assert np.abs(ours - theirs).mean() < 1.5 < np.abs(ours[..., ::-1] - theirs).mean()


@severities
def test_blur_is_a_gaussian_of_its_sigma(severity):
    picture = make(60, 50)
    sigma = level("blur", severity)
    wanted = gaussian_filter(picture.astype(float), (sigma, sigma, 0), mode="mirror", truncate=4)
    assert np.abs(CORRUPTIONS["blur"](picture, severity) - wanted).max() < 2


def test_noise_has_its_sigma_in_every_channel_and_grows_from_one_field():
    grey = np.full((200, 180, 3), 128, np.uint8)
    noises = [CORRUPTIONS["noise"](grey, severity, 7).astype(float) - 128 for severity in SEVERITIES]
    for severity, noise in zip(SEVERITIES[:3], noises, strict=False):  # stronger ones clip
        assert noise.std(axis=(0, 1)) == pytest.approx([level("noise", severity)] * 3, rel=0.02)
        assert np.abs(noise.mean(axis=(0, 1))).max() < 0.3
    channels = np.corrcoef(noises[0].reshape(-1, 3).T)
    assert np.abs(channels - np.eye(3)).max() < 0.02
    assert np.corrcoef(noises[0].ravel(), noises[2].ravel())[0, 1] > 0.99
    other = CORRUPTIONS["noise"](grey, 1, 8).astype(float) - 128
    assert abs(np.corrcoef(noises[0].ravel(), other.ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("shape", [(64, 64), (112, 80)])
def test_blocks_hide_their_share_and_a_stronger_one_hides_more_of_the_same(shape):
    picture = np.full((*shape, 3), 10, np.uint8)
    hidden = [CORRUPTIONS["blocks"](picture, severity, 5)[..., 0] == 128 for severity in SEVERITIES]
    for severity, mask in zip(SEVERITIES, hidden, strict=True):
        assert mask.mean() == pytest.approx(level("blocks", severity), abs=0.003)
    assert all((weak <= strong).all() for weak, strong in pairwise(hidden))
    assert not np.array_equal(hidden[2], CORRUPTIONS["blocks"](picture, 3, 6)[..., 0] == 128)


@severities
def test_contrast_and_saturation_are_factors(severity):
    picture = make(40, 44).astype(float)
    grey = picture @ [0.299, 0.587, 0.114]
    factor = level("contrast", severity)
    after = CORRUPTIONS["contrast"](picture.astype(np.uint8), severity)
    assert np.abs(after - (grey.mean() + factor * (picture - grey.mean()))).max() < 1.6
    factor = level("saturation", severity)
    after = CORRUPTIONS["saturation"](picture.astype(np.uint8), severity)
    assert np.abs(after - (grey[..., None] + factor * (picture - grey[..., None]))).max() < 1.6


def test_shrinking_loses_what_is_finer_than_the_smaller_picture():
    y, x = np.mgrid[:80, :80]
    checks = np.repeat((255 * ((x + y) % 2))[..., None], 3, axis=2).astype(np.uint8)
    assert CORRUPTIONS["resize"](checks, 2).std() < 1 < checks.std()
    smooth = cv2.GaussianBlur(make(80, 80), (0, 0), 6)
    assert np.abs(CORRUPTIONS["resize"](smooth, 2).astype(int) - smooth).max() < 6


def test_identities_differ_by_level_and_by_code_and_by_nothing_else():
    every = {(name, s): c.identity(s) for name, c in CORRUPTIONS.items() for s in SEVERITIES}
    assert len(set(every.values())) == len(CORRUPTIONS) * len(SEVERITIES)
    blur = CORRUPTIONS["blur"]
    assert blur.identity(2) == every["blur", 2]
    moved = dataclasses.replace(blur, levels=(0.5, 1.1, 2, 3, 4))
    assert [moved.identity(s) == blur.identity(s) for s in SEVERITIES] == [True, False, True, True, True]
    recoded = dataclasses.replace(blur, apply=lambda picture, sigma, key: blur.apply(picture, sigma, key))
    assert recoded.identity(1) != blur.identity(1)


def test_a_picture_has_one_key_wherever_it_lies():
    assert picture_key(0, "ab") == picture_key(0, "ab") < 2**64
    assert len({picture_key(seed, sha) for seed in range(3) for sha in ("ab", "cd", "")}) == 9


def test_no_text_types_how_many_corruptions_there_are():
    """They are counted where a number is shown, so that one more is an entry and nothing else."""
    root = Path(__file__).resolve().parents[2]
    files = [*root.glob("notebooks/*.ipynb"), *root.glob("docs/*.md"), root / "README.md"]
    files += root.glob("dfstudy/**/*.py")
    counted = r"\b(seven|eight|nine|ten|eleven|twelve|\d+) (corruptions|ways|triples|small charts)\b"
    found = {file.name: re.findall(counted, file.read_text("utf-8"), re.IGNORECASE) for file in files}
    assert not any(found.values()), {name: words for name, words in found.items() if words}
