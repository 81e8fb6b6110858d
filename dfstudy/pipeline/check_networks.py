"""Whether networks can be built and policies exist: what a report finds out before it trains or renders.

Run as a module by `preflight`, in a process of its own, because it loads torch and timm and a report without
changes must not. Takes JSON on standard input, `{"models": {key: section}, "policies": [name]}`; gives a line
of JSON, for each model its `bytes` and the `cached` file of its hub weights, or `problem` and `next_step`.
Downloads nothing. Cost: 4 s of one core, nearly all of it the import of timm.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any

from dfstudy.errors import StudyError
from dfstudy.pipeline.hub import HubFile
from dfstudy.study.recipe import Model

if TYPE_CHECKING:
    from torch import nn

# torch, timm and the transforms are imported where they are used: a mistake that needs none of them is told
# before they are loaded

# names that the study file's own check reads to their end
PLAIN = re.compile(r"\w+|none(\+\w+)+|original(-\w+)+")


def check_model(key: str, model: Model) -> dict[str, Any]:
    """Size in bytes of a network's weights, and the cached file of those from the hub, empty where not there.

    Args:
        key: of the section in the study file, for messages.
    Raises:
        StudyError: see `build_model`, or weights from the hub cannot be had.
    """
    from dfstudy.model.tuning import choose_trained

    try:
        from_hub = model.weights == "hub"
        # of the network alone first: a hub that cannot be reached says nothing about a wrong name
        network = _build(model.model_copy(update={"weights": "none"}) if from_hub else model)
        cached = _find_hub_weights(model) if from_hub else ""
    except StudyError as error:
        shown = error.message if key == "model" else f"{key}: {error.message}"
        raise StudyError(shown, error.hint) from None
    held = network.state_dict().values()
    size = sum(each.numel() * each.element_size() for each in held)
    choose_trained(network, model)
    return {"bytes": size, "cached": cached}


def check_policy(name: str) -> None:
    """Build a policy whose name the study file's check does not read to its end.

    Raises:
        StudyError: see `build_policy`.
    """
    if not PLAIN.fullmatch(name):
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


def _find_hub_weights(model: Model) -> str:
    """The cached file, or empty where the hub has it for the training to fetch."""
    from timm.models import get_pretrained_cfg

    from dfstudy.model.build import build_model

    known = get_pretrained_cfg(model.backbone)
    if not known.hf_hub_id:
        build_model(model)  # refuses it, and says where the weights are
    file = HubFile(model.backbone, known.hf_hub_id)
    file.refuse_missing()
    return file.cached


def main() -> None:
    """Check what standard input asks for."""
    asked = json.load(sys.stdin)
    try:
        for name in asked["policies"]:
            check_policy(name)
        models = {key: Model.model_validate(each) for key, each in asked["models"].items()}
        print(json.dumps({key: check_model(key, model) for key, model in models.items()}))
    except StudyError as error:
        print(json.dumps({"problem": error.message, "next_step": error.hint}))


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # timm's remarks on what is asked for
    main()
