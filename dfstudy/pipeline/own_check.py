"""Code and policies of the user's own, tried before anything is indexed or trained.

Takes a study; gives nothing. Refused with `StudyError`: what `dfstudy.augment.own` and `dfstudy.model.own`
refuse. Cost: nothing for a study without any; else seconds, in which the network's library is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.study.own_code import read_own

if TYPE_CHECKING:
    from dfstudy.study.study import Study


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
