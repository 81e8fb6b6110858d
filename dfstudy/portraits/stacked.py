"""Stacked manipulation: a swapped face, edited afterwards.

Takes what every method takes (see `forgery`); gives a `Forgery` whose mask is the union of both regions: the
share of each pixel that at least one of them replaced. Cost: a swap and an edit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.portraits.blending import Forgery
from dfstudy.portraits.editing import face_editing
from dfstudy.portraits.swap import face_swap

if TYPE_CHECKING:
    from dfstudy.portraits.photograph import Likeness, Photograph


def stacked(likeness: Likeness, target: Photograph, rng: np.random.Generator, difficulty: float) -> Forgery:
    """Swap, then edit; the variant names both, such as `alpha+hair`."""
    first = face_swap(likeness, target, rng, difficulty)
    second = face_editing(likeness, replace(target, image=first.image), rng, difficulty)
    union = 1 - (1 - first.mask) * (1 - second.mask)
    return Forgery(second.image, union, f"{first.variant}+{second.variant}")
