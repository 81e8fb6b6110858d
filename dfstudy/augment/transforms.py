"""The single transforms: albumentations 2.0.8 with every parameter written out.

Each function gives one transform of a uint8 RGB image [H, W, 3]; `strict=True` refuses an argument that
the installed release does not know, which it would otherwise drop with a warning. Default values are those
of the notebook that this study grew from (the policy `original`), where it has the transform. Where the
library is wrong for RGB images, wrong in strength, or slow, the class is one of `replacements` or
`sharpness`.
Cost: figure `timing_augment` of chapter 02.
"""

from __future__ import annotations

import albumentations as A
import cv2

from dfstudy.augment import replacements, sharpness
from dfstudy.augment.blackout import CHANCES, Blackout
from dfstudy.augment.ranges import stretch, stretch_hsv

BLACK = 0  # grey level of every border

AREA_CUBIC, AREA_LINEAR, LINEAR_LINEAR = "area/cubic", "area/linear", "linear/linear"
INTERPOLATIONS = (AREA_CUBIC, AREA_LINEAR, LINEAR_LINEAR)  # for shrinking / for enlarging


def jpeg_compression(quality: tuple[int, int] = (60, 100), p: float = 0.2) -> A.BasicTransform:
    """JPEG of a quality drawn from `quality`, both ends included (1-100, whole numbers)."""
    return replacements.JPEGCompression(compression_type="jpeg", quality_range=quality, p=p, strict=True)


def gaussian_noise(variance: tuple[float, float] = (10.0, 50.0), p: float = 0.3) -> A.BasicTransform:
    """Noise of a variance drawn from `variance`, in grey levels squared."""
    return replacements.GaussianNoise(variance=variance, p=p, strict=True)


def gaussian_blur(kernel: tuple[int, int] = (3, 3), p: float = 0.05) -> A.BasicTransform:
    """A Gaussian filter with an odd kernel drawn from `kernel`, both ends included, in pixels a side."""
    return sharpness.GaussianBlur(kernel=kernel, p=p, strict=True)


def downscale(factor: tuple[float, float], p: float = 1.0) -> A.BasicTransform:
    """Through an image smaller by a factor drawn from `factor` (at least 1)."""
    return sharpness.Downscale(factor=factor, p=p, strict=True)


def sharpen(amount: tuple[float, float], p: float = 1.0) -> A.BasicTransform:
    """Fine detail times 1 + an amount drawn from `amount`."""
    return sharpness.Sharpen(amount=amount, p=p, strict=True)


def blackout(reach: float = 1.0, p: float = sum(CHANCES.values())) -> A.BasicTransform:
    """Eyes, nose, mouth, half a face or half an image black; `reach` 1 is the published size."""
    return Blackout(reach=reach, p=p, strict=True)


def horizontal_flip(p: float = 0.5) -> A.BasicTransform:
    """Left and right exchanged."""
    return A.HorizontalFlip(p=p, strict=True)


def resize(size: int, interpolation: str = AREA_CUBIC) -> A.BasicTransform:
    """The longer side becomes `size` pixels and the shorter one keeps the proportion (1 at least).

    Area averaging for shrinking counts every pixel once, so fine patterns do not alias; cubic for
    enlarging keeps edges.
    """
    enlarging = cv2.INTER_CUBIC if interpolation == AREA_CUBIC else cv2.INTER_LINEAR
    return replacements.LongestMaxSize(
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
    return replacements.OneOf([resize(size, interpolation) for interpolation in INTERPOLATIONS], p=1.0)


def pad(size: int) -> A.BasicTransform:
    """A black border around the centred image, up to `size` x `size`."""
    return replacements.PadIfNeeded(
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
    return replacements.FancyPCA(alpha=alpha, p=p, strict=True)


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


def rgb_shift(limits: tuple[float, float] = (-20, 20), p: float = 0.5) -> A.BasicTransform:
    """A number of grey levels added to each channel, its own drawn from `limits`."""
    return replacements.RGBShift(limits=limits, p=p, strict=True)


def colour(strength: float = 1.0, light: float = 0.2, p: float = 0.4) -> A.BaseCompose:
    """One of brightness-contrast (both up to `light`), FancyPCA and hue-saturation, each as likely.

    `strength` multiplies every range, up to what is possible: the whole circle of hues, all grey levels.
    """
    lit = stretch((-light, light), strength, lowest=-1, highest=1)
    choices = [
        brightness_contrast(lit, lit),
        fancy_pca(0.1 * strength),
        hue_saturation(*stretch_hsv(20, 30, 20, strength)),
    ]
    return replacements.OneOf(choices, p=p)


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
    return replacements.Affine(
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


def rotate(degrees: tuple[float, float] = (-10.0, 10.0), p: float = 0.5) -> A.BasicTransform:
    """Rotation about the centre; the image is mirrored at its borders."""
    return replacements.Rotate(
        scale=(1.0, 1.0),
        translate_percent={"x": (0.0, 0.0), "y": (0.0, 0.0)},
        translate_px=None,
        rotate=degrees,
        shear=(0.0, 0.0),
        interpolation=cv2.INTER_LINEAR,
        mask_interpolation=cv2.INTER_NEAREST,
        fit_output=False,
        keep_ratio=True,
        rotate_method="largest_box",
        balanced_scale=False,
        border_mode=cv2.BORDER_REFLECT_101,
        fill=BLACK,
        fill_mask=BLACK,
        p=p,
        strict=True,
    )
