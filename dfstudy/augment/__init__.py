"""Policies that vary training pictures: name and key in, uint8 [size, size, 3] out."""

from dfstudy.augment.policies import Policy, Step, build_policy, list_policies
from dfstudy.augment.strength import measure_policy, time_transforms

__all__ = ["Policy", "Step", "build_policy", "list_policies", "measure_policy", "time_transforms"]
