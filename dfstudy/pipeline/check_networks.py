"""Whether networks can be built and policies exist: what a report finds out before it trains or renders.

Run as a module by `preflight`, in a process of its own, because it loads torch and timm and a report without
changes must not. Takes JSON on standard input, `{"models": {key: section}, "policies": [name]}`; gives a line
of JSON, for each model its `bytes` and the `cached` file of its hub weights, or `problem` and `next_step`.
Downloads nothing. Cost: 3 to 7 s, nearly all of it the import of torch, during which the hub is asked.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

from dfstudy.errors import StudyError

if TYPE_CHECKING:
    from torch import nn

    from dfstudy.study.recipe import Model

# torch and timm are imported where they are used: the hub is asked meanwhile

PATIENCE = 3.0  # seconds in which the hub has to answer, without a second try
HUB_FILE = "model.safetensors"  # as `dfstudy.model.build` calls it, which loads torch
# names that the study file's own check reads to their end
PLAIN = re.compile(r"\w+|none(\+\w+)+|original(-\w+)+")


class HubFile:
    """A repository's weights: in the cache, or asked for in the background as soon as this is made."""

    def __init__(self, repository: str) -> None:
        self.repository = repository
        found = try_to_load_from_cache(repository, HUB_FILE)
        self.cached = found if isinstance(found, str) and Path(found).is_file() else ""
        self._answer = ["HF_HUB_OFFLINE is set"] if constants.HF_HUB_OFFLINE else []
        # a thread, because looking up a name has no time limit of its own; it ends with this process
        self._asking = threading.Thread(target=self._ask, daemon=True)
        self._until = time.monotonic() + PATIENCE
        if not self.cached and not self._answer:
            self._asking.start()

    def missing(self) -> str:
        """Why they cannot be had; empty where they are in the cache, or the hub has them."""
        if self.cached:
            return ""
        if self._asking.ident is not None:
            self._asking.join(max(0.0, self._until - time.monotonic()))
        return self._answer[0] if self._answer else f"no answer in {PATIENCE:g} s"

    def _ask(self) -> None:
        try:
            get_hf_file_metadata(hf_hub_url(self.repository, HUB_FILE), timeout=PATIENCE)
            self._answer.append("")
        except Exception as error:  # offline, proxy, rate limit, no such repository: one way out for all
            told = (str(error).strip().splitlines() or [""])[0]
            self._answer.append(f"{type(error).__name__}: {told}"[:160])


def check_model(key: str, model: Model, asked: HubFile | None = None) -> dict[str, Any]:
    """Size in bytes of a network's weights, and the cached file of those from the hub, empty where not there.

    Args:
        key: of the section in the study file, for messages.
        asked: of the repository that most likely has the weights.
    Raises:
        StudyError: see `build_model`, or weights from the hub cannot be had.
    """
    try:
        from_hub = model.weights == "hub"
        # of the network alone first: a hub that cannot be reached says nothing about a wrong name
        network = _build(model.model_copy(update={"weights": "none"}) if from_hub else model)
        cached = _find_hub_weights(model, asked) if from_hub else ""
    except StudyError as error:
        shown = error.message if key == "model" else f"{key}: {error.message}"
        raise StudyError(shown, error.hint) from None
    held = network.state_dict().values()
    return {"bytes": sum(each.numel() * each.element_size() for each in held), "cached": cached}


def check_policy(name: str) -> None:
    """Build a policy whose name the study file's check does not read to its end.

    Raises:
        StudyError: see `build_policy`.
    """
    if not PLAIN.fullmatch(name):
        # Imported here: the library of transforms takes seconds, and most names need it not.
        from dfstudy.augment.policies import build_policy

        build_policy(name, 32)


def _build(model: Model) -> nn.Module:
    """The network without memory for its weights, which takes no time; with it where that cannot be done."""
    import torch

    from dfstudy.model.build import build_model

    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that copying weights into nothing does nothing
            return build_model(model)
    except (StudyError, NotImplementedError, RuntimeError):
        return build_model(model)


def _find_hub_weights(model: Model, asked: HubFile | None) -> str:
    """The cached file, or empty where the hub has it for the training to fetch."""
    from timm.models import get_pretrained_cfg

    from dfstudy.model.build import build_model
    from dfstudy.model.packaged import PACKAGED

    known = get_pretrained_cfg(model.backbone)
    if not known.hf_hub_id:
        build_model(model)  # refuses it, and says where the weights are
    file = asked if asked and asked.repository == known.hf_hub_id else HubFile(known.hf_hub_id)
    if reason := file.missing():
        packaged = ", or package" if model.backbone in PACKAGED else ""
        raise StudyError(
            f"weights of {model.backbone} are not in the hub's cache ({constants.HF_HUB_CACHE}), and "
            f"{constants.ENDPOINT} cannot give them: {reason}",
            f"fetch {hf_hub_url(file.repository, HUB_FILE)} where there is a network, and give the file: "
            f"model.weights: path/to/{HUB_FILE}; or copy the cache of a machine that has them (HF_HOME); "
            f"or train without them: model.weights: none{packaged}",
        )
    return file.cached


def main() -> None:
    """Check what standard input asks for."""
    asked = json.load(sys.stdin)
    hub = {key: each["backbone"] for key, each in asked["models"].items() if each["weights"] == "hub"}
    files = {key: HubFile(f"timm/{backbone}") for key, backbone in hub.items()}  # nearly all are called so
    try:
        from dfstudy.study.recipe import Model

        found = {
            key: check_model(key, Model.model_validate(each), files.get(key))
            for key, each in asked["models"].items()
        }
        for name in asked["policies"]:
            check_policy(name)
    except StudyError as error:
        print(json.dumps({"problem": error.message, "next_step": error.hint}))
    else:
        print(json.dumps(found))


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # timm's remarks on what is asked for
    main()
