"""Help when memory runs out: how many images at a time do fit, found by trying.

Takes the trainer whose step failed; gives a `StudyError` that names a number of images at a time that
fits and the setting that keeps the step's batch as it is. Each try is two real steps (forward, backward,
optimiser, average) of a fresh network on black images, halving the number until they pass. Other errors
go through unchanged. Cost: nothing until memory runs out, then seconds a try.
"""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from accelerate.utils.memory import clear_device_cache

from dfstudy.data.samples import Batch
from dfstudy.errors import StudyError
from dfstudy.model.freeze import train_mode
from dfstudy.model.process_group import ALONE
from dfstudy.train.learner import Learner, pictures_at_once

if TYPE_CHECKING:
    from dfstudy.model.device import DeviceSetup
    from dfstudy.study.recipe import Training
    from dfstudy.study.study import Study
    from dfstudy.train.loop import Trainer

# torch's own type covers its allocator on a GPU; the others are RuntimeErrors known by their text
SIGNS = ("DefaultCPUAllocator", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
# all that oneDNN says on a CPU when it gets no memory for a convolution
ONEDNN = ("could not create a primitive", "could not execute a primitive")
GIB = 2**30


@contextlib.contextmanager
def explain_out_of_memory(trainer: Trainer) -> Iterator[None]:
    """Turn running out of memory inside the block into a `StudyError` with the next step.

    The trainer is emptied then: its memory must be free before another number can be tried.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the failed step's activations
        study, place = trainer.study, trainer.place
        vars(trainer).clear()
        clear_device_cache(garbage_collection=True)
        memory = _describe_memory(place)
        raise out_of_memory(study.training, memory, lambda pictures: fits(study, place, pictures)) from None


def is_out_of_memory(error: BaseException) -> bool:
    """True where an error says that the device's or this machine's memory was not enough."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    told = str(error)
    return isinstance(error, RuntimeError) and (told in ONEDNN or any(sign in told for sign in SIGNS))


def out_of_memory(recipe: Training, memory: str, fits: Callable[[int], bool]) -> StudyError:
    """The error to raise, after trying smaller steps.

    Args:
        memory: which memory, such as `the memory of NVIDIA H100 (79.1 GiB)`.
        fits: whether a step passes with that many images at a time.
    """
    at_once = tried = pictures_at_once(recipe)
    while not fits(tried):
        if tried == 1:
            return StudyError(
                f"not even one image at a time fits into {memory}",
                "choose a smaller model.backbone or model.size, train fewer of its stages "
                "(model.trainable_stages), or end other programs that hold this memory",
            )
        tried = -(-tried // 2)
    if tried == at_once:
        return StudyError(
            f"{memory} ran out, but {_pictures(at_once)} at a time fitted when tried once more",
            "another program may have held it for a while: end that one and repeat the command, which goes "
            f"on where it stopped; or set training.accumulate: {recipe.accumulate + 1}",
        )
    share = -(-recipe.batch_size // recipe.devices)
    parts = -(-share // tried)
    each = f" on each of {recipe.devices} devices" if recipe.devices > 1 else ""
    faster = "" if recipe.precision == "bfloat16" else ", or training.precision: bfloat16"
    return StudyError(
        f"{_pictures(at_once)} at a time{each} do not fit into {memory}; {tried} do",
        f"set training.accumulate: {parts} (a step stays {_pictures(recipe.batch_size)}; BatchNorm, if "
        f"any, sees {-(-share // parts)} at a time), or a smaller model.size{faster}",
    )


def fits(study: Study, place: DeviceSetup, pictures: int) -> bool:
    """Whether a step of the study's network passes with that many images at a time.

    Two steps of two parts each: the second part runs beside the gradient of the first, and the second
    step beside the optimiser's memory. Process groups and compiling are left out.
    """
    clear_device_cache(garbage_collection=True)
    model = study.model.model_copy(update={"weights": "none"})
    whole = 2 * pictures
    alone = {"devices": 1, "batch_size": whole, "accumulate": 2, "compile": False}
    recipe = study.training.model_copy(update=alone)
    study = study.model_copy(update={"model": model, "training": recipe})
    try:
        batch = Batch(
            torch.zeros((whole, study.model.size, study.model.size, 3), dtype=torch.uint8),
            torch.arange(whole) % 2.0,
            torch.arange(whole),
        )
        learner = Learner(study, 0, 1.0, place, ALONE)
        train_mode(learner.network, study.model.batch_norm, study.protocol.drifting_batch_norm)
        for _ in range(2):
            learner.step(batch, 0.0, 0, whole)
        if place.device.type == "cuda":
            torch.cuda.synchronize(place.device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    except ValueError:  # BatchNorm refuses a single value a channel: one image at a time is too few
        if pictures > 1:
            raise
        return False
    return True


def _pictures(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"


def _describe_memory(place: DeviceSetup) -> str:
    if place.device.type == "cuda":
        free, total = torch.cuda.mem_get_info(place.device)
        others = total - free - torch.cuda.memory_reserved(place.device)
        name = torch.cuda.get_device_name(place.device)
        return f"the memory of {name} ({total / GIB:.1f} GiB, {others / GIB:.1f} GiB of it used by others)"
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        return "this machine's memory"
    return f"this machine's memory ({total / GIB:.1f} GiB)"
