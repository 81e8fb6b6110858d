"""What a training is called while it runs, in its bar and its lines.

Takes a study, a seed and the variant; gives a name. Loads no network library: a report knows its trainings'
lines by these names. Cost: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfstudy.study.study import Study


def say_run(study: Study, seed: int, variant: str = "") -> str:
    """The study, the variant where it is not the study's own network, and the seed.

    >>> from dfstudy.study.study import load_study
    >>> say_run(load_study(), 0, "policy_original")
    'sample, policy_original, seed 0'
    """
    return ", ".join(part for part in (study.name, variant, f"seed {seed}") if part)
