"""Where a network computes, in which precision, and how images get there.

Takes a precision's name; gives a `DeviceSetup` (device and precision) with everything set so that equal
inputs give equal bytes. uint8 images cross to the device and are normalised there, once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

import torch
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from dfstudy.model.process_group import ALONE, Team
from dfstudy.study.recipe import Model
from dfstudy.study.recipe import Protocol as Defects

MOST_THREADS = 16  # beyond this a small network gains nothing
NOT_EXACT = "not byte-exact"  # of a device that promises no equal bytes for equal inputs
# glibc's numbers of what is set in `_keep_memory`: mallopt(3)
TRIM_THRESHOLD, MMAP_MAX, NEVER = -1, -4, 2**31 - 1


@dataclass(frozen=True)
class DeviceSetup:
    """A device and the type in which its convolutions and products compute.

    Attributes:
        threads: of a CPU that share a sum; 0 on a GPU.
    """

    device: torch.device
    dtype: torch.dtype
    threads: int = 0

    @property
    def name(self) -> str:
        """Device class, part of every run's key: rounding differs between classes, not between twins."""
        kinds = {
            "cuda": lambda: torch.cuda.get_device_name(self.device),
            "mps": lambda: f"Apple GPU through MPS ({platform.machine()}, {NOT_EXACT})",
            "cpu": lambda: f"cpu with {self.threads} thread{'s' * (self.threads != 1)}",
        }
        kind = kinds[self.device.type]()
        return f"{kind}, {str(self.dtype).removeprefix('torch.')}"

    def settle(self) -> None:
        """Let this place's threads compute, where another place was settled before."""
        if self.threads:
            torch.set_num_threads(self.threads)

    def autocast(self) -> contextlib.AbstractContextManager:
        """Context of a forward pass; nothing in float32."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)


def choose_place(
    precision: str = "auto",
    processes: int = 1,
    deterministic: bool = True,
    threads: int | Literal["auto"] = "auto",
) -> DeviceSetup:
    """Take the GPU if there is one, and set torch up to give the same bytes every time.

    Apple's MPS is a device like the others, in float32, but promises no equal bytes: its name says so.

    Sums depend on how many threads share them, so their number is settled here, whatever loader workers or
    OMP_NUM_THREADS say. On a GPU cuDNN may not choose by racing its algorithms,
    and TF32 is off: `float32` means float32, `bfloat16` is the fast way. An operation without a
    deterministic GPU version warns and runs.

    Args:
        precision: `float32`, `bfloat16`, or `auto` for bfloat16 on a GPU that has it.
        processes: that share a run, each with a GPU of its own or its part of the cores.
        deterministic: False lets a GPU race its algorithms; a CPU gives equal bytes either way.
        threads: of a CPU; `auto` is each process's part of the cores that may be used.
    """
    device = torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if torch.cuda.is_available():
        # the launcher numbers the processes of one machine; torch says cuda:0 where it is asked for cuda
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", torch.cuda.current_device())))
        torch.cuda.set_device(device)
    exact = deterministic or device.type == "cpu"
    # cuBLAS reads this when it starts, so it must stand before the first product on the GPU
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(exact, warn_only=device.type != "cpu")
    torch.backends.cudnn.benchmark = not exact
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    if precision == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if fast else "float32"
    if device.type == "cpu":
        _keep_memory()
    else:
        threads = 0
    if threads == "auto":
        threads = max(1, min(_cores() // processes, MOST_THREADS))
    place = DeviceSetup(device, getattr(torch, precision), threads)
    place.settle()
    return place


def find_place(training: Mapping[str, Any]) -> DeviceSetup:
    """The place of a finished run on this machine, from the recipe in its checkpoint.

    Checkpoints from elsewhere may lack the number of threads, which is then `auto`.
    """
    return choose_place(training.get("precision", "auto"), threads=training.get("threads", "auto"))


@cache
def _keep_memory() -> None:
    """Let this process keep the memory that it frees, for its next step.

    By default glibc hands large blocks back, and every layer of every step asks for its pages anew: on
    two cores `test_resnet` at 128 px learned 187 images a second instead of 241 and scored 517 instead
    of 909, at the same peak of memory. No result changes. Other C libraries have no such setting.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_MAX, 0)
        library.mallopt(TRIM_THRESHOLD, NEVER)


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of R, G and B in 0..1, as the network's weights expect.

    Attributes:
        channels: order in which they reach the network, each normalised as what it is; BGR is a recorded
            defect.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channels: Literal["RGB", "BGR"] = "RGB"

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Normalisation:
        """As a checkpoint describes it."""
        return cls(tuple(told["mean"]), tuple(told["std"]), told.get("channels", "RGB"))

    def __call__(self, images_NHWC: Tensor, device: torch.device) -> Tensor:
        """Images uint8 [N, H, W, 3] -> float32 [N, 3, H, W] on the device, channels last in memory."""
        images, mean, std = images_NHWC.to(device, non_blocking=True), self.mean, self.std
        if self.channels == "BGR":
            images, mean, std = images.flip(-1), mean[::-1], std[::-1]
        x_NCHW = images.permute(0, 3, 1, 2).float()  # a view: NHWC is what channels_last means
        return x_NCHW.sub_(_levels(mean, device)).div_(_levels(std, device))


@cache
def _levels(fractions: tuple[float, ...], device: torch.device) -> Tensor:
    """Fractions of full brightness as grey levels, float32 [1, 3, 1, 1]: sent to the device once."""
    return (torch.tensor(fractions, dtype=torch.float32, device=device) * 255).view(1, 3, 1, 1)


def resolve_normalisation(
    network: nn.Module, settings: Model, defects: Defects | None = None
) -> Normalisation:
    """The study's mean and std where given, else what timm records for the network's weights; of a network of
    the user's own its `default_cfg` (`dfstudy.model.own`).

    Of the original flaws `raw_pixels` gives grey levels 0..255 and `bgr_channels` turns the channels.
    """
    known, defects = _known_normalisation(network), defects or Defects()
    channels = "BGR" if defects.bgr_channels else "RGB"
    if defects.raw_pixels:
        return Normalisation((0.0,) * 3, (1 / 255,) * 3, channels)
    mean, std = settings.mean or known["mean"], settings.std or known["std"]
    return Normalisation(tuple(mean), tuple(std), channels)


def _known_normalisation(network: nn.Module) -> Mapping[str, Any]:
    if not hasattr(network, "pretrained_cfg") and hasattr(network, "default_cfg"):
        return network.default_cfg
    return resolve_model_data_config(network)


class Pictures(Protocol):
    """A batch, as `dfstudy.data.loader` yields it."""

    @property
    def images_NHWC(self) -> Tensor:
        """uint8 [N, S, S, 3] RGB."""

    @property
    def rows(self) -> Tensor:
        """int64 [N] row numbers."""


def predict_logits(
    network: nn.Module,
    batches: Iterable[Pictures],
    pictures: int,
    normalisation: Normalisation,
    place: DeviceSetup,
    tick: Callable[[int], object] = lambda done: None,
    team: Team = ALONE,
) -> Tensor:
    """Logits float32 [images] on the CPU, by row number, with the network in eval.

    Args:
        pictures: how many rows the batches of all processes hold together; every row must come once.
        tick: told the size of each finished batch, for progress.
        team: processes that share the rows; each gets all logits.
    """
    network.eval()
    place.settle()
    logits = torch.full((pictures,), float("nan"), device=place.device)
    seen = torch.zeros(pictures, dtype=torch.int64)
    with torch.inference_mode():
        for batch in batches:
            if not len(batch.rows):  # a last batch smaller than the team
                continue
            with place.autocast():
                out = network(normalisation(batch.images_NHWC, place.device))
            logits[batch.rows.to(place.device)] = out.flatten().float()
            seen[batch.rows] += 1
            tick(len(batch.rows))
    logits, seen = team.gather(logits), team.sum(seen.to(place.device)).cpu()
    if not bool((seen == 1).all()):
        raise ValueError(f"{int((seen != 1).sum())} of {pictures} rows did not come exactly once")
    return logits.cpu()
