"""Classes that stand in for the library's own: right for RGB images, right in strength, or faster.

Each takes and gives uint8 RGB [H, W, 3], says how it differs from the class of albumentations that it
replaces, and is tested against it. All chance comes from the Python stream that a transform is given, none
from numpy's, so that one stream has to be seeded for a sample. Cost: figure `timing_augment` of chapter 02.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any

import albumentations as A
import cv2
import numpy as np

from dfstudy.data.order import sample_key

STARTS = 2**20  # windows into a field of normal values: as many places at which one may begin
WINDOW = 2**18  # values of a window, more than those of a 256 px image
LEVELS = 4096  # steps of a stored normal value to one standard deviation: eight fit into 16 bits


class JPEGCompression(A.ImageCompression):
    """JPEG encoding and decoding of an RGB image.

    The library hands the RGB array to an encoder that expects BGR: its files carry luma weights .114 for
    red and .299 for blue, and lose the wrong colours. Here the channels are turned around first. As in
    OpenCV, colour is stored at half resolution (4:2:0).
    """

    def apply(self, img: np.ndarray, quality: int, **params: Any) -> np.ndarray:
        """The image after one round through a JPEG file of the given quality (1-100)."""
        bgr = cv2.cvtColor(img, cv2.COLOR_RGB2BGR)
        _, file = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
        return cv2.imdecode(file, cv2.IMREAD_COLOR_RGB)


class GaussianNoise(A.ImageOnlyTransform):
    """Independent Gaussian noise on every pixel and channel, its variance drawn uniformly.

    The library's GaussNoise draws the standard deviation uniformly instead, cuts the noise off towards
    zero (fractions of a grey level vanish), and knows 65,536 noise fields. Here values are rounded and
    there are 2**31 fields, each `cos(a) x + sin(a) y` of windows x and y, at drawn places, into two fixed
    fields of independent normal values. Such a sum is as normal and as independent from value to value
    as they are, and costs a seventh of drawing it anew: Wallace's way (1996, ACM Transactions on
    Mathematical Software 22, 119-127). Images whose windows overlap do so at different pixels.
    """

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        """Arguments that `strict` accepts."""

        variance: tuple[float, float]

    def __init__(self, variance: tuple[float, float], p: float = 0.5) -> None:
        super().__init__(p=p)
        self.variance = variance
        normal_fields()  # before workers are forked, who share them

    def get_params(self) -> dict[str, Any]:
        """Standard deviation in grey levels, and the number of the noise field."""
        sigma = self.py_random.uniform(*self.variance) ** 0.5
        return {"sigma": sigma, "field": self.py_random.getrandbits(31)}

    def apply(self, img: np.ndarray, sigma: float, field: int, **params: Any) -> np.ndarray:
        """The image plus noise, rounded to grey levels and clipped to 0..255."""
        values = img.reshape(1, -1)
        noisy = np.empty_like(values)
        for number, start in enumerate(range(0, values.shape[1], WINDOW)):
            part = np.s_[:, start : start + WINDOW]
            level = values[part].astype(np.int16)
            level += _noise(sigma, sample_key(field, number, 0), level.shape[1])
            noisy[part] = np.clip(level, 0, 255, out=level)
        return noisy.reshape(img.shape)


@cache
def normal_fields() -> tuple[np.ndarray, np.ndarray]:
    """Two fields of independent normal values, int16 [1, N], with `LEVELS` steps to a standard deviation."""
    drawn = np.random.default_rng(0).standard_normal((2, 1, STARTS + WINDOW), np.float32)
    first, second = np.clip(np.rint(drawn * LEVELS), -32768, 32767).astype(np.int16)
    return first, second


def _noise(sigma: float, key: int, count: int) -> np.ndarray:
    first, second = normal_fields()
    places, turn = divmod(key, 2**24)
    one, other = divmod(places, STARTS)
    angle = 2 * math.pi * turn / 2**24
    return cv2.addWeighted(
        first[:, one : one + count],
        sigma * math.cos(angle) / LEVELS,
        second[:, other : other + count],
        sigma * math.sin(angle) / LEVELS,
        0,
    )


class FancyPCA(A.FancyPCA):
    """The library's FancyPCA, ten times as fast: the same linear map of colours.

    It adds `V diag(alpha * variance) (colour - mean)` to each colour, with the variances of the image's
    colours (in 0..1) along their principal axes, the columns of V. That is a change of a fraction of a
    grey level. The method under this name in Krizhevsky, Sutskever and Hinton (2012), and in older releases
    of the library, adds one vector `V (alpha * variance)` to all pixels instead. The factors come from
    Python's stream, with the library's distribution.
    """

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Three normal factors with the standard deviation `alpha`."""
        drawn = [self.py_random.gauss(0, self.alpha) for _ in range(3)]
        return {"alpha_vector": np.array(drawn, np.float32)}

    def apply(self, img: np.ndarray, alpha_vector: np.ndarray, **params: Any) -> np.ndarray:
        """The changed image; `alpha_vector` float32 [3], for the axes by falling variance."""
        mean, covariance = colour_moments(img)
        variances, axes = np.linalg.eigh(covariance)  # by rising variance
        added = axes[:, ::-1] * (alpha_vector * variances[::-1])
        matrix = np.column_stack([np.eye(3) + added, -added @ mean]).astype(np.float32)
        # in float: OpenCV maps uint8 with ten binary digits, too few for so small a change
        moved = cv2.transform(img.astype(np.float32), matrix)
        return cv2.add(moved, (0, 0, 0, 0), dtype=cv2.CV_8U)


class RGBShift(A.ImageOnlyTransform):
    """One number of grey levels a channel; the library's draws them from numpy's stream."""

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        """Arguments that `strict` accepts."""

        limits: tuple[float, float]

    def __init__(self, limits: tuple[float, float], p: float = 0.5) -> None:
        super().__init__(p=p)
        self.limits = limits

    def get_params(self) -> dict[str, Any]:
        """What red, green and blue gain, in grey levels."""
        return {"shift": tuple(self.py_random.uniform(*self.limits) for _ in range(3))}

    def apply(self, img: np.ndarray, shift: tuple[float, float, float], **params: Any) -> np.ndarray:
        """The image with the shifts added, rounded and clipped."""
        return cv2.add(img, (*shift, 0.0))


class LongestMaxSize(A.LongestMaxSize):
    """The library's LongestMaxSize, faster where it averages areas: the same averages.

    Where k + 1 pixels become k, as from 256 px to 224, no average has a part in more than two pixels a
    side: it is what bilinear interpolation gives between them at the right place, which costs a third.
    Only an average half-way between two grey levels may be rounded the other way. Otherwise OpenCV adds
    areas up in float32 whatever it is given, and is a fifth quicker when it need not convert each pixel as
    it goes. Sides that shrink by whole factors are an exception: those it adds up in whole numbers.
    """

    def apply(self, img: np.ndarray, scale: float, **params: Any) -> np.ndarray:
        """The image with both sides times `scale`, rounded."""
        sides = img.shape[:2]
        small = tuple(max(1, round(side * scale)) for side in sides)
        if self.area_for_downscale is None or scale >= 1 or not any(np.remainder(sides, small)):
            return super().apply(img, scale, **params)
        if all(math.gcd(*pair) >= abs(pair[0] - pair[1]) for pair in zip(sides, small, strict=True)):
            places = _places_of_areas(sides, small)
            shrunk = cv2.remap(cv2.cvtColor(img, cv2.COLOR_RGB2RGBA), *places, cv2.INTER_LINEAR)
            return cv2.cvtColor(shrunk, cv2.COLOR_RGBA2RGB)
        shrunk = cv2.resize(img.astype(np.float32), small[::-1], interpolation=cv2.INTER_AREA)
        return cv2.convertScaleAbs(shrunk)


@lru_cache(maxsize=16)
def _places_of_areas(sides: tuple[int, int], small: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where to interpolate for averages of areas: x and y, float32 of the small image's shape."""
    places = []
    for side, number in zip(sides, small, strict=True):
        first, left = np.divmod(np.arange(number) * side, number)  # pixel of the area's edge, and how far in
        places.append(first + 1 - (number - left) / side)  # what is not the first's is the next one's
    y, x = np.meshgrid(*places, indexing="ij")
    return x.astype(np.float32), y.astype(np.float32)


class Affine(A.Affine):
    """The library's Affine for one scale, shift and rotation, more than twice as fast: the same bytes.

    OpenCV warps images of four channels with the processor's vector instructions, and those of three
    without them: a fourth is added on the way. Of the drawn values the library makes a product of six
    matrices, twice; here it is written out. Shear is none.
    """

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """`scale`, `rotate` (degrees) and the `matrix` [2, 3] from old to new pixel coordinates."""
        height, width = params["shape"][:2]
        shift_x, shift_y = (
            int(self.py_random.uniform(*self.translate_percent[axis]) * side)
            for axis, side in (("x", width), ("y", height))
        )
        scale = self.py_random.uniform(*self.scale["x"])
        rotate = self.py_random.uniform(*self.rotate)
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        along, across = scale * math.cos(math.radians(rotate)), scale * math.sin(math.radians(rotate))
        matrix = np.array(
            [
                [along, across, centre_x - along * centre_x - across * centre_y + shift_x],
                [-across, along, centre_y + across * centre_x - along * centre_y + shift_y],
            ]
        )
        return {"scale": {"x": scale, "y": scale}, "rotate": rotate, "matrix": matrix}

    def apply(self, img: np.ndarray, matrix: np.ndarray, **params: Any) -> np.ndarray:
        """The image through `matrix`, black outside."""
        moved = cv2.warpAffine(
            cv2.cvtColor(img, cv2.COLOR_RGB2RGBA),
            matrix,
            img.shape[1::-1],
            flags=self.interpolation,
            borderMode=self.border_mode,
            borderValue=(self.fill,) * 4,
        )
        return cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB)


class Rotate(Affine):
    """Rotation alone, under a name of its own; the library's Rotate is not as fast."""


class PadIfNeeded(A.PadIfNeeded):
    """The library's PadIfNeeded, which works out and copies a border of no width as well: here not."""

    def __call__(self, *args: Any, force_apply: bool = False, **data: Any) -> dict[str, Any]:
        """The padded image under `image`."""
        if data["image"].shape[:2] != (self.min_height, self.min_width):
            return super().__call__(*args, force_apply=force_apply, **data)
        self.params = dict.fromkeys(("pad_top", "pad_bottom", "pad_left", "pad_right"), 0)
        return data


class OneOf(A.OneOf):
    """The library's OneOf for equal chances, which it draws from numpy, at ten times the cost."""

    def __call__(self, *args: Any, force_apply: bool = False, **data: Any) -> dict[str, Any]:
        """What one of the transforms makes of the image under `image`, or the image as it was."""
        if not (force_apply or self.py_random.random() < self.p):
            return data
        chosen = self.transforms[int(self.py_random.random() * len(self.transforms))]
        data = chosen(force_apply=True, **data)
        self._track_transform_params(chosen, data)
        return data


def colour_moments(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour [3] in grey levels and covariance [3, 3] of colours in 0..1, float64."""
    count = picture.shape[0] * picture.shape[1]
    mean = np.array(cv2.mean(picture)[:3])
    channels = cv2.split(picture)
    # sums of whole numbers are exact in double precision: the bytes do not hang on the number of threads
    squares = [cv2.norm(channel, cv2.NORM_L2SQR) for channel in channels]
    products = np.diag(squares)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        # of all sums OpenCV has those of squares fastest, and 2 xy = x^2 + y^2 - (x - y)^2
        apart = cv2.norm(channels[a], channels[b], cv2.NORM_L2SQR)
        products[a, b] = products[b, a] = (squares[a] + squares[b] - apart) / 2
    return mean, (products - count * np.outer(mean, mean)) / max(count - 1, 1) / 255**2
