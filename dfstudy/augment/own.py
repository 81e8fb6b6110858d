"""Policies of the user's own: albumentations' transforms, listed in a study file or given by a function.

Takes what `augment.policies` says of a name: a list in albumentations' own serialised form, or
`path/to/file.py:function`; gives transforms by name, and what names the policy in a run's key. Strict: an
unknown transform or parameter is refused with both names and a near match, and so is a value that does not
fit. Each transform is tried on an image before anything trains: refused is one that fails, that gives no
uint8 [H, W, 3], or that draws from a stream which is not the sample's. Cost: the trial, once a process,
takes a tenth of a second for usual transforms.
"""

from __future__ import annotations

import inspect
import json
import random
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import albumentations as A
import numpy as np
from albumentations.core.composition import BaseCompose
from albumentations.core.serialization import serialize_enum
from pydantic import ValidationError

from dfstudy.errors import StudyError, near_match
from dfstudy.study.own_code import call_own, describe_own, read_own
from dfstudy.study.recipe import RESIZE
from dfstudy.system.provenance import digest

Transform: TypeAlias = A.BasicTransform | BaseCompose
KEY = "augment.policies.{}"
TRIED, TRIES = 512, 4  # side of the image on which a transform is tried, pixels, and keys
_tried: set[str] = set()


def build_own(name: str, declared: Any, size: int) -> dict[str, Transform | None]:
    """The transforms of an own policy by name, in their order.

    Args:
        declared: the value of `augment.policies.<name>`.
        size: side of the network's input, pixels; handed to a function that asks for it.
    Returns:
        Names are those of the classes, such as `hue_saturation_value`, numbered where one comes again; None
        stands under `resize`, where the list says that the image is brought to the network's size.
    """
    steps: dict[str, Transform | None] = {}
    for each in _transforms(name, declared, size):
        plain = RESIZE if each is None else snake_case(type(each).__name__)
        number = 1 + sum(re.sub(r"_\d+$", "", other) == plain for other in steps)
        steps[plain if number == 1 else f"{plain}_{number}"] = each
    _try_once(name, steps)
    return steps


def describe_own_policy(name: str, declared: Any, size: int) -> dict[str, Any]:
    """What names an own policy in a run's key: its transforms with all parameters, and a file's digest."""
    own = read_own(declared)
    told = {"code": describe_own(own, KEY.format(name))} if own else {}
    return {**told, "transforms": [_serialised(each) for each in _transforms(name, declared, size)]}


def snake_case(name: str) -> str:
    """`hue_saturation_value` for `HueSaturationValue`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _transforms(name: str, declared: Any, size: int) -> list[Transform | None]:
    key, own = KEY.format(name), read_own(declared)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is deprecated; what does not fit is refused
        if own is None:
            entries = declared if isinstance(declared, list) else [declared]
            made = [_build(each, f"{key}, transform {at}") for at, each in enumerate(entries, 1)]
        else:
            made = _returned(call_own(own, key, size), f"{key}: {own.title}")
    return [part for each in made for part in _flattened(each)]


def _returned(given: Any, where: str) -> list[Transform | None]:
    """What a function returned, as a list."""
    steps = list(given) if isinstance(given, list | tuple) else [given]
    for each in steps:
        if not isinstance(each, A.BasicTransform | BaseCompose) and each != RESIZE:
            raise StudyError(
                f"{where} returned {_say(each)}, which is no transform of albumentations",
                "return a list of transforms, or an A.Compose",
            )
    if not steps:
        raise StudyError(f"{where} returned an empty list", "return at least one transform")
    return [None if each == RESIZE else each for each in steps]


def _flattened(step: Transform | None) -> Iterator[Transform | None]:
    """A Compose that always runs as its transforms; one left to chance as one."""
    if isinstance(step, A.Compose):
        if step.p < 1:
            yield A.Sequential(step.transforms, p=step.p)
        else:
            yield from (part for each in step.transforms for part in _flattened(each))
    else:
        yield step


def _build(entry: Any, where: str) -> Transform | None:
    """One transform from its serialised form."""
    if entry == RESIZE:
        return None
    name, arguments = _read_entry(entry, where)
    known = _classes()
    kind = known.get(name.rpartition(".")[2])
    if kind is None:
        raise StudyError(
            f"{where}: albumentations {A.__version__} has no transform '{name}'{near_match(name, known)}",
            "list its transforms: https://explore.albumentations.ai, or resize for the network's size",
        )
    where = f"{where}: {kind.__name__}"
    parameters = [each for each in inspect.signature(kind).parameters if each != "strict"]
    for each in arguments:
        if each not in parameters:
            raise StudyError(
                f"{where} has no parameter '{each}'{near_match(str(each), parameters)}",
                f"its parameters: {', '.join(parameters)}",
            )
    if "transforms" in arguments:
        inner = arguments["transforms"]
        if not isinstance(inner, list) or not inner:
            raise StudyError(f"{where}.transforms: {_say(inner)} is no list of transforms", "give a list")
        built = [_build(each, f"{where}, transform {at}") for at, each in enumerate(inner, 1)]
        if None in built:
            raise StudyError(f"{where}: resize stands inside of it", "write resize as an entry of its own")
        arguments = {**arguments, "transforms": built}
    strict = {"strict": True} if issubclass(kind, A.BasicTransform) else {}
    try:
        return kind(**arguments, **strict)
    except (ValueError, TypeError, AttributeError) as error:
        raise _misfit(where, error, parameters) from None


def _read_entry(entry: Any, where: str) -> tuple[str, dict[str, Any]]:
    """Name and arguments of `{Name: {...}}`, of `A.to_dict`, or of its inner form."""
    if isinstance(entry, Mapping) and isinstance(entry.get("transform"), Mapping):
        entry = entry["transform"]
    if isinstance(entry, Mapping) and "__class_fullname__" in entry:
        arguments = {key: value for key, value in entry.items() if key != "__class_fullname__"}
        return str(entry["__class_fullname__"]), arguments
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, arguments),) = entry.items()
        if arguments is None or isinstance(arguments, Mapping):
            return str(name), dict(arguments or {})
    raise StudyError(
        f"{where}: {_say(entry)} is no transform in albumentations' serialised form",
        "write {Name: {parameter: value}}, such as {HueSaturationValue: {p: 0.5}}, or what A.to_dict gives",
    )


def _misfit(where: str, error: Exception, parameters: Sequence[str]) -> StudyError:
    """What of a transform's values does not fit, with the parameter's name where the library says it."""
    if isinstance(error.__cause__, ValidationError):
        first = error.__cause__.errors()[0]
        place = first["loc"][0] if first["loc"] else ""
        said = first["msg"].removeprefix("Value error, ")
        what = f"{where}.{place}: {_say(first['input'])}: {said}"
    else:
        what = f"{where}: {error}"
    return StudyError(what, f"its parameters: {', '.join(parameters)}")


@cache
def _classes() -> dict[str, type]:
    """Transforms and compositions of albumentations by the name of their class."""
    abstract = (A.BasicTransform, A.DualTransform, A.ImageOnlyTransform, A.Transform3D, BaseCompose)
    return {
        name: kind
        for name, kind in vars(A).items()
        if isinstance(kind, type)
        and issubclass(kind, (A.BasicTransform, BaseCompose))
        and kind not in abstract
        and not issubclass(kind, (A.Transform3D, A.Lambda, A.ReplayCompose))
    }


def _serialised(step: Transform | None) -> Any:
    """All parameters of a transform, as JSON has them."""
    if step is None:
        return RESIZE
    try:
        told = step.to_dict()["transform"]
    except (NotImplementedError, ValueError):  # a Lambda: its file's digest stands for it
        return type(step).__name__
    # of what is no value the type alone: a function's text would hold its place in memory
    text = json.dumps(serialize_enum(told), default=lambda value: f"<{type(value).__name__}>", sort_keys=True)
    return json.loads(text)


def _say(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _try_once(name: str, steps: Mapping[str, Transform | None]) -> None:
    """Refuse a transform that training could not use; once a process for the same transforms."""
    content = digest([_serialised(each) for each in steps.values()])
    if content in _tried:
        return
    smooth = np.linspace(0, 255, TRIED, dtype=np.float32)
    noise = np.random.default_rng(0).integers(-40, 40, (TRIED, TRIED, 3))
    image = np.clip(smooth[:, None, None] + noise, 0, 255).astype(np.uint8)
    for part, step in steps.items():
        if step is not None:
            _try(f"{KEY.format(name)}: {part}", step, image)
    _tried.add(content)


def _try(where: str, step: Transform, image: np.ndarray) -> None:
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 the stream that others may use
    forced = {"force_apply": True} if isinstance(step, A.BasicTransform) else {}
    try:
        for key in range(TRIES):
            made = []
            for elsewhere in (0, 1):
                random.seed(elsewhere)
                np.random.seed(elsewhere)  # noqa: NPY002
                step.set_random_state(np.random.default_rng(key), random.Random(key))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made.append(step(image=image.copy(), **forced)["image"])
            _refuse_other_images(where, made[0])
            if not np.array_equal(*made):
                raise StudyError(
                    f"{where} draws random numbers that are not the sample's own: the same sample came out "
                    "otherwise a second time",
                    "draw from self.py_random or self.random_generator, which every transform has",
                )
    except StudyError:
        raise
    except Exception as error:
        raise StudyError(
            f"{where} failed on an image of {TRIED} x {TRIED} pixels: {type(error).__name__}: {error}",
            "mend its parameters; it is given the image alone, uint8 RGB [H, W, 3]",
        ) from error
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def _refuse_other_images(where: str, image: Any) -> None:
    shape = getattr(image, "shape", ())
    if getattr(image, "dtype", None) == np.uint8 and len(shape) == 3 and shape[2] == 3 and 0 not in shape:
        return
    what = f"{image.dtype} {list(shape)}" if isinstance(image, np.ndarray) else type(image).__name__
    raise StudyError(
        f"{where} gives {what}, not uint8 [H, W, 3]",
        "leave it out: images are normalised on the device, by the network's own mean and deviation",
    )
