"""Two policies of the comparison side by side, run for run.

Takes the study and names of policies; gives what `compare_runs` needs. Refused: a policy that the chapter did
not train at the full budget. Cost: milliseconds for runs that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfstudy.errors import StudyError, near_match
from dfstudy.variants.registry import POLICIES, list_variants

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run


def policy_runs(study: Study, split: Split, policy: str) -> list[Run]:
    """The runs of one policy with all of the epochs, a seed each, in the order of the seeds.

    Args:
        split: the study's own.

    Raises:
        StudyError: the study does not compare that policy.
    """
    variants = {
        variant.study.augment.policy: variant
        for variant in list_variants(study, split, POLICIES)
        if variant.study.training.epochs == study.training.epochs
    }
    if policy not in variants:
        raise StudyError(
            f"this study has no training with the policy '{policy}'{near_match(policy, variants)}",
            f"give one of {', '.join(variants) or 'those that policies.names lists: it lists none'}",
        )
    return variants[policy].train(progress=False)
