"""What would end a report later, found in its first seconds: weights, networks, policies, the hub.

Takes a study; gives the sizes of its networks, which the check of the disk asks for (see `room`). What needs
torch is looked at by a process of its own (see `check_networks`), which works while this one loads what a
report is made with. What was found good is kept in `<out>/study/preflight.json`, and looked at again only
where the networks, their weights or the libraries are others. Cost: 4 to 7 s the first time, milliseconds
afterwards.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.errors import StudyError, near_match
from dfstudy.pipeline.environment import steady_environment
from dfstudy.study.own_code import read_own
from dfstudy.study.recipe import WEIGHT_SOURCES
from dfstudy.system.bound import name_signal
from dfstudy.system.kept import read_json
from dfstudy.system.provenance import digest, version_now, versions

if TYPE_CHECKING:
    from dfstudy.study.recipe import Model
    from dfstudy.study.study import Study

PREFLIGHT = "study/preflight.json"
LIBRARIES = ("timm", "torch", "albumentations", "huggingface-hub", "safetensors")
COMMAND = [sys.executable, "-m", "dfstudy.system.bound", "dfstudy.pipeline.check_networks"]


class Preflight:
    """The check of a study's networks, weights and policies, under way until the end of its `with`."""

    def __init__(self, study: Study) -> None:
        """Begin; nothing is written.

        Raises:
            StudyError: there is no such weights file, timm has never heard of a network, or the hub does not
                answer and its cache has no weights.
        """
        self._study = study
        self._models = _list_models(study)
        for key, model in self._models.items():
            _refuse_missing_file(key, model)
        named = {study.augment.policy, study.policies.asked, *study.policies.names, *study.tuning.policies}
        policies = sorted(named - set(study.augment.policies))  # own ones: `own_check`
        self._asking: dict[str, Any] = {
            "models": {key: model.model_dump(mode="json") for key, model in self._models.items()},
            "policies": policies,
        }
        seen = [_content(model) for model in self._models.values()]
        self._asked = digest([self._asking, seen, versions(*LIBRARIES)])
        self._kept = read_json(study.out / PREFLIGHT)
        self._process: subprocess.Popen[str] | None = None
        if self._kept.get("asked") != self._asked or not _are_at_hand(self._models, self._kept):
            self._kept = {}
            for key, model in self._models.items():
                _refuse_unheard(key, model)
            for model in self._models.values():
                _refuse_silent_hub(model)
            self._begin()

    def finish(self) -> dict[str, Any]:
        """Wait for the end of it.

        Returns:
            What to keep as `PREFLIGHT`: `asked`, and `networks`, by the section's key the `bytes` of the
            weights and the `cached` file of the hub; empty where no chapter trains.
        Raises:
            StudyError: a weights file does not fit, a network or a policy is unknown, or weights from the hub
                cannot be had.
        """
        # Imported here: the chapters load libraries of tables, while the other process is at work.
        from dfstudy.chapters.registry import CHAPTERS
        from dfstudy.pipeline.resources import NETWORKS

        if not NETWORKS & {word for chapter in CHAPTERS for word in chapter.needs}:
            return {"asked": self._asked, "networks": {}}
        if self._kept.get("networks"):
            return self._kept
        if self._process is None:  # kept by a report whose chapters trained nothing
            self._begin()
        print("checking networks, weights and policies ...", flush=True)
        return {"asked": self._asked, "networks": self._read_answer()}

    def __enter__(self) -> Preflight:
        return self

    def __exit__(self, *_: object) -> None:
        """End what is still at work."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            COMMAND,
            env=os.environ | steady_environment(),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with suppress(BrokenPipeError):  # what went wrong is said below
            self._process.stdin.write(json.dumps(self._asking))
            self._process.stdin.close()
        self._process.stdin = None  # `communicate` would write to it

    def _read_answer(self) -> dict[str, Any]:
        said, remarks = self._process.communicate()
        status, lines = self._process.returncode, said.strip().splitlines()
        if status or not lines:
            last = (remarks.strip().splitlines() or ["no message"])[-1]
            reason = f"ended by {name_signal(-status)}" if status < 0 else last
            raise StudyError(
                f"the networks could not be checked: {reason}", "look at this environment: make doctor"
            )
        told: dict[str, Any] = json.loads(lines[-1])
        if "problem" in told:
            raise StudyError(told["problem"], told["next_step"])
        return told


def weight_sizes(study: Study, checked: dict[str, Any]) -> dict[str, int]:
    """Bytes of each network's weights, by `network_name`, of what `Preflight` gave."""
    from dfstudy.pipeline.budget import network_name

    found = checked["networks"]
    models = _list_models(study)
    return {
        network_name(study.model_copy(update={"model": models[key]})): told["bytes"]
        for key, told in found.items()
    }


def _list_models(study: Study) -> dict[str, Model]:
    """Every network that the study may train, by the key that messages name."""
    second = study.forgeries.second
    found = {"model": study.model} | ({"forgeries.second": second} if second else {})
    tuned = {f"tuning.modes, {mode}": model for mode, model in study.tuned_models.items()}
    return found | {key: model for key, model in tuned.items() if model not in found.values()}


def _are_at_hand(models: dict[str, Model], kept: dict[str, Any]) -> bool:
    """Weights of the hub may have left the cache since, or have not been in it."""
    cached = [told["cached"] for key, told in kept["networks"].items() if models[key].weights == "hub"]
    return all(Path(file).is_file() for file in cached)


def _refuse_missing_file(key: str, model: Model) -> None:
    file = Path(model.weights)
    if model.weights in WEIGHT_SOURCES:
        return
    if not file.is_file():
        beside = [each.name for each in file.parent.glob("*.safetensors")] if file.parent.is_dir() else []
        raise StudyError(
            f"{key}.weights: there is no file {file}{near_match(file.name, beside)}",
            "give none, package, hub, or the path of a .safetensors file, counted from the study file (with "
            f"--set from the current folder): dfstudy settings {key}.weights",
        )


def _refuse_unheard(key: str, model: Model) -> None:
    """Refuse a network whose name stands nowhere in timm's sources: a second where loading timm takes five.

    A network is a function of its name there. What passes is looked at again by `check_networks`.
    """
    if read_own(model.backbone):
        return  # `check_networks` builds it
    name, known = model.backbone.partition(".")[0], _named_in_timm()
    if known and name not in known:
        networks = [word for word in known if known[word]]
        raise StudyError(
            f"{key}.backbone: timm {version_now('timm')} has no network '{model.backbone}'"
            f"{near_match(name, networks)}",
            f"list its networks: python -c \"import timm; print(timm.list_models('*{name[:6]}*'))\"",
        )


def _refuse_silent_hub(model: Model) -> None:
    if model.weights == "hub":
        # Imported here: most studies take no weights from the hub.
        from dfstudy.pipeline.hub import ask_hub

        if file := ask_hub(model.backbone):
            file.refuse_unreachable()


@cache
def _named_in_timm() -> dict[str, bool]:
    """Every word of timm's sources of networks, and whether it names one; nothing is imported."""
    spec = importlib.util.find_spec("timm")
    folder = Path(spec.origin).parent / "models" if spec and spec.origin else Path()
    text = "\n".join(file.read_text("utf-8") for file in sorted(folder.glob("*.py")))
    return dict.fromkeys(re.findall(r"\w+", text), False) | dict.fromkeys(
        re.findall(r"^@register_model\ndef (\w+)\(", text, re.MULTILINE), True
    )


def _content(model: Model) -> list[int]:
    """What says that a weights file, and a file of own code, is the one that was looked at."""
    own = read_own(model.backbone)
    files = [] if model.weights in WEIGHT_SOURCES else [Path(model.weights)]
    files += [own.file] if own and own.file.is_file() else []
    seen = [file.stat() for file in files]
    return [number for each in seen for number in (each.st_size, each.st_mtime_ns)]
