"""What a policy really does: applied transforms, realised strengths and cost.

Takes a policy and image files; gives tables. Strengths are read from the pixels or from what was
applied, not from the settings. Cost of measuring: that of the samples, plus one comparison a transform.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import pandas as pd

from dfstudy.augment import transforms
from dfstudy.augment.own import snake_case
from dfstudy.augment.policies import Policy, PolicyStep, build_policy
from dfstudy.augment.recipes import RECIPES
from dfstudy.data.images import read_picture
from dfstudy.data.order import epoch_order, sample_key

NAMES = {
    "JPEGCompression": "jpeg_compression",
    "GaussianNoise": "gaussian_noise",
    "HorizontalFlip": "horizontal_flip",
    "LongestMaxSize": "resize",
    "PadIfNeeded": "pad",
    "RandomBrightnessContrast": "brightness_contrast",
    "FancyPCA": "fancy_pca",
    "HueSaturationValue": "hue_saturation",
    "ToGray": "grey",
    "Affine": "shift_scale_rotate",
    "Rotate": "rotate",
    "GaussianBlur": "gaussian_blur",
    "Blackout": "blackout",
    "RGBShift": "rgb_shift",
    "SelfBlend": "self_blend",
}  # of any other the name of its class
MOVES_PIXELS = ("horizontal_flip", "resize", "pad", "shift_scale_rotate", "rotate")
MARGIN = 30  # grey levels: noise of the strongest sigma (7.1) does not clip this far from black and white


def measure_policy(policy: Policy, paths: Sequence[str | Path], samples: int, seed: int = 0) -> pd.DataFrame:
    """What the first samples of a training meet: one row a sample and transform.

    Args:
        policy: as given to the training.
        paths: image files as given to the training, in that order.
        samples: how many; where the images are fewer, the next epochs follow.
        seed: of the training.

    Returns:
        Columns sample (number), transform (name in the policy), probability (its nominal one), applied (what
        ran, such as `fancy_pca`; empty for nothing), quality (JPEG, 1-100), sigma (noise: standard deviation
        of the change in grey levels, over values that cannot clip), change (mean absolute change of a value,
        in grey levels; not for transforms that move pixels). NaN where a column does not apply.
    """
    chances = policy.probabilities
    rows = []
    for sample in range(samples):
        epoch, position = divmod(sample, len(paths))
        if position == 0:
            order = epoch_order(seed, epoch, len(paths))
        row = int(order[position])
        for step in policy.steps(read_picture(paths[row]), sample_key(seed, epoch, row)):
            rows.append({"sample": sample, "probability": chances[step.name], **_strength(step)})
    return pd.DataFrame(rows)


def _strength(step: PolicyStep) -> dict[str, object]:
    applied = NAMES.get(step.applied, snake_case(step.applied))
    comparable = applied and applied not in MOVES_PIXELS
    difference = step.after.astype(np.int16) - step.before if comparable else None
    return {
        "transform": step.name,
        "applied": applied,
        "quality": step.parameters.get("quality", np.nan),
        "sigma": _sigma(step.before, difference) if applied == "gaussian_noise" else np.nan,
        "change": np.nan if difference is None else float(np.abs(difference).mean()),
    }


def _sigma(before: np.ndarray, difference: np.ndarray) -> float:
    safe = (before >= MARGIN) & (before <= 255 - MARGIN)
    return float(difference[safe].std()) if safe.sum() >= 1000 else np.nan


def time_transforms(path: str | Path, size: int, repeats: int = 200) -> pd.DataFrame:
    """Processor time of each transform, each applied every time, at its place in the policy `original`.

    Args:
        path: image file; transforms before the resize meet it as it is, those after it at `size`.
        size: side of the network's input, pixels.
        repeats: calls timed, with new parameters each.

    Returns:
        One row a step: step, microseconds (mean), low, high (10th and 90th percentile). The first row is
        reading the file, the last ones are the named policies with their random streams.
    """
    picture = read_picture(path)
    small = build_policy("none", size)(picture, 0)
    before = [
        transforms.jpeg_compression(p=1),
        transforms.gaussian_noise(p=1),
        transforms.horizontal_flip(p=1),
    ]
    resizing = [transforms.resize(size), transforms.pad(size)]
    colours = [transforms.brightness_contrast(), transforms.fancy_pca(), transforms.hue_saturation()]
    after = [*colours, transforms.grey(p=1), transforms.shift_scale_rotate(p=1)]
    calls = {"read the file": lambda key: read_picture(path)}
    for source, group in ((picture, [*before, *resizing]), (small, after)):
        for transform in group:
            calls[NAMES[type(transform).__name__]] = partial(_apply, transform, source)
    for name in RECIPES:
        policy = build_policy(name, size)
        calls[f"policy {name}"] = partial(policy, picture)
        if policy.fakes:
            calls[f"policy {name}, a fake"] = partial(policy.fakes, picture)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = [{"step": step, **_time(call, repeats)} for step, call in calls.items()]
    finally:
        cv2.setNumThreads(threads)
    return pd.DataFrame(rows)


def _apply(transform: A.BasicTransform, picture: np.ndarray, key: int) -> np.ndarray:
    return transform(image=picture)["image"]


def _time(call: Callable[[int], object], repeats: int) -> dict[str, float]:
    call(0)
    seconds = []
    for key in range(repeats):
        start = time.thread_time()  # of the processor: what else the machine does is not counted
        call(key)
        seconds.append(time.thread_time() - start)
    low, high = np.percentile(seconds, [10, 90])
    return {"microseconds": np.mean(seconds) * 1e6, "low": low * 1e6, "high": high * 1e6}
