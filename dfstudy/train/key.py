"""What names a run: everything that shapes its weights, and nothing else.

Takes a study, the fingerprint of its split, a seed and the device; gives a dictionary whose digest is the
run's key: values of the study, images and split, pretrained weights by content, versions of libraries, the
source files that a training imports, and a network or policy of the user's own by content. What a run tells
while it trains, what is read off it afterwards (threshold, temperature), the rooms above and a path of this
machine are no part of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfstudy.study.own_code import describe_own, read_own
from dfstudy.study.recipe import NOT_SHAPING, WEIGHT_SOURCES
from dfstudy.system.provenance import code_digest, file_digest, versions

if TYPE_CHECKING:
    from dfstudy.model.device import DeviceSetup
    from dfstudy.study.study import Study

# what trains, with all that it imports
CODE = ("dfstudy.train.loop", "dfstudy.train.selection")
# modules that it imports and that reach no weight: what it tells the person who waits
WORDS = ("dfstudy.train.log",)


def describe_run(study: Study, fingerprint: str, seed: int, place: DeviceSetup) -> dict[str, Any]:
    """Everything that shapes the weights, without a path of this machine: what the key digests."""
    model = study.model.model_dump(mode="json")
    weights = {"source": model["weights"]}
    if model["weights"] == "package":
        # Imported here: it loads torch, and a plan reads of this module what a key's code is.
        from dfstudy.model.packaged import find_packaged

        weights["sha256"] = find_packaged(study.model.backbone).sha256
    elif model["weights"] not in WEIGHT_SOURCES:
        file = Path(model["weights"])
        model["weights"] = file.name
        weights = {"source": file.name, "sha256": file_digest(file) if file.is_file() else "absent"}
    augment, own = study.augment, {}
    if study.model.tuning == "lora":
        own["tuned_by"] = versions("peft")
    if code := read_own(model["backbone"]):
        model["backbone"] = code.title
        own["own_network"] = describe_own(code, "model.backbone")
    if (declared := augment.policies.get(augment.policy)) is not None:
        from dfstudy.augment.own import describe_own_policy  # it loads albumentations

        own["own_policy"] = describe_own_policy(augment.policy, declared, study.model.size)
    return {
        **own,
        "model": model,
        "pretrained": weights,
        "protocol": study.protocol.model_dump(exclude_defaults=True),
        "policy": study.augment.policy,
        "training": study.recipe.model_dump(mode="json", exclude=set(NOT_SHAPING)),
        "seed": seed,
        "fingerprint": fingerprint,
        "versions": versions(),
        "device": place.name,
        "code": code_digest(*CODE, without=WORDS),
    }
