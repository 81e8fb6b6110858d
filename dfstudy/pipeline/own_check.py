"""Code and policies of the user's own: run only where the user named its file, and tried before any training.

Takes a study; gives nothing. Refused with `StudyError`: a Python file that the study names and the command
does not, and what `dfstudy.augment.own` and `dfstudy.model.own` refuse. Cost: nothing for a study without
any; else seconds, in which the network's library is loaded.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dfstudy.errors import StudyError
from dfstudy.study.own_code import read_own

if TYPE_CHECKING:
    from dfstudy.study.study import Study


def refuse_unnamed(study: Study, named: Iterable[str]) -> None:
    """A study file from a stranger runs no Python: each file of code is named on the command line, too.

    Args:
        named: paths, from the working folder.
    Raises:
        StudyError: the study names another file.
    """
    typed = list_files(study.overrides.values())  # `--set model.backbone=file.py:function` names it, too
    allowed = {Path(path).expanduser().resolve() for path in named} | typed
    second = study.forgeries.second
    values = [study.model.backbone, second and second.backbone, *study.augment.policies.values()]
    if unnamed := sorted(list_files(values) - allowed):
        files = os.pathsep.join(map(str, unnamed))
        raise StudyError(
            f"{study.file} runs Python, which can do whatever you can: {files}",
            f"read it, and name it where you trust it: --own-code {shlex.quote(files)} "
            f"(make: OWN_CODE={shlex.quote(files)})",
        )


def list_files(values: Iterable[object]) -> set[Path]:
    """Python files that settings name, absolute."""
    return {own.file.resolve() for own in map(read_own, values) if own}


def try_own(study: Study) -> None:
    """Build every own policy and network of a study once."""
    if study.augment.policies:
        # imported here: what augments takes seconds to load
        from dfstudy.augment.policies import build_policy

        for name in study.augment.policies:
            build_policy(name, study.model.size, own=study.augment.policies)
    asked = (study.model, study.forgeries.second, *study.tuned_models.values())
    models = [each for each in asked if each and read_own(each.backbone)]
    if models:
        import torch

        from dfstudy.model.build import build_model
        from dfstudy.model.tuning import choose_trained

        for model in models:
            with torch.random.fork_rng(devices=[]):
                choose_trained(build_model(model), model)
