"""What can be measured of an image without looking at the face: light, detail, bars, border, thumbnail.

Takes one decoded image (uint8 [H, W, 3] RGB); gives numbers by name, all finite. Grey levels are 0..255;
logarithms are natural. Detail is measured on the middle of the image, 512 px at most on a side, so that a
photograph of 12 million pixels costs little more than a face. Cost: 6 ms for 256 px.

Sources: variance of the Laplacian as sharpness, Pech-Pacheco et al. 2000; noise level, Immerkaer 1996,
"Fast noise variance estimation".
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from scipy import fft

MIDDLE = 512  # pixels of a side, at most, where detail is measured
FLAT = 12  # grey levels within which a line of pixels is a bar; JPEG leaves a few
THUMBNAIL = 8  # pixels of a side
_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_TINY = 1e-3  # keeps logarithms of a flat image finite; far below what a photograph has

LIGHT = ("brightness", "contrast", "saturation", "darkest", "brightest", "red_green", "blue_yellow")
DETAIL = ("sharpness", "noise", "high_frequency", "highest_frequency", "blocks")
BARS = ("bar_rows", "bar_columns")
BORDER = ("border_brightness", "border_contrast", "border_detail", "border_step")
PIXELS = tuple(f"pixel_{at:03d}" for at in range(3 * THUMBNAIL**2))


def pixel_traits(picture: np.ndarray) -> dict[str, float]:
    """Traits of one image, by the names in `LIGHT`, `DETAIL`, `BARS`, `BORDER` and `PIXELS`."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    laplacian = np.abs(cv2.Laplacian(grey, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE))
    small = cv2.resize(picture, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return (
        _light(picture, grey)
        | _detail(_middle(grey))
        | dict(zip(BARS, _bars(picture), strict=True))
        | _border(grey, laplacian)
        | dict(zip(PIXELS, small.ravel().astype(float).tolist(), strict=True))
    )


def _light(picture: np.ndarray, grey: np.ndarray) -> dict[str, float]:
    mean, spread = cv2.meanStdDev(grey)
    red, green, blue = cv2.mean(picture)[:3]
    chroma = cv2.subtract(picture.max(axis=2), picture.min(axis=2))
    cumulated = np.cumsum(np.bincount(grey.ravel(), minlength=256)) / grey.size
    return {
        "brightness": float(mean[0, 0]),
        "contrast": float(spread[0, 0]),
        "saturation": float(cv2.mean(chroma)[0]),
        "darkest": float(np.searchsorted(cumulated, 0.01)),
        "brightest": float(np.searchsorted(cumulated, 0.99)),
        "red_green": red - green,
        "blue_yellow": blue - (red + green) / 2,
    }


def _middle(grey: np.ndarray) -> np.ndarray:
    """The middle of the image, float32; begins at a multiple of 8, so that JPEG's blocks stay in place."""
    cuts = [slice(start := max(0, side - MIDDLE) // 16 * 8, start + MIDDLE) for side in grey.shape]
    return grey[cuts[0], cuts[1]].astype(np.float32)


def _detail(grey: np.ndarray) -> dict[str, float]:
    laplacian = cv2.Laplacian(grey, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)
    residual = np.abs(cv2.filter2D(grey, cv2.CV_32F, _NOISE, borderType=cv2.BORDER_REPLICATE)).mean()
    high, highest = _spectrum(grey)
    return {
        "sharpness": float(np.log(laplacian.var() + _TINY)),
        "noise": float(np.log(residual * np.sqrt(np.pi / 2) / 6 + _TINY)),
        "high_frequency": high,
        "highest_frequency": highest,
        "blocks": _blocks(grey),
    }


def _spectrum(grey: np.ndarray) -> tuple[float, float]:
    """Log share of the power, without the mean, above 0.25 and above 0.45 cycles a pixel."""
    window, radius, weight = _waves(*grey.shape)
    power = weight * np.abs(fft.rfft2((grey - grey.mean()) * window)) ** 2
    total = float(power.sum()) + _TINY
    above = [float(power[radius > limit].sum()) for limit in (0.25, 0.45)]
    return float(np.log(above[0] / total + 1e-9)), float(np.log(above[1] / total + 1e-9))


@lru_cache(maxsize=16)
def _waves(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hann's window, and the frequency and multiplicity of each coefficient of a real transform."""
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1]).astype(np.float32)
    down, across = np.fft.fftfreq(height), np.fft.rfftfreq(width)
    twice = np.where((across == 0) | (across == 0.5), 1, 2).astype(np.float32)
    return window, np.hypot(down[:, None], across), twice[None]


def _blocks(grey: np.ndarray) -> float:
    """Log ratio of the steps across JPEG's 8 px block edges to the steps elsewhere; 0 without blocks."""
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(grey, axis=axis)).mean(axis=1 - axis)
        edges = np.arange(len(steps)) % 8 == 7
        if edges.any():
            ratios.append(np.log((steps[edges].mean() + _TINY) / (steps[~edges].mean() + _TINY)))
    return float(np.mean(ratios)) if ratios else 0.0


def _bars(picture: np.ndarray) -> tuple[float, float]:
    """Share of the height, and of the width, that flat lines at the edges take."""
    shares = []
    for axis in (1, 0):
        flat = (np.ptp(picture, axis=axis) <= FLAT).all(axis=1)
        length = len(flat)
        before = length if flat.all() else int(np.argmin(flat))
        after = 0 if flat.all() else int(np.argmin(flat[::-1]))
        shares.append((before + after) / length)
    return shares[0], shares[1]


def _border(grey: np.ndarray, laplacian: np.ndarray) -> dict[str, float]:
    """The outermost lines (2 % of the shorter side) against the whole image."""
    width = max(1, round(0.02 * min(grey.shape)))
    ring = np.ones(grey.shape, bool)
    ring[width:-width, width:-width] = False
    values = grey[ring].astype(np.float32)
    return {
        "border_brightness": float(values.mean() - grey.mean()),
        "border_contrast": float(values.std()),
        "border_detail": float(np.log((laplacian[ring].mean() + _TINY) / (laplacian.mean() + _TINY))),
        "border_step": _edge_step(grey.astype(np.float32)),
    }


def _edge_step(grey: np.ndarray) -> float:
    """Log ratio of the step from the outermost line inwards to the steps of the whole image."""
    if min(grey.shape) < 3:
        return 0.0
    outer = [np.abs(side[0] - side[1]).mean() for side in (grey, grey[::-1], grey.T, grey.T[::-1])]
    inside = (np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()) / 2
    return float(np.log((np.mean(outer) + _TINY) / (inside + _TINY)))
