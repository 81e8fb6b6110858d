"""Chapter 05: what augmentation policies do to the study's network, at which budget, and how surely.

Takes a study and its split; gives paired differences between trainings that differ in their policy alone,
with intervals over groups and seeds, Holm's correction and verdicts by rule. Refused: as the arms and
`predict`. Cost: trainings first, see `arms.policies`; then a second for
60 runs on 400 pictures, 1,000 replicates.
"""

from dfstudy.evaluate.policies.compare import Compared, Course, Effect, compare_policies
from dfstudy.evaluate.policies.controls import control_numbers, run_controls
from dfstudy.evaluate.policies.numbers import policy_numbers
from dfstudy.evaluate.policies.tested import Tested, run_policies

__all__ = [
    "Compared",
    "Course",
    "Effect",
    "Tested",
    "compare_policies",
    "control_numbers",
    "policy_numbers",
    "run_controls",
    "run_policies",
]
