"""Names of networks that are compared: the backbone, with what differs where two share it.

Takes settings of networks; gives a name for each, no two alike. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfstudy.study.recipe import Model


TUNED = {"head": "head alone", "norm": "normalisation layers and head", "lora": "low-rank updates and head"}


def name_models(models: Sequence[Model]) -> list[str]:
    """`backbone`, or `backbone, 64 px, head alone` where another has the same backbone; in their order."""
    named: list[str] = []
    for model in models:
        alike = [each for each in models if each.backbone == model.backbone]
        apart = (tell(model) for tell in (_size, _start, _part) if len({tell(each) for each in alike}) > 1)
        name = ", ".join([model.network, *apart])
        while name in named:
            name += " again"
        named.append(name)
    return named


def _size(model: Model) -> str:
    return f"{model.size} px"


def _start(model: Model) -> str:
    return "from scratch" if model.weights == "none" else "pretrained"


def _part(model: Model) -> str:
    """Which part of it trains."""
    if model.tuning != "stages":
        return TUNED[model.tuning]
    if model.trainable_stages == "all":
        return "all stages"
    if model.trainable_stages == 0:
        return "head alone"
    return f"head and {model.trainable_stages} stage{'s' * (model.trainable_stages > 1)}"
