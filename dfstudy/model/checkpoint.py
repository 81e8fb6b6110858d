"""A trained network on disk: safetensors weights beside a JSON that describes them.

Takes a folder, weights and a description; gives `best.safetensors` (or another name) and
`checkpoint.json` with the sha256 of each weights file. Loading refuses a missing key, another label map, a
weights file that changed and weights that do not fit, and reads no pickle. Writing is atomic: a reader
sees the old file or the new one, also after a power cut.

A network of the user's own is code. Its file is kept beside its weights as `network.py`, with its sha256 in
`checkpoint.json`. It is run only where the caller says so: for a run that this study trained, or because the
user asked for it (`--own-code`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, PositiveFloat, PositiveInt, ValidationError
from safetensors.torch import save
from torch import Tensor, nn

from dfstudy.errors import StudyError
from dfstudy.model.build import build_model, load_weights
from dfstudy.study.own_code import read_own
from dfstudy.study.recipe import Model
from dfstudy.system.file_kind import no_file
from dfstudy.system.finished import FILE
from dfstudy.system.kept import parse_json, write_atomic
from dfstudy.system.provenance import file_digest

LABEL_MAP = {"real": 0, "fake": 1}
REQUIRED = frozenset(
    {
        "label_map",
        "weights",
        "model",
        "normalisation",
        "size",
        "policy",
        "training",
        "seed",
        "fingerprint",
        "threshold",
        "temperature",
    }
)
SOURCE = "network.py"  # of a network of the user's own
RETRAIN = "move that run folder away, and train again: make report"


class _Levels(BaseModel):
    mean: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    channels: Literal["RGB", "BGR"] = "RGB"


class _Recipe(BaseModel):
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    threads: Literal["auto"] | PositiveInt = "auto"


class _Described(BaseModel):
    """What a detector computes with, of a description that may be a stranger's."""

    model: Model
    weights: dict[str, str]
    normalisation: _Levels
    training: _Recipe
    size: int = Field(ge=32, le=1024)
    threshold: float = Field(ge=0, le=1)
    temperature: float = Field(gt=0, allow_inf_nan=False)


def save_checkpoint(folder: Path, names: tuple[str, ...], description: Mapping[str, Any]) -> None:
    """Write `checkpoint.json`, which makes the folder a finished run.

    Args:
        names: weights already written by `save_weights`, such as ("best", "last").
        description: everything but `label_map` and `weights`, which are added here.
    """
    weights = {name: file_digest(folder / f"{name}.safetensors") for name in names}
    told = {"label_map": LABEL_MAP, "weights": weights, **description}
    absent = REQUIRED - told.keys()
    if absent:
        raise ValueError(f"a checkpoint must say its {', '.join(sorted(absent))}")
    text = json.dumps(told, indent=1, sort_keys=True, allow_nan=False)
    write_atomic(folder / FILE, (text + "\n").encode())


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """The description of a run's network, checked but without loading weights."""
    file = folder / FILE
    try:
        if kind := no_file(file):
            raise ValueError(f"it is {kind}")
        told = parse_json(file.read_bytes())
        if not isinstance(told, dict):
            raise ValueError("it is no object")
    except FileNotFoundError:
        raise StudyError(f"{folder} holds no finished training", "train it: make report") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{file} is not JSON: {error}", RETRAIN) from None
    absent = REQUIRED - told.keys()
    if absent:
        raise StudyError(f"{file} does not say its {', '.join(sorted(absent))}", RETRAIN)
    if told["label_map"] != LABEL_MAP:
        raise StudyError(
            f"{file}: label map is {told['label_map']}, but a score here means fake = 1", RETRAIN
        )
    try:
        _Described.model_validate(told)
    except ValidationError as error:
        key, said = ".".join(map(str, error.errors()[0]["loc"])), error.errors()[0]["msg"]
        raise StudyError(f"{file}: {key}: {said}", RETRAIN) from None
    return told


def keep_source(folder: Path, settings: Model) -> None:
    """Copy the file of a network of the user's own beside its weights; nothing for timm's."""
    if own := read_own(settings.backbone):
        write_atomic(folder / SOURCE, own.file.read_bytes())


def describe_model(folder: Path, told: Mapping[str, Any], own_code: bool = False) -> Model:
    """A run's network, to be built anew: of the user's own by the file that is kept in the folder.

    Args:
        told: the run's description.
        own_code: run such a file.
    Raises:
        StudyError: it is not to be run, is gone, or changed since it was kept.
    """
    settings = Model.model_validate(told["model"]).model_copy(update={"weights": "none"})
    own = read_own(settings.backbone)
    if own is None:
        return settings
    file = folder / SOURCE
    if not file.is_file():
        raise StudyError(f"{folder} lacks {SOURCE}, the code of its network", RETRAIN)
    if file_digest(file) != told.get("own_network", {}).get("sha256"):
        raise StudyError(f"{file} changed after it was written: its sha256 differs", RETRAIN)
    if not own_code:
        raise StudyError(
            f"the network of {folder} is code of its maker's own ({own.title}), which would be run",
            f"read {file}; where you trust it, give --own-code (in Python own_code=True)",
        )
    return settings.model_copy(update={"backbone": f"{file.resolve()}:{own.function}"})


def load_checkpoint(
    folder: Path, name: str = "best", own_code: bool = False
) -> tuple[nn.Module, dict[str, Any]]:
    """The network in eval on the CPU, and its description.

    Args:
        name: `best` (the epoch that validation chose) or `last`.
        own_code: run the code of a network of the user's own, see `describe_model`.
    Raises:
        StudyError: not finished, changed since it was written, or not what it says.
    """
    told = read_checkpoint(folder)
    file = folder / f"{name}.safetensors"
    if name not in told["weights"] or not file.is_file():
        raise StudyError(f"{folder} holds no weights '{name}'", RETRAIN)
    if file_digest(file) != told["weights"][name]:
        raise StudyError(f"{file} changed after it was written: its sha256 differs", RETRAIN)
    settings = describe_model(folder, told, own_code)
    network = build_model(settings)
    left_out = load_weights(network, file)
    if left_out:
        raise StudyError(f"{file}: {', '.join(left_out)} do not fit {settings.network}", RETRAIN)
    return network.eval(), told


def save_weights(file: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, atomically; `metadata` is text kept in the file's head."""
    # cloned: safetensors refuses shared memory, and channels_last is a matter of memory, not of weights
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_atomic(file, save(plain, metadata))
