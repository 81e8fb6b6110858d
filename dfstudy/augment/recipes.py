"""The named recipes: which transforms, in which order, with which parameters, from which source.

Takes the side of the result and a strength; gives builders of transforms by name. Each recipe leads through
one resize and `pad`, so all end up at one size. Nothing is drawn or built here. Cost: none.

`strength` multiplies every range and leaves every probability as it is: the distance of JPEG quality from
100 (down to 1), the variance of noise, the pixels of a blur's kernel to each side (odd, at least 3), the
limits of brightness, contrast, hue, saturation, value, RGB shift and FancyPCA's deviation, shift (up to half
the side), the distance of scale from 1 (.1 to 10), degrees (up to 180), the width of what is blacked out and
the share of a half (up to .8 of the face or image), and the changes of a self-blended copy; of the
operations of TrivialAugment, RandAugment and AugMix how far their amounts lie from what changes nothing, of
random erasing the area (up to .9), of mixup and CutMix both parameters of the Beta distribution. Flip, grey,
the choice of interpolation, and shape and ratio of the blending mask have no range of strength.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import albumentations as A

from dfstudy.augment import automatic, transforms
from dfstudy.augment.blend import SelfBlend
from dfstudy.augment.mixing import Mixer
from dfstudy.augment.ranges import stretch, stretch_hsv, stretch_kernel, stretch_quality

Build = Callable[[], A.BasicTransform | A.BaseCompose]
ALWAYS = ("resize", "pad")  # what every recipe needs


@dataclass(frozen=True)
class Recipe:
    """One published way of varying training images.

    Attributes:
        source: who published it, and where it is changed here.
        steps: (size, strength) -> builders by name, in the order in which they run.
        forge: strength -> the transform that makes a fake of a real image; None keeps the set's own fakes.
        mix: (size, strength) -> what mixes the samples of a step; None leaves each by itself.
    """

    source: str
    steps: Callable[[int, float], dict[str, Build]]
    forge: Callable[[float], Build] | None = None
    mix: Callable[[int, float], Mixer] | None = None


def _none(size: int, strength: float) -> dict[str, Build]:
    return {"resize": partial(transforms.resize, size), "pad": partial(transforms.pad, size)}


def _original(size: int, strength: float) -> dict[str, Build]:
    return {
        "jpeg_compression": partial(transforms.jpeg_compression, stretch_quality((60, 100), strength)),
        "gaussian_noise": partial(transforms.gaussian_noise, stretch((10.0, 50.0), strength)),
        "horizontal_flip": transforms.horizontal_flip,
        "random_interpolation": partial(transforms.random_interpolation, size),
        "pad": partial(transforms.pad, size),
        "colour": partial(transforms.colour, strength),
        "grey": transforms.grey,
        "shift_scale_rotate": partial(_shift_scale_rotate, 5.0, strength),
    }


def _dfdc_winner(size: int, strength: float) -> dict[str, Build]:
    jpeg, noise = stretch_quality((60, 100), strength), stretch((10.0, 50.0), strength)
    return {
        "blackout": partial(transforms.blackout, strength),
        "jpeg_compression": partial(transforms.jpeg_compression, jpeg, p=0.5),
        "gaussian_noise": partial(transforms.gaussian_noise, noise, p=0.1),
        "gaussian_blur": partial(transforms.gaussian_blur, stretch_kernel((3, 3), strength), p=0.05),
        "horizontal_flip": transforms.horizontal_flip,
        "random_interpolation": partial(transforms.random_interpolation, size),
        "pad": partial(transforms.pad, size),
        "colour": partial(transforms.colour, strength, p=0.7),
        "grey": transforms.grey,
        "shift_scale_rotate": partial(_shift_scale_rotate, 10.0, strength),
    }


def _deepfakebench(size: int, strength: float) -> dict[str, Build]:
    degrees = stretch((-10.0, 10.0), strength, lowest=-180, highest=180)
    return {
        **_none(size, strength),
        "horizontal_flip": transforms.horizontal_flip,
        "rotate": partial(transforms.rotate, degrees),
        "gaussian_blur": partial(transforms.gaussian_blur, stretch_kernel((3, 7), strength), p=0.5),
        "colour": partial(transforms.colour, strength, light=0.1, p=0.5),
        "jpeg_compression": partial(transforms.jpeg_compression, stretch_quality((40, 100), strength), p=0.5),
    }


def _self_blend(size: int, strength: float) -> dict[str, Build]:
    hsv = stretch_hsv(5, 15, 10, strength)
    light = stretch((-0.2, 0.2), strength, lowest=-1, highest=1)
    shift = stretch((-20.0, 20.0), strength, lowest=-255, highest=255)
    return {
        "horizontal_flip": transforms.horizontal_flip,
        **_none(size, strength),
        "rgb_shift": partial(transforms.rgb_shift, shift, p=0.3),
        "hue_saturation": partial(transforms.hue_saturation, *hsv, p=0.3),
        "brightness_contrast": partial(transforms.brightness_contrast, light, light, p=0.3),
        "jpeg_compression": partial(transforms.jpeg_compression, stretch_quality((40, 100), strength), p=0.5),
    }


def _forge_self_blend(strength: float) -> Build:
    return partial(SelfBlend, strength=strength, strict=True)


def _flipped(size: int, strength: float) -> dict[str, Build]:
    return {"horizontal_flip": transforms.horizontal_flip, **_none(size, strength)}


def _trivial_augment(size: int, strength: float) -> dict[str, Build]:
    build = partial(automatic.TrivialAugment, strength=strength, strict=True)
    return {**_flipped(size, strength), "trivial_augment": build}


def _rand_augment(size: int, strength: float) -> dict[str, Build]:
    build = partial(automatic.RandAugment, strength=strength, strict=True)
    return {**_flipped(size, strength), "rand_augment": build}


def _aug_mix(size: int, strength: float) -> dict[str, Build]:
    build = partial(automatic.AugMix, strength=strength, strict=True)
    return {**_flipped(size, strength), "aug_mix": build}


def _random_erasing(size: int, strength: float) -> dict[str, Build]:
    build = partial(automatic.RandomErasing, strength=strength, p=0.5, strict=True)
    return {**_flipped(size, strength), "random_erasing": build}


def _mixup(size: int, strength: float) -> Mixer:
    return Mixer("mixup", 0.2 * strength, size)


def _cutmix(size: int, strength: float) -> Mixer:
    return Mixer("cutmix", 1.0 * strength, size)


def _shift_scale_rotate(degrees: float, strength: float) -> A.BasicTransform:
    return transforms.shift_scale_rotate(
        stretch((-0.1, 0.1), strength, lowest=-0.5, highest=0.5),
        stretch((0.8, 1.2), strength, keep=1, lowest=0.1, highest=10),
        stretch((-degrees, degrees), strength, lowest=-180, highest=180),
    )


RECIPES = {
    "none": Recipe("what every image meets at validation and test", _none),
    "original": Recipe("the notebook that this study grew from", _original),
    "dfdc_winner": Recipe(
        "Seferbekov (2020), first in the Deepfake Detection Challenge, github.com/selimsef/dfdc_deepfake_"
        "challenge: training/pipelines/train_classifier.py and training/datasets/classifier_dataset.py. "
        "There the places of blackout come from landmarks, and half an image is left alone where the "
        "forged region would vanish",
        _dfdc_winner,
    ),
    "deepfakebench": Recipe(
        "Yan et al. (NeurIPS 2023, arXiv 2307.01426), github.com/SCLBD/DeepfakeBench: "
        "training/config/detector and training/dataset/abstract_dataset.py. Rotation has p .5 in the "
        "files of efficientnetb4 and sbi and 0 in xception's. As there, images have the network's size "
        "before anything else happens; here they keep their proportions",
        _deepfakebench,
    ),
    "self_blend": Recipe(
        "Shiohara and Yamasaki (CVPR 2022, arXiv 2204.08376): fakes are blended from real training images; "
        "then both classes get RGB shift, hue-saturation-value, brightness-contrast and JPEG, with ranges "
        "of this study, and flips",
        _self_blend,
        _forge_self_blend,
    ),
    "trivial_augment": Recipe(
        "Mueller and Hutter (ICCV 2021, arXiv 2103.10158), wide: one of 14 operations, each as likely, at "
        "one of 31 levels, each as likely; rotation to 135 degrees, shear to .99, shift to 32 of 224 pixels, "
        "factors .01 to 1.99, 8 to 2 bits, solarising from 256 to 0. After a flip; random crops are left out",
        _trivial_augment,
    ),
    "rand_augment": Recipe(
        "Cubuk et al. (NeurIPS 2020, arXiv 1909.13719), N = 2 operations of the same 14 at M = 9 of 10, as "
        "for ResNet-50, with AutoAugment's ranges (arXiv 1805.09501): rotation to 30 degrees, shear to .3, "
        "shift to 150 of 331 pixels, factors .1 to 1.9, 8 to 4 bits. More is stronger in every operation, "
        "either sign is as likely. After a flip; random crops are left out",
        _rand_augment,
    ),
    "aug_mix": Recipe(
        "Hendrycks et al. (ICLR 2020, arXiv 1912.02781): 3 chains of 1 to 3 of 9 operations, levels .1 to 3 "
        "of 10, weights from Dirichlet(1), share of the mixture from Beta(1, 1). One view a sample: the "
        "consistency loss over three views is left out, and with it a part of what the paper gains. After a "
        "flip",
        _aug_mix,
    ),
    "random_erasing": Recipe(
        "Zhong et al. (AAAI 2020, arXiv 1708.04896): with p .5 a rectangle of .02 to .4 of the area, ratio "
        "of its sides .3 to 1/.3, filled with random values. After a flip; random crops are left out",
        _random_erasing,
    ),
    "mixup": Recipe(
        "Zhang et al. (ICLR 2018, arXiv 1710.09412): samples of a step mixed in pairs, share from "
        "Beta(.2, .2), labels by the same share. After a flip; random crops are left out",
        _flipped,
        mix=_mixup,
    ),
    "cutmix": Recipe(
        "Yun et al. (ICCV 2019, arXiv 1905.04899): a box of the partner pasted into every sample of a step, "
        "its area from Beta(1, 1), labels by the area that is seen. After a flip; random crops are left out",
        _flipped,
        mix=_cutmix,
    ),
}
