"""What in a study's settings is a path, so that an archive names files and not places of a machine.

Takes settings as a study file has them; gives every place in them that holds a path. No file is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from dfstudy.study.own_code import read_own
from dfstudy.study.pictures import SAMPLE
from dfstudy.study.recipe import WEIGHT_SOURCES

Change = Callable[[Path], object]


def change_paths(settings: Mapping[str, Any], change: Change, root: Change) -> dict[str, Any]:
    """The settings with every path in them replaced.

    Args:
        settings: of a checked study, as `Study.model_dump` gives them.
        change: what to write for a file or folder that the study names.
        root: the same for the folder of its images, which is not asked where they are rendered.
    """
    changed = deepcopy(dict(settings))
    data = changed["data"]
    if data["root"] != SAMPLE:
        data["root"] = str(root(Path(data["root"])))
    for model in (changed["model"], changed["forgeries"]["second"]):
        if model:
            model["backbone"] = _change_code(model["backbone"], change)
            if model["weights"] not in WEIGHT_SOURCES:
                model["weights"] = str(change(Path(model["weights"])))
    policies = changed["augment"]["policies"]
    changed["augment"]["policies"] = {name: _change_code(told, change) for name, told in policies.items()}
    for other in changed["test_on"]:
        other["root"] = str(change(Path(other["root"])))
    return changed


def _change_code(told: Any, change: Change) -> Any:
    own = read_own(told)
    return told if own is None else f"{change(own.file)}:{own.function}"
