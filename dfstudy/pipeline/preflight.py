"""What would end a report later, found in its first seconds: weights, networks, policies, the hub.

Takes a study; gives the sizes of its networks, which the check of the disk asks for (see `room`). What was
found good is kept in `<out>/study/preflight.json`, and looked at again only where the networks, their weights
or the libraries are others. Cost: 4 to 8 s the first time, milliseconds afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.errors import StudyError, near_match
from dfstudy.pipeline.budget import network_name
from dfstudy.pipeline.environment import steady_environment
from dfstudy.pipeline.resources import NETWORKS
from dfstudy.study.recipe import WEIGHT_SOURCES
from dfstudy.system.bound import name_signal
from dfstudy.system.kept import read_json
from dfstudy.system.provenance import digest, versions

if TYPE_CHECKING:
    from dfstudy.study.recipe import Model
    from dfstudy.study.study import Study

PREFLIGHT = "study/preflight.json"
LIBRARIES = ("timm", "torch", "albumentations", "huggingface-hub", "safetensors")


def check_study(study: Study) -> dict[str, Any]:
    """Check what the study's trainings need; nothing is written.

    Returns:
        What to keep as `PREFLIGHT`: `asked`, and `networks`, by `network_name` the `bytes` of the weights and
        the `cached` file of the hub. Empty where no chapter trains.
    Raises:
        StudyError: a weights file is missing or does not fit, a network or a policy is unknown, or weights
            from the hub cannot be had.
    """
    if not NETWORKS & {word for chapter in CHAPTERS for word in chapter.needs}:
        return {}
    second = study.forgeries.second
    sections = {"model": study.model} | ({"forgeries.second": second} if second else {})
    names = {key: network_name(study.model_copy(update={"model": each})) for key, each in sections.items()}
    models = {names[key]: model for key, model in sections.items()}
    for key, model in sections.items():
        _refuse_missing_file(key, model)
    asked = digest(
        [
            [model.model_dump(mode="json") for model in sections.values()],
            [_content(model) for model in sections.values()],
            _policies(study),
            versions(*LIBRARIES),
        ]
    )
    kept = read_json(study.out / PREFLIGHT)
    if kept.get("asked") == asked and all(
        _is_at_hand(model, kept["networks"][name]) for name, model in models.items()
    ):
        return kept
    found = _ask(sections, _policies(study))
    return {"asked": asked, "networks": {name: found[key] for key, name in names.items()}}


def weight_sizes(checked: dict[str, Any]) -> dict[str, int]:
    """Bytes of each network's weights, by `network_name`, of what `check_study` gave."""
    return {name: told["bytes"] for name, told in checked.get("networks", {}).items()}


def _is_at_hand(model: Model, told: dict[str, Any]) -> bool:
    """Weights of the hub may have left the cache since, or have not been in it."""
    return model.weights != "hub" or Path(told["cached"]).is_file()


def _refuse_missing_file(key: str, model: Model) -> None:
    file = Path(model.weights)
    if model.weights in WEIGHT_SOURCES or file.is_file():
        return
    beside = [each.name for each in file.parent.glob("*.safetensors")] if file.parent.is_dir() else []
    raise StudyError(
        f"{key}.weights: there is no file {file}{near_match(file.name, beside)}",
        "give none, package, hub, or the path of a .safetensors file, counted from the study file, or with "
        f"--set from the current folder: dfstudy settings {key}.weights",
    )


def _content(model: Model) -> list[int]:
    """What says that a weights file is the one that was looked at."""
    if model.weights in WEIGHT_SOURCES:
        return []
    seen = Path(model.weights).stat()
    return [seen.st_size, seen.st_mtime_ns]


def _policies(study: Study) -> list[str]:
    return sorted({study.augment.policy, study.policies.asked, *study.policies.names})


def _ask(models: dict[str, Model], policies: list[str]) -> dict[str, Any]:
    asked = {
        "models": {key: model.model_dump(mode="json") for key, model in models.items()},
        "policies": policies,
    }
    print("checking networks, weights and policies ...", flush=True)
    command = [sys.executable, "-m", "dfstudy.system.bound", "dfstudy.pipeline.check_networks"]
    environment = os.environ | steady_environment()
    ended = subprocess.run(command, input=json.dumps(asked), env=environment, text=True, capture_output=True)
    said = ended.stdout.strip().splitlines()
    if ended.returncode or not said:
        last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        reason = f"ended by {name_signal(-ended.returncode)}" if ended.returncode < 0 else last
        raise StudyError(
            f"the networks could not be checked: {reason}", "look at this environment: make doctor"
        )
    told: dict[str, Any] = json.loads(said[-1])
    if "problem" in told:
        raise StudyError(told["problem"], told["next_step"])
    return told
