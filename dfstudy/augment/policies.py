"""Policies: named sequences of transforms that make a training sample of an image.

Takes a uint8 RGB image [H, W, 3] of any size and a 64-bit key; gives uint8 [size, size, 3]. The key alone
decides what is done, so the result is the same in any process. Refuses a name or a transform that it does
not know. Cost: `timing_augment` in chapter 02; the random stream of a sample takes 5 us.

A name is a recipe's (`none`, `original`, `mixup`, ...: parameters and sources in `recipes`), then what
differs, then the strength. `original-grey` is the recipe without one of its
transforms, `none+grey` that transform of `original` alone; more may follow, each with its sign.
`original*0.5` has every range times 0.5 and the same probabilities (`recipes` says which ranges); `*1`
changes no byte.

Under `self_blend` a training never sees the set's own fakes: `Policy.fakes` makes one of a real image.
Under `mixup` and `cutmix` the loader mixes the samples of a step by `Policy.mixer`. A policy of the user's
own (`own`) has a name of its own, which says nothing more.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dfstudy.augment import transforms
from dfstudy.augment.own import build_own
from dfstudy.augment.recipes import ALWAYS, RECIPES, Build
from dfstudy.errors import StudyError, near_match

if TYPE_CHECKING:
    from dfstudy.augment.mixing import Mixer

NAME = re.compile(r"(\w+)((?:\+\w+)+|(?:-\w+)+)?(?:\*(\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class PolicyStep:
    """What one transform did to one image.

    Attributes:
        name: of the transform in its policy, such as `colour`.
        applied: class name of what ran, such as `FancyPCA`; empty where chance left the image alone.
        parameters: what was drawn for it, under the names of albumentations.
        before, after: uint8 [H, W, 3].
    """

    name: str
    applied: str
    parameters: dict[str, Any]
    before: np.ndarray
    after: np.ndarray


class Policy:
    """A callable sequence of transforms; equal name, size, image and key give equal bytes."""

    def __init__(
        self, name: str, size: int, train: bool = True, forges: bool = False, own: Any = None
    ) -> None:
        """A policy as `build_policy` gives it.

        Args:
            forges: what `fakes` gives, which begins by making a fake of the image.
            own: how the study file declares this policy; None for a named one.
        """
        self.name, self.size, self.train, self.forges, self.own = name, size, train, forges, own
        is_own = own is not None and train
        # at validation and test an own policy does what every policy does
        named = "none" if own is not None else name
        steps = _own_steps(name, size, own) if is_own else _steps(named, size, train, forges)
        self._transforms = {part: build() for part, build in steps.items()}
        # One stream that all transforms share: were each seeded by itself with the same number, all would
        # draw the same values, and a flipped image would always be a grey one too. The named ones draw none
        # from numpy's, which takes longer to seed; one that did would fail and not differ from run to run.
        self._stream = random.Random()
        self._generator = np.random.default_rng(0) if is_own else None
        for transform in self._transforms.values():
            transform.set_random_state(self._generator, self._stream)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the transforms, in the order in which they run."""
        return tuple(self._transforms)

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each transform by its name."""
        return {name: float(transform.p) for name, transform in self._transforms.items()}

    @property
    def fakes(self) -> Policy | None:
        """What makes a training fake, label 1, of a REAL image; None where fakes are the set's own."""
        if not self.train or self.forges or self.own is not None or not makes_fakes(self.name):
            return None
        return Policy(self.name, self.size, forges=True)

    @property
    def mixer(self) -> Mixer | None:
        """What mixes the samples of a training step; None where each stays by itself."""
        if not self.train or self.own is not None:
            return None
        told = _read(self.name)
        mix = RECIPES[told.recipe].mix
        return None if mix is None else mix(self.size, told.strength)

    @property
    def faces_from(self) -> str:
        """What says where the parts of a face are: `face geometry`; empty where no transform asks."""
        parts = [*self._transforms.values(), *(self.fakes._transforms.values() if self.fakes else ())]
        return ", ".join({part.faces_from: "" for part in parts if hasattr(part, "faces_from")})

    def __call__(self, picture: np.ndarray, key: int) -> np.ndarray:
        """The sample that `key` makes of an image: uint8 [size, size, 3]."""
        self._begin(picture, key)
        for part, transform in self._transforms.items():
            picture = self._apply(part, transform, image=picture)["image"]
        return picture

    def steps(self, picture: np.ndarray, key: int) -> list[PolicyStep]:
        """The same sample step by step: the last step's `after` is what calling the policy gives."""
        self._begin(picture, key)
        steps = []
        for name, transform in self._transforms.items():
            done = self._apply(name, transform, image=picture, applied_transforms=[])
            # a OneOf lists what it chose; a single transform keeps its parameters, none if it did not run
            chosen = done["applied_transforms"] or [
                (type(transform).__name__, getattr(transform, "params", {}))
            ]
            applied, parameters = chosen[0]
            steps.append(
                PolicyStep(name, applied if parameters else "", dict(parameters), picture, done["image"])
            )
            picture = done["image"]
        return steps

    def _apply(self, part: str, transform: Any, **data: Any) -> dict[str, Any]:
        if self._generator is None:
            return transform(**data)
        try:
            return transform(**data)
        except Exception as error:  # whatever an own transform raises
            height, width = data["image"].shape[:2]
            raise StudyError(
                f"augment.policies.{self.name}: {part} failed on an image of {width} x {height} pixels: "
                f"{type(error).__name__}: {error}",
                "mend its parameters, or bring images to the network's size before it: an entry `resize`",
            ) from error

    def _begin(self, picture: np.ndarray, key: int) -> None:
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise ValueError(f"an image is uint8 [H, W, 3], not {picture.dtype} {list(picture.shape)}")
        self._stream.seed(key)
        if self._generator is not None:
            self._generator.bit_generator.state = np.random.PCG64(key).state

    def __reduce__(self) -> tuple[Any, ...]:
        # a worker builds its own from the name: the library's objects need not survive pickling
        return Policy, (self.name, self.size, self.train, self.forges, self.own)

    def __repr__(self) -> str:
        return f"Policy({self.name!r}, size={self.size}, train={self.train}, forges={self.forges})"


def build_policy(name: str, size: int, train: bool = True, own: Mapping[str, Any] | None = None) -> Policy:
    """A policy by name.

    Args:
        name: a recipe, with `-<transform>` for all but that one (`+<transform>` after `none` for that one
            alone) and `*<factor>` for another strength, see `list_policies`; or one of `own`.
        size: side of the result, pixels, at least 2.
        train: False gives the transform of validation and test, which ignores the key.
        own: the section `augment.policies` of a study.
    Raises:
        StudyError: the name or a transform in it is unknown, the strength is 0, or an own one does not fit.
    """
    if size < 2:  # albumentations loses the axes of a single pixel
        raise ValueError(f"size {size}: at least 2 pixels")
    return Policy(name, size, train, own=(own or {}).get(name))


def makes_fakes(name: str) -> bool:
    """True where a training under the policy sees fakes of its own making, and none of the set's."""
    recipe = RECIPES.get(re.split("[-+*]", name)[0])
    return recipe is not None and recipe.forge is not None


def list_policies() -> tuple[str, ...]:
    """Every recipe, and every policy one transform away from `none` or `original`; not strengths."""
    names = _choices("original")
    return (*RECIPES, *(f"none+{name}" for name in names), *(f"original-{name}" for name in names))


class _Told(NamedTuple):
    """What a policy's name says: its recipe, the transforms added or left out, and the strength."""

    recipe: str
    parts: tuple[str, ...]
    strength: float


def _steps(name: str, size: int, train: bool, forges: bool) -> dict[str, Build]:
    told = _read(name)
    if not train:
        return RECIPES["none"].steps(size, 1)
    steps = RECIPES["original" if told.recipe == "none" else told.recipe].steps(size, told.strength)
    kept: dict[str, Build] = {}
    forge = RECIPES[told.recipe].forge
    if forges and forge is not None:
        kept[told.recipe] = forge(told.strength)
    for part, build in steps.items():
        if part in ALWAYS or (part in told.parts) == (told.recipe == "none"):
            kept[part] = build
        elif part == "random_interpolation":
            # every policy ends up at one size: without random interpolation, by the best one
            kept["resize"] = partial(transforms.resize, size)
    return kept


def _own_steps(name: str, size: int, own: Any) -> dict[str, Build]:
    """An own policy's transforms, with the resize where it says so, or at its end."""
    resize = {"resize": partial(transforms.resize, size), "pad": partial(transforms.pad, size)}
    kept: dict[str, Build] = {}
    for part, built in build_own(name, own, size).items():
        kept |= resize if built is None else {part: partial(_as_built, built)}
    if list(kept)[-2:] != list(resize):
        # after a crop of its own the image may have any size again
        kept |= {f"last_{part}" if part in kept else part: build for part, build in resize.items()}
    return kept


def _as_built(transform: Any) -> Any:
    return transform


def _choices(recipe: str) -> tuple[str, ...]:
    """Transforms that a policy of this recipe may leave out, or add to `none`."""
    steps = RECIPES["original" if recipe == "none" else recipe].steps(2, 1)
    return tuple(part for part in steps if part not in ALWAYS)


def _read(name: str) -> _Told:
    match = NAME.fullmatch(name)
    recipe, given, strength = match.groups() if match else ("", "", None)
    sign = "+" if recipe == "none" else "-"
    if recipe not in RECIPES or (given or sign)[0] != sign:
        raise StudyError(
            f"augment.policy: unknown policy '{name}'{near_match(name, list_policies())}",
            f"choose one of {', '.join(RECIPES)}, or none+<transform> or original-<transform> with one of: "
            f"{', '.join(_choices('original'))}; *2 after a name doubles its ranges",
        )
    parts, known = tuple(re.findall(r"\w+", given or "")), _choices(recipe)
    for part in parts:
        if part not in known:
            raise StudyError(
                f"augment.policy: '{name}' names an unknown transform '{part}'{near_match(part, known)}",
                f"choose one of: {', '.join(known)}",
            )
    factor = 1.0 if strength is None else float(strength)
    if factor == 0:
        raise StudyError(
            f"augment.policy: '{name}' has a strength of 0", "write a factor above 0, such as original*0.5"
        )
    return _Told(recipe, parts, factor)
