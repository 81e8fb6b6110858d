"""The generator's trace: an even transposed convolution is interpolation, an uneven one leaves a grid."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from dfstudy.portraits import decoder
from dfstudy.portraits.decoder import Generator, decode, up_convolve


def skin(seed: int, side: int = 128) -> np.ndarray:
    """Smooth light with fine texture, sRGB-coded."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.random((6, 6, 3), dtype=np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    grain = cv2.GaussianBlur(rng.standard_normal((side, side), dtype=np.float32), (0, 0), 0.8)
    return np.clip(0.35 + 0.25 * coarse + 0.03 * grain[..., None], 0, 1)


def test_it_is_torchs_transposed_convolution():
    rng = np.random.default_rng(0)
    code, kernel = rng.random((9, 7), dtype=np.float32), rng.random((4, 4), dtype=np.float32)
    # torch lays the kernel down as it is, a filter reads it the other way round
    expected = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(code)[None, None],
        torch.from_numpy(kernel[::-1, ::-1].copy())[None, None],
        stride=2,
        padding=1,
    )[0, 0].numpy()
    assert up_convolve(code, kernel).shape == (18, 14)
    assert np.allclose(up_convolve(code, kernel)[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-5)


def test_an_even_kernel_keeps_a_flat_picture_flat():
    flat = np.full((8, 8, 3), 0.4, np.float32)
    assert np.allclose(up_convolve(flat, decoder._EVEN), 0.4, atol=1e-6)


def test_an_uneven_kernel_leaves_a_grid_of_period_two():
    rng = np.random.default_rng(1)
    flat = up_convolve(np.full((16, 16), 0.5, np.float32), decoder._uneven(rng, 0.05))
    assert flat.std() > 1e-3
    assert np.allclose(flat[2:-2, 2:-2], flat[4:, 4:][:28, :28], atol=1e-6)


def test_the_hardest_is_the_picture_itself_and_the_trace_grows_towards_the_easiest():
    changes = []
    for difficulty in (1.0, 0.8, 0.4, 0.0):
        images = [skin(seed) for seed in range(5)]
        decoded = [decode(image, np.random.default_rng(7), difficulty) for image in images]
        changes.append(np.mean([np.abs(a - b).mean() for a, b in zip(images, decoded, strict=True)]))
    assert changes[0] < 1e-6
    assert changes == sorted(changes)
    assert 1 / 255 < changes[-1] < 16 / 255


def test_texture_is_another_but_of_the_same_strength():
    def fine(image: np.ndarray) -> np.ndarray:
        return (image - cv2.GaussianBlur(image, (0, 0), 1.5))[8:-8, 8:-8]

    even = Generator(uneven=(0.0, 0.0, 0.0), fine=0.1)  # no grid beside the texture
    ratios, likeness = [], []
    for seed in range(8):
        image = skin(seed)
        before, after = fine(image), fine(decode(image, np.random.default_rng(seed), 0.0, even))
        ratios.append(after.std() / before.std())
        likeness.append(np.corrcoef(before.ravel(), after.ravel())[0, 1])
    assert np.mean(ratios) == pytest.approx(1, abs=0.12)
    assert np.mean(likeness) < 0.5


def test_any_size_is_given_back():
    for side in (48, 61, 96):
        assert decode(skin(0, side), np.random.default_rng(0), 0.2).shape == (side, side, 3)
