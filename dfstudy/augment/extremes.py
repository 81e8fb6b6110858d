"""Each transform of the policy `original` on one image, at both ends of its range or at any strength.

Takes an image; gives for each transform the image as it was, and as it is at each end, with labels in
the transform's own unit; or, by a transform's name, before and after at one strength. Nothing is left to
chance but the noise field.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import albumentations as A
import numpy as np

from dfstudy.augment import transforms

DETAIL = 0.4  # part of the side that is shown where the whole image would hide the change

Apply = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Ends:
    """One transform before, and at the ends of its range.

    Attributes:
        title: transform and quantity, with its unit.
        labels: value at each end; one where the transform has no range.
        before: uint8 [H, W, 3], the whole image or its middle.
        after: one image a label.
        changes: mean absolute change of a value in grey levels, a label each; None where pixels move.
    """

    title: str
    labels: tuple[str, ...]
    before: np.ndarray
    after: tuple[np.ndarray, ...]
    changes: tuple[float | None, ...]


def show_ends(picture: np.ndarray, size: int) -> list[Ends]:
    """The transforms of `original` in order; `picture` uint8 [H, W, 3], `size` the side in pixels."""
    resized = _run(transforms.resize(size))(picture)
    square = _run(transforms.pad(size))(resized)
    bilinear = _run(transforms.resize(size, transforms.LINEAR_LINEAR))
    return [
        _ends("JPEG quality", picture, {"60": _jpeg(60), "100": _jpeg(100)}, detail=True),
        _ends("noise variance, levels²", picture, {"10": _noise(10), "50": _noise(50)}, detail=True),
        _ends("horizontal flip", picture, {"flipped": _run(transforms.horizontal_flip(p=1))}, moves=True),
        _ends("resize, area to linear", resized, {"linear": lambda _: bilinear(picture)}, detail=True),
        _ends("brightness, of 255", square, {"−0.2": _light(-0.2, 0), "+0.2": _light(0.2, 0)}),
        _ends("contrast", square, {"−0.2": _light(0, -0.2), "+0.2": _light(0, 0.2)}),
        _ends("FancyPCA, 2 sd of alpha", square, {"−0.2": _pca(-0.2), "+0.2": _pca(0.2)}, detail=True),
        _ends("hue, degrees", square, {"−40": _hsv("hue", -20), "+40": _hsv("hue", 20)}),
        _ends("saturation, of 255", square, {"−30": _hsv("saturation", -30), "+30": _hsv("saturation", 30)}),
        _ends("value, of 255", square, {"−20": _hsv("value", -20), "+20": _hsv("value", 20)}),
        _ends("grey", square, {"grey": _run(transforms.grey(p=1))}),
        _ends(
            "shift, of the side",
            square,
            {"−0.1": _move("shift", -0.1), "+0.1": _move("shift", 0.1)},
            moves=True,
        ),
        _ends("scale", square, {"0.8": _move("scale", 0.8), "1.2": _move("scale", 1.2)}, moves=True),
        _ends(
            "rotation, degrees", square, {"−5": _move("degrees", -5), "+5": _move("degrees", 5)}, moves=True
        ),
    ]


@dataclass(frozen=True)
class Range:
    """One transform whose strength can be chosen.

    Attributes:
        title: transform and quantity, with its unit.
        values: strengths to choose from, some of them beyond the range of `original`.
        low, high: ends of that range.
        strongest: the end that changes most.
        moves: pixels move, so that the change of a value says nothing.
        at_input: it meets the image at the network's size; else at its own.
    """

    title: str
    values: tuple[float, ...]
    low: float
    high: float
    strongest: float
    make: Callable[[float], Apply]
    moves: bool = False
    at_input: bool = True

    def apply(self, picture: np.ndarray, size: int, value: float) -> tuple[np.ndarray, np.ndarray]:
        """Before and after, both uint8 [size, size, 3] as the network takes them.

        Args:
            picture: uint8 [H, W, 3].
            size: side of the network's input, pixels.
        """
        square = _run(transforms.pad(size)), _run(transforms.resize(size))

        def fit(one: np.ndarray) -> np.ndarray:
            return square[0](square[1](one))

        before = fit(picture)
        after = self.make(value)(before) if self.at_input else fit(self.make(value)(picture))
        return before, after


def _steps(start: float, stop: float, count: int) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in np.linspace(start, stop, count))


# by the name that a person types
RANGES = {
    "jpeg": Range(
        "JPEG quality", (100, 90, 80, 70, 60, 50, 40, 30, 20, 10), 60, 100, 60,
        lambda quality: _jpeg(int(quality)), at_input=False,
    ),
    "noise": Range(
        "noise variance, levels²", (10, 20, 30, 40, 50, 100, 200, 400), 10, 50, 50,
        lambda variance: _noise(variance), at_input=False,
    ),
    "brightness": Range(
        "brightness, of 255", _steps(-0.4, 0.4, 9), -0.2, 0.2, 0.2, lambda by: _light(by, 0)
    ),
    "contrast": Range("contrast", _steps(-0.8, 0.8, 9), -0.2, 0.2, 0.2, lambda by: _light(0, by)),
    "hue": Range("hue, degrees", _steps(-160, 160, 17), -40, 40, 40, lambda by: _hsv("hue", by / 2)),
    "saturation": Range(
        "saturation, of 255", _steps(-120, 120, 9), -30, 30, 30, lambda by: _hsv("saturation", by)
    ),
    "scale": Range("scale", _steps(0.4, 1.6, 13), 0.8, 1.2, 0.8, lambda by: _move("scale", by), moves=True),
    "rotation": Range(
        "rotation, degrees", _steps(-45, 45, 19), -5, 5, 5, lambda by: _move("degrees", by), moves=True
    ),
}  # fmt: skip


def _ends(
    title: str, before: np.ndarray, calls: dict[str, Apply], detail: bool = False, moves: bool = False
) -> Ends:
    after = [call(before) for call in calls.values()]
    changes = [None if moves else float(np.abs(x.astype(np.int16) - before).mean()) for x in after]
    if detail:
        before, *after = map(_middle, [before, *after])
    return Ends(title, tuple(calls), before, tuple(after), tuple(changes))


def _middle(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    side = max(1, round(DETAIL * min(height, width)))
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def _run(transform: A.BasicTransform) -> Apply:
    transform.set_random_state(np.random.default_rng(0), random.Random(0))
    return lambda picture: transform(image=picture)["image"]


def _jpeg(quality: int) -> Apply:
    return _run(transforms.jpeg_compression((quality, quality), p=1))


def _noise(variance: float) -> Apply:
    return _run(transforms.gaussian_noise((variance, variance), p=1))


def _light(brightness: float, contrast: float) -> Apply:
    return _run(transforms.brightness_contrast((brightness, brightness), (contrast, contrast)))


def _pca(alpha: float) -> Apply:
    return lambda picture: transforms.fancy_pca().apply(picture, np.full(3, alpha, np.float32))


def _hsv(part: str, shift: float) -> Apply:
    ranges = {"hue": (0, 0), "saturation": (0, 0), "value": (0, 0), part: (shift, shift)}
    return _run(transforms.hue_saturation(**ranges))


def _move(part: str, amount: float) -> Apply:
    ranges = {"shift": (0.0, 0.0), "scale": (1.0, 1.0), "degrees": (0.0, 0.0), part: (amount, amount)}
    return _run(transforms.shift_scale_rotate(**ranges, p=1))
