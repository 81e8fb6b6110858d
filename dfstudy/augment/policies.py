"""Policies: named sequences of transforms that make a training sample of a picture.

Takes a uint8 RGB picture [H, W, 3] of any size and a 64-bit key; gives uint8 [size, size, 3]. The key alone
decides what is done, so the result is the same in any process. Refuses a name or a transform that it does
not know. Cost: `timing_augment` in chapter 02; the random stream of a sample takes 5 us.

Sources. `seed` is the augmentation of the notebook that this study grew from, with its order and values:
JPEG quality 60-100 (p .2), Gaussian noise of variance 10-50 grey levels squared (p .3), flip (.5), resize by
one of three interpolations, pad, one of brightness-contrast, FancyPCA and hue-saturation (p .4), grey (.2),
shift .1 scale .2 rotate 5 degrees (p .5). It descends from the winning entry of the Deepfake Detection
Challenge (Seferbekov 2020), which has the same order with JPEG p .5, noise p .1, a blur, colour p .7 and
10 degrees. `none` is what every picture meets at validation and test: resize and pad.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import albumentations as A
import numpy as np

from dfstudy.augment import transforms
from dfstudy.errors import StudyError, near_match

Build = Callable[[], A.BasicTransform | A.BaseCompose]


@dataclass(frozen=True)
class Step:
    """What one transform did to one picture.

    Attributes:
        name: of the transform in its policy, such as `colour`.
        applied: class name of what ran, such as `FancyPCA`; empty where chance left the picture alone.
        parameters: what was drawn for it, under the names of albumentations.
        before, after: uint8 [H, W, 3].
    """

    name: str
    applied: str
    parameters: dict[str, Any]
    before: np.ndarray
    after: np.ndarray


class Policy:
    """A callable sequence of transforms; equal name, size, picture and key give equal bytes."""

    def __init__(self, name: str, size: int, train: bool = True) -> None:
        self.name, self.size, self.train = name, size, train
        self._transforms = {part: build() for part, build in _recipe(name, size, train).items()}
        # One stream that all transforms share: were each seeded by itself with the same number, all would
        # draw the same values, and a flipped picture would always be a grey one too. None draws from
        # numpy's, which takes longer to seed; one that did would fail and not differ from run to run.
        self._stream = random.Random()
        for transform in self._transforms.values():
            transform.set_random_state(None, self._stream)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the transforms, in the order in which they run."""
        return tuple(self._transforms)

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each transform by its name."""
        return {name: float(transform.p) for name, transform in self._transforms.items()}

    def __call__(self, picture: np.ndarray, key: int) -> np.ndarray:
        """The sample that `key` makes of a picture: uint8 [size, size, 3]."""
        self._begin(picture, key)
        for transform in self._transforms.values():
            picture = transform(image=picture)["image"]
        return picture

    def steps(self, picture: np.ndarray, key: int) -> list[Step]:
        """The same sample step by step: the last step's `after` is what calling the policy gives."""
        self._begin(picture, key)
        steps = []
        for name, transform in self._transforms.items():
            done = transform(image=picture, applied_transforms=[])
            # a OneOf lists what it chose; a single transform keeps its parameters, none if it did not run
            chosen = done["applied_transforms"] or [
                (type(transform).__name__, getattr(transform, "params", {}))
            ]
            applied, parameters = chosen[0]
            steps.append(Step(name, applied if parameters else "", dict(parameters), picture, done["image"]))
            picture = done["image"]
        return steps

    def _begin(self, picture: np.ndarray, key: int) -> None:
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise ValueError(f"a picture is uint8 [H, W, 3], not {picture.dtype} {list(picture.shape)}")
        self._stream.seed(key)

    def __reduce__(self) -> tuple[Any, ...]:
        # a worker builds its own from the name: the library's objects need not survive pickling
        return Policy, (self.name, self.size, self.train)

    def __repr__(self) -> str:
        return f"Policy({self.name!r}, size={self.size}, train={self.train})"


def build_policy(name: str, size: int, train: bool = True) -> Policy:
    """A policy by name.

    Args:
        name: `none`, `seed`, `none+<transform>` (that one alone) or `seed-<transform>` (all but that one);
            more transforms may follow, each with its sign. See `list_policies`.
        size: side of the result, pixels, at least 2.
        train: False gives the transform of validation and test, which ignores the key.
    Raises:
        StudyError: the name or a transform in it is unknown.
    """
    if size < 2:  # albumentations loses the axes of a single pixel
        raise ValueError(f"size {size}: at least 2 pixels")
    return Policy(name, size, train)


def list_policies() -> tuple[str, ...]:
    """Every policy that differs from `seed` or `none` by at most one transform."""
    names = _seed(2)
    return ("none", "seed", *(f"none+{name}" for name in names), *(f"seed-{name}" for name in names))


def _seed(size: int) -> dict[str, Build]:
    """The transforms that a policy may hold or leave out, in the seed's order; `pad` follows the resize."""
    return {
        "jpeg_compression": transforms.jpeg_compression,
        "gaussian_noise": transforms.gaussian_noise,
        "horizontal_flip": transforms.horizontal_flip,
        "random_interpolation": partial(transforms.random_interpolation, size),
        "colour": transforms.colour,
        "grey": transforms.grey,
        "shift_scale_rotate": transforms.shift_scale_rotate,
    }


def _recipe(name: str, size: int, train: bool) -> dict[str, Build]:
    chosen = _chosen(name, tuple(_seed(size))) if train else ()
    recipe: dict[str, Build] = {}
    for part, build in _seed(size).items():
        if part == "random_interpolation":
            # every policy ends up at one size: without random interpolation, by the best one
            if part in chosen:
                recipe[part] = build
            else:
                recipe["resize"] = partial(transforms.resize, size)
            recipe["pad"] = partial(transforms.pad, size)
        elif part in chosen:
            recipe[part] = build
    return recipe


def _chosen(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    match = re.fullmatch(r"none((?:\+\w+)*)|seed((?:-\w+)*)", name)
    if match is None:
        raise StudyError(
            f"augment.policy: unknown policy '{name}'{near_match(name, list_policies())}",
            "choose none, seed, none+<transform> or seed-<transform>, with one of: " + ", ".join(known),
        )
    parts = re.findall(r"\w+", match.group(1) or match.group(2) or "")
    for part in parts:
        if part not in known:
            raise StudyError(
                f"augment.policy: '{name}' names an unknown transform '{part}'{near_match(part, known)}",
                f"choose one of: {', '.join(known)}",
            )
    return tuple(parts) if name.startswith("none") else tuple(part for part in known if part not in parts)
