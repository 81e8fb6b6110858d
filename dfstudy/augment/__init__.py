"""Policies that vary training pictures: name and key in, uint8 [size, size, 3] out."""

import os

# albumentations asks a server for updates while it is imported, unless told otherwise first
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

from dfstudy.augment.ends import Ends, show_ends
from dfstudy.augment.gallery import Row, show_policies
from dfstudy.augment.policies import Policy, Step, build_policy, list_policies
from dfstudy.augment.strength import measure_policy, time_transforms

__all__ = [
    "Ends",
    "Policy",
    "Row",
    "Step",
    "build_policy",
    "list_policies",
    "measure_policy",
    "show_ends",
    "show_policies",
    "time_transforms",
]
