"""The single transforms: albumentations 2.0.8 with every parameter written out.

Each function gives one transform of a uint8 RGB picture [H, W, 3]; `strict=True` refuses an argument that
the installed release does not know, which it would otherwise drop with a warning. Default values are those
of the notebook that this study grew from (the policy `seed`). Four classes replace the library's own where
that one is wrong for RGB pictures, wrong in strength, or slow; each says what differs and is tested
against it. Cost: figure `timing_augment` of chapter 02.
"""

from __future__ import annotations

import os
from typing import Any

# albumentations asks a server for updates while it is imported, unless told otherwise first
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A
import cv2
import numpy as np

BLACK = 0  # grey level of every border

AREA_CUBIC, AREA_LINEAR, LINEAR_LINEAR = "area/cubic", "area/linear", "linear/linear"
INTERPOLATIONS = (AREA_CUBIC, AREA_LINEAR, LINEAR_LINEAR)  # for shrinking / for enlarging


class JPEGCompression(A.ImageCompression):
    """JPEG encoding and decoding of an RGB picture.

    The library hands the RGB array to an encoder that expects BGR: its files carry luma weights .114 for
    red and .299 for blue, and lose the wrong colours. Here the channels are turned around first. As in
    OpenCV, colour is stored at half resolution (4:2:0).
    """

    def apply(self, img: np.ndarray, quality: int, **params: Any) -> np.ndarray:
        """The picture after one round through a JPEG file of the given quality (1-100)."""
        bgr = cv2.cvtColor(img, cv2.COLOR_RGB2BGR)
        _, file = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
        return cv2.cvtColor(cv2.imdecode(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


class GaussianNoise(A.ImageOnlyTransform):
    """Independent Gaussian noise on every pixel and channel, its variance drawn uniformly.

    The library's GaussNoise draws the standard deviation uniformly instead, cuts the noise off towards
    zero (fractions of a grey level vanish), and knows 65,536 noise fields. Here values are rounded and
    there are 2**31 fields.
    """

    class InitSchema(A.ImageOnlyTransform.InitSchema):
        """Arguments that `strict` accepts."""

        variance: tuple[float, float]

    def __init__(self, variance: tuple[float, float], p: float = 0.5) -> None:
        super().__init__(p=p)
        self.variance = variance

    def get_params(self) -> dict[str, Any]:
        """Standard deviation in grey levels, and the seed of the noise field."""
        sigma = self.py_random.uniform(*self.variance) ** 0.5
        return {"sigma": sigma, "field": self.py_random.getrandbits(31)}

    def apply(self, img: np.ndarray, sigma: float, field: int, **params: Any) -> np.ndarray:
        """The picture plus noise, rounded to grey levels and clipped to 0..255."""
        height, width, channels = img.shape
        # one channel of triple width: with three, a scalar sigma would reach the first one only
        noise = np.empty((height, width * channels), np.int16)
        cv2.setRNGSeed(field)
        cv2.randn(noise, 0, sigma)
        return cv2.add(img, noise.reshape(img.shape), dtype=cv2.CV_8U)


class FancyPCA(A.FancyPCA):
    """The library's FancyPCA, ten times as fast: the same linear map of colours.

    It adds `V diag(alpha * variance) (colour - mean)` to each colour, with the variances of the picture's
    colours (in 0..1) along their principal axes, the columns of V. That is a change of a fraction of a
    grey level. The method under this name in Krizhevsky, Sutskever and Hinton (2012), and in older releases
    of the library, adds one vector `V (alpha * variance)` to all pixels instead.
    """

    def apply(self, img: np.ndarray, alpha_vector: np.ndarray, **params: Any) -> np.ndarray:
        """The changed picture; `alpha_vector` float32 [3], for the axes by falling variance."""
        mean, covariance = colour_moments(img)
        variances, axes = np.linalg.eigh(covariance)  # by rising variance
        added = axes[:, ::-1] * (alpha_vector * variances[::-1])
        matrix = np.column_stack([np.eye(3) + added, -added @ mean]).astype(np.float32)
        # in float: OpenCV maps uint8 with ten binary digits, too few for so small a change
        moved = cv2.transform(img.astype(np.float32), matrix)
        return cv2.add(moved, (0, 0, 0, 0), dtype=cv2.CV_8U)


class LongestMaxSize(A.LongestMaxSize):
    """The library's LongestMaxSize, a fifth faster where it averages areas: the same bytes.

    OpenCV adds areas up in float32 whatever it is given, and is quicker when it need not convert each pixel
    as it goes. Sides that shrink by whole factors are an exception: those it adds up in whole numbers.
    """

    def apply(self, img: np.ndarray, scale: float, **params: Any) -> np.ndarray:
        """The picture with both sides times `scale`, rounded."""
        sides = np.array(img.shape[:2])
        height, width = (max(1, round(side * scale)) for side in img.shape[:2])
        if self.area_for_downscale is None or scale >= 1 or not np.any(sides % (height, width)):
            return super().apply(img, scale, **params)
        shrunk = cv2.resize(img.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        return cv2.convertScaleAbs(shrunk)


def colour_moments(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour [3] in grey levels and covariance [3, 3] of colours in 0..1, float64."""
    count = picture.shape[0] * picture.shape[1]
    mean = np.array(cv2.mean(picture)[:3])
    # sums of whole numbers are exact in double precision: the bytes do not hang on the number of threads
    products = cv2.mulTransposed(picture.reshape(-1, 3), aTa=True, dtype=cv2.CV_64F)
    return mean, (products - count * np.outer(mean, mean)) / max(count - 1, 1) / 255**2


def jpeg_compression(quality: tuple[int, int] = (60, 100), p: float = 0.2) -> A.BasicTransform:
    """JPEG of a quality drawn from `quality`, both ends included (1-100, whole numbers)."""
    return JPEGCompression(compression_type="jpeg", quality_range=quality, p=p, strict=True)


def gaussian_noise(variance: tuple[float, float] = (10.0, 50.0), p: float = 0.3) -> A.BasicTransform:
    """Noise of a variance drawn from `variance`, in grey levels squared."""
    return GaussianNoise(variance=variance, p=p, strict=True)


def horizontal_flip(p: float = 0.5) -> A.BasicTransform:
    """Left and right exchanged."""
    return A.HorizontalFlip(p=p, strict=True)


def resize(size: int, interpolation: str = AREA_CUBIC) -> A.BasicTransform:
    """The longer side becomes `size` pixels and the shorter one keeps the proportion (1 at least).

    Area averaging for shrinking counts every pixel once, so fine patterns do not alias; cubic for
    enlarging keeps edges.
    """
    enlarging = cv2.INTER_CUBIC if interpolation == AREA_CUBIC else cv2.INTER_LINEAR
    return LongestMaxSize(
        max_size=size,
        max_size_hw=None,
        interpolation=enlarging,
        mask_interpolation=cv2.INTER_NEAREST,
        area_for_downscale=None if interpolation == LINEAR_LINEAR else "image",
        p=1.0,
        strict=True,
    )


def random_interpolation(size: int) -> A.BaseCompose:
    """`resize` with one of the three interpolations, each as likely."""
    return A.OneOf([resize(size, interpolation) for interpolation in INTERPOLATIONS], p=1.0)


def pad(size: int) -> A.BasicTransform:
    """A black border around the centred picture, up to `size` x `size`."""
    return A.PadIfNeeded(
        min_height=size,
        min_width=size,
        pad_height_divisor=None,
        pad_width_divisor=None,
        position="center",
        border_mode=cv2.BORDER_CONSTANT,
        fill=BLACK,
        fill_mask=BLACK,
        p=1.0,
        strict=True,
    )


def brightness_contrast(
    brightness: tuple[float, float] = (-0.2, 0.2), contrast: tuple[float, float] = (-0.2, 0.2), p: float = 1.0
) -> A.BasicTransform:
    """`picture * (1 + contrast) + 255 * brightness`; both drawn independently."""
    return A.RandomBrightnessContrast(
        brightness_limit=brightness,
        contrast_limit=contrast,
        brightness_by_max=True,
        ensure_safe_range=False,
        p=p,
        strict=True,
    )


def fancy_pca(alpha: float = 0.1, p: float = 1.0) -> A.BasicTransform:
    """Colours moved along their principal axes; `alpha` is the standard deviation of three factors."""
    return FancyPCA(alpha=alpha, p=p, strict=True)


def hue_saturation(
    hue: tuple[float, float] = (-20, 20),
    saturation: tuple[float, float] = (-30, 30),
    value: tuple[float, float] = (-20, 20),
    p: float = 1.0,
) -> A.BasicTransform:
    """Shifts in OpenCV's HSV: hue in steps of 2 degrees, saturation and value in steps of 1/255."""
    return A.HueSaturationValue(
        hue_shift_limit=hue, sat_shift_limit=saturation, val_shift_limit=value, p=p, strict=True
    )


def colour(p: float = 0.4) -> A.BaseCompose:
    """One of brightness-contrast, FancyPCA and hue-saturation, each as likely."""
    return A.OneOf([brightness_contrast(), fancy_pca(), hue_saturation()], p=p)


def grey(p: float = 0.2) -> A.BasicTransform:
    """All channels become .299 R + .587 G + .114 B."""
    return A.ToGray(num_output_channels=3, method="weighted_average", p=p, strict=True)


def shift_scale_rotate(
    shift: tuple[float, float] = (-0.1, 0.1),
    scale: tuple[float, float] = (0.8, 1.2),
    degrees: tuple[float, float] = (-5.0, 5.0),
    p: float = 0.5,
) -> A.BasicTransform:
    """Shift (share of the side, each axis its own), scale and rotation about the centre, black outside.

    `keep_ratio` is what makes one scale of it: the library's own ShiftScaleRotate stretches the axes
    independently since it became a special case of Affine.
    """
    return A.Affine(
        scale=scale,
        translate_percent={"x": shift, "y": shift},
        translate_px=None,
        rotate=degrees,
        shear=(0.0, 0.0),
        interpolation=cv2.INTER_LINEAR,
        mask_interpolation=cv2.INTER_NEAREST,
        fit_output=False,
        keep_ratio=True,
        rotate_method="largest_box",
        balanced_scale=False,
        border_mode=cv2.BORDER_CONSTANT,
        fill=BLACK,
        fill_mask=BLACK,
        p=p,
        strict=True,
    )
