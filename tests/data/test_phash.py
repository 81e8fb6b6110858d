"""The perceptual hash: right by an independent transform, steady where it should be, silent where it must."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn

from dfstudy.data import hash_search
from dfstudy.data.phash import BITS, hash_bits, perceptual_hash


def off(one: np.ndarray, other: np.ndarray) -> int:
    """Bits in which the hashes of two images differ."""
    bits = hash_bits([perceptual_hash(one), perceptual_hash(other)])
    return int(np.bitwise_count(bits[0] ^ bits[1]).sum())


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


VARIANTS = {
    "jpeg 95": lambda pixels: jpeg(pixels, 95),
    "jpeg 50": lambda pixels: jpeg(pixels, 50),
    "half the size": lambda pixels: cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "twice the size": lambda pixels: cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
    "a tenth brighter": lambda pixels: np.clip(pixels * 1.1, 0, 255).astype(np.uint8),
    "darker": lambda pixels: np.clip(pixels * 0.85 - 5, 0, 255).astype(np.uint8),
    "grey": lambda pixels: np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    "smaller and jpeg": lambda pixels: jpeg(cv2.resize(pixels, None, fx=0.5, fy=0.5), 60),
}


def test_bits_are_the_signs_of_an_independent_transform(texture):
    for seed in range(5):
        pixels = texture(seed, 256, 256)
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(float)
        means = grey.reshape(64, 4, 64, 4).mean(axis=(1, 3))
        coarse = dctn(means, norm="ortho")[:16, :16].ravel()
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(perceptual_hash(pixels)), np.uint8))
        clear = np.abs(coarse) > 1  # means are rounded before ours
        clear[0] = False
        assert clear.sum() > 200 and (bits[clear] == (coarse[clear] > 0)).all()
        assert bits[0] == 0 and len(bits) == BITS + 1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("name", VARIANTS)
def test_a_picture_changed_a_little_is_near(texture, name, seed):
    pixels = texture(seed, 128, 110)
    assert off(pixels, VARIANTS[name](pixels)) <= hash_search.FARTHEST


def test_different_pictures_are_farther_than_two_steps(texture):
    bits = hash_bits([perceptual_hash(texture(seed)) for seed in range(120)])
    apart = np.bitwise_count(bits[:, None] ^ bits[None]).sum(axis=2, dtype=int)
    assert apart[np.triu_indices(120, 1)].min() > 2 * hash_search.FARTHEST


def test_pictures_without_content_have_no_hash(texture):
    noise = np.random.default_rng(0).normal(size=(90, 90, 3))
    flat = {
        "black": np.zeros((90, 90, 3)),
        "white": np.full((90, 90, 3), 255),
        "black, with the noise of a sensor": 3 + 2 * noise,
        "a ramp": np.repeat(np.linspace(0, 255, 90)[:, None, None], 90, axis=1).repeat(3, axis=2),
        "fog": texture(1, 90, 90, contrast=2.0),
        "one pixel": np.full((1, 1, 3), 9),
    }
    for name, pixels in flat.items():
        assert perceptual_hash(np.clip(pixels, 0, 255).astype(np.uint8)) == "", name
    assert len(perceptual_hash(texture(1))) == 64


def test_half_firm_pictures_of_different_content_stay_apart(texture):
    """The weakest images that have a hash: low contrast, and their noise decides the other bits."""
    found = []
    for seed in range(300):
        noise = np.random.default_rng(seed).normal(0, 1, (106, 74, 3))
        pixels = np.clip(texture(seed, contrast=3.0) + noise, 0, 255).astype(np.uint8)
        found += [perceptual_hash(pixels)]
    bits = hash_bits(text for text in found if text)
    assert 100 < len(bits) < 300  # the edge of what counts as flat runs through them
    apart = np.bitwise_count(bits[:, None] ^ bits[None]).sum(axis=2, dtype=int)
    assert apart[np.triu_indices(len(bits), 1)].min() > 2 * hash_search.FARTHEST


def test_no_hashes_are_no_bits():
    assert hash_bits([]).shape == (0, 16)
