"""The variants of chapter 09's ways of tuning: the study's network with more or less of it trained.

Takes a study and its split; gives a variant for each way of tuning and policy, `tuning_norm-original`. Split,
seeds, length and recipe are those of chapter 05's policies, so that `stages` is trained once for both; the
learning rate may be the way's own. None where `tuning.modes` is empty. Cost: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.number import name_methods
from dfstudy.variants.policies import Trained, shortened, without_unseen
from dfstudy.variants.variant import Variant, methods_of

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study


def list_tuning(study: Study, split: Split) -> list[Variant]:
    """Every way of tuning with every policy, way by way."""
    asked = study.tuning
    if not asked.modes:
        return []
    own = without_unseen(study, split)
    # as many seeds as this comparison asks for, of the same list
    policies = study.policies.model_copy(update={"seeds": asked.seeds})
    several = study.model_copy(update={"policies": policies})
    variants = []
    for mode, model in study.tuned_models.items():
        for policy, slug in name_policies(study).items():
            short = shortened(several, Trained(policy, study.training.epochs))
            rate = asked.learning_rates.get(mode, short.training.learning_rate)
            recipe = short.training.model_copy(update={"learning_rate": rate})
            tuned = short.model_copy(update={"model": model, "training": recipe})
            variants.append(Variant(f"tuning_{mode}-{slug}", methods_of(own), tuned, own))
    return variants


def name_policies(study: Study) -> dict[str, str]:
    """Part of an id for each of the two policies, in their order."""
    named = {policy: slug for slug, policy in name_methods(study.tuning.policies).items()}
    return {policy: named[policy] for policy in study.tuning.policies}
