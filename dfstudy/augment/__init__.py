"""Policies that vary training pictures: name and key in, uint8 [size, size, 3] out."""

from dfstudy.augment.policies import Policy, Step, build_policy, list_policies

__all__ = ["Policy", "Step", "build_policy", "list_policies"]
